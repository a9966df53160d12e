"""An ellipsis that is none in Chinese. Three dots look like a slip."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Keeps, Role, Span
from firstlight.lint.rule import Given, Rule
from firstlight.lint.typography import HAN, chinese, replaced
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_DOTS = re.compile(rb"(?:\xe3\x80\x82){3,}|\.{3,}|\xe2\x80\xa6(?!\xe2\x80\xa6)")
_CHINESE = re.compile(rb"%s|\xe3\x80\x81|\xef\xbc[\x8c\x9a]" % HAN)
"""A Chinese character, or one of 、，：."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield three dots, three full stops, or half an ellipsis after Chinese text."""
    yield from replaced(page, RULE, _places(page), _message)


def _places(page: Page) -> Iterator[tuple[Span, str]]:
    for found in chinese(page, _DOTS):
        if _CHINESE.match(page.prose, max(0, found.start() - 3)):
            yield Span(*found.span()), "……"


def _message(found: str, text: str) -> str:
    return f"{found[:8]} is no Chinese ellipsis"


RULE = Rule(
    code="typography.ellipsis",
    check=check,
    role=Role.NOTE,
    on=False,
    keeps=Keeps.LETTERS,
)
