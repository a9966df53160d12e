"""Translations with other headings. What one language says, the other leaves out."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Finding, Role
from firstlight.lint.alignment import Translation, shown, translations
from firstlight.lint.facts import Section
from firstlight.lint.rule import Given, Project, Rule

__all__ = ["RULE", "across"]

_DRIFTED = 3
"""So many headings more than the other, of which most pair with none: one finding."""


def across(project: Project, given: Given) -> Iterator[tuple[str, Finding]]:
    """Yield each run of sections that one page lacks, on that page."""
    for pair in translations(project):
        mine, theirs = len(pair.facts.sections) - 1, len(pair.other_facts.sections) - 1
        alone = sum(1 for one, other in pair.sections if one is None or other is None)
        has_drifted = alone * 2 > mine + theirs and abs(mine - theirs) >= _DRIFTED
        if not pair.sections or has_drifted:
            yield pair.path, _whole(pair, mine, theirs)
            continue
        yield from _lacking(pair)
        yield from _levels(pair)


def _whole(pair: Translation, mine: int, theirs: int) -> Finding:
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"{_count(mine)} here, {theirs} in {shown(pair.path, pair.other)}",
        hint="bring both pages to the same sections, in the same order",
        span=pair.facts.sections[min(1, mine)].span,
    )


def _count(headings: int) -> str:
    return "1 heading" if headings == 1 else f"{headings} headings"


def _lacking(pair: Translation) -> Iterator[tuple[str, Finding]]:
    """One finding for sections that lack in a row, where they should stand."""
    before = pair.facts.sections[0], pair.other_facts.sections[0]
    missing: tuple[list[Section], list[Section]] = [], []
    for mine, theirs in (*pair.sections, before):
        if mine is not None and theirs is not None:
            yield from _run(pair, before, missing)
            before, missing = (mine, theirs), ([], [])
        else:
            missing[0].extend([mine] if mine else [])
            missing[1].extend([theirs] if theirs else [])


def _run(
    pair: Translation,
    before: tuple[Section, Section],
    missing: tuple[list[Section], list[Section]],
) -> Iterator[tuple[str, Finding]]:
    mine, theirs = missing
    if theirs:
        yield pair.path, _absent(theirs, pair.path, pair.other, before[0])
    if mine:
        yield pair.other, _absent(mine, pair.other, pair.path, before[1])


def _absent(sections: list[Section], path: str, other: str, before: Section) -> Finding:
    first = sections[0]
    title = first.title if len(first.title) <= 24 else f"{first.title[:22]}…"
    more = f" and {len(sections) - 1} more" if len(sections) > 1 else ""
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"“{title}”{more} of {shown(path, other, first.line)} should follow "
        "here",
        hint="translate what is missing, or take it out of the other page too",
        span=before.span,
    )


def _levels(pair: Translation) -> Iterator[tuple[str, Finding]]:
    for mine, theirs in pair.both():
        if mine.level != theirs.level:
            yield (
                pair.path,
                Finding(
                    code=RULE.code,
                    role=RULE.role,
                    message=f"a heading of level {mine.level}, but {theirs.level} in "
                    f"{shown(pair.path, pair.other, theirs.line)}",
                    hint="give both headings the same level",
                    span=mine.span,
                ),
            )


RULE = Rule(code="bilingual.headings-differ", across=across, role=Role.WARNING)
