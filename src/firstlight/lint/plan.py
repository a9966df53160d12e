"""Which rules look at which page, and how much their findings weigh."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from firstlight import __version__
from firstlight.finding import Finding, Role
from firstlight.lint.globs import matcher
from firstlight.lint.rule import ENGINE, Given, Rule
from firstlight.lint.rules import load
from firstlight.lint.settings import Settings
from firstlight.lint.sites import Site
from firstlight.lint.stamps import stamp

if TYPE_CHECKING:
    from firstlight.lint.environment import Environment

__all__ = ["Plan", "chosen", "covers", "package_files", "plan_of"]


def covers(names: Iterable[str], code: str) -> bool:
    """Whether a rule is among names, each of them a code or a topic."""
    topic = code.partition(".")[0]
    return any(name in (code, topic) for name in names)


def chosen(settings: Settings, rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return the rules that run: the default ones, extended and narrowed.

    A code weighs more than its topic, and between equals, not to run more than to run.
    """

    def is_chosen(rule: Rule) -> bool:
        for name in (rule.code, rule.topic):
            if name in settings.ignore:
                return False
            if name in settings.select:
                return True
        return rule.on

    return tuple(rule for rule in rules if is_chosen(rule))


@dataclass(frozen=True)
class Plan:
    """What is asked of every page: the same in every process of a run."""

    given: Given
    rules: tuple[Rule, ...]
    roles: Mapping[str, Role] = field(default_factory=dict)
    ignored: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    sites: tuple[Site, ...] = ()

    def given_for(self, path: str) -> Given:
        """Return what the rules may ask about a page: where it is read, among all."""
        for number, site in enumerate(self.sites):
            if path.startswith(site.folder):
                return self._of_sites[number]
        return self.given

    @cached_property
    def _of_sites(self) -> list[Given]:
        given = self.given
        return [replace(given, targets=frozenset((s.target,))) for s in self.sites]

    def rules_for(self, path: str) -> tuple[Rule, ...]:
        """Return the rules that a page is not exempt from."""
        exempt = self.exempt(path)
        if not exempt:
            return self.rules
        return tuple(rule for rule in self.rules if not covers(exempt, rule.code))

    def exempt(self, path: str) -> tuple[str, ...]:
        """Return the codes and topics that do not count in a page."""
        if not self.ignored:
            return ()
        return tuple(n for match, names in self._globs if match(path) for n in names)

    def wants(self, path: str, code: str) -> bool:
        """Whether to tell of what the engine itself found in a page."""
        return not covers((*self.exempt(path), *self.silent), code)

    def graded(self, finding: Finding) -> Role:
        """Return the role that the settings give a finding, or its own."""
        roles = self.roles
        if not roles:
            return finding.role
        topic = finding.code.partition(".")[0]
        return roles.get(finding.code) or roles.get(topic) or finding.role

    def judges(self, path: str, name: str) -> bool:
        """Whether a code or topic names the engine's findings, or a rule for a page."""
        running = (rule.code for rule in self.rules_for(path))
        return not name or any(covers((name,), code) for code in (*running, *ENGINE))

    def may_compare(self, name: str) -> bool:
        """Whether a code or topic, or the empty name of all, names such a rule."""
        rules = [rule for rule in self.rules if rule.across]
        return any(not name or covers((name,), rule.code) for rule in rules)

    @cached_property
    def compares(self) -> bool:
        """Whether a rule compares pages, so that facts of all are wanted."""
        return any(rule.across for rule in self.rules)

    @cached_property
    def digest(self) -> str:
        """What the findings of equal pages depend on: rules, settings and program."""
        given = self.given
        parts = [
            *(
                __version__,
                sys.version,
                repr([stamp(path) for path in package_files()]),
                given.lexicon.digest,
            ),
            *(repr(sorted(given.targets)), repr(self.sites)),
            *(repr(given.limits), given.form),
            *(repr(given.environment), repr(self.codes), repr(self.silent)),
            *(repr(sorted(self.roles.items())), repr(sorted(self.ignored.items()))),
        ]
        return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """The codes of its rules."""
        return tuple(rule.code for rule in self.rules)

    @cached_property
    def _globs(self) -> list[tuple[Callable[[str], bool], tuple[str, ...]]]:
        return [(matcher([glob]), names) for glob, names in self.ignored.items()]

    def __reduce__(self) -> tuple[type[Plan], tuple[object, ...]]:
        return Plan, tuple(getattr(self, each.name) for each in fields(self))


def plan_of(
    settings: Settings,
    *,
    environment: Environment | None = None,
    rules: Iterable[Rule] | None = None,
) -> Plan:
    """Return what settings ask for.

    Args:
        settings: Those of the project.
        environment: The facts of its image.
        rules: Those to choose from, all by default.

    Raises:
        UsageError: when the symbols of the settings contradict each other.
    """
    given = Given(
        lexicon=settings.lexicon,
        targets=frozenset(settings.targets),
        limits=settings.limits,
        form=settings.form,
        environment=environment,
    )
    return Plan(
        given=given,
        rules=chosen(settings, load() if rules is None else rules),
        roles=settings.roles,
        ignored=settings.ignored,
        silent=settings.ignore,
        sites=settings.sites,
    )


def package_files() -> list[str]:
    """Return every module that findings depend on: rules change while developed."""
    root = Path(__file__).parent.parent
    parts = ("lint", "markdown", "lexicon", "mark")
    found = [path for part in parts for path in (root / part).rglob("*.py")]
    return sorted(map(str, found))
