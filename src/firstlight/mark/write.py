"""Marks written into a page, pass by pass, and each pass proven harmless.

Whatever is written, the code, links and HTML of the page stay what they were. What
would change them is not written.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

from firstlight.finding import Edit
from firstlight.lexicon.table import Lexicon
from firstlight.mark.propose import Proposal, proposals
from firstlight.markdown.page import Page
from firstlight.markdown.parse import parse
from firstlight.markdown.source import edited

__all__ = ["Editable", "Written", "marked", "write"]

_PASSES = 10

_CODE = ("fence", "indented", "html", "front", "cell")
_RUNS = ("code", "link", "image", "math", "footnote", "html")
_SHAPE = ("heading", "list", "item", "table", "quote", "rule")

Propose = Callable[[Page], Iterable[Proposal]]


class Editable(Protocol):
    """Something that holds a page: a value, which edits turn into another."""

    @property
    def text(self) -> bytes:
        """The page."""

    @property
    def path(self) -> str:
        """Where it is in the project, with ``/``."""

    def edited(self, edits: Sequence[Edit]) -> Self | None:
        """Return it with edits made; None where they touch what is not its text."""


_Held = TypeVar("_Held", bound=Editable)


@dataclass(frozen=True, slots=True)
class Written(Generic[_Held]):
    """What holds the page now, and what was written into it."""

    source: _Held
    made: tuple[Proposal, ...]


def write(source: _Held, lexicon: Lexicon, propose: Propose) -> Written[_Held]:
    """Write what is proposed until nothing more is; once more changes nothing.

    Args:
        source: What holds the page.
        lexicon: Whose words the page is read with.
        propose: Says what is to be written into a page; asked again after each pass.
    """
    written: list[Proposal] = []
    for _ in range(_PASSES):
        page = parse(source.text, source.path, lexicon)
        wanted = [each for each in propose(page) if each.fix is not None]
        made = _harmless(page, _apart(wanted))
        new = source.edited(sorted(_edits(made))) if made else None
        if new is None:
            break
        source = new
        written += made
    return Written(source, tuple(written))


def marked(data: bytes, lexicon: Lexicon, *, path: str = "") -> bytes:
    """Return a page with the marks it lacks, as `proposals` gives them."""
    done = write(_Text(data, path), lexicon, lambda page: proposals(page, lexicon))
    return done.source.text


@dataclass(frozen=True)
class _Text:
    text: bytes
    path: str

    def edited(self, edits: Sequence[Edit]) -> _Text:
        return _Text(edited(self.text, edits), self.path)


def _edits(made: Iterable[Proposal]) -> list[Edit]:
    return [edit for each in made if each.fix for edit in each.fix.edits]


def _apart(wanted: Sequence[Proposal]) -> list[Proposal]:
    """First come, first served: edits that touch wait for the next pass."""
    taken: list[tuple[int, int]] = []
    chosen = []
    for each in wanted:
        spans = [edit.span for edit in _edits([each])]
        whole = (min(s.start for s in spans), max(s.end for s in spans))
        at = bisect_right(taken, whole)
        is_free = (at == 0 or taken[at - 1][1] < whole[0]) and (
            at == len(taken) or whole[1] < taken[at][0]
        )
        if is_free:
            taken.insert(at, whole)
            chosen.append(each)
    return chosen


def _harmless(page: Page, chosen: list[Proposal]) -> list[Proposal]:
    """Those that can be written at once and break nothing; halves find the others."""
    if not chosen or _is_kept(page, chosen):
        return chosen
    if len(chosen) == 1:
        return []
    middle = len(chosen) // 2
    parts = (chosen[:middle], chosen[middle:])
    found = [each for part in parts for each in _harmless(page, part)]
    return found if _is_kept(page, found) else found[:1]


def _is_kept(page: Page, made: Sequence[Proposal]) -> bool:
    data = edited(page.data, sorted(_edits(made)))
    return _kept(page) == _kept(parse(data, page.path, page.lexicon))


def _kept(page: Page) -> Counter[str]:
    """What no mark may change, however blocks move."""
    found = [page.cut(block.text) for kind in _CODE for block in page.of(kind)]
    for kind in _RUNS:
        found += [f"{run.value}\0{page.text(run)}" for run in page.inlines(kind)]
    found += [f"{kind}\0{len(page.numbers(kind))}" for kind in _SHAPE]
    return Counter(found)
