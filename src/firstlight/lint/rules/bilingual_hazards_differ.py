"""A warning in one language only. Readers of the other run into it."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lint.alignment import function_of, shown, translations
from firstlight.lint.facts import Mark, Section
from firstlight.lint.rule import Given, Project, Rule

__all__ = ["HAZARDS", "RULE", "across", "is_unwarned"]

HAZARDS = frozenset(("danger", "warning"))
"""The functions of notices that keep a reader from harm."""

_ALSO = frozenset(("danger", "warning", "key", "note", "security", "failure"))
"""Functions that may carry the same words, only weaker; that is another rule."""


def across(project: Project, given: Given) -> Iterator[tuple[str, Finding]]:
    """Yield warnings whose section has nothing like it on the other page."""
    for pair in translations(project):
        for mine, theirs in pair.both():
            if is_unwarned(mine, theirs):
                name = shown(pair.path, pair.other, _first(theirs).line)
                yield pair.path, _lacking(mine, _first(theirs), name)
            elif is_unwarned(theirs, mine):
                name = shown(pair.other, pair.path, _first(mine).line)
                yield pair.other, _lacking(theirs, _first(mine), name)


def is_unwarned(section: Section, other: Section) -> bool:
    """Whether a section has no notice or hazard where its counterpart warns."""
    return (
        any(function_of(mark) in HAZARDS for mark in other.marks)
        and not any(function_of(mark) in _ALSO for mark in section.marks)
        and not any(each.severity in HAZARDS for each in section.perils)
    )


def _first(section: Section) -> Mark:
    return next(mark for mark in section.marks if function_of(mark) in HAZARDS)


def _lacking(section: Section, mark: Mark, name: str) -> Finding:
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"{name} has a {mark.function} in this section, this page has none",
        hint="translate it, before the step that it concerns",
        span=Span(section.start, section.end),
    )


RULE = Rule(code="bilingual.hazards-differ", across=across, role=Role.FAILURE)
