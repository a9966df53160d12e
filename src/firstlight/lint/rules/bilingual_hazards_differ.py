"""A warning in one language only. Readers of the other run into it."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lint.alignment import function_of, shown, translations
from firstlight.lint.facts import Facts, Mark, Section
from firstlight.lint.rule import Given, Project, Rule

__all__ = ["HAZARDS", "RULE", "across", "is_unwarned"]

HAZARDS = frozenset(("danger", "warning"))
"""The functions of notices that keep a reader from harm."""

_ALSO = frozenset(("danger", "warning", "key", "note", "security", "failure"))
"""Functions that may carry the same words, only weaker; that is another rule."""


def across(project: Project, given: Given) -> Iterator[tuple[str, Finding]]:
    """Yield warnings whose section has nothing like it on the other page."""
    for pair in translations(project):
        here, there = _count(pair.facts), _count(pair.other_facts)
        for mine, theirs in pair.both():
            # As many warnings on both pages: one stands in another section.
            if here < there and _is_silent(pair.facts, mine, theirs, given):
                name = shown(pair.path, pair.other, _first(theirs).line)
                yield pair.path, _lacking(mine, _first(theirs), name)
            elif there < here and _is_silent(pair.other_facts, theirs, mine, given):
                name = shown(pair.other, pair.path, _first(mine).line)
                yield pair.other, _lacking(theirs, _first(mine), name)


def _count(facts: Facts) -> int:
    marks = (mark for section in facts.sections for mark in section.marks)
    return sum(function_of(mark) in HAZARDS for mark in marks)


def _is_silent(facts: Facts, section: Section, other: Section, given: Given) -> bool:
    """Whether no warning is there, and no symbol of one inside a paragraph either."""
    if not is_unwarned(section, other):
        return False
    starts = (each.start for each in facts.sections if each.start > section.start)
    end = min(starts, default=None)
    return not any(
        given.lexicon.function_of(symbol.symbol) in HAZARDS
        and section.start <= symbol.start
        and (end is None or symbol.start < end)
        for symbol in facts.symbols
    )


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


RULE = Rule(code="bilingual.hazards-differ", across=across, role=Role.WARNING)
