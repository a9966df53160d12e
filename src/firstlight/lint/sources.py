"""What is checked and mended: a Markdown file, or the Markdown cells of a notebook.

A notebook is one page for its reader, so it is one page here: its cells one after the
other, with a fence where code cells stand. What is found there is told by cell.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from firstlight.finding import Edit, Finding, Span
from firstlight.lint.result import Found, found
from firstlight.markdown.lines import Lines
from firstlight.markdown.notebook import Cell, Notebook
from firstlight.markdown.parse import parse
from firstlight.markdown.source import edited

if TYPE_CHECKING:
    from firstlight.markdown.page import Page

__all__ = ["Source", "open_source"]


class Source(Protocol):
    """A file that holds a page; a value, which edits turn into another."""

    @property
    def path(self) -> str:
        """Where it is in the project, with ``/``."""

    @property
    def text(self) -> bytes:
        """The page: what rules see, and what their spans and edits are about."""

    @property
    def data(self) -> bytes:
        """The file."""

    def found(self, finding: Finding, page: Page | None = None) -> Found:
        """Return a finding with its place; the parsed page saves indexing it again."""

    def edited(self, edits: Sequence[Edit]) -> Source | None:
        """Return it with edits made, or None where they touch what is not its text.

        The edits are sorted and do not overlap.
        """


def open_source(path: str, data: bytes) -> Source:
    """Return what a file holds.

    Raises:
        UsageError: when it is a notebook that cannot be read.
    """
    if path.endswith(".ipynb"):
        return _NotebookFile(path, Notebook.read(data, path))
    return _MarkdownFile(path, data)


@dataclass(frozen=True)
class _MarkdownFile:
    path: str
    text: bytes

    @property
    def data(self) -> bytes:
        return self.text

    def found(self, finding: Finding, page: Page | None = None) -> Found:
        return found(finding, self.path, page.lines if page else self._lines)

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self.text)

    def edited(self, edits: Sequence[Edit]) -> Source | None:
        return _MarkdownFile(self.path, edited(self.text, edits))


@dataclass(frozen=True)
class _NotebookFile:
    path: str
    notebook: Notebook

    @cached_property
    def _joined(self) -> tuple[bytes, list[int]]:
        """The page, and where in it each Markdown cell begins."""
        text, starts = _join(self.notebook, {})
        page = parse(text)
        ends = [s + len(c.source) for s, c in zip(starts, self._cells, strict=True)]
        if any(_is_open(page, end) for end in ends):
            text, starts = _join(self.notebook, _closers(self.notebook))
        return text, starts

    @property
    def _cells(self) -> Sequence[Cell]:
        return self.notebook.cells

    @property
    def text(self) -> bytes:
        return self._joined[0]

    @cached_property
    def data(self) -> bytes:
        return self.notebook.with_sources({})

    def found(self, finding: Finding, page: Page | None = None) -> Found:
        if self.notebook.finding is not None:  # It can only be read.
            finding = replace(finding, fix=None)
        at = self._cell(finding.span.start if finding.span else 0)
        if at < 0:
            return found(finding, self.path, Lines(self.text))
        cell, start = self._cells[at], self._joined[1][at]
        lines = self._lines[at]
        return found(finding, self.path, lines, start=start, cell=cell.number + 1)

    @cached_property
    def _lines(self) -> list[Lines]:
        return [Lines(cell.source) for cell in self._cells]

    def edited(self, edits: Sequence[Edit]) -> Source | None:
        sources: dict[int, list[Edit]] = {}
        for span, text in edits:
            at = self._cell(span.start)
            if at < 0 or span.end > self._joined[1][at] + len(self._cells[at].source):
                return None
            start = self._joined[1][at]
            moved = Span(span.start - start, span.end - start)
            sources.setdefault(at, []).append(Edit(moved, text))
        changed = {
            self._cells[at].number: edited(self._cells[at].source, moved)
            for at, moved in sources.items()
        }
        data = self.notebook.with_sources(changed)
        return _NotebookFile(self.path, Notebook.read(data, self.path))

    def _cell(self, offset: int) -> int:
        return bisect_right(self._joined[1], offset) - 1


# Joining cells

_CODE = b"```python\n...\n```"
_SEPARATOR = b"<!-- -->"
_CONTINUES = re.compile(rb"[ \t]|[-+*>|:]|\d")
"""What, at the start of a cell, the end of the cell before could take for its own."""
_FENCE = re.compile(rb"`{3,}|~{3,}")


def _join(notebook: Notebook, closers: Mapping[int, bytes]) -> tuple[bytes, list[int]]:
    pieces: list[bytes] = []
    starts: list[int] = []
    length = 0
    before = -1
    for number, source, _ in notebook.cells:
        between = [b"\n", closers.get(before, b""), b"\n\n"] if starts else []
        if number > before + 1:
            between += [_CODE, b"\n\n"]
        elif starts and _CONTINUES.match(source):
            between += [_SEPARATOR, b"\n\n"]
        length += sum(map(len, between))
        starts.append(length)
        pieces += [*between, source]
        length += len(source)
        before = number
    return b"".join(pieces), starts


def _is_open(page: Page, end: int) -> bool:
    """Whether a fence or HTML goes on over the end of a cell."""
    at = page.at(end)
    return at >= 0 and page.blocks[at].kind in ("fence", "html")


def _closers(notebook: Notebook) -> dict[int, bytes]:
    """What ends the fences and comments that cells leave open."""
    found: dict[int, bytes] = {}
    for number, source, _ in notebook.cells:
        page = parse(source + b"\n\nend\n")
        at = page.at(len(source) + 2)
        if at < 0 or page.blocks[at].kind == "paragraph":
            continue
        block = page.blocks[at]
        fence = _FENCE.search(page.data, block.start, block.end)
        found[number] = fence[0] if fence and block.kind == "fence" else b"-->"
    return found
