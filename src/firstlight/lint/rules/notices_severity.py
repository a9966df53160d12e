"""A label milder than what it tells. Readers skip notes; this one costs them data."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Finding, Fix, Keeps, Role
from firstlight.lint.notices import SEVERITIES, holder_of, retyped
from firstlight.lint.rule import Given, Rule
from firstlight.mark.hazard import Hazard, hazards
from firstlight.markdown.page import Notice, Page

__all__ = ["RULE", "check"]

_SURE = 0.9
_FOLD = "details"
"""The form that hides a text until it is asked for, whatever its type."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield notices whose worst hazard is worse than their label."""
    worst: dict[int, tuple[Notice, Hazard]] = {}
    for hazard in page.once(hazards):
        held = holder_of(page, hazard.block)
        if held is None or hazard.confidence < _SURE:
            continue
        number, notice = held
        if notice.form == _FOLD:
            continue
        if notice.function in SEVERITIES and _rank(notice.function) < _rank(
            hazard.severity
        ):
            known = worst.get(number)
            if known is None or _rank(known[1].severity) < _rank(hazard.severity):
                worst[number] = (notice, hazard)
    for notice, hazard in worst.values():
        yield _finding(page, notice, hazard, given)


def _rank(name: str) -> int:
    """How bad a function or severity is; a limit is for any label to tell."""
    return SEVERITIES.index(name) if name in SEVERITIES else 0


def _finding(page: Page, notice: Notice, hazard: Hazard, given: Given) -> Finding:
    right = given.lexicon.functions[hazard.severity]
    cue = max(hazard.cues, key=len, default=hazard.reason)
    edits = retyped(page, notice, hazard.severity)
    # A warning about data that goes has been seen at least; a note about it has not.
    is_mild = hazard.severity == "danger" and notice.function != "warning"
    return Finding(
        code=RULE.code,
        role=RULE.role if is_mild else Role.NOTE,
        message=f"“{cue}” is a {hazard.severity}, its label says “{notice.function}”",
        hint=f"label it by its consequence: {right.symbol} {right.english}",
        span=notice.head,
        fix=Fix(f"make it a {hazard.severity}", edits, safe=False) if edits else None,
    )


RULE = Rule(
    code="notices.severity",
    check=check,
    role=Role.WARNING,
    keeps=Keeps.TEXT_BUT_SYMBOLS,
)
