"""A page without its translation. Readers of the other language do not find it."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Finding, Role
from firstlight.lint.pairs import unpaired
from firstlight.lint.rule import Given, Project, Rule

__all__ = ["RULE", "across"]

_LANGUAGES = {"en": "English", "zh": "Chinese"}


def across(project: Project, given: Given) -> Iterator[tuple[str, Finding]]:
    """Yield the pages that lack a translation where most pages around have one."""
    languages = {path: facts.language for path, facts in project.facts.items()}
    for page in unpaired(languages):
        if not project.exists(page.missing):
            yield (
                page.path,
                Finding(
                    code=RULE.code,
                    role=RULE.role,
                    message=f"not in {_LANGUAGES[page.language]}: there is no "
                    f"{page.missing}",
                    hint="translate the page; the others of its folder are",
                    span=project.facts[page.path].sections[0].span,
                ),
            )


RULE = Rule(code="bilingual.missing-page", across=across, role=Role.NOTE, on=False)
