"""One symbol with the words of two functions. Readers learn to trust neither."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from firstlight.finding import Edit, Finding, Fix, Keeps, Role, Span
from firstlight.lint.markers import is_free, runs, word_function
from firstlight.lint.notices import SEVERITIES
from firstlight.lint.rule import Given, Project, Rule
from firstlight.markdown.page import Page

if TYPE_CHECKING:
    from firstlight.lint.facts import Symbol

__all__ = ["RULE", "across", "check"]


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield symbols of the grammar that stand with the word of another function."""
    lexicon = given.lexicon
    for run in page.once(runs):
        if not run.is_marker or len(run.symbols) > 1:
            continue
        # In a table, a symbol is a value: the word is what it is said of.
        if page.blocks[run.block].kind == "cell":
            continue
        own = lexicon.function_of(run.symbols[0].text)
        # What an alias stands for, its word decides: `symbols.alias`.
        if own not in SEVERITIES or not lexicon.is_primary(run.symbols[0].text):
            continue
        # Only words that are labels by themselves: “🔧 Open” contradicts nothing.
        said = word_function(page, run, lexicon, "bold")
        if said in SEVERITIES and said != own:
            symbol, right = run.symbols[0].text, lexicon.functions[said].symbol
            span = Span(run.start, run.end)
            yield Finding(
                code=RULE.code,
                role=RULE.role,
                message=f"{symbol} is the symbol of “{own}”, its word says “{said}”",
                hint=f"write {right} with this word, or the word of {symbol}",
                span=span,
                fix=Fix(
                    f"write {right}",
                    (Edit(span, right.encode()),),
                    # Symbol or word: which of them is wrong is for a person to say.
                    safe=False,
                )
                if is_free(page, run.block)
                else None,
            )


def across(project: Project, given: Given) -> Iterator[tuple[str, Finding]]:
    """Yield the rarer uses of a symbol outside the grammar that has two functions."""
    uses: dict[str, list[tuple[str, Symbol]]] = defaultdict(list)
    for path, facts in project.facts.items():
        for each in facts.symbols:
            is_free = not given.lexicon.function_of(each.symbol)
            if is_free and each.function in SEVERITIES:
                uses[each.symbol].append((path, each))
    for found in uses.values():
        counts = Counter(each.function for _, each in found)
        if len(counts) > 1:
            [(usual, times)] = counts.most_common(1)
            for path, each in found:
                if each.function != usual:
                    yield path, _differs(each, usual, times)


def _differs(each: Symbol, usual: str, times: int) -> Finding:
    where = "1 other place" if times == 1 else f"{times} other places"
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"{each.symbol} says “{each.function}” here, “{usual}” in {where}",
        hint="give each function one symbol, the same on all pages",
        span=Span(each.start, each.end),
    )


RULE = Rule(
    code="symbols.two-functions",
    check=check,
    across=across,
    role=Role.WARNING,
    keeps=Keeps.HTML_BUT_SYMBOLS,
)
