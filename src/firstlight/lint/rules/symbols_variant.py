"""A marker that is not drawn alike everywhere: skin tone, joined or new symbols."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Edit, Finding, Fix, Keeps, Role, Span
from firstlight.lexicon.emoji import is_joined, qualified, version_of
from firstlight.lexicon.symbols import Symbol
from firstlight.lint.markers import is_flag, is_free, runs
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE", "check", "is_variant"]

_TONES = dict.fromkeys(range(0x1F3FB, 0x1F400), "")


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield markers that some readers see as another symbol, or as none."""
    for run in page.once(runs):
        symbol = run.symbols[0]
        if not run.is_marker or given.lexicon.has_feeling(symbol.text):
            continue
        found = _finding(symbol, given, is_free(page, run.block))
        if found is not None:
            yield found


def is_variant(symbol: str, given: Given) -> bool:
    """Whether a symbol that is no flag is toned, joined, or new."""
    is_toned = symbol.translate(_TONES) != symbol
    is_new = version_of(symbol) > given.limits.emoji_version
    return is_toned or is_joined(symbol) or is_new


def _finding(symbol: Symbol, given: Given, is_safe: bool) -> Finding | None:
    plain = symbol.text.translate(_TONES)
    span = Span(symbol.start, symbol.end)
    fix = None
    if plain and plain != symbol.text:
        plain = qualified(plain)
        message, hint = f"{symbol.text} has a skin tone", f"write {plain}"
        edit = Edit(span, plain.encode())
        fix = Fix(f"write {plain}", (edit,), safe=is_safe)
    elif is_flag(symbol.text):
        return None
    elif is_joined(symbol.text):
        message = (
            f"{symbol.text} is several symbols joined; not every system joins them"
        )
        hint = "use a symbol of the grammar"
    else:
        version, newest = version_of(symbol.text), given.limits.emoji_version
        if version <= newest:
            return None
        message = f"{symbol.text} is of Emoji {version:g}, newer than {newest}"
        hint = "use a symbol of the grammar: older systems show an empty box"
    return Finding(
        code=RULE.code, role=RULE.role, message=message, hint=hint, span=span, fix=fix
    )


RULE = Rule(
    code="symbols.variant",
    check=check,
    role=Role.WARNING,
    keeps=Keeps.HTML_BUT_SYMBOLS,
)
