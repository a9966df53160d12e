"""The score of one page: its vector, and what would raise it, with places."""

from __future__ import annotations

from heapq import nlargest
from typing import Any, NamedTuple

from firstlight.finding import Finding, Role
from firstlight.lint.rule import Given
from firstlight.lint.sources import Source
from firstlight.markdown.parse import parse
from firstlight.score.part import Counts, Problem
from firstlight.score.summary import PARTS, Vector, summary
from firstlight.score.texts import texts

__all__ = ["Change", "Mending", "Scored", "gain", "scored"]

_MOST = 3
"""Problems of a part that are kept: more than three are never asked for."""


class Mending(NamedTuple):
    """A problem with its place: part, line, cell of a notebook, action, counts."""

    part: str
    line: int
    cell: int
    action: str
    mended: Counts


class Change(NamedTuple):
    """What to do, where, and by how much the score would rise."""

    gain: float
    path: str
    mending: Mending

    @property
    def where(self) -> str:
        """``README.md:31``, or ``a.ipynb:cell 2:31``."""
        cell = f"cell {self.mending.cell}:" if self.mending.cell else ""
        return f"{self.path}:{cell}{self.mending.line}"


class Scored(NamedTuple):
    """What was counted in a page, and the problems that are worth most."""

    path: str
    language: str
    vector: Vector
    mendings: tuple[Mending, ...]

    @property
    def score(self) -> float | None:
        """The one number, from 0 to 100; None without text."""
        return summary(self.vector)

    def plain(self) -> tuple[Any, ...]:
        """Return it as data for `marshal`; `from_plain` is the way back."""
        vector = tuple(map(tuple, self.vector.values()))
        return self.path, self.language, vector, tuple(map(tuple, self.mendings))

    @classmethod
    def from_plain(cls, data: tuple[Any, ...]) -> Scored:
        """Return the page that `plain` gave."""
        path, language, vector, mendings = data
        named = dict(zip(PARTS, vector, strict=True))
        return cls(path, language, named, tuple(Mending(*each) for each in mendings))


def scored(source: Source, given: Given) -> Scored:
    """Measure a page; equal pages and settings give equal scores.

    Where there is no running text, nothing is measured.
    """
    page = parse(source.text, source.path, given.lexicon)
    vector: dict[str, Counts] = {name: part.nothing for name, part in PARTS.items()}
    problems: list[tuple[str, Problem]] = []
    for name, part in PARTS.items() if page.once(texts) else ():
        measured = part.measure(page, given)
        vector[name] = measured.counts
        problems += ((name, problem) for problem in measured.problems)
    mendings = []
    for name, problem in _best(vector, problems):
        place = source.found(_finding(name, problem), page)
        mendings.append(
            Mending(name, place.line, place.cell, problem.action, problem.mended)
        )
    return Scored(source.path, page.language, vector, tuple(mendings))


def gain(vector: Vector, part: str, mended: Counts) -> float:
    """Return by how much the one number rises when a problem is mended."""
    before = summary(vector)
    counts = tuple(a + b for a, b in zip(vector[part], mended, strict=True))
    after = summary({**vector, part: counts})
    assert before is not None and after is not None
    return after - before


def _best(
    vector: Vector, problems: list[tuple[str, Problem]]
) -> list[tuple[str, Problem]]:
    """The problems of each part that are worth most."""
    by_part: dict[str, list[tuple[float, int, Problem]]] = {}
    for at, (name, problem) in enumerate(problems):
        worth = gain(vector, name, problem.mended)
        by_part.setdefault(name, []).append((worth, -at, problem))
    return [
        (name, problem)
        for name, several in by_part.items()
        for worth, _, problem in nlargest(_MOST, several)
        if worth > 0
    ]


def _finding(name: str, problem: Problem) -> Finding:
    return Finding(
        code=f"score.{name}",
        role=Role.TIP,
        message=problem.action,
        span=problem.span,
    )
