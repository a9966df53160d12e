"""A table with more columns than fit. On narrow screens half of it is out of sight."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE"]


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find tables with more columns than the limit."""
    limit = given.limits.table_columns
    for block in page.of("table"):
        columns = len(block.value)
        if columns > limit:
            line = page.lines.number(block.start)
            yield Finding(
                code=RULE.code,
                role=RULE.role,
                message=f"this table has {columns} columns, the limit is {limit}",
                hint="split it by topic, or turn rows and columns around",
                span=Span(block.start, min(page.lines.end(line), block.end)),
            )


RULE = Rule(code="structure.wide-table", check=check, role=Role.NOTE, on=False)
