"""What a rule is, and everything it may ask.

A rule is a module in `firstlight.lint.rules` with a constant ``RULE``, and a page of
the same name beside it, which is its documentation and its tests. It sees one parsed
page (`check`), or the facts of all pages (`across`), and never the file system, the
clock or the network: so what it finds can be kept until one of these changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from firstlight.finding import Finding, Keeps, Role
from firstlight.lint.given import FORMS, TARGETS, Given

if TYPE_CHECKING:
    from firstlight.lint.facts import Facts
    from firstlight.markdown.page import Page

_T = TypeVar("_T")

__all__ = ["ENGINE", "FORMS", "TARGETS", "Given", "Project", "Rule"]

ENGINE = (
    *("lint.unused-ignore", "lint.unknown-ignore", "lint.unused-baseline"),
    *("lint.rule-failed", "lint.fix-withheld", "lint.fix-conflict"),
    *("lint.unreadable", "lint.invalid-utf-8", "lint.not-written"),
)
"""The codes of what the engine itself finds."""


@dataclass(frozen=True, slots=True)
class Project:
    """All pages of a run, for rules that compare pages.

    `facts` are those of each page by its path, in the order of paths. `exists` tells
    whether a path (relative to the project, with ``/``) is a file or folder; the
    answers are noted, so that a later run knows when to ask again.
    """

    facts: Mapping[str, Facts]
    exists: Callable[[str], bool]
    _derived: dict[Callable[[Project], Any], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def once(self, ask: Callable[[Project], _T]) -> _T:
        """Return what a function says about these pages, asking it only once."""
        if ask not in self._derived:
            self._derived[ask] = ask(self)
        found: _T = self._derived[ask]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that can be wrong, named so that "allow `code`" reads well.

    `check` yields the findings of one page, `across` those of all pages, each with the
    path it belongs to. A finding's code is the rule's, its span is set, and its role
    is `role` unless the case is milder or worse; the engine adds where it is. The
    rules that are `on` run unless the settings say otherwise. `keeps` is what a fix
    leaves of the rendered page as it was, None for a rule without fixes.
    """

    code: str
    check: Callable[[Page, Given], Iterable[Finding]] | None = None
    across: Callable[[Project, Given], Iterable[tuple[str, Finding]]] | None = None
    role: Role = Role.WARNING
    on: bool = True
    keeps: Keeps | None = None

    @property
    def topic(self) -> str:
        """``symbols`` of ``symbols.feeling``."""
        return self.code.partition(".")[0]
