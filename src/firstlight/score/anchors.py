"""What the eye can stop at: headings, list items, marks, tables, fences, pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from firstlight.lint.rule import Given
from firstlight.markdown.notices import spoken
from firstlight.markdown.page import Page
from firstlight.score.part import Counts, Measured, Part, Problem
from firstlight.score.texts import SCREEN, texts

__all__ = ["PART", "REACH"]

REACH = 5
"""Lines of text that one anchor leads into: eight anchors for a screen."""

_WORTH = REACH + 1
"""A stretch of so many lines is not worth a change."""
_KINDS = frozenset(("heading", "item", "table", "fence", "indented", "notice"))


class _Stretch(NamedTuple):
    """Text without an anchor in it: how many lines, in which paragraphs."""

    lines: float
    blocks: tuple[int, ...]


def measure(page: Page, given: Given) -> Measured:
    """Count the lines of text, those within reach of an anchor, and the anchors."""
    stretches = list(_stretches(page))
    lines = sum(stretch.lines for stretch in stretches)
    near = sum(min(stretch.lines, REACH) for stretch in stretches)
    anchors = sum(len(page.numbers(kind)) for kind in _KINDS)
    anchors += len(page.once(spoken)) + len(_pictures(page))
    return Measured((lines, near, anchors), _problems(page, stretches))


def _stretches(page: Page) -> Iterator[_Stretch]:
    known, marks, pictures = page.once(texts), page.once(spoken), _pictures(page)
    lines = 0.0
    blocks: list[int] = []
    for number, block in enumerate(page.blocks):
        if block.kind in _KINDS or number in marks or number in pictures:
            if lines:
                yield _Stretch(lines, tuple(blocks))
            lines, blocks = 0.0, []
        if number in known:
            lines += known[number].lines
            blocks.append(number)
    if lines:
        yield _Stretch(lines, tuple(blocks))


def _pictures(page: Page) -> set[int]:
    """Paragraphs that are a picture and no text."""
    return {run.block for run in page.inlines("image")}.difference(page.once(texts))


def _problems(page: Page, stretches: list[_Stretch]) -> Iterator[Problem]:
    for stretch in stretches:
        if stretch.lines > _WORTH:
            half = stretch.lines / 2
            gain = 2 * min(half, REACH) - REACH
            block = page.blocks[_middle(page, stretch)]
            action = f"put a heading or a list into these {stretch.lines:.0f} lines"
            yield Problem(block.text, action, (0.0, gain, 1.0))


def _middle(page: Page, stretch: _Stretch) -> int:
    """The paragraph in which half of the lines are over."""
    known, left = page.once(texts), stretch.lines / 2
    for number in stretch.blocks:
        left -= known[number].lines
        if left <= 0:
            return number
    return stretch.blocks[-1]


def score(counts: Counts) -> float | None:
    """Return the share of the text within reach of an anchor."""
    lines, near, _ = counts
    return 100 * near / lines if lines else None


def tell(counts: Counts) -> str:
    """Say how many anchors there are on a screen."""
    lines, near, anchors = counts
    each = anchors * SCREEN / lines
    return f"{each:.1f} a screen; {near / lines:.0%} of the text near one"


PART = Part(
    name="anchors",
    about="A reader who scans jumps from anchor to anchor: headings, list items, "
    "marks, tables, code and pictures.",
    good=f"one in every {REACH} lines, so {SCREEN // REACH} a screen of {SCREEN}",
    formula=f"100 × lines no more than {REACH} below an anchor / lines",
    counted=("lines", "near", "anchors"),
    measure=measure,
    score=score,
    tell=tell,
)
