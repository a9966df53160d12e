"""A symbol without its word. Whoever cannot see it has nothing to read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from firstlight.finding import Edit, Finding, Fix, Keeps, Role, Span
from firstlight.lint.markers import Run, runs
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_ANSWERS = {
    "success": {"en": "Yes", "zh": "支持"},
    "failure": {"en": "No", "zh": "不支持"},
}
"""What a symbol alone in a table cell says, where that is certain enough to propose."""

_LEGEND = 2
"""The columns of a table of symbols and meanings."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield blocks that are a symbol only; all cells of a table are one finding."""
    tables: dict[int, list[Run]] = defaultdict(list)
    for run in page.once(runs):
        if run.place != "alone" or not _is_sign(page, run, given):
            continue
        block = page.blocks[run.block]
        if block.kind == "cell":
            tables[page.blocks[block.parent].parent].append(run)
        else:
            yield _of_block(run)
    for table, found in tables.items():
        if not _is_legend(page, table, found):
            yield _of_table(page, found, given)


def _is_sign(page: Page, run: Run, given: Given) -> bool:
    block = page.blocks[run.block]
    if len(run.symbols) > 1:
        return False
    if block.kind != "cell" and given.lexicon.has_feeling(run.symbols[0].text):
        return False
    source = page.data[block.start : block.end]
    return b"aria-label" not in source and b"![" not in source


def _is_legend(page: Page, table: int, found: list[Run]) -> bool:
    """Whether a table says what symbols mean: each once, and its meaning beside it."""
    rows = map(page.children, page.children(table))
    firsts = {row[0] for row in rows if len(row) == _LEGEND}
    names = {run.symbols[0].text for run in found}
    is_once = 1 < len(found) == len(names)
    return is_once and all(run.block in firsts for run in found)


def _of_block(run: Run) -> Finding:
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"{run.symbols[0].text} stands alone, without its word",
        hint="write the word after the symbol",
        span=Span(run.start, run.end),
    )


def _of_table(page: Page, found: list[Run], given: Given) -> Finding:
    names = dict.fromkeys(run.symbols[0].text for run in found)
    shown = " ".join(list(names)[:4])
    where = "a cell" if len(found) == 1 else f"{len(found)} cells"
    verb = "stands" if len(names) == 1 else "stand"
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"{shown} {verb} alone in {where} of this table",
        hint="write a word after the symbol: ✅ Yes, ❌ No (✅ 支持, ❌ 不支持)",
        span=Span(found[0].start, found[0].end),
        fix=_fix(page, found, given),
    )


def _fix(page: Page, found: list[Run], given: Given) -> Fix | None:
    edits = []
    for run in found:
        name = given.lexicon.function_of(run.symbols[0].text)
        if name in _ANSWERS:
            word = _ANSWERS[name][page.language]
            edits.append(Edit(Span(run.end, run.end), f" {word}".encode()))
    if not edits:
        return None
    return Fix("add the words", tuple(edits), safe=False)


RULE = Rule(
    code="symbols.alone",
    check=check,
    role=Role.WARNING,
    keeps=Keeps.HTML_BUT_SYMBOLS,
)
