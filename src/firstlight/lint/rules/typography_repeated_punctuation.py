"""The same mark twice or more. It shouts, and says nothing that one does not say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Keeps, Role, Span
from firstlight.lint.rule import Given, Rule
from firstlight.lint.typography import HAN, chinese, replaced
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_AGAIN = re.compile(
    # ！，：；？ and 、。, and the half-width marks that shout.
    rb"(\xef\xbc[\x81\x8c\x9a\x9b\x9f]|\xe3\x80[\x81\x82])\1+|([!?])\2+"
)
_HAN = re.compile(HAN)
_ELLIPSIS = "。。。"


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield marks that are repeated; full stops in a row are another rule."""
    yield from replaced(page, RULE, _places(page), _message)


def _places(page: Page) -> Iterator[tuple[Span, str]]:
    for found in chinese(page, _AGAIN):
        text = found[0].decode()
        before = page.prose[max(0, found.start() - 3) : found.start()]
        is_chinese = found[1] is not None or _HAN.fullmatch(before)
        if is_chinese and not text.startswith(_ELLIPSIS):
            yield Span(*found.span()), text[0]


def _message(found: str, text: str) -> str:
    return f"{found[:8]} says no more than {text}"


RULE = Rule(
    code="typography.repeated-punctuation",
    check=check,
    role=Role.NOTE,
    on=False,
    keeps=Keeps.LETTERS,
)
