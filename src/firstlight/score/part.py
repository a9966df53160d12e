"""What a part of the score is: counts that add up, a formula over them, and problems.

Counts of two pages added are the counts of both together, so a project is scored by
the formulas of a page. A problem knows what its mending adds to the counts: so it can
be told, without writing anything, how much the score would rise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from firstlight.finding import Finding, Span

if TYPE_CHECKING:
    from firstlight.lint.rule import Given, Rule
    from firstlight.markdown.page import Page

__all__ = ["Counts", "Measured", "Part", "Problem", "added", "broken", "falling"]

Counts: TypeAlias = tuple[float, ...]
"""What was counted, in the order of `Part.counted`."""


class Problem(NamedTuple):
    """One thing to mend: where, what to do, and what that adds to the counts."""

    span: Span
    action: str
    mended: Counts


class Measured(NamedTuple):
    """What a part counted in a page, and what could be mended there."""

    counts: Counts
    problems: Iterable[Problem] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing that makes a page easy to scan, or hard.

    `about` says why it matters, `good` what is good, and `formula` how the counts give
    0 to 100; `counted` are the names of the counts. `measure` counts in one page;
    `score` is the formula, None where the counts hold nothing to judge; `tell` says the
    counts in words.
    """

    name: str
    about: str
    good: str
    formula: str
    counted: tuple[str, ...]
    measure: Callable[[Page, Given], Measured]
    score: Callable[[Counts], float | None]
    tell: Callable[[Counts], str]

    @property
    def nothing(self) -> Counts:
        """The counts of a page without text."""
        return (0.0,) * len(self.counted)


def added(first: Counts, second: Counts) -> Counts:
    """Return the counts of two pages together."""
    return tuple(one + other for one, other in zip(first, second, strict=True))


def falling(value: float, good: float, bad: float) -> float:
    """Return 100 up to `good`, 0 from `bad` on, and in between what falls evenly.

    >>> falling(12, good=10, bad=20)
    80.0
    """
    return 100 * min(1.0, max(0.0, (bad - value) / (bad - good)))


def broken(page: Page, given: Given, rule: Rule) -> list[Finding]:
    """Return what a rule finds in a page, without what the page says to ignore."""
    from firstlight.lint.ignores import hide, ignores

    assert rule.check is not None
    return hide(rule.check(page, given), page.once(ignores))[0]
