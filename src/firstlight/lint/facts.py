"""What rules that compare pages know of each page: small, plain, made once and kept.

A page that did not change is not parsed again; its facts come from the cache.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from firstlight.finding import Span
from firstlight.lexicon.symbols import SYMBOL
from firstlight.lint.notices import SEVERITIES, is_labelled
from firstlight.lint.shell import scripts
from firstlight.mark.hazard import hazards
from firstlight.markdown import anchors
from firstlight.markdown import symbols as page_symbols
from firstlight.markdown.notices import spoken

if TYPE_CHECKING:
    from firstlight.lint.given import Given
    from firstlight.markdown.page import Block, Notice, Page

__all__ = [
    "LONGEST_COMMAND",
    "Command",
    "Facts",
    "Link",
    "Mark",
    "Peril",
    "Section",
    "Steps",
    "Symbol",
    "facts_of",
]


class Mark(NamedTuple):
    """A notice, or a symbol with its word at the start of a block.

    `function` is empty for a notice whose type is no word of the grammar; `form` is
    that of `firstlight.markdown.page.Notice`; `label` is its word in the source.
    """

    function: str
    form: str
    label: str
    start: int
    end: int
    line: int


class Peril(NamedTuple):
    """A sentence that carries a hazard, with the first cue that gave it away."""

    severity: str
    cue: str
    start: int
    end: int
    line: int


class Steps(NamedTuple):
    """A numbered list: how many items, and where its first line is."""

    items: int
    start: int
    end: int
    line: int


class Command(NamedTuple):
    """A command of a shell fence: its words without quotes, cut where it is long."""

    text: str
    start: int
    end: int
    line: int


class Section(NamedTuple):
    """A heading and what stands between it and the next one, of whatever level.

    The first section is what stands before all headings: level 0 and no title.
    `start` and `end` are those of the heading. `shape` has a letter for each block
    right inside: ``p`` paragraph, ``f`` fence, ``l`` list, ``t`` table, ``n`` notice or
    quote, ``h`` HTML. `listings` are the lines of fences that name no language: they
    may be commands, or anything else.
    """

    level: int
    title: str
    start: int
    end: int
    line: int
    shape: str
    marks: list[Mark]
    perils: list[Peril]
    steps: list[Steps]
    commands: list[Command]
    listings: list[Command]

    @property
    def span(self) -> Span:
        """The bytes of the heading."""
        return Span(self.start, self.end)


class Link(NamedTuple):
    """A link or image whose destination is in the project, as the source writes it.

    `kind` is ``link``, ``image`` or ``html`` (an attribute ``href`` or ``src``).
    """

    kind: str
    to: str
    start: int
    end: int


class Symbol(NamedTuple):
    """A symbol and the word of the grammar that stands with it."""

    symbol: str
    word: str
    function: str
    start: int
    end: int


@dataclass(frozen=True)
class Facts:
    """The facts of a page.

    `raw` is what the cache keeps: lists, strings and numbers. Values are made of it
    only when asked for, since most runs compare few pages.
    """

    raw: list[Any]

    def plain(self) -> list[Any]:
        """Return the facts as data for JSON or marshal."""
        return self.raw

    @classmethod
    def from_plain(cls, raw: list[Any]) -> Facts:
        """Return the facts that `plain` gave."""
        return cls(raw)

    @property
    def language(self) -> str:
        """``en`` or ``zh``."""
        return str(self.raw[0])

    @cached_property
    def anchors(self) -> dict[str, frozenset[str]]:
        """Target -> every anchor that a link to this page can name there."""
        targets, made_of = self.raw[1]
        return {target: anchors.ids(made_of, target) for target in targets}

    @cached_property
    def own_ids(self) -> frozenset[str]:
        """The ids that the page gives itself, whether or not its targets read them."""
        return anchors.own(self.raw[1][1])

    def anchors_on(self, target: str) -> frozenset[str]:
        """Return the anchors of the page on a site that is none of the targets."""
        return anchors.ids(self.raw[1][1], target)

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """The links into the project, in the order of the source."""
        return tuple(Link(*each) for each in self.raw[2])

    @cached_property
    def symbols(self) -> tuple[Symbol, ...]:
        """The symbols that stand with a word of the grammar."""
        return tuple(Symbol(*each) for each in self.raw[3])

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The sections, in the order of the source; there is always the first one.

        It is the only one on a page that by its name cannot have a translation.
        """
        return tuple(
            Section._make(
                (
                    *each[:6],
                    [Mark(*one) for one in each[6]],
                    [Peril(*one) for one in each[7]],
                    [Steps(*one) for one in each[8]],
                    [Command(*one) for one in each[9]],
                    [Command(*one) for one in each[10]],
                )
            )
            for each in self.raw[4] or [_FIRST]
        )

    @property
    def title(self) -> str:
        """The text of the first heading."""
        heads = self.raw[1][1][0]
        return anchors.Title(*heads[0]).text if heads else ""


def facts_of(page: Page, given: Given, *, with_sections: bool = True) -> Facts:
    """Return the facts of a page; equal pages and settings give equal facts.

    Sections cost the most, and only pages that have a translation need them.
    """
    return Facts(
        [
            page.language,
            [sorted(given.targets), anchors.plain(page)],
            [list(each) for each in _links(page)],
            [list(each) for each in _symbols(page, given)],
            _sections(page) if with_sections else None,
        ]
    )


# Links

_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|\Z")
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.S)
_ATTRIBUTE = re.compile(rb"""\b(?:href|src)\s*=\s*(?:"([^"<>]+)"|'([^'<>]+)')""", re.I)


def _links(page: Page) -> Iterator[Link]:
    found = [
        Link(kind, each.value, each.start, each.end)
        for kind in ("link", "image")
        for each in page.inlines(kind)
        if not _ELSEWHERE.match(each.value) and not _is_code(page, each.start)
    ]
    places = [block.span for block in page.of("html")]
    places += [run.span for run in page.inlines("html")]
    for start, end in places:
        if b"=" in page.data[start:end]:
            found.extend(_attributes(page, start, end))
    return iter(sorted(found, key=lambda link: link.start))


def _is_code(page: Page, start: int) -> bool:
    """Whether a link is the place of code to be shown: ``[!code-cpp[Name](path)]``."""
    return b"[!code" in page.data[max(start - 24, 0) : start].rpartition(b"\n")[2]


def _attributes(page: Page, start: int, end: int) -> Iterator[Link]:
    source = page.data[start:end]
    if b"<!--" in source:
        source = _COMMENT.sub(lambda found: b" " * len(found[0]), source)
    for found in _ATTRIBUTE.finditer(source):
        to = html.unescape((found[1] or found[2]).decode("utf-8", "replace"))
        if not _ELSEWHERE.match(to) and "{" not in to:
            yield Link("html", to, start + found.start(), start + found.end())


# Symbols

_WORD = re.compile(
    r"[\s*_]*([^\s:：,，.。!！()（）|—-][^:：,，.。!！()（）|—\n]{0,31})"
)


def _symbols(page: Page, given: Given) -> Iterator[Symbol]:
    lexicon = given.lexicon
    for each in page.once(page_symbols.of):
        after = page.prose[each.end : each.end + 96].partition(b"\n")[0]
        found = _WORD.match(after.decode("utf-8", "ignore"))
        if not found:
            continue
        word = found[1].strip()
        function = lexicon.function_of_word(word, "symbol")
        if function:
            yield Symbol(each.text, word, function, each.start, each.end)


# Sections

LONGEST_COMMAND = 160
_FIRST = (0, "", 0, 0, 1, "", (), (), (), (), ())
_SHAPES = {
    "paragraph": "p",
    "fence": "f",
    "indented": "f",
    "list": "l",
    "table": "t",
    "notice": "n",
    "quote": "n",
    "html": "h",
}


def _sections(page: Page) -> list[list[Any]]:
    """The sections as data: what is inside is shared out by where it begins."""
    number = page.lines.number
    heads = [block for block in page.of("heading") if block.parent < 0]
    sections: list[list[Any]] = [[*_FIRST[:6], [], [], [], [], []]]
    for head in heads:
        place = (head.start, head.end, number(head.start))
        sections.append([head.value, page.text(head), *place, "", [], [], [], [], []])
    starts = [head.start for head in heads]
    for at in page.children(-1):
        block = page.blocks[at]
        letter = _SHAPES.get(block.kind, "")
        sections[bisect_right(starts, block.start)][5] += letter
    columns: tuple[Iterable[tuple[Any, ...]], ...]
    columns = (_marks(page), _perils(page), _steps(page), _commands(page))
    columns = (*columns, _listings(page))
    for column, found in enumerate(columns, 6):
        for each in found:
            where = sections[bisect_right(starts, each[-2])]
            where[column].append([*each, number(int(each[-2]))])
    return sections


def _marks(page: Page) -> Sequence[tuple[str, str, str, int, int]]:
    found = []
    for block in page.of("notice"):
        notice = block.value
        place = (block.start, notice.head.end)
        found.append((notice.function, notice.form, notice.type, *place))
    for at, notice in page.once(spoken).items():
        function = _said(page, notice)
        place = (page.blocks[at].start, notice.head.end)
        if function:
            found.append((function, notice.form, notice.type, *place))
    return sorted(found, key=lambda each: each[-2])


def _said(page: Page, notice: Notice) -> str:
    """The function of a spoken notice; what an alias stands for, its word decides.

    Bold words such as “do not” begin sentences, and “🔧 Friendly” is a feature.
    """
    if notice.form != "symbol":
        return notice.function if notice.function in SEVERITIES else ""
    symbol = SYMBOL.match(page.data, notice.head.start)
    if symbol and page.lexicon.is_primary(symbol[0].decode()):
        is_sure = notice.function in SEVERITIES or is_labelled(notice, page.lexicon)
        return notice.function if is_sure else ""
    return page.lexicon.function_of_word(notice.type, "bold")


def _perils(page: Page) -> Iterator[tuple[str, str, int, int]]:
    for each in page.once(hazards):
        yield each.severity, each.cues[0] if each.cues else "", *each.span


def _steps(page: Page) -> Iterator[tuple[int, int, int]]:
    for at in page.numbers("list"):
        block = page.blocks[at]
        if block.value is not None:
            yield len(page.children(at)), block.start, _line_end(page, block)


def _commands(page: Page) -> Iterator[tuple[str, int, int]]:
    for script in page.once(scripts):
        for each in script.commands:
            text = " ".join(word.text for word in each.words)
            yield " ".join(text.split())[:LONGEST_COMMAND], each.start, each.end


def _listings(page: Page) -> Iterator[tuple[str, int, int]]:
    for block in page.of("fence"):
        if block.value.strip():
            continue
        start = block.text.start
        for line in page.cut(block.text).splitlines(keepends=True):
            text = " ".join(line.split()).removeprefix("$ ")
            end = start + len(line.encode())
            if text:
                yield text[:LONGEST_COMMAND], start, end
            start = end


def _line_end(page: Page, block: Block) -> int:
    return min(block.end, page.lines.end(page.lines.number(block.start)))
