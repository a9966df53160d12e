"""Spec to lock: resolve, read what the wheels are, check, resolve the OS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from firstlight import digest
from firstlight.config import Settings
from firstlight.errors import ConflictError
from firstlight.finding import Finding, Role
from firstlight.lock import apt, explain, python
from firstlight.lock.lockfile import (
    Archive,
    Deb,
    Lock,
    PlatformLock,
    Stack,
    Wheel,
    packages_digest,
)
from firstlight.lock.spec import Spec
from firstlight.lock.stack import read_stack
from firstlight.lock.system import base_packages, glibc_of, suite_of
from firstlight.net import Fetcher
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["Locked", "make_lock"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """A new lock: the two files' contents, and what is worth telling about it."""

    lock: Lock
    pylock: str
    wheels: tuple[tuple[Wheel, ...], ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found for one platform."""

    platform: str
    wheels: tuple[Wheel, ...]
    stack: Stack


def make_lock(
    spec: Spec,
    settings: Settings,
    fetcher: Fetcher,
    store: Store,
    *,
    folder: Path,
    previous: Lock | None = None,
    upgrade: bool = False,
    progress: Progress | None = None,
) -> Locked:
    """Return the lock of a spec; nothing is written but what the store keeps.

    Args:
        folder: The project. Its ``pylock.toml``, if any, gives the versions to keep.
        previous: The lock to change as little as possible.
        upgrade: Take the newest of everything instead.

    Raises:
        ConflictError: when the spec cannot be satisfied; its findings say why.
        NetworkError, ArtefactError: as their names say.
    """
    progress = progress or Progress()
    _refuse(explain.before_resolving(spec))
    suite = spec.suite or suite_of(spec.python)
    resolver = _Resolver(spec, settings, fetcher, store, folder, suite, progress)
    pylock, found, findings = resolver.packages(upgrade=upgrade)
    kept = () if previous is None or upgrade else previous.platforms
    archives, parts = _system(resolver, found, kept)
    lock = Lock(
        name=spec.name,
        source=spec.source,
        spec=spec.digest,
        pylock=digest.of_bytes(pylock.encode()),
        python=spec.python,
        suite=suite,
        profile=spec.profile,
        environment=spec.environment,
        archives=archives,
        platforms=parts,
    )
    wheels = tuple(each.wheels for each in found)
    return Locked(lock=lock, pylock=pylock, wheels=wheels, findings=tuple(findings))


@dataclass(frozen=True, slots=True)
class _Resolver:
    """Resolves for all platforms of one spec."""

    spec: Spec
    settings: Settings
    fetcher: Fetcher
    store: Store
    folder: Path
    suite: str
    progress: Progress

    def packages(
        self, *, upgrade: bool
    ) -> tuple[str, tuple[_Found, ...], list[Finding]]:
        """Resolve, read, and once more with bounds where CUDA libraries drifted."""
        pylock, found = self._once((), upgrade=upgrade)
        bounds = _bounds(found)
        if bounds:
            self.progress.say(
                "keeping CUDA libraries together: " + ", ".join(sorted(bounds))
            )
            pylock, found = self._once(bounds, upgrade=upgrade)
        findings = [
            finding
            for each in found
            for finding in explain.after_reading(self.spec, each.stack, each.wheels)
        ]
        findings = list(dict.fromkeys(findings))
        _refuse(findings)
        return pylock, found, findings

    def _once(
        self, bounds: Sequence[str], *, upgrade: bool
    ) -> tuple[str, tuple[_Found, ...]]:
        pylock = python.resolve(
            self.spec,
            self.settings,
            folder=self.folder,
            progress=self.progress,
            upgrade=upgrade,
            previous=self.folder / "pylock.toml",
            more_constraints=bounds,
        )
        return pylock, tuple(
            self._read(pylock, platform) for platform in self.spec.target.platforms
        )

    def _read(self, pylock: str, platform: str) -> _Found:
        wheels = python.select(
            pylock,
            platform=platform,
            python=self.spec.python,
            glibc=glibc_of(self.suite),
            folder=self.folder,
        )
        with self.progress.task("resolve", f"reading the stack for {platform}"):
            stack = read_stack(wheels, self.fetcher, self.store)
        return _Found(platform, wheels, stack)


def _bounds(found: Sequence[_Found]) -> list[str]:
    drifted = {
        f"{wheel.name}=={each.stack.cuda}.*"
        for each in found
        if each.stack.cuda
        for wheel in explain.drifting(each.stack, each.wheels)
    }
    return sorted(drifted)


def _system(
    resolver: _Resolver, found: Sequence[_Found], kept: Sequence[PlatformLock]
) -> tuple[tuple[Archive, ...], tuple[PlatformLock, ...]]:
    spec = resolver.spec
    wanted = [*base_packages(spec.profile, spec.python, spec.compile), *spec.system]
    debs_before = {part.platform: part.debs for part in kept}
    archives: dict[Archive, None] = {}
    parts = []
    for each in found:
        used, debs = apt.resolve(
            spec,
            resolver.settings,
            resolver.fetcher,
            resolver.store,
            platform=each.platform,
            packages=wanted,
            previous=debs_before.get(each.platform, ()),
        )
        archives.update(dict.fromkeys(used))
        parts.append(_part(each, debs))
    return tuple(archives), tuple(parts)


def _part(found: _Found, debs: Sequence[Deb]) -> PlatformLock:
    return PlatformLock(
        platform=found.platform,
        packages=packages_digest(found.wheels),
        stack=found.stack,
        debs=tuple(debs),
    )


def _refuse(findings: Sequence[Finding]) -> None:
    failures = [each for each in findings if each.role is Role.FAILURE]
    if failures:
        raise ConflictError(
            "this spec cannot give an environment that works", findings=failures
        )
