"""Several symbols side by side. None of them can be read as the sign of the block."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Finding, Fix, Keeps, Role, Span
from firstlight.lexicon.symbols import Symbol
from firstlight.lint.markers import Run, is_flag, is_free, removal, runs
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield markers of two or more symbols."""
    has_feeling = given.lexicon.has_feeling
    for run in page.once(runs):
        if len(run.symbols) < 2 or not run.is_marker:
            continue
        left = [each for each in run.symbols if not has_feeling(each.text)]
        if len(left) < 2 or _is_value(page, run, left):
            continue
        shown = " ".join(each.text for each in left[:4])
        yield Finding(
            code=RULE.code,
            role=RULE.role,
            message=f"{shown} stand in a row; a block has one symbol",
            hint="keep the symbol of what the block is for",
            span=Span(run.start, run.end),
            fix=_fix(page, run, given),
        )


def _is_value(page: Page, run: Run, left: list[Symbol]) -> bool:
    """Whether the row is itself what is shown: stars of a rating, flags, a logo."""
    block = page.blocks[run.block]
    if block.kind == "cell" or run.place == "alone":
        return True
    if block.kind == "heading" and block.value == 1:
        return True
    texts = {each.text for each in left}
    return len(texts) == 1 or all(map(is_flag, texts))


def _fix(page: Page, run: Run, given: Given) -> Fix | None:
    first = run.symbols[0]
    if not given.lexicon.function_of(first.text):
        return None
    edit = removal(page, run.symbols[1].start, run.end)
    if edit is None or not is_free(page, run.block):
        return None
    return Fix(f"keep {first.text} only", (edit,), safe=False)


RULE = Rule(
    code="symbols.in-a-row",
    check=check,
    role=Role.NOTE,
    keeps=Keeps.HTML_BUT_SYMBOLS,
)
