"""An alias instead of the one symbol of its function. Readers learn two for one."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Edit, Finding, Fix, Keeps, Role, Span
from firstlight.lexicon.emoji import needs_variant
from firstlight.lint.markers import Run, is_free, is_text_mark, runs, word_function
from firstlight.lint.notices import SEVERITIES
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_ANSWERS = ("success", "failure")
"""Functions whose aliases are, in tables, but other drawings of check mark or cross."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield aliases that stand with a word of their function, or answer in a table.

    Equal ones in the cells of a table are one finding.
    """
    places: dict[tuple[int, str, str], list[Run]] = {}
    for run in page.once(runs):
        if not run.is_marker or _is_rating(run):
            continue
        name = _meant(page, run, given)
        if name:
            block = page.blocks[run.block]
            is_cell = block.kind == "cell"
            place = page.blocks[block.parent].parent if is_cell else -run.start
            key = (place, run.symbols[0].text, name)
            places.setdefault(key, []).append(run)
    for (_, symbol, name), found in places.items():
        yield _finding(page, symbol, name, found, given)


def _is_rating(run: Run) -> bool:
    return len(run.symbols) > 1 and len({each.text for each in run.symbols}) == 1


def _meant(page: Page, run: Run, given: Given) -> str:
    """The function that an alias stands for here, empty where it is no alias."""
    lexicon, symbol = given.lexicon, run.symbols[0].text
    name = lexicon.function_of(symbol)
    if not name or lexicon.is_primary(symbol) or is_text_mark(page, symbol):
        return ""
    # What the word says counts: “🚀 Quick start” is not about performance.
    label = word_function(page, run, lexicon, "bold")
    said = label if label in SEVERITIES else word_function(page, run, lexicon)
    is_answer = name in _ANSWERS and page.blocks[run.block].kind == "cell"
    if not is_answer and said != name and said not in SEVERITIES:
        return ""
    meant = said if said in SEVERITIES else name
    # In a heading, a symbol that needs U+FE0F makes an odd anchor.
    is_odd = needs_variant(lexicon.functions[meant].symbol)
    is_kept = is_odd and not needs_variant(symbol) and not is_free(page, run.block)
    return "" if is_kept else meant


def _finding(
    page: Page, symbol: str, name: str, found: list[Run], given: Given
) -> Finding:
    primary = given.lexicon.functions[name].symbol
    spans = [Span(each.symbols[0].start, each.symbols[0].end) for each in found]
    usual = given.lexicon.function_of(symbol)
    times = f" ({len(found)} places)" if len(found) > 1 else ""
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"{symbol} is an alias; the symbol of “{name}” is {primary}{times}",
        hint=f"write {primary}",
        span=spans[0],
        fix=Fix(
            f"write {primary}",
            tuple(Edit(span, primary.encode()) for span in spans),
            safe=is_free(page, found[0].block) and name == usual,
        ),
    )


RULE = Rule(
    code="symbols.alias",
    check=check,
    role=Role.NOTE,
    keeps=Keeps.HTML_BUT_SYMBOLS,
)
