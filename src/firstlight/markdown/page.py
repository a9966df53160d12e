"""A page, parsed once: what stands where, in bytes of its source."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from firstlight.finding import Span
from firstlight.lexicon.table import Lexicon
from firstlight.markdown.lines import Lines

__all__ = ["Block", "Inline", "Notice", "Page", "language_of"]

_T = TypeVar("_T")


class Notice(NamedTuple):
    """A notice (admonition, alert, callout), whatever its syntax.

    `form` is one of ``alert`` (``> [!WARNING]``), ``mkdocs`` (``!!!``), ``details``
    (``???``, ``???+``), ``blocks`` (``///``), ``colon`` (``:::warning``),
    ``myst`` (three backticks or colons and ``{warning}``); and those that are only
    spoken, see `firstlight.markdown.notices`.
    `type` is the word of the source in lower case (``caution``, ``注意``), `function`
    that of the grammar, empty when the type is none of its words; `title` the text of
    an own title; `head` the bytes of the marker with its title, `body` those of the
    content; `indent` the columns by which the body is indented more than the head (4
    for ``!!!``, else 0).
    """

    form: str
    type: str
    function: str
    title: str
    head: Span
    body: Span
    indent: int = 0


class Block(NamedTuple):
    """A block of the page.

    `kind` and what `value` then is:

    - ``heading`` (level), ``paragraph`` (None), ``item`` (None, or whether a task is
      checked), ``list`` (number of the first item, None for bullets),
      ``fence`` (the info string), ``indented`` code (None), ``quote`` (None),
      ``notice`` (a `Notice`), ``table`` (alignments), ``row`` (whether it is the
      head), ``cell`` (column), ``html`` (None), ``rule`` (None), ``front`` matter
      (None), ``footnote`` (label).

    `parent` is the number of the block around it, -1 at the top; `start` to `end` are
    the bytes of the whole block, markers included, without the final line end. `text`
    are the bytes of its content: of a leaf its inline text, of a fence its code.
    Text in a tight list item is a paragraph of its own, as in a loose one.
    """

    kind: str
    start: int
    end: int
    parent: int
    value: Any
    text: Span

    @property
    def span(self) -> Span:
        """The bytes of the whole block."""
        return Span(self.start, self.end)


class Inline(NamedTuple):
    """A run inside a block.

    `kind` and what `value` then is: ``code`` (its text), ``strong``, ``emphasis``,
    ``strike`` (None), ``link``, ``image`` (the destination), ``math`` (its text),
    ``html`` (None), ``footnote`` (label). `block` is the number of the block it is in;
    `text` the bytes inside the markers.
    """

    kind: str
    start: int
    end: int
    block: int
    value: Any
    text: Span

    @property
    def span(self) -> Span:
        """The bytes of the run, markers included."""
        return Span(self.start, self.end)


class Page:
    """A parsed page; made by `firstlight.markdown.parse.parse` and never changed.

    `data` is the source as it is; `prose` has its length, and only what a person reads
    as text in its places: markup, URLs, HTML, code blocks and alternative texts are
    spaces there, code spans and math are ``_``, line feeds stay. So a pattern over
    `prose` gives offsets of the source. `shown` is the same with code spans as they
    are, and NUL for all that is not shown. `blocks` are in the order of the source, a
    parent before its children. `path` is relative to the project, with ``/``.
    """

    def __init__(
        self,
        path: str,
        data: bytes,
        shown: bytes,
        prose: bytes,
        blocks: list[Block],
        inlines: dict[str, list[Inline]],
        lexicon: Lexicon,
    ) -> None:
        self.path = path
        self.data = data
        self.shown = shown
        self.prose = prose
        self.blocks = blocks
        self.lexicon = lexicon
        self._inlines = inlines
        self._derived: dict[Callable[[Page], Any], Any] = {}

    def once(self, ask: Callable[[Page], _T]) -> _T:
        """Return what a function says about this page, asking it only once."""
        if ask not in self._derived:
            self._derived[ask] = ask(self)
        found: _T = self._derived[ask]
        return found

    def cut(self, span: Span | Block | Inline) -> str:
        """Return the source of a span as text."""
        return self.data[span.start : span.end].decode("utf-8", "replace")

    def text(self, block: Block | Inline) -> str:
        """Return what a person reads in a block or run: no markup, code as it is."""
        return self.read(block.text)

    def read(self, span: Span) -> str:
        """Return what a person reads in a span: one line, no markup, code as it is."""
        found = self.shown[span.start : span.end].replace(b"\0", b"")
        return found.replace(b"\n", b" ").decode("utf-8", "replace").strip()

    def inlines(self, kind: str) -> list[Inline]:
        """Return all runs of a kind, in the order of the source."""
        return self._inlines.get(kind, [])

    @cached_property
    def lines(self) -> Lines:
        """The index from bytes to lines and columns."""
        return Lines(self.data)

    @cached_property
    def _by_kind(self) -> dict[str, list[int]]:
        table: dict[str, list[int]] = {}
        for number, block in enumerate(self.blocks):
            table.setdefault(block.kind, []).append(number)
        return table

    def numbers(self, kind: str) -> list[int]:
        """Return the numbers of all blocks of a kind."""
        return self._by_kind.get(kind, [])

    def of(self, kind: str) -> list[Block]:
        """Return all blocks of a kind, in the order of the source."""
        return [self.blocks[number] for number in self._by_kind.get(kind, ())]

    @cached_property
    def _children(self) -> dict[int, list[int]]:
        table: dict[int, list[int]] = {}
        for number, block in enumerate(self.blocks):
            table.setdefault(block.parent, []).append(number)
        return table

    def children(self, number: int) -> list[int]:
        """Return the numbers of the blocks right inside a block; of the page for -1."""
        return self._children.get(number, [])

    def siblings(self, number: int) -> tuple[int, int]:
        """Return the numbers of the blocks before and after one inside its parent."""
        family = self.children(self.blocks[number].parent)
        at = bisect_right(family, number) - 1
        before = family[at - 1] if at else -1
        return before, family[at + 1] if at + 1 < len(family) else -1

    def around(self, number: int) -> Iterator[Block]:
        """Yield the blocks around a block, from the inside out."""
        parent = self.blocks[number].parent
        while parent >= 0:
            yield self.blocks[parent]
            parent = self.blocks[parent].parent

    def is_inside(self, number: int, *kinds: str) -> bool:
        """Whether a block is, however deep, inside one of these kinds."""
        return any(block.kind in kinds for block in self.around(number))

    @cached_property
    def _leaf_starts(self) -> tuple[list[int], list[int]]:
        numbers = [
            number for number, block in enumerate(self.blocks) if block.kind in _LEAVES
        ]
        return [self.blocks[number].start for number in numbers], numbers

    def at(self, offset: int) -> int:
        """Return the number of the leaf block that an offset is in, or -1.

        Leaves are what holds text, code or HTML: not lists, items, quotes, tables.
        """
        starts, numbers = self._leaf_starts
        found = bisect_right(starts, offset) - 1
        if found < 0 or self.blocks[numbers[found]].end <= offset:
            return -1
        return numbers[found]

    @cached_property
    def language(self) -> str:
        """``zh`` when one in ten letters of the prose is Chinese, else ``en``."""
        return language_of(self.prose)


def language_of(prose: bytes) -> str:
    """Return ``zh`` when one in ten letters or more is Chinese, else ``en``."""
    if prose.isascii():
        return "en"
    # Of UTF-8, the first bytes E4 to E9 are those of the Han characters, or nearly.
    chinese = len(prose) - len(prose.translate(None, _HAN))
    letters = len(prose) - len(prose.translate(None, _LETTERS))
    return "zh" if chinese * 10 > letters + chinese else "en"


_HAN = bytes(range(0xE4, 0xEA))
_LETTERS = bytes((*range(0x41, 0x5B), *range(0x61, 0x7B)))
_LEAVES = frozenset(
    ("heading", "paragraph", "fence", "indented", "cell", "html", "front", "rule")
)
