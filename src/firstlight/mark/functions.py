"""The function of each block that has one, with reasons a person can check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from firstlight.finding import Span
from firstlight.mark.context import heading_of
from firstlight.mark.detect import DETECTORS, Detector, Score, function_of_heading
from firstlight.markdown.notices import spoken
from firstlight.markdown.page import Page
from firstlight.markdown.symbols import of as symbols_of
from firstlight.signs import SIGNS

__all__ = ["Mark", "functions", "marked_blocks"]

_HAZARDS = ("danger", "warning")
_ORDER = {name: at for at, name in enumerate(SIGNS)}
_CLOSED = ("notice", "quote", "table", "footnote", "definition", "html")
"""Blocks whose content already has a mark, or has no place for one."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a block is for.

    `span` is the part that the function belongs to: a sentence of a hazard, else the
    text of the block. `reasons` are those of all detectors that found it.
    `is_writable` tells whether the block could carry the mark: it has none, and is no
    part of a notice, quote or table.
    """

    block: int
    span: Span
    function: str
    confidence: float
    reasons: tuple[str, ...]
    is_writable: bool


def functions(page: Page, detectors: Sequence[Detector] = DETECTORS) -> list[Mark]:
    """Return the blocks that have a function, in order, each with its likeliest.

    A block whose heading says the same has none of its own. Ask with `Page.once`.
    """
    scores: dict[int, list[Score]] = {}
    for detector in detectors:
        for score in detector(page):
            scores.setdefault(score.block, []).append(score)
    found = []
    for number in sorted(scores):
        best = max(scores[number], key=_rank)
        if not _is_said(page, number, best.function):
            found.append(_mark(page, best, scores[number]))
    return found


def _rank(score: Score) -> tuple[bool, float, int, int]:
    is_hazard = score.function in _HAZARDS
    return is_hazard, score.confidence, -_ORDER[score.function], -score.span.start


def _mark(page: Page, best: Score, scores: Sequence[Score]) -> Mark:
    same = [each for each in scores if each.function == best.function]
    reasons = dict.fromkeys(score.reason for score in same)
    return Mark(
        best.block,
        best.span,
        best.function,
        best.confidence,
        tuple(reasons),
        _is_open(page, best.block),
    )


def _is_said(page: Page, number: int, function: str) -> bool:
    """Whether a heading above says the same."""
    if function in _HAZARDS:
        return False
    if page.blocks[number].kind == "heading":
        return _parent_function(page, number) == function
    heading = heading_of(page, number)
    return heading >= 0 and function in (
        function_of_heading(page, heading),
        _parent_function(page, heading),
    )


def _parent_function(page: Page, heading: int) -> str:
    """The function of the section around that of a heading."""
    level = page.blocks[heading].value
    headings = page.numbers("heading")
    for number in reversed(headings[: headings.index(heading)]):
        if page.blocks[number].value < level:
            return function_of_heading(page, number)
    return ""


def _is_open(page: Page, number: int) -> bool:
    if page.is_inside(number, *_CLOSED) or number in page.once(spoken):
        return False
    return number not in page.once(marked_blocks) and not _is_task(page, number)


def _is_task(page: Page, number: int) -> bool:
    parent = page.blocks[number].parent
    return (
        parent >= 0
        and page.blocks[parent].kind == "item"
        and page.blocks[parent].value is not None
    )


def marked_blocks(page: Page) -> frozenset[int]:
    """Return the notices and what begins with a symbol; ask with `Page.once`."""
    signed = (
        number
        for symbol in page.once(symbols_of)
        if (number := page.at(symbol.start)) >= 0
        and not _shown_before(page, number, symbol.start)
    )
    return frozenset((*signed, *page.numbers("notice"), *page.once(spoken)))


def _shown_before(page: Page, number: int, end: int) -> bytes:
    return page.shown[page.blocks[number].text.start : end].strip(b"\0 ")
