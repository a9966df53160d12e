"""No space between Chinese and Latin text. The eye has to find where a name begins."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Keeps, Role, Span
from firstlight.lint.rule import Given, Rule
from firstlight.lint.typography import HAN, chinese, replaced
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_GAP = re.compile(rb"(?<=%s)(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%%])(?=%s)" % (HAN, HAN))
_HAN = re.compile(HAN)


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield the places where Chinese and Latin text touch."""
    yield from replaced(page, RULE, _places(page), _message)


def _places(page: Page) -> Iterator[tuple[Span, str]]:
    places = [found.start() for found in chinese(page, _GAP)]
    for code in page.inlines("code"):
        if code.start > 2 and _HAN.match(page.data, code.start - 3):
            places.append(code.start)
        if _HAN.match(page.data, code.end):
            places.append(code.end)
    for at in sorted(places):
        yield Span(at, at), " "


def _message(found: str, text: str) -> str:
    return "no space between Chinese and Latin text"


RULE = Rule(
    code="typography.latin-spacing",
    check=check,
    role=Role.NOTE,
    on=False,
    keeps=Keeps.HTML_BUT_SYMBOLS,
)
