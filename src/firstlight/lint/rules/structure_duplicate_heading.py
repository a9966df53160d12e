"""Two headings alike under one. A link or an outline cannot tell them apart."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from firstlight.finding import Finding, Role
from firstlight.lint.rule import Given, Rule
from firstlight.lint.rules.structure_skipped_heading_level import in_html
from firstlight.markdown.page import Block, Page

__all__ = ["RULE"]


_LISTS_CHANGES = ("changelog", "changes", "release", "history", "news")
_APART = re.compile(rb"<summary|<TabItem|\{\{[%<]\s*tab\b|^=== \"", re.M)
"""What tells headings behind it from those before it: the name of a fold or a tab."""
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+")
"""``module.function``: what can be called in two ways has its name twice."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find headings with the text of a sister."""
    if page.path.rpartition("/")[2].lower().startswith(_LISTS_CHANGES):
        return
    open_headings: list[tuple[int, dict[str, int]]] = [(0, {})]
    tags = in_html(page)
    for heading in page.of("heading"):
        if heading.parent >= 0:
            continue
        while tags and tags[0][0] < heading.start:
            _sisters(open_headings, tags.pop(0)[1])
        sisters = _sisters(open_headings, heading.value)
        text = page.text(heading)
        key = text.casefold()
        if not text or _NAME.fullmatch(text) or _is_told_apart(page, heading):
            continue
        if key in sisters and not _is_apart(page, sisters[key], heading.start):
            line = page.lines.number(sisters[key])
            yield Finding(
                code=RULE.code,
                role=RULE.role,
                message=f"“{_short(text)}” is a heading on line {line} already",
                hint="say in the heading what is different here",
                span=heading.span,
            )
        sisters.setdefault(key, heading.start)


def _sisters(above: list[tuple[int, dict[str, int]]], level: int) -> dict[str, int]:
    """Begin a heading of a level; give the texts of those under the same one."""
    while above[-1][0] >= level:
        above.pop()
    sisters = above[-1][1]
    above.append((level, {}))
    return sisters


def _is_told_apart(page: Page, heading: Block) -> bool:
    """Whether its source names an id, is the name of a tab, or is a formula."""
    source = page.data[heading.start : heading.end]
    return b"{" in source or b"](#tab" in source or b"$$" in source


def _is_apart(page: Page, one: int, other: int) -> bool:
    """Whether a fold or a tab is between them, or they link to two places."""
    lines = [
        page.data[each : page.lines.end(page.lines.number(each))]
        for each in (one, other)
    ]
    if b"](" in lines[0] and b"](" in lines[1] and lines[0].strip() != lines[1].strip():
        return True
    names = page.once(_names)
    return bisect_left(names, one) < bisect_left(names, other)


def _names(page: Page) -> list[int]:
    return [found.start() for found in _APART.finditer(page.data)]


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


RULE = Rule(code="structure.duplicate-heading", check=check, role=Role.NOTE, on=False)
