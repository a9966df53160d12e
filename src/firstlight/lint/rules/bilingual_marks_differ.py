"""A notice of another function in the translation. Two readers judge it differently."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lint.alignment import Translation, function_of, shown, translations
from firstlight.lint.facts import Mark, Section
from firstlight.lint.rule import Given, Project, Rule
from firstlight.lint.rules.bilingual_hazards_differ import is_unwarned

__all__ = ["RULE", "across"]


def across(project: Project, given: Given) -> Iterator[tuple[str, Finding]]:
    """Yield the first notice of each section that its counterpart does not match."""
    for pair in translations(project):
        for mine, theirs in pair.both():
            if not is_unwarned(mine, theirs) and not is_unwarned(theirs, mine):
                yield from _section(pair, mine, theirs)


def _section(
    pair: Translation, mine: Section, theirs: Section
) -> Iterator[tuple[str, Finding]]:
    here, there = _known(mine.marks), _known(theirs.marks)
    if len(here) == len(there):
        for one, other in zip(here, there, strict=True):
            if function_of(one) != function_of(other):
                name = shown(pair.path, pair.other, other.line)
                yield pair.path, _other(one, other, name)
                return
    elif not here:
        yield from _none(pair.path, mine, there, pair.other)
    elif not there:
        yield from _none(pair.other, theirs, here, pair.path)


def _known(marks: list[Mark]) -> list[Mark]:
    return [mark for mark in marks if mark.function]


def _other(mark: Mark, other: Mark, name: str) -> Finding:
    word = mark.label.strip("_* ") or mark.function
    twin = other.label.strip("_* ") or other.function
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"“{word}” is a {mark.function}, but “{twin}” in {name} "
        f"is a {other.function}",
        hint="use the words of the same function in both languages",
        span=Span(mark.start, mark.end),
    )


def _none(
    path: str, section: Section, marks: list[Mark], other: str
) -> Iterator[tuple[str, Finding]]:
    # A label in plain text is often translated into an ordinary sentence.
    clear = [mark for mark in marks if mark.form != "plain"]
    if clear:
        name = shown(path, other, clear[0].line)
        yield (
            path,
            Finding(
                code=RULE.code,
                role=RULE.role,
                message=f"{name} has a {clear[0].function} in this section, this page "
                "has none",
                hint="translate it as a notice of the same function",
                span=Span(section.start, section.end),
            ),
        )


RULE = Rule(code="bilingual.marks-differ", across=across, role=Role.NOTE)
