"""A heading that ends with a symbol. The eye meets it late, and its anchor is odd."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Edit, Finding, Fix, Keeps, Role, Span
from firstlight.lint.markers import Run, removal, runs
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield headings with a symbol behind their words."""
    for run in page.once(runs):
        if run.place != "end" or page.blocks[run.block].kind != "heading":
            continue
        if given.lexicon.has_feeling(run.symbols[0].text):
            continue
        if _is_button(page, run) or _is_logo(page, run, given):
            continue
        yield Finding(
            code=RULE.code,
            role=RULE.role,
            message=f"the heading ends with {run.symbols[0].text}",
            hint="put it at the start, or leave it out",
            span=Span(run.start, run.end),
            fix=_fix(page, run),
        )


def _is_button(page: Page, run: Run) -> bool:
    """Whether the symbol is all there is of a link: one back to the top of the page."""
    before, after = (
        page.data[run.start - 1 : run.start],
        page.data[run.end : run.end + 1],
    )
    return before == b"[" and after == b"]"


def _is_logo(page: Page, run: Run, given: Given) -> bool:
    """Whether it belongs to the name of a project, which is the title of its page."""
    is_title = page.blocks[run.block].value == 1
    return is_title and not given.lexicon.is_primary(run.symbols[0].text)


def _fix(page: Page, run: Run) -> Fix | None:
    away = removal(page, run.start, run.end)
    first = page.blocks[run.block].text.start
    if away is None or len(run.symbols) > 1 or away.span.start <= first:
        return None
    front = Edit(Span(first, first), f"{run.symbols[0].text} ".encode())
    # The anchor of the heading changes with it.
    return Fix("move the symbol to the start", (front, away), safe=False)


RULE = Rule(
    code="symbols.heading-end",
    check=check,
    role=Role.NOTE,
    keeps=Keeps.HTML_BUT_SYMBOLS,
)
