"""A marker that has no function. Readers must guess what it stands for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lint.markers import Run, is_flag, runs
from firstlight.lint.rule import Given, Rule
from firstlight.lint.rules.symbols_bullet import bullets, is_explained
from firstlight.lint.rules.symbols_feeling import is_change
from firstlight.lint.rules.symbols_variant import is_variant
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_NAME = re.compile(rb" [*`]*[A-Z][A-Za-z]{2,}")
"""What may be a name: it follows its logo at every place."""
_MARKED = ("heading", "paragraph")


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield the first place of each symbol that marks blocks and has no function."""
    places: dict[str, Span] = {}
    counts: Counter[str] = Counter()
    listed = {run.start for found in page.once(bullets) for run in found}
    for run in page.once(runs):
        first = run.symbols[0]
        if run.place != "start" or page.blocks[run.block].kind not in _MARKED:
            continue
        if run.start in listed or is_explained(page, run) or _is_logo(page, run):
            continue
        if is_change(page, run):
            continue
        if _is_unknown(first.text, given):
            places.setdefault(first.text, Span(first.start, first.end))
            counts[first.text] += 1
    for symbol, span in places.items():
        times = f" ({counts[symbol]} places)" if counts[symbol] > 1 else ""
        yield Finding(
            code=RULE.code,
            role=RULE.role,
            message=f"{symbol} has no function in the grammar{times}",
            hint="use a symbol of the grammar or none; or add it to [docs.symbols]",
            span=span,
        )


def _is_logo(page: Page, run: Run) -> bool:
    """Whether it belongs to a name: in the title of a page, or again and again."""
    block = page.blocks[run.block]
    if block.kind == "heading" and block.value == 1:
        return True
    return page.once(_names)[_named(page, run)] > 1


def _names(page: Page) -> Counter[bytes]:
    """How often each symbol stands with each name."""
    found = Counter(_named(page, run) for run in page.once(runs))
    del found[b""]
    return found


def _named(page: Page, run: Run) -> bytes:
    name = _NAME.match(page.data, run.symbols[0].end)
    return page.data[run.start : name.end()] if name else b""


def _is_unknown(symbol: str, given: Given) -> bool:
    lexicon = given.lexicon
    if lexicon.function_of(symbol) or lexicon.has_feeling(symbol):
        return False
    # A variant is another rule's; without it, the symbol may well be known.
    return not (is_flag(symbol) or is_variant(symbol, given))


RULE = Rule(code="symbols.unknown", check=check, role=Role.NOTE)
