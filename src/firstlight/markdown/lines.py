"""From bytes of a source to lines and columns, for people and for editors."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple

__all__ = ["Lines", "Place"]


class Place(NamedTuple):
    """A line and a column, both from 1; the column counts code points."""

    line: int
    column: int


class Lines:
    """The index of one source; a question costs the logarithm of its size.

    A line ends with LF; a CR before it belongs to the line's end, not to its text.
    """

    _STEP = 2048
    """Bytes between two counted places in a long line, so that no question is slow."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        # The lengths of all lines before one, and a line feed for each of these.
        lengths = map(len, data.split(b"\n")[:-1])
        before = accumulate(lengths, initial=0)
        self._starts = [length + feeds for feeds, length in enumerate(before)]
        # A byte order mark belongs to no column.
        self._bom = 3 if data.startswith(b"\xef\xbb\xbf") else 0
        self._counts: dict[int, list[tuple[int, int]]] = {}

    def __len__(self) -> int:
        return len(self._starts)

    def number(self, offset: int) -> int:
        """Return the line of an offset, from 1."""
        return bisect_right(self._starts, offset)

    def start(self, line: int) -> int:
        """Return the offset at which a line begins, after a byte order mark."""
        return self._bom if line == 1 else self._starts[line - 1]

    def end(self, line: int) -> int:
        """Return the offset at which the text of a line ends, before its line end."""
        if line >= len(self._starts):
            return len(self._data)
        end = self._starts[line] - 1
        return end - 1 if self._data[end - 1 : end] == b"\r" else end

    def text(self, line: int) -> str:
        """Return the text of a line, without its end."""
        return self.cut(self.start(line), self.end(line))

    def cut(self, start: int, end: int) -> str:
        """Return the text between two offsets."""
        return self._data[start:end].decode("utf-8", "replace")

    def place(self, offset: int) -> Place:
        """Return the line and the code point column of an offset, both from 1."""
        line = self.number(offset)
        return Place(line, self._units(line, offset)[0] + 1)

    def editor(self, offset: int) -> tuple[int, int]:
        """Return the line and the UTF-16 column of an offset, both from 0."""
        line = self.number(offset)
        return line - 1, self._units(line, offset)[1]

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a line and a UTF-16 column, both from 0, as editors ask.

        What lies outside the text is moved to its nearest end.
        """
        if line >= len(self._starts):
            return len(self._data)
        start, end = self.start(line + 1), self.end(line + 1)
        units = 0
        for position, character in enumerate(text := self.text(line + 1)):
            if units >= column:
                return start + len(text[:position].encode())
            units += 1 + (character > "\uffff")
        return end

    def _units(self, line: int, offset: int) -> tuple[int, int]:
        """Code points and UTF-16 units between the start of a line and an offset."""
        start = self.start(line)
        offset = max(offset, start)
        at, points, units = start, 0, 0
        if offset - start > self._STEP:
            steps = self._steps(line)
            number = (offset - start) // self._STEP
            at = start + number * self._STEP
            points, units = steps[number]
        piece = self._data[at:offset]
        return points + _points(piece), units + _units(piece)

    def _steps(self, line: int) -> list[tuple[int, int]]:
        if line not in self._counts:
            points = units = 0
            table = [(0, 0)]
            for at in range(self.start(line), self.end(line), self._STEP):
                piece = self._data[at : at + self._STEP]
                points += _points(piece)
                units += _units(piece)
                table.append((points, units))
            self._counts[line] = table
        return self._counts[line]


_FOLLOWS = bytes(range(0x80, 0xC0))
_ASTRAL = bytes(range(0xF0, 0xF8))


def _points(piece: bytes) -> int:
    """Count the characters that begin in a piece of UTF-8."""
    return len(piece.translate(None, _FOLLOWS))


def _units(piece: bytes) -> int:
    """Count their UTF-16 units: two for those that UTF-8 writes with four bytes."""
    return _points(piece) + len(piece) - len(piece.translate(None, _ASTRAL))
