"""A sentence too long to keep in mind. Readers start it again, or skip it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from firstlight.finding import Finding, Role, Span
from firstlight.lint.measure import is_legal, is_quoted, length
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page
from firstlight.markdown.sentences import sentences

__all__ = ["RULE"]


_PARTS = re.compile(
    rb"(?<!e\.g)(?<!i\.e)(?<!etc)(?<!vs)[.!?][\"')]*\s+(?=[a-z])|;\s"
    # A list follows a colon, terms of one stand behind it, a space was forgotten.
    rb"|:[ \t]*\r?\n|\n[ \t]*: |(?<=[a-z])\.(?=[A-Z][a-z])"
    # What was to be an item, and is indented too far for one.
    rb"|\n[ \t]*[*+-] "
)
"""Where a reader rests, though the sentence may go on."""
_SPOKEN = ("subtitle", "transcript")
"""Folders of what somebody said: nobody may make two sentences of it."""
_LINKS = 6
"""So many links are a list, whatever its form."""
_BYTES = 4
"""A word and its space have more than so many bytes in any text that is real."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find sentences above the limit of words or characters."""
    limits = given.limits
    bounds = {"words": limits.sentence_words, "characters": limits.sentence_characters}
    least = min(bounds["words"] * _BYTES, bounds["characters"] * 3)
    if is_legal(page.path) or any(name in page.path.lower() for name in _SPOKEN):
        return
    for number in page.numbers("paragraph"):
        text = page.blocks[number].text
        # To split is dear: only what is long as a whole can have a long sentence.
        is_long = text.end - text.start > least and _excess(page, text, bounds)
        if is_long and not is_quoted(page, number):
            for span in sentences(page, number):
                # Most sentences are short: only long ones are looked at twice.
                is_excess = _excess(page, span, bounds) and not _lists(page, span)
                if is_excess and (found := _in_part(page, span, bounds)):
                    yield _finding(span, found)


def _lists(page: Page, span: Span) -> bool:
    """Whether it only counts up what it links."""
    return page.data.count(b"](", *span) >= _LINKS


def _in_part(page: Page, span: Span, bounds: Mapping[str, int]) -> str:
    """The same of the first part that is too long.

    Names such as ``npm`` begin sentences too, and at a semicolon a reader may rest.
    """
    prose = page.prose[span.start : span.end]
    ends = [0, *(found.end() for found in _PARTS.finditer(prose)), len(prose)]
    parts = (Span(span.start + a, span.start + b) for a, b in pairwise(ends))
    return next(filter(None, (_excess(page, part, bounds) for part in parts)), "")


def _excess(page: Page, span: Span, bounds: Mapping[str, int]) -> str:
    """What a text has more of than it may, empty when all is well."""
    count, unit = length(page.prose[span.start : span.end])
    return f"{count} {unit}, the limit is {bounds[unit]}" * (count > bounds[unit])


def _finding(span: Span, excess: str) -> Finding:
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"this sentence has {excess}",
        hint="make two of it, or a list of what it counts up",
        span=span,
    )


RULE = Rule(code="structure.long-sentence", check=check, role=Role.NOTE)
