"""A shortcode instead of the symbol. Editors, notebooks and menus show it as text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Edit, Finding, Fix, Keeps, Role, Span
from firstlight.lint.markers import is_free
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_CODE = re.compile(rb":([a-z0-9][a-z0-9_+-]{0,58}|[+-]1):(?![\w:])")
_JOINS = re.compile(rb"[\w:`]")
"""What makes colons part of something else: ``10:30:45``, ``:label:`name```."""

_ABOUT = re.compile(rb"shortcode|emoji")
_NEAR = 200
"""Bytes around a shortcode in which a text may say that it is about them."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield the shortcodes of GitHub and of CLDR; other words in colons are none."""
    from firstlight.lexicon.emoji import from_shortcode

    for found in _CODE.finditer(page.prose):
        span = Span(found.start(), found.end())
        symbol = from_shortcode(found[1].decode())
        number = page.at(span.start)
        if not symbol or number < 0 or not _stands_alone(page, span):
            continue
        yield Finding(
            code=RULE.code,
            role=RULE.role,
            message=f"{found[0].decode()} is text wherever shortcodes are not known",
            hint=f"write {symbol}",
            span=span,
            fix=Fix(
                f"write {symbol}",
                (Edit(span, symbol.encode()),),
                safe=is_free(page, number),
            ),
        )


def _stands_alone(page: Page, span: Span) -> bool:
    before = page.data[max(span.start - 1, 0) : span.start]
    after = page.data[span.end : span.end + 1]
    if _JOINS.match(before) or _JOINS.match(after):
        return False
    near = page.prose[max(span.start - _NEAR, 0) : span.end + _NEAR].lower()
    return not _ABOUT.search(near) and not _is_option(page, span.start)


def _is_option(page: Page, offset: int) -> bool:
    """Whether this is a line ``:name: value`` below another line with a colon."""
    start = page.data.rfind(b"\n", 0, offset) + 1
    if page.data[start:offset].strip() or not start:
        return False
    before = page.data.rfind(b"\n", 0, start - 1) + 1
    return page.data[before:start].lstrip().startswith(b":")


RULE = Rule(
    code="symbols.shortcode",
    check=check,
    role=Role.WARNING,
    keeps=Keeps.HTML_BUT_SYMBOLS,
)
