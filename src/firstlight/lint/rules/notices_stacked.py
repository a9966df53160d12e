"""Notices one after the other. The second takes the eye off the first."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Finding, Role
from firstlight.lint.notices import SEVERITIES, notices
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Notice, Page

__all__ = ["RULE", "check"]


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield each row of notices that is longer than the limits allow, once."""
    limit = given.limits.notices_in_a_row
    row: list[tuple[int, Notice]] = []
    for number, notice in page.once(notices):
        if notice.function not in SEVERITIES or notice.form == "details":
            continue
        if row and page.siblings(number)[0] != row[-1][0]:
            yield from _too_long(row, limit)
            row = []
        row.append((number, notice))
    yield from _too_long(row, limit)


def _too_long(row: list[tuple[int, Notice]], limit: int) -> Iterator[Finding]:
    if len(row) > limit:
        yield Finding(
            code=RULE.code,
            role=RULE.role,
            message=f"{len(row)} notices in a row; the limit is {limit}",
            hint="make them one, or put each before the step it concerns",
            span=row[limit][1].head,
        )


RULE = Rule(code="notices.stacked", check=check, role=Role.NOTE)
