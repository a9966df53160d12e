"""Translated procedures with other numbers of steps. One of them leaves a step out."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lint.alignment import shown, translations
from firstlight.lint.rule import Given, Project, Rule

__all__ = ["RULE", "across"]


def across(project: Project, given: Given) -> Iterator[tuple[str, Finding]]:
    """Yield numbered lists whose counterpart has more or fewer items."""
    for pair in translations(project):
        for mine, theirs in pair.both():
            # With other numbers of lists, nobody knows which belongs to which.
            if len(mine.steps) != len(theirs.steps):
                continue
            for here, there in zip(mine.steps, theirs.steps, strict=True):
                if here.items != there.items:
                    yield (
                        pair.path,
                        Finding(
                            code=RULE.code,
                            role=RULE.role,
                            message=f"{_steps(here.items)} here, {there.items} in "
                            f"{shown(pair.path, pair.other, there.line)}",
                            hint="compare the two lists item by item",
                            span=Span(here.start, here.end),
                        ),
                    )


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


RULE = Rule(code="bilingual.steps-differ", across=across, role=Role.WARNING)
