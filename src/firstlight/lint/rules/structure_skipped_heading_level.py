"""A heading two levels below the last. Outlines and screen readers show a gap."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Role
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE", "in_html"]

_HEADING = re.compile(rb"<h([1-6])[\s>]", re.I)
_COMPONENT = re.compile(rb"\s*<(?:[A-Z]\w*|details)(?![^<]*/>)[^<]*\Z")
_LISTS_CHANGES = ("changelog", "changes", "release", "history", "news")
"""Pages that programs write."""

_SMALLEST = 6
"""Headings of this level are used as small print."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find headings that go down by more than one level."""
    if page.path.rpartition("/")[2].lower().startswith(_LISTS_CHANGES):
        return
    before, tags = 0, in_html(page)
    for number in page.numbers("heading"):
        heading = page.blocks[number]
        if heading.parent >= 0:
            continue
        while tags and tags[0][0] < heading.start:
            before = tags.pop(0)[1]
        level = heading.value
        if level == _SMALLEST:
            continue
        if _is_in_component(page, number):
            before = level
        if before and level > before + 1:
            yield Finding(
                code=RULE.code,
                role=RULE.role,
                message=f"a heading of level {level} follows one of level {before}",
                hint=f"make it level {before + 1}, or say what stands between",
                span=heading.span,
            )
        before = level


def in_html(page: Page) -> list[tuple[int, int]]:
    """Return where tags of headings are, and their levels: a reader sees no other."""
    return [
        (found.start(), int(found[1]))
        for block in page.of("html")
        if not page.data.startswith(b"<!--", block.start)
        for found in _HEADING.finditer(page.data, block.start, block.end)
    ]


def _is_in_component(page: Page, number: int) -> bool:
    """Whether a component has just begun: its headings have levels of its own."""
    before = page.siblings(number)[0]
    if before < 0 or page.blocks[before].kind != "html":
        return False
    block = page.blocks[before]
    return _COMPONENT.match(page.data[block.start : block.end]) is not None


RULE = Rule(code="structure.skipped-heading-level", check=check, role=Role.NOTE)
