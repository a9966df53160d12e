"""Rules that are as small as can be, to see what the engine does with any rule."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Edit, Finding, Fix, Keeps, Role, Span
from firstlight.lexicon.table import DEFAULT
from firstlight.lint.plan import Plan
from firstlight.lint.rule import Given, Project, Rule
from firstlight.markdown.page import Page

__all__ = ["plan", "rule"]


def rule(
    code: str,
    pattern: str,
    new: str | None = None,
    *,
    safe: bool = True,
    keeps: Keeps = Keeps.TEXT,
    on: bool = True,
) -> Rule:
    """A rule that finds a pattern in the prose, and may write something else."""

    def check(page: Page, given: Given) -> Iterator[Finding]:
        for found in re.finditer(pattern.encode(), page.prose):
            span = Span(*found.span())
            edit = Edit(span, (new or "").encode())
            yield Finding(
                code=code,
                role=Role.WARNING,
                message=f"found {found[0].decode()}",
                span=span,
                fix=None if new is None else Fix("write it", (edit,), safe),
            )

    return Rule(code=code, check=check, on=on, keeps=None if new is None else keeps)


def failing(page: Page, given: Given) -> Iterator[Finding]:
    """Fail, as a rule with a mistake does."""
    raise ZeroDivisionError("no reason")


def titles(project: Project, given: Given) -> Iterator[tuple[str, Finding]]:
    """Find pages of equal title."""
    seen: dict[str, str] = {}
    for path, facts in project.facts.items():
        first = seen.setdefault(facts.title, path)
        if first != path:
            span = Span(0, 1)
            yield (
                path,
                Finding(
                    code="test.title",
                    role=Role.NOTE,
                    message=f"{first} has this title too",
                    span=span,
                ),
            )


def targets(project: Project, given: Given) -> Iterator[tuple[str, Finding]]:
    """Find links to nothing, and offer to let them point to the page itself."""
    for path, facts in project.facts.items():
        for link in facts.links:
            if not link.to.startswith("#") and not project.exists(link.to):
                edit = Edit(Span(link.start, link.end), b"[x](#x)")
                yield (
                    path,
                    Finding(
                        code="test.target",
                        role=Role.FAILURE,
                        message=f"there is no {link.to}",
                        span=Span(link.start, link.end),
                        fix=Fix("point here", (edit,)),
                    ),
                )


FAILING = Rule(code="test.failing", check=failing)
TITLES = Rule(code="test.title", across=titles)
TARGETS = Rule(code="test.target", across=targets, keeps=Keeps.TEXT)
BAD = rule("test.bad", "bad", "good")
"""Without a word of the text, it changes the text: so its fix is never made."""
LONG = rule("test.long", r"(?<=\w)  +(?=\w)", " ", keeps=Keeps.TEXT)


def plan(*rules: Rule, **given: object) -> Plan:
    """A plan of these rules and otherwise the defaults."""
    return Plan(given=Given(lexicon=DEFAULT, **given), rules=rules)  # type: ignore[arg-type]
