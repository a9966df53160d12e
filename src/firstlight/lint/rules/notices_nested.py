"""A notice in a notice. Few sites draw both, and no reader knows which one counts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Role
from firstlight.lint.notices import SEVERITIES
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_FOLDED = re.compile(rb"[^\n]*\r?\n[ \t>]*:class:[^\n]*\bdropdown\b")
"""The option that makes a notice of MyST a fold."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield notices that are inside another; a fold may hold one."""
    for number in page.numbers("notice"):
        block = page.blocks[number]
        if block.parent < 0 or block.value.function not in SEVERITIES:
            continue
        if _FOLDED.match(page.data, block.value.head.end):
            continue
        for outer in page.around(number):
            if outer.kind != "notice" or outer.value.form == "details":
                continue
            if outer.value.function in SEVERITIES:
                yield Finding(
                    code=RULE.code,
                    role=RULE.role,
                    message=f"A {block.value.type} inside a {outer.value.type}",
                    hint="put one after the other, or make them one",
                    span=block.value.head,
                )
                break


RULE = Rule(code="notices.nested", check=check, role=Role.NOTE)
