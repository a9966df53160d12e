"""A symbol without its U+FE0F, or with one too many. It is drawn in black, or twice."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Edit, Finding, Fix, Keeps, Role, Span
from firstlight.lexicon.emoji import qualified
from firstlight.lint.markers import Run, is_free, is_text_mark, runs
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield symbols that are not spelled exactly as Unicode wants them."""
    for run in page.once(runs):
        for symbol in run.symbols:
            exact = qualified(symbol.text)
            if exact == symbol.text or _is_left(symbol.text, run, given):
                continue
            if is_text_mark(page, symbol.text):
                continue
            # With U+FE0F its anchor would be an odd one: `symbols.heading-anchor`.
            if len(exact) < len(symbol.text) or is_free(page, run.block):
                span = Span(symbol.start, symbol.end)
                edit = Edit(span, exact.encode())
                yield Finding(
                    code=RULE.code,
                    role=RULE.role,
                    message=_message(symbol.text, exact),
                    hint=f"write {exact} as Unicode lists it",
                    span=span,
                    fix=Fix(f"write {exact}", (edit,), safe=is_free(page, run.block)),
                )


def _is_left(symbol: str, run: Run, given: Given) -> bool:
    """Whether it is so on purpose (U+FE0E), or an alias that is rewritten anyway."""
    if "\ufe0e" in symbol:
        return True
    lexicon = given.lexicon
    is_alias = lexicon.function_of(symbol) and not lexicon.is_primary(symbol)
    return bool(is_alias) and run.is_marker


def _message(symbol: str, exact: str) -> str:
    if len(exact) > len(symbol):
        return f"{exact} lacks U+FE0F: many systems draw it in black and white"
    return f"{exact} has a U+FE0F that it does not need"


RULE = Rule(
    code="symbols.presentation",
    check=check,
    role=Role.WARNING,
    keeps=Keeps.HTML_BUT_SYMBOLS,
)
