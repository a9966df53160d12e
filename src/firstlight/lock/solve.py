"""Choosing OS packages: a set in which everything that is needed is there.

resolvelib searches; what it searches in is made of three kinds of candidates: a
package, a package in the place of a name it provides, and a choice among alternatives.
``Conflicts`` and ``Breaks`` are looked at afterwards: of two packages that exclude each
other one is ruled out, and the search starts again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, Resolver
from resolvelib.resolvers import ResolutionTooDeep

from firstlight.errors import ConflictError
from firstlight.lock.debversion import version_key
from firstlight.lock.index import Index, Package
from firstlight.lock.relations import Relation
from firstlight.lock.unsolved import explain, unknown

__all__ = ["Universe", "solve"]

_ROUNDS = 20_000
_RETRIES = 64
_PRIORITIES = {"required": 0, "important": 1, "standard": 2, "optional": 3}

Banned = frozenset[tuple[str, str]]


@dataclass(slots=True)
class Universe:
    """Every package there is, over all suites; `locked` are versions to stay with."""

    indexes: Sequence[Index]
    locked: Mapping[str, str] = field(default_factory=dict)
    _named: dict[str, list[Package]] = field(default_factory=dict)
    _providing: dict[str, list[tuple[Package, str]]] = field(default_factory=dict)

    def named(self, name: str) -> list[Package]:
        """Return the versions of a package, the one to prefer first."""
        if name not in self._named:
            found = {
                package.version: package
                for index in reversed(self.indexes)
                for package in index.named(name)
            }
            stay = self.locked.get(name)
            self._named[name] = sorted(
                found.values(),
                key=lambda one: (one.version == stay, version_key(one.version)),
                reverse=True,
            )
        return self._named[name]

    def providing(self, name: str) -> list[tuple[Package, str]]:
        """Return (package, version it provides the name as), the best first."""
        if name not in self._providing:
            names = {
                package.name
                for index in self.indexes
                for package in index.providing(name)
                if package.name != name
            }
            pairs = [
                (package, given.version)
                for one in names
                for package in self.named(one)[:1]
                for given in package.provides
                if given.name == name
            ]
            self._providing[name] = sorted(pairs, key=self._rank)
        return self._providing[name]

    def _rank(self, pair: tuple[Package, str]) -> tuple[bool, int, str, str]:
        package, version = pair
        priority = _PRIORITIES.get(package.priority, 4)
        return package.name not in self.locked, priority, package.name, version

    def names(self) -> set[str]:
        """Return every name that packages have or provide."""
        found: set[str] = set()
        for index in self.indexes:
            found.update(index.offsets, index.providers)
        return found


@dataclass(frozen=True, slots=True)
class Need:
    """Something wanted: one name, or the first possible of several alternatives."""

    options: tuple[Relation, ...]

    @property
    def name(self) -> str:
        """What tells this need's node in the search from others."""
        return str(self) if len(self.options) > 1 else self.options[0].name

    def __str__(self) -> str:
        return " | ".join(map(str, self.options))


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer to a need: `package` when it is one itself or provides the name."""

    name: str
    version: str
    package: Package | None = None
    needs: tuple[Need, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


class _Matches(Sequence[Candidate]):
    """Candidates that are looked for anew each time: resolvelib keeps other lists."""

    def __init__(self, find: Callable[[], Iterable[Candidate]]) -> None:
        self._find = find

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self._find())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return any(True for _ in self)

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]


class _Provider(AbstractProvider[Need, Candidate, str]):
    """Answers resolvelib's questions about a universe."""

    def __init__(self, universe: Universe, banned: Banned) -> None:
        self._universe = universe
        self._banned = banned
        self.pinned: Mapping[str, Candidate] = {}

    def identify(self, requirement_or_candidate: Need | Candidate) -> str:
        """Return the node."""
        return requirement_or_candidate.name

    def narrow_requirement_selection(
        self,
        identifiers: Iterable[str],
        resolutions: Mapping[str, Candidate],
        candidates: Mapping[str, Iterator[Candidate]],
        information: Mapping[str, Iterator[Any]],
        backtrack_causes: Sequence[Any],
    ) -> Iterable[str]:
        """Decide one name at a time: plain names first, so that choices see them."""
        return [min(identifiers, key=self._order)]

    def _order(self, name: str) -> tuple[int, str]:
        if "|" in name:
            return 2, name
        return (0 if self._universe.named(name) else 1), name

    def get_preference(self, identifier: str, *_: Any, **__: Any) -> tuple[int, str]:
        """Return the order of `narrow_requirement_selection`."""
        return self._order(identifier)

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Need]],
        incompatibilities: Mapping[str, Iterator[Candidate]],
    ) -> Sequence[Candidate]:
        """Return what may answer, the best first, as things stand when it is asked."""
        needs = list(requirements[identifier])
        wrong = {(one.version, one.package) for one in incompatibilities[identifier]}

        def matches() -> Iterator[Candidate]:
            choose = self._choices if "|" in identifier else self._packages
            for candidate in choose(identifier, needs):
                if (candidate.version, candidate.package) not in wrong:
                    yield candidate

        return _Matches(matches)

    def _choices(self, name: str, needs: Sequence[Need]) -> Iterator[Candidate]:
        options = needs[0].options
        here = [one for one in options if self._is_here(one)]
        others = [one for one in options if one not in here and self._possible(one)]
        for option in (*here, *others):
            yield Candidate(name, str(option), None, (Need((option,)),))

    def _is_here(self, option: Relation) -> bool:
        pinned = self.pinned.get(option.name)
        if pinned is not None:
            return _fits(option, pinned)
        return any(
            self.pinned.get(package.name, _NONE).package == package
            for package, version in self._universe.providing(option.name)
            if _provides(option, version)
        )

    def _possible(self, option: Relation) -> bool:
        return any(True for _ in self._packages(option.name, [Need((option,))]))

    def _packages(self, name: str, needs: Sequence[Need]) -> Iterator[Candidate]:
        relations = [need.options[0] for need in needs]
        for package in self._universe.named(name):
            if (name, package.version) in self._banned:
                continue
            if all(one.accepts(package.version) for one in relations):
                needs_of = tuple(map(Need, package.depends))
                yield Candidate(name, package.version, package, needs_of)
        yield from self._providers(name, relations)

    def _providers(
        self, name: str, relations: Sequence[Relation]
    ) -> Iterator[Candidate]:
        pairs = self._universe.providing(name)
        here = [one for one in pairs if one[0].name in self.pinned]
        for package, version in (*here, *(one for one in pairs if one not in here)):
            if (package.name, package.version) in self._banned:
                continue
            if all(_provides(one, version) for one in relations):
                exactly = Need((Relation(package.name, "=", package.version),))
                text = f"{version or '*'} of {package}"
                yield Candidate(name, text, None, (exactly,))

    def is_satisfied_by(self, requirement: Need, candidate: Candidate) -> bool:
        """Whether a candidate answers a need."""
        if len(requirement.options) > 1:
            return True
        return _fits(requirement.options[0], candidate)

    def get_dependencies(self, candidate: Candidate) -> Sequence[Need]:
        """Return what comes with it."""
        return candidate.needs


class _Watch(BaseReporter[Need, Candidate, str]):
    """Keeps the provider told of what is chosen, which choices go by."""

    def __init__(self, provider: _Provider) -> None:
        self._provider = provider

    def ending_round(self, index: int, state: Any) -> None:
        """One more name is decided, or one was taken back."""
        self._provider.pinned = state.mapping


_NONE = Candidate("", "")


def _fits(option: Relation, candidate: Candidate) -> bool:
    if candidate.package is not None:
        return option.accepts(candidate.version)
    version = candidate.version.partition(" ")[0]
    return _provides(option, "" if version == "*" else version)


def _provides(relation: Relation, version: str) -> bool:
    """An unversioned ``Provides`` satisfies only who asks for no version."""
    return not relation.relation or (bool(version) and relation.accepts(version))


def solve(universe: Universe, packages: Sequence[str]) -> tuple[Package, ...]:
    """Return a set of packages that has the named ones and all they depend on.

    Args:
        universe: What there is.
        packages: Names, each of a package or of something that packages provide.

    Raises:
        ConflictError: says who needs what, when there is no such set.
    """
    missing = unknown(packages, universe.names())
    if missing is not None:
        raise missing
    waiting: list[Banned] = [frozenset()]
    first: ConflictError | None = None
    for _ in range(_RETRIES):
        if not waiting:
            break
        banned = waiting.pop()
        try:
            chosen = _search(universe, packages, banned)
        except ConflictError as error:
            first = first or error
            continue
        clash = _clash(chosen)
        if clash is None:
            return chosen
        one, other, why = clash
        first = first or ConflictError(
            f"{one} and {other} exclude each other: {one.name} declares a conflict "
            f"with {why}",
            hint="remove the one of them that you asked for",
        )
        # Any solution lacks one of the two: trying both ways misses none.
        waiting.append(banned | {(other.name, other.version)})
        waiting.append(banned | {(one.name, one.version)})
    raise first or ConflictError("no set of packages was found")


def _search(
    universe: Universe, packages: Sequence[str], banned: Banned
) -> tuple[Package, ...]:
    provider = _Provider(universe, banned)
    resolver = Resolver(provider, _Watch(provider))
    needs = [Need((Relation(name),)) for name in sorted(set(packages))]
    try:
        result = resolver.resolve(needs, max_rounds=_ROUNDS)
    except ResolutionImpossible as error:
        raise explain(list(error.causes), universe.named) from error
    except ResolutionTooDeep as error:
        raise ConflictError(
            f"no set of packages was found in {_ROUNDS} steps",
            hint="ask for fewer system packages",
        ) from error
    found = (one.package for one in result.mapping.values())
    return tuple(sorted((one for one in found if one), key=lambda one: one.name))


def _clash(chosen: Sequence[Package]) -> tuple[Package, Package, Relation] | None:
    """Return the first two packages that exclude each other, and how."""
    named = {package.name: package for package in chosen}
    provided: dict[str, list[tuple[Package, str]]] = {}
    for package in chosen:
        for given in package.provides:
            provided.setdefault(given.name, []).append((package, given.version))
    for package in chosen:
        for relation in package.conflicts:
            other = named.get(relation.name)
            if other and other is not package and relation.accepts(other.version):
                return package, other, relation
            for giver, version in provided.get(relation.name, ()):
                if giver is not package and _provides(relation, version):
                    return package, giver, relation
    return None
