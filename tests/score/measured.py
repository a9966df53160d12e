"""A page measured, as tests want it."""

from __future__ import annotations

from firstlight.lexicon.table import DEFAULT
from firstlight.lint.limits import Limits
from firstlight.lint.rule import Given
from firstlight.lint.sources import open_source
from firstlight.score.page import Scored, scored
from firstlight.score.summary import scores

GIVEN = Given(lexicon=DEFAULT, limits=Limits())


def measured(page: str | bytes, path: str = "a.md") -> Scored:
    """Measure a page with the default settings."""
    data = page.encode() if isinstance(page, str) else page
    return scored(open_source(path, data), GIVEN)


def part(page: str, name: str) -> float | None:
    """Return what one part of a page's score is."""
    return scores(measured(page).vector)[name]


def counted(page: str, name: str) -> tuple[float, ...]:
    """Return what a part counts in a page."""
    return measured(page).vector[name]


def told(page: str, name: str) -> list[tuple[int, str]]:
    """Return the line and action of the problems that a part finds in a page."""
    found = measured(page).mendings
    return [(each.line, each.action) for each in found if each.part == name]
