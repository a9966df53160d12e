"""Make the lock: resolve, select for each platform, read, check, add the OS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

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
from firstlight.lock.system import system_of
from firstlight.net import Fetcher
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["GLIBC", "PYLOCK", "ResolveSystem", "make_lock"]

PYLOCK = "pylock.toml"

GLIBC = {
    "bullseye": "2.31",
    "jammy": "2.35",
    "bookworm": "2.36",
    "noble": "2.39",
    "trixie": "2.41",
}
"""The glibc of each OS release: wheels for a newer one do not load there."""


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
    ) -> tuple[tuple[Archive, ...], tuple[Deb, ...]]: ...


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
    _stop(explain(spec))
    suite, system = system_of(spec).suite, apt.wanted_packages(spec)
    text, chosen = _python(
        spec, settings, fetcher, store, folder, suite, upgrade, progress or Progress()
    )
    findings = [
        each for wheels, read in chosen for each in stack.check(spec, read, wheels)
    ]
    _stop(findings)
    archives: dict[Archive, None] = {}
    parts = []
    for platform, (wheels, read) in zip(spec.target.platforms, chosen, strict=True):
        used, debs = resolve_system(
            spec,
            settings,
            fetcher,
            store,
            platform=platform,
            packages=system,
            previous=() if upgrade else _debs(previous, platform),
        )
        archives.update(dict.fromkeys(used))
        parts.append(
            PlatformLock(
                platform=platform,
                packages=packages_digest(wheels),
                stack=read,
                debs=debs,
            )
        )
    lock = Lock(
        name=spec.name,
        source=source,
        spec=spec.digest,
        pylock=of_bytes(text.encode()),
        python=spec.python,
        suite=suite,
        profile=spec.profile,
        environment=spec.environment,
        archives=tuple(archives),
        platforms=tuple(parts),
    )
    return lock, text, findings


_Chosen = list[tuple[tuple[Wheel, ...], Stack]]


def _python(
    spec: Spec,
    settings: Settings,
    fetcher: Fetcher,
    store: Store,
    folder: Path,
    suite: str,
    upgrade: bool,
    progress: Progress,
) -> tuple[str, _Chosen]:
    """Resolve; once more with bounds when the CUDA parts come out of two minors."""
    bounds: tuple[str, ...] = ()
    while True:
        text = python.resolve(
            spec,
            settings,
            folder=folder,
            progress=progress,
            upgrade=upgrade,
            previous=folder / PYLOCK,
            more_constraints=bounds,
        )
        chosen: _Chosen = []
        for platform in spec.target.platforms:
            wheels = python.select(
                text,
                platform=platform,
                python=spec.python,
                glibc=GLIBC[suite],
                folder=folder,
            )
            chosen.append((wheels, stack.read_stack(wheels, fetcher, store)))
        wanted = _bounds(chosen)
        if bounds or not wanted:
            return text, chosen
        bounds = wanted


def _bounds(chosen: _Chosen) -> tuple[str, ...]:
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


def _debs(previous: Lock | None, platform: str) -> tuple[Deb, ...]:
    parts = previous.platforms if previous else ()
    return next((part.debs for part in parts if part.platform == platform), ())


def _stop(findings: Sequence[Finding]) -> None:
    failures = [each for each in findings if each.role is Role.FAILURE]
    if failures:
        raise ConflictError(
            failures[0].message, hint=failures[0].hint, findings=failures
        )
