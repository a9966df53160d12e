"""How wide text is in a terminal, and how to show foreign text there without harm."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

__all__ = ["Style", "cells", "visible", "widths", "window"]

_ZWJ, _VS16 = "\u200d", "\ufe0f"
_COLOURS = {
    "bold": "1",
    "dim": "2",
    "failure": "1;31",
    "warning": "1;33",
    "note": "1;34",
    "success": "1;32",
}
_UNSEEN = ("Cc", "Cf", "Zl", "Zp", "Cs", "Co")
_JOINERS = frozenset((_ZWJ, "\u200c"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What the place that text goes to can show, and how many columns it has."""

    symbols: bool = True
    colour: bool = False
    width: int = 100

    def paint(self, name: str, text: str) -> str:
        """Return text in the colour of a role, ``bold`` or ``dim``."""
        return f"\x1b[{_COLOURS[name]}m{text}\x1b[0m" if self.colour else text

    @property
    def bar(self) -> str:
        """What stands between a line's number and its text."""
        return "│" if self.symbols else "|"


def visible(text: str) -> str:
    """Return text of unknown origin so that it cannot steer the terminal.

    Control characters, and those that turn the direction of writing, become U+FFFD; the
    number of characters stays.
    """
    if text.isprintable():
        return text
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character in _JOINERS or character == _VS16:
        return character
    if character == "\t" or unicodedata.category(character) == "Zs":
        return " "
    return "\ufffd" if unicodedata.category(character) in _UNSEEN else character


def cells(text: str) -> int:
    """Return how many columns text takes in a terminal."""
    return len(text) if text.isascii() else sum(widths(text))


def widths(text: str) -> list[int]:
    """Return how many columns each character takes: 2 for most Chinese and emoji.

    An emoji of several characters counts with its first, as terminals that know them
    show it.
    """
    if text.isascii():
        return [1] * len(text)
    found: list[int] = []
    before = ""
    for character in text:
        found.append(_width(before, character))
        if character == _VS16 and len(found) > 1 and found[-2] == 1:
            found[-2] = 2
        before = character
    return found


def _width(before: str, character: str) -> int:
    if character < "\u0300":
        return 1
    if before == _ZWJ or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    if "\U0001f3fb" <= character <= "\U0001f3ff" and before > "\u2600":
        return 0  # A skin tone belongs to the emoji before it.
    is_wide = unicodedata.east_asian_width(character) in "WF"
    # Emoji that are newer than the tables of this Python.
    return 2 if is_wide or "\U0001f900" <= character <= "\U0001faff" else 1


def window(text: str, start: int, end: int, room: int) -> tuple[str, int, int]:
    """Cut a long line around a part of it so that it fits; ``…`` where it was cut.

    Returns:
        The piece, and where the part begins and ends in it.
    """
    taken = widths(text)
    if sum(taken) <= room:
        return text, start, end
    first = _first(taken, start, room // 3)
    last, left = first, room - 2
    while last < len(text) and taken[last] <= left:
        left -= taken[last]
        last += 1
    before, after = "…" * (first > 0), "…" * (last < len(text))
    moved = len(before) - first
    piece = before + text[first:last] + after
    return piece, start + moved, max(start, min(end, last)) + moved


def _first(taken: list[int], start: int, room: int) -> int:
    """Where to begin so that `room` columns are left before a character."""
    first = start
    while first > 0 and taken[first - 1] <= room:
        first -= 1
        room -= taken[first]
    while first < start and taken[first] == 0:
        first += 1
    return first
