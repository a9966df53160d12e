"""Finds the symbols in a text: whole emoji, as a reader sees them.

A symbol is one grapheme: a character with what changes it (U+FE0F, skin tone), a
keycap, a flag, or several characters joined by U+200D. Which characters count is in the
tables below, so that pages with known symbols need no list of all emoji.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import NamedTuple

__all__ = [
    "CHECK_MARKS",
    "SYMBOL",
    "TEXT_DEFAULT",
    "TYPOGRAPHY",
    "Symbol",
    "bare",
    "symbols",
]

_EMOJI_DEFAULT = (
    "⌚⌛⏩⏪⏫⏬⏰⏳◽◾☔☕♈♉♊♋♌♍♎♏♐♑♒♓♿⚓⚡⚪⚫⚽⚾⛄⛅⛎⛔⛪⛲⛳⛵⛺⛽"
    "✅✊✋✨❌❎❓❔❕❗➕➖➗➰➿⬛⬜⭐⭕"
)
"""Below U+10000, what Unicode shows in colour unless told otherwise."""

_PICTURES = "ℹ⌨⏱⏲☀☁☂☃☄☎☑☘☝☠☢☣☦☪☮☯☸☹☺♟♨♻♾⚒⚔⚕⚖⚗⚙⚛⚜⚠⚰⚱⛈⛏⛑⛓⛩⛰⛱⛴⛷⛸⛹✂✈✉✌✍✏✒✔✖✝✡❄❣❤"
"""Below U+10000, what needs U+FE0F to be in colour, and is a picture without it too."""

TYPOGRAPHY = frozenset(
    "©®™Ⓜ"  # Marks of lawyers; a letter in a circle.
    "‼⁉〰〽"  # Punctuation.
    "↔↕↖↗↘↙↩↪➡⬅⬆⬇⤴⤵"  # Arrows: "A ↔ B" is text.
    "▶◀⏏⏭⏮⏯⏸⏹⏺"  # Labels of keys and buttons.
    "▪▫◻◼"  # Bullets.
    "♀♂⚧"  # Signs of biology.
    "♠♣♥♦"  # Suits of cards.
    "✳✴❇"  # Asterisks.
    "㊗㊙"  # Words of Japanese.
)
"""Characters that are text in technical pages, and symbols only with U+FE0F.

Digits, ``#`` and ``*`` are so too, and need U+20E3 besides.
"""

CHECK_MARKS = {"✓": "success", "✗": "failure", "✘": "failure"}
"""Characters that are no emoji and act as one in tables: mark -> function.

They are no symbols here: every font has them, in the colour of the text.
"""

_PICTURES_ABOVE = (
    "🅰🅱🅾🅿🈂🈷🌡🌤🌥🌦🌧🌨🌩🌪🌫🌬🌶🍽🎖🎗🎙🎚🎛🎞🎟🏋🏌🏍🏎🏔🏕🏖🏗🏘🏙🏚🏛🏜🏝🏞🏟🏳🏵🏷🐿👁📽"
    "🕉🕊🕯🕰🕳🕴🕵🕶🕷🕸🕹🖇🖊🖋🖌🖍🖐🖥🖨🖱🖲🖼🗂🗃🗄🗑🗒🗓🗜🗝🗞🗡🗣🗨🗯🗳🗺"
    "🛋🛍🛎🛏🛠🛡🛢🛣🛤🛥🛩🛰🛳"
)
TEXT_DEFAULT = frozenset((*TYPOGRAPHY, *_PICTURES, *_PICTURES_ABOVE))
"""Every character that Unicode shows as text unless U+FE0F follows."""

_ABOVE = rb"\xf0\x9f(?:%s)" % b"|".join(
    (
        rb"\x87[\xa6-\xbf](?:\xf0\x9f\x87[\xa6-\xbf])?",  # Flags: two letters.
        rb"\x80\x84|\x83\x8f",  # A tile of mahjong, a joker.
        rb"\x85[\xb0\xb1\xbe\xbf]|\x86[\x8e\x91-\x9a]",  # Letters in squares.
        rb"\x88[\x81\x82\x9a\xaf\xb2-\xba]|\x89[\x90\x91]",  # Signs of Japanese.
        rb"[\x8c-\x98][\x80-\xbf]|\x99[\x80-\x8f]",  # U+1F300 to U+1F64F: all pictures.
        rb"[\x9a\x9b][\x80-\xbf]",  # U+1F680 to U+1F6FF: transport and maps.
        rb"\x9f[\xa0-\xab\xb0]",  # Coloured circles and squares; an equals sign.
        rb"\xa4[\x8c-\xbf]|[\xa5-\xa7][\x80-\xbf]",  # U+1F90C to U+1F9FF.
        rb"\xa9[\xb0-\xbf]|[\xaa\xab][\x80-\xbf]",  # U+1FA70 to U+1FAFF.
    )
)
"""Above U+FFFF whole ranges count, so that emoji of the years to come are found."""


def _any(characters: str) -> bytes:
    """A pattern for one of these characters, nested by their first bytes."""
    ends: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for each in characters:
        data = each.encode()
        ends[data[:-1]].append(data[-1:])
    each_start = (
        re.escape(start) + b"[" + re.escape(b"".join(last)) + b"]"
        for start, last in sorted(ends.items())
    )
    return b"(?:" + b"|".join(each_start) + b")"


_VARIANT = rb"\xef\xb8\x8f"
_BASE = rb"(?:%s|%s)" % (_ABOVE, _any(_EMOJI_DEFAULT + _PICTURES))
_TEXT = _any("".join(sorted(TYPOGRAPHY)))
_CHANGED = rb"(?:\xef\xb8[\x8e\x8f])*(?:\xf0\x9f\x8f[\xbb-\xbf])?"
_TAGS = rb"(?:\xf3\xa0[\x80\x81][\x80-\xbf])*"
_JOINED = rb"(?:\xe2\x80\x8d(?:%s|%s)%s)*" % (_BASE, _TEXT, _CHANGED)
_PICTURE = _BASE + _CHANGED + _TAGS + _JOINED
_RARE = b"|".join(
    (
        _TEXT + _VARIANT + _CHANGED + _JOINED,
        rb"[0-9#*](?:%s)?\xe2\x83\xa3" % _VARIANT,
    )
)
SYMBOL = re.compile(
    # The one test that the search makes at most bytes of a text.
    rb"(?=[\xf0\xe2\xc2\xe3#*0-9])(?:%s|%s)" % (_PICTURE, _RARE)
)
"""Matches one whole symbol in UTF-8."""

_MAYBE_RARE = re.compile(rb"%s|\xe2\x83\xa3" % _VARIANT)
_PICTURES_ONLY = re.compile(_PICTURE)  # Five times as fast.


def bare(symbol: str) -> str:
    """Return a symbol without its variation selectors, so that spellings compare."""
    return symbol.replace("\ufe0f", "").replace("\ufe0e", "")


class Symbol(NamedTuple):
    """A symbol in a source: its bytes, and itself."""

    start: int
    end: int
    text: str


def symbols(data: bytes) -> list[Symbol]:
    """Return every symbol of a text in UTF-8, in order."""
    if data.isascii():
        return []
    pattern = SYMBOL if _MAYBE_RARE.search(data) else _PICTURES_ONLY
    return [
        Symbol(found.start(), found.end(), found.group().decode())
        for found in pattern.finditer(data)
    ]
