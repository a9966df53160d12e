"""Notebooks: their Markdown cells as sources, and edited cells put back in place.

A notebook is a file that other programs write and people compare line by line, so
nothing but the strings of edited lines may change: not the order of keys, not the
indentation, not how ``中`` is spelled (``\\u4e2d`` or itself). So the places of all
sources are found in the text of the file, and only edited lines are written anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any, NamedTuple

from firstlight.errors import UsageError
from firstlight.finding import Finding, Role

__all__ = ["Cell", "Notebook"]

_WRITABLE = 4
"""The first version of the format whose cells are where they are today."""


class Cell(NamedTuple):
    """A Markdown cell: its place among all cells, from 0, its source and its id."""

    number: int
    source: bytes
    id: str = ""


class _Piece(NamedTuple):
    """A part of a source: what it says, and how JSON spells that between quotes."""

    says: str
    spelled: str


class _Literal(NamedTuple):
    """A string of JSON: where it is in the text, quotes included, and what it says."""

    start: int
    end: int
    says: str


class _Place(NamedTuple):
    """Where the source of a cell is: the whole value, and the strings in it."""

    start: int
    end: int
    literals: tuple[_Literal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notebook:
    """A notebook that was read; `with_sources` makes the bytes of an edited one.

    `cells` are the Markdown cells. `finding` says why a notebook can only be read,
    and is None where it can be written.
    """

    cells: tuple[Cell, ...]
    finding: Finding | None = None
    _text: str = field(repr=False)
    _places: Mapping[int, _Place] = field(repr=False)

    @classmethod
    def read(cls, data: bytes, path: str = "") -> Notebook:
        """Read a notebook; cells whose source is no text are left out.

        Raises:
            UsageError: It is not JSON in UTF-8, or no notebook.
        """
        try:
            text = data.decode("utf-8")
            scan = _Scan(text)
        except UnicodeDecodeError as error:
            raise _unreadable(path, f"byte {error.start} is not UTF-8") from error
        except (ValueError, RecursionError) as error:
            raise _unreadable(
                path, f"it is not the JSON of a notebook ({error})"
            ) from error
        if not isinstance(scan.version, int) or not scan.has_cells:
            raise _unreadable(path, "it has no cells or no version of the format")
        return cls(
            cells=tuple(scan.cells),
            finding=None if scan.version >= _WRITABLE else _old(path, scan.version),
            _text=text,
            _places=scan.places,
        )

    def with_sources(self, sources: Mapping[int, bytes]) -> bytes:
        """Return the file with other sources in some cells, and all else as it is.

        Args:
            sources: The number of a cell -> its source, edited or not.

        Raises:
            UsageError: The notebook can only be read.
        """
        known = {cell.number: cell.source for cell in self.cells}
        edited = {n: source for n, source in sources.items() if known[n] != source}
        if edited and self.finding is not None:
            raise UsageError(self.finding.message, hint=self.finding.hint)
        pieces, at = [], 0
        for number in sorted(edited):
            place = self._places[number]
            value = _value(self._text, place, edited[number].decode("utf-8"))
            pieces += [self._text[at : place.start], value]
            at = place.end
        return "".join((*pieces, self._text[at:])).encode()


def _unreadable(path: str, why: str) -> UsageError:
    return UsageError(
        f"{path or 'the notebook'} cannot be read: {why}",
        hint="open it in JupyterLab and save it again, or leave it out",
    )


def _old(path: str, version: int) -> Finding:
    return Finding(
        code="notebook.old-format",
        role=Role.NOTE,
        message=f"the notebook has format {version}; it can be read, not fixed",
        where=path,
        hint="bring it to format 4: jupyter nbconvert --to notebook --inplace FILE",
    )


# Reading

_WHITE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder(strict=False)


class _Scan:
    """Reads a notebook and notes where its sources are; the rest is only passed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.version: Any = None
        self.has_cells = False
        self.cells: list[Cell] = []
        self.places: dict[int, _Place] = {}
        self._count = 0
        self._cell: dict[str, Any] = {}
        end = self._members(self._skip(text.startswith("\ufeff")), self._top)
        if self._skip(end) != len(text):
            raise json.JSONDecodeError("text after the end", text, end)

    def _skip(self, at: int) -> int:
        found = _WHITE.match(self.text, at)
        return found.end() if found else at

    def _expect(self, character: str, at: int) -> int:
        if not self.text.startswith(character, at):
            raise json.JSONDecodeError(f"expected {character}", self.text, at)
        return self._skip(at + 1)

    def _members(self, at: int, take: Callable[[str, int], int]) -> int:
        """Pass an object; `take` gets each key with the place of its value."""
        at = self._expect("{", at)
        while not self.text.startswith("}", at):
            self._expect('"', at)  # What else can stand here is no key.
            key, at = self._decode(at)
            at = self._next(take(key, self._expect(":", self._skip(at))), "}")
        return at + 1

    def _elements(self, at: int, take: Callable[[int], int]) -> int:
        """Pass an array; `take` gets the place of each element."""
        at = self._expect("[", at)
        while not self.text.startswith("]", at):
            at = self._next(take(at), "]")
        return at + 1

    def _next(self, at: int, last: str) -> int:
        """After a value: at what follows its comma, or at the end."""
        at = self._skip(at)
        return at if self.text.startswith(last, at) else self._expect(",", at)

    def _decode(self, at: int) -> tuple[Any, int]:
        return _DECODER.raw_decode(self.text, at)

    def _top(self, key: str, at: int) -> int:
        if key == "worksheets":  # Of format 3, which has cells in sheets.
            return self._elements(at, lambda at: self._members(at, self._top))
        if key == "cells":
            self.has_cells = True
            return self._elements(at, self._take_cell)
        value, end = self._decode(at)
        if key == "nbformat":
            self.version = value
        return end

    def _take_cell(self, at: int) -> int:
        self._cell = {}
        end = self._members(at, self._take_field)
        place = self._cell.get("source")
        if place is not None and self._cell.get("cell_type") == "markdown":
            self._add(place, self._cell.get("id", ""))
        self._count += 1
        return end

    def _add(self, place: _Place, name: Any) -> None:
        says = "".join(literal.says for literal in place.literals)
        if not _HALVES.search(says):
            self.cells.append(Cell(self._count, says.encode(), str(name)))
            self.places[self._count] = place

    def _take_field(self, key: str, at: int) -> int:
        value, end = self._decode(at)
        if key == "source":
            value = self._place(value, at, end)
        self._cell[key] = value
        return end

    def _place(self, value: Any, start: int, end: int) -> _Place | None:
        """Where a source is; None when it is neither text nor a list of texts."""
        literals: list[_Literal] = []

        def take(at: int) -> int:
            says, after = self._decode(at)
            literals.append(_Literal(at, after, says))
            return after

        if isinstance(value, str):
            take(start)
        elif isinstance(value, list) and all(isinstance(each, str) for each in value):
            self._elements(start, take)
        else:
            return None
        return _Place(start, end, tuple(literals))


_HALVES = re.compile("[\ud800-\udfff]")
"""Halves of characters, which JSON can spell and UTF-8 cannot."""


# Writing

_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_HALF = r"[0-9a-fA-F]{2}"
_SPELLED = re.compile(
    rf"\\u[dD][89abAB]{_HALF}\\u[dD][c-fC-F]{_HALF}|\\u{_HALF}{_HALF}|\\.|[^\\]",
    re.DOTALL,
)
"""How JSON spells one character."""
_ESCAPED = re.compile(r"(?<!\\)(?:\\\\)*\\u(?!00[0-7])")


def _value(text: str, place: _Place, source: str) -> str:
    """The JSON of a source, spelled as it was wherever it did not change."""
    if text[place.start] == '"':
        old = _lines(text, place.literals[0])
        return '"' + "".join(_spelled(old, source, text)) + '"'
    old = [_Piece(each.says, _inside(text, each)) for each in place.literals]
    return _list(text, place, [f'"{each}"' for each in _spelled(old, source, text)])


def _inside(text: str, literal: _Literal) -> str:
    return text[literal.start + 1 : literal.end - 1]


def _lines(text: str, literal: _Literal) -> list[_Piece]:
    """The lines of one string, each with its spelling."""
    spelled = _SPELLED.findall(_inside(text, literal))
    pieces, at = [], 0
    for line in _LINES.findall(literal.says):
        pieces.append(_Piece(line, "".join(spelled[at : at + len(line)])))
        at += len(line)
    return pieces


def _spelled(old: Sequence[_Piece], source: str, text: str) -> list[str]:
    """How to spell each line of a source: as before where it was there before."""
    head = _kept(old, source)
    lines = _LINES.findall(source[sum(len(each.says) for each in old[:head]) :])
    rest = old[head:]
    spelled = [each.spelled for each in old[:head]]
    matcher = SequenceMatcher(None, [each.says for each in rest], lines, autojunk=False)
    for tag, start, end, first, last in matcher.get_opcodes():
        if tag == "equal":
            spelled += (each.spelled for each in rest[start:end])
            continue
        for number, line in enumerate(lines[first:last], start):
            before = rest[number] if number < end else _Piece("", "")
            spelled.append(_respelled(before, line, text))
    return spelled


def _kept(old: Sequence[_Piece], source: str) -> int:
    """How many pieces a source begins with; a piece may be several lines."""
    at = 0
    for number, piece in enumerate(old):
        if not (piece.says.endswith("\n") and source.startswith(piece.says, at)):
            return number
        at += len(piece.says)
    return len(old)


def _respelled(before: _Piece, line: str, text: str) -> str:
    """Spell a line as the one before it, except for what is between them new."""
    spelled = _SPELLED.findall(before.spelled)
    head = _alike(before.says, line)
    tail = _alike(before.says[head:][::-1], line[head:][::-1])
    new = json.dumps(line[head : len(line) - tail], ensure_ascii=_is_escaped(text))
    kept = len(spelled) - tail
    return "".join((*spelled[:head], new[1:-1], *spelled[kept:]))


def _alike(one: str, two: str) -> int:
    """How many characters two texts have in common at their start."""
    pairs = enumerate(zip(one, two, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(two)))


def _is_escaped(text: str) -> bool:
    """Whether a file spells what is not ASCII with escapes, as some writers do."""
    return text.isascii() and _ESCAPED.search(text) is not None


def _list(text: str, place: _Place, items: Sequence[str]) -> str:
    """A list of strings, laid out as the one in its place."""
    literals = place.literals
    if not literals or not items:
        return "[" + ", ".join(items) + "]"
    head = text[place.start : literals[0].start]
    tail = text[literals[-1].end : place.end]
    between = [text[one.end : two.start] for one, two in pairwise(literals)]
    usual = between[0] if between else "," + head[1:]
    between += [usual] * (len(items) - len(literals))
    joined = (gap + item for gap, item in zip(["", *between], items, strict=False))
    return head + "".join(joined) + tail
