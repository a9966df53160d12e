"""The visual grammar as data: functions, symbols, words, names of emoji, cues."""
