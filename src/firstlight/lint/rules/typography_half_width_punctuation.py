"""Half-width punctuation in Chinese text. It sits too tight, and lines break badly."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Keeps, Role, Span
from firstlight.lint.rule import Given, Rule
from firstlight.lint.typography import HAN, chinese, replaced
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_FULL = {",": "，", ".": "。", ";": "；", ":": "：", "?": "？", "!": "！"}
_MARK = re.compile(rb"(?<=%s)([,.;:?!])(?![,.;:?!])(?= *%s|[ \t\r]*\n|\Z)" % (HAN, HAN))
_NUMERALS = frozenset("一二三四五六七八九十甲乙丙丁")


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield half-width marks after a Chinese character, before one or at a line end."""
    yield from replaced(page, RULE, _places(page), _message)


def _places(page: Page) -> Iterator[tuple[Span, str]]:
    data = page.data
    for found in chinese(page, _MARK):
        start, end = found.span()
        if data[start - 3 : start].decode("utf-8", "ignore") in _NUMERALS:
            continue  # 一. is the number of a heading.
        following = end
        while data[following : following + 1] == b" ":
            following += 1
        # A space after the mark goes with it, unless it ends the line or is for markup.
        if 0xE4 <= data[following : following + 1][:1].ljust(1, b"\0")[0] <= 0xE9:
            end = following
        yield Span(start, end), _FULL[found[1].decode()]


def _message(found: str, text: str) -> str:
    return f"half-width {found.strip()} in Chinese text"


RULE = Rule(
    code="typography.half-width-punctuation",
    check=check,
    role=Role.NOTE,
    on=False,
    keeps=Keeps.LETTERS,
)
