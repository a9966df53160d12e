"""Projects of a few pages, made of text: what rules across pages are given."""

from __future__ import annotations

from collections.abc import Mapping

from firstlight.lexicon.table import DEFAULT
from firstlight.lint.facts import Facts, facts_of
from firstlight.lint.rule import Given, Project
from firstlight.markdown.parse import parse


def facts(text: str, *targets: str) -> Facts:
    """Return the facts of a page."""
    given = Given(lexicon=DEFAULT, targets=frozenset(targets or ("github",)))
    return facts_of(parse(text.encode()), given)


def project(pages: Mapping[str, str]) -> Project:
    """Return a project of these pages, and nothing else."""
    known = {path: facts(text) for path, text in sorted(pages.items())}
    return Project(known, lambda path: path in known)
