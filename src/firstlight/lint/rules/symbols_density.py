"""More marks than a reader can tell apart. Where all is marked, nothing stands out."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lint.markers import Run, runs
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_COUNTED = ("heading", "paragraph", "fence", "table")
_ANSWERS = ("success", "failure")


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield one finding for a page with more marks than the limits allow."""
    limits = given.limits
    marked = _marked(page)
    if len(marked) <= limits.marks_allowed:
        return
    blocks = sum(len(page.numbers(kind)) for kind in _COUNTED)
    if len(marked) * limits.blocks_per_mark <= blocks:
        return
    first = page.blocks[min(marked)]
    line_end = page.lines.end(page.lines.number(first.start))
    yield Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"{len(marked)} of {blocks} blocks carry a mark; "
        f"the limit is one in {limits.blocks_per_mark}",
        hint="keep those of hazards and results; or set docs.limits.blocks-per-mark",
        span=Span(first.start, min(first.end, line_end)),
    )


def _marked(page: Page) -> set[int]:
    """Notices, and what a symbol marks outside of them."""
    notices = page.numbers("notice")
    found = {number for number in notices if page.blocks[number].value.function}
    for run in page.once(runs):
        if run.place != "start" or page.blocks[run.block].kind not in _COUNTED:
            continue
        if not page.is_inside(run.block, "notice") and not _answers(page, run):
            found.add(run.block)
    return found


def _answers(page: Page, run: Run) -> bool:
    """Whether a symbol says yes or no in a list: that is its text, not a mark."""
    name = page.lexicon.function_of(run.symbols[0].text)
    return name in _ANSWERS and page.is_inside(run.block, "item")


RULE = Rule(code="symbols.density", check=check, role=Role.NOTE)
