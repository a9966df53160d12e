"""The text of an open document: bytes for us, lines and columns for its editor."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

from firstlight.finding import Edit, Span

__all__ = ["ENCODINGS", "Position", "Text"]

ENCODINGS = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
"""What an editor may count columns in -> the codec that has such units."""
_UNIT = {"utf-8": 1, "utf-16": 2, "utf-32": 4}
_LINE_END = re.compile(rb"\r\n|\r|\n")


class Position(NamedTuple):
    """A line and a column, both from 0, in the units that an editor counts in."""

    line: int
    character: int


class Text:
    """One text; it never changes.

    Lines end where the protocol says so (LF, CR LF, CR), which is neither what Python
    nor what our own pages call lines; a byte order mark is a character like others.
    """

    def __init__(self, data: bytes, encoding: str = "utf-16") -> None:
        self.data = data
        self.encoding = encoding
        self._unit = _UNIT[encoding]
        ends = [found.span() for found in _LINE_END.finditer(data)]
        self._starts = [0, *(end for _, end in ends)]
        self._ends = [*(start for start, _ in ends), len(data)]

    @classmethod
    def of(cls, text: str, encoding: str) -> Text:
        """Return what an editor sent; halves of characters become question marks."""
        return cls(text.encode("utf-8", "replace"), encoding)

    def position(self, offset: int) -> Position:
        """Return where a byte is; one inside a line end is at the end of its line."""
        line = bisect_right(self._starts, offset) - 1
        start = self._starts[line]
        before = self.data[start : min(offset, self._ends[line])]
        if self._unit == 1:
            return Position(line, len(before))
        units = before.decode("utf-8", "ignore").encode(ENCODINGS[self.encoding])
        return Position(line, len(units) // self._unit)

    def offset(self, line: int, character: int) -> int:
        """Return the byte at a position; what lies outside moves to the nearest end.

        Between the halves of a character is before it.
        """
        if line >= len(self._starts):
            return len(self.data)
        start, end = self._starts[line], self._ends[line]
        whole = self.data[start:end].decode("utf-8", "replace")
        units = whole.encode(ENCODINGS[self.encoding])[: character * self._unit]
        return start + len(units.decode(ENCODINGS[self.encoding], "ignore").encode())

    def line_before(self, offset: int) -> str:
        """Return the text from the start of a line up to a byte of it."""
        start = self._starts[bisect_right(self._starts, offset) - 1]
        return self.data[start:offset].decode("utf-8", "replace")

    def replaced(self, span: Span, text: str) -> tuple[Text, Edit]:
        """Return the text with a span of it replaced, and the edit that did it."""
        new = text.encode("utf-8", "replace")
        data = self.data[: span.start] + new + self.data[span.end :]
        return Text(data, self.encoding), Edit(span, new)
