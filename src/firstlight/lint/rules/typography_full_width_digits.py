"""Full-width digits. Nobody finds ２０２６ with a search for 2026, nor can copy it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Keeps, Role, Span
from firstlight.lint.rule import Given, Rule
from firstlight.lint.typography import chinese, replaced
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_DIGITS = re.compile(rb"(?:\xef\xbc[\x90-\x99])+")
_HALF = str.maketrans("０１２３４５６７８９", "0123456789")


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield numbers that are written in full-width digits."""
    if b"\xef\xbc" in page.prose:
        yield from replaced(page, RULE, _places(page), _message)


def _places(page: Page) -> Iterator[tuple[Span, str]]:
    for found in chinese(page, _DIGITS):
        yield Span(*found.span()), found[0].decode().translate(_HALF)


def _message(found: str, text: str) -> str:
    return f"{found} is written in full-width digits"


RULE = Rule(
    code="typography.full-width-digits",
    check=check,
    role=Role.NOTE,
    on=False,
    keeps=Keeps.LETTERS,
)
