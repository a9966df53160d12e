"""Make the lock: resolve, select for each platform, read, check, add the OS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from firstlight.config import Settings
from firstlight.digest import of_bytes
from firstlight.errors import ConflictError
from firstlight.finding import Finding, Role
from firstlight.lock import apt, python, stack
from firstlight.lock.explain import explain
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
from firstlight.lock.system import System, system_of
from firstlight.net import Fetcher
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["PYLOCK", "ResolveSystem", "make_lock"]

PYLOCK = "pylock.toml"

_Chosen = tuple[tuple[Wheel, ...], Stack]
"""The wheels of one platform, and what they say about CUDA."""


class ResolveSystem(Protocol):
    """Chooses the OS packages of one platform."""

    def __call__(
        self,
        spec: Spec,
        settings: Settings,
        fetcher: Fetcher,
        store: Store,
        *,
        platform: str,
        packages: Sequence[str],
        previous: Sequence[Deb] = (),
        progress: Progress | None = None,
    ) -> tuple[tuple[Archive, ...], tuple[Deb, ...]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What every step of making one lock needs."""

    spec: Spec
    settings: Settings
    fetcher: Fetcher
    store: Store
    folder: Path
    resolve_system: ResolveSystem
    previous: Lock | None
    upgrade: bool
    progress: Progress


def make_lock(
    spec: Spec,
    settings: Settings,
    fetcher: Fetcher,
    store: Store,
    *,
    folder: Path,
    resolve_system: ResolveSystem = apt.resolve,
    previous: Lock | None = None,
    upgrade: bool = False,
    progress: Progress | None = None,
    source: str = "",
) -> tuple[Lock, str, list[Finding]]:
    """Return the lock, the text of ``pylock.toml`` and what is worth telling.

    Args:
        folder: The project; its ``pylock.toml`` says what was chosen before.
        resolve_system: Chooses the OS packages.
        previous: The lock before, whose choices are kept where they fit.
        upgrade: Take the newest of everything instead.
        source: Where the project lives.

    Raises:
        ConflictError: when nothing fits; its findings say what to change.
        NetworkError: when an index or archive cannot be reached.
    """
    work = _Work(
        spec=spec,
        settings=settings,
        fetcher=fetcher,
        store=store,
        folder=folder,
        resolve_system=resolve_system,
        previous=previous,
        upgrade=upgrade,
        progress=progress or Progress(),
    )
    return _make(work, source)


def _make(work: _Work, source: str) -> tuple[Lock, str, list[Finding]]:
    """Do the quick checks first, then Python, and the OS packages last."""
    spec = work.spec
    _stop(explain(spec))
    system = system_of(spec)
    text, chosen = _python(work, system)
    findings = [
        each for wheels, read in chosen for each in stack.check(spec, read, wheels)
    ]
    _stop(findings)
    archives, parts = _platforms(work, chosen)
    lock = Lock(
        name=spec.name,
        source=source,
        spec=spec.digest,
        pylock=of_bytes(text.encode()),
        python=spec.python,
        suite=system.suite,
        profile=spec.profile,
        direct=tuple(sorted(set(map(_name, spec.requirements)))),
        environment=spec.environment,
        archives=archives,
        platforms=parts,
    )
    return lock, text, findings


def _name(requirement: str) -> str:
    return canonicalize_name(Requirement(requirement).name)


def _python(work: _Work, system: System) -> tuple[str, list[_Chosen]]:
    """Resolve; once more with bounds when the CUDA parts come out of two minors."""
    bounds: tuple[str, ...] = ()
    while True:
        text = python.resolve(
            work.spec,
            work.settings,
            folder=work.folder,
            progress=work.progress,
            upgrade=work.upgrade,
            previous=work.folder / PYLOCK,
            more_constraints=bounds,
        )
        chosen = [
            _selected(work, text, platform, system)
            for platform in work.spec.target.platforms
        ]
        wanted = _bounds(chosen)
        if bounds or not wanted:
            return text, chosen
        bounds = wanted


def _selected(work: _Work, text: str, platform: str, system: System) -> _Chosen:
    wheels = python.select(text, platform=platform, system=system, folder=work.folder)
    return wheels, stack.read_stack(wheels, work.fetcher, work.store)


def _bounds(chosen: Sequence[_Chosen]) -> tuple[str, ...]:
    return tuple(
        sorted(
            {
                f"{wheel.name}=={read.cuda}.*"
                for wheels, read in chosen
                if read.cuda
                for wheel in stack.drifting(read, wheels)
            }
        )
    )


def _platforms(
    work: _Work, chosen: Sequence[_Chosen]
) -> tuple[tuple[Archive, ...], tuple[PlatformLock, ...]]:
    archives: dict[Archive, None] = {}
    parts = []
    platforms = work.spec.target.platforms
    for platform, (wheels, read) in zip(platforms, chosen, strict=True):
        used, debs = _system(work, platform)
        archives.update(dict.fromkeys(used))
        parts.append(
            PlatformLock(
                platform=platform,
                packages=packages_digest(wheels),
                stack=read,
                debs=debs,
            )
        )
    return tuple(archives), tuple(parts)


def _system(work: _Work, platform: str) -> tuple[tuple[Archive, ...], tuple[Deb, ...]]:
    return work.resolve_system(
        work.spec,
        work.settings,
        work.fetcher,
        work.store,
        platform=platform,
        packages=apt.wanted_packages(work.spec),
        previous=() if work.upgrade else _debs(work.previous, platform),
        progress=work.progress,
    )


def _debs(previous: Lock | None, platform: str) -> tuple[Deb, ...]:
    parts = previous.platforms if previous else ()
    return next((part.debs for part in parts if part.platform == platform), ())


def _stop(findings: Sequence[Finding]) -> None:
    failures = [each for each in findings if each.role is Role.FAILURE]
    if failures:
        raise ConflictError(
            failures[0].message, hint=failures[0].hint, findings=failures
        )
