"""Whether marks are few enough to stand out; the limit is the project's own."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from firstlight.finding import Span
from firstlight.lint.markers import runs
from firstlight.lint.rule import Given
from firstlight.markdown.page import Page
from firstlight.score.part import Counts, Measured, Part, Problem, falling

__all__ = ["PART"]

_COUNTED = ("heading", "paragraph", "fence", "table")


def measure(page: Page, given: Given) -> Measured:
    """Count blocks, marks, the marks allowed, and those beyond."""
    marked = sorted(_marked(page))
    blocks = sum(len(page.numbers(kind)) for kind in _COUNTED)
    share = max(given.limits.blocks_per_mark, 1)
    allowed = max(given.limits.marks_allowed, blocks / share, 1)
    beyond = max(0.0, len(marked) - allowed)
    counts = (blocks, len(marked), allowed, beyond)
    return Measured(counts, _problems(page, marked, beyond))


def _marked(page: Page) -> set[int]:
    """Notices of the grammar, and what a symbol marks outside of them."""
    notices = page.numbers("notice")
    found = {number for number in notices if page.blocks[number].value.function}
    for run in page.once(runs):
        is_mark = run.place == "start" and page.blocks[run.block].kind in _COUNTED
        if is_mark and not page.is_inside(run.block, "notice"):
            found.add(run.block)
    return found


def _problems(page: Page, marked: list[int], beyond: float) -> Iterator[Problem]:
    if beyond:
        block = page.blocks[marked[0]]
        fewer = ceil(beyond)
        action = f"keep the marks that matter most: {fewer} fewer of {len(marked)}"
        end = page.lines.end(page.lines.number(block.start))
        span = Span(block.start, min(block.end, end))
        yield Problem(span, action, (0.0, -beyond, 0.0, -beyond))


def score(counts: Counts) -> float | None:
    """Return 100 up to the limit, 0 from twice the limit on."""
    blocks, _, allowed, beyond = counts
    return falling(beyond / allowed, good=0, bad=1) if blocks else None


def tell(counts: Counts) -> str:
    """Say how many blocks have a mark, and how many may."""
    blocks, marks, allowed, _ = counts
    return f"{marks:.0f} of {blocks:.0f} blocks marked; {allowed:.0f} may be"


PART = Part(
    name="marks",
    about="Where all is marked, nothing stands out.",
    good="no more than docs.limits allows: one block in three, or three on a page",
    formula="100 × (1 − marks beyond the limit / limit), at least 0",
    counted=("blocks", "marks", "allowed", "beyond"),
    measure=measure,
    score=score,
    tell=tell,
)
