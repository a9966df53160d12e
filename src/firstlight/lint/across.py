"""Rules that compare pages, asked once all pages are known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from firstlight.finding import Finding
from firstlight.lint.check_page import failed
from firstlight.lint.plan import Plan, covers
from firstlight.lint.rule import Project

__all__ = ["compare"]


def compare(
    plan: Plan, facts: Mapping[str, Any], exists: Callable[[str], bool]
) -> dict[str, list[Finding]]:
    """Return what rules that compare pages find, by the path of the page.

    Args:
        plan: The rules.
        facts: What `firstlight.lint.facts.Facts.plain` gave for each page.
        exists: Whether a path of the project is a file or folder.
    """
    if not facts or not plan.compares:
        return {}
    from firstlight.lint.facts import Facts

    project = Project(
        {path: Facts.from_plain(facts[path]) for path in sorted(facts)}, exists
    )
    found: dict[str, list[Finding]] = defaultdict(list)
    for rule in plan.rules:
        if rule.across is None:
            continue
        try:
            pairs = list(rule.across(project, plan.given))
        except Exception as error:  # As with a page: the other rules still count.
            pairs = [(next(iter(project.facts)), failed(rule, error))]
        for path, finding in pairs:
            if not covers(plan.exempt(path), rule.code):
                found[path].append(finding)
    return found
