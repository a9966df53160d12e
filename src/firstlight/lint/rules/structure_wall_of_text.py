"""A paragraph too long to scan. What stands in its middle is not read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from firstlight.finding import Finding, Role, Span
from firstlight.lint.measure import is_legal, is_quoted, length
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE"]


_PARTS = re.compile(
    rb"(?: {2,}|\\)\r?\n|<br\s*/?>|(?m:^[ \t]*(?:!\[|\$\$|<img)[^\n]*\n)", re.I
)
_BYTES = 4
"""A word and its space have more than so many bytes in any text that is real."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find paragraphs above the limit of words or characters."""
    limits = given.limits
    words, characters = limits.paragraph_words, limits.paragraph_characters
    least = min(words * _BYTES, characters * 3)
    if is_legal(page.path):
        return
    for number in page.numbers("paragraph"):
        block = page.blocks[number]
        if block.end - block.start <= least:
            continue
        count, unit = _length(page, block.text)
        limit = words if unit == "words" else characters
        if count > limit and not is_quoted(page, number):
            yield Finding(
                code=RULE.code,
                role=RULE.role,
                message=f"this paragraph has {count} {unit}, the limit is {limit}",
                hint="one thought to a paragraph; steps and cases make a list",
                span=block.span,
            )


def _length(page: Page, text: Span) -> tuple[int, str]:
    """The length of what stands together: breaks, pictures and formulas part it."""
    whole = length(page.prose[text.start : text.end])
    ends = [text.start]
    ends += [found.end() for found in _PARTS.finditer(page.data, *text)]
    if len(ends) == 1:
        return whole
    parts = pairwise((*ends, text.end))
    return max(length(page.prose[a:b])[0] for a, b in parts), whole[1]


RULE = Rule(code="structure.wall-of-text", check=check, role=Role.NOTE)
