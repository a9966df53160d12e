"""OS packages: from a spec to exact ``.deb`` files, and from those to addresses."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from firstlight.config import Settings, settings_file, variable
from firstlight.errors import NetworkError, UsageError
from firstlight.finding import Finding, Role
from firstlight.lock.archive import Reader, Release, Trust
from firstlight.lock.index import Index, Package
from firstlight.lock.lockfile import Archive, Deb
from firstlight.lock.solve import Universe, solve
from firstlight.lock.spec import Spec
from firstlight.lock.system import System, base_packages, system_of
from firstlight.net import Fetcher
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["MOVED_ON", "deb_urls", "resolve"]

MOVED_ON = (
    "the mirror has moved on and no longer has this version: name a snapshot archive "
    'in your settings ([mirror] snapshot = "…"), or renew the lock with '
    "`firstlight lock --upgrade`"
)
"""What to do when no address of a locked package answers."""


def resolve(
    spec: Spec,
    settings: Settings,
    fetcher: Fetcher,
    store: Store,
    *,
    platform: str,
    packages: Sequence[str] | None = None,
    previous: Sequence[Deb] = (),
    progress: Progress | None = None,
    trust: Trust | None = None,
) -> tuple[tuple[Archive, ...], tuple[Deb, ...]]:
    """Return the archives and every OS package of the image, sorted by name.

    Args:
        platform: ``linux/amd64`` or ``linux/arm64``.
        packages: What must be there; None for the profile's and the spec's own.
        previous: Versions to stay with where they still exist.
        progress: Hears what was passed over.
        trust: Whose signatures count, other than the distributions'.

    Raises:
        ArtefactError: when an archive is not signed as it must be, or is damaged.
        ConflictError: when no set of packages satisfies all of them.
        NetworkError: when a mirror does not answer.
    """
    system = system_of(spec)
    architecture = platform.partition("/")[2]
    reader = Reader(
        settings=settings,
        fetcher=fetcher,
        store=store,
        progress=progress or Progress(),
        trust=trust or Trust(),
        architecture=architecture,
        main=system.suites(architecture)[0],
    )
    wanted = wanted_packages(spec) if packages is None else packages
    with reader.progress.task("resolve", f"{system.suite} {architecture}"):
        return _chosen(reader, system, wanted, previous)


def _chosen(
    reader: Reader, system: System, wanted: Sequence[str], previous: Sequence[Deb]
) -> tuple[tuple[Archive, ...], tuple[Deb, ...]]:
    releases = _releases(reader, system.suites(reader.architecture))
    versions = {one.name: one.version for one in previous}
    universe = Universe(_indexes(reader, releases, system), versions)
    debs = tuple(_deb(package) for package in solve(universe, wanted))
    return tuple(release.value() for release in releases), debs


def wanted_packages(spec: Spec) -> tuple[str, ...]:
    """Return the packages an image of this spec must have, without dependencies."""
    base = base_packages(system_of(spec), spec.profile, compiler=spec.compile)
    return tuple(sorted({*base, *spec.system}))


def _releases(reader: Reader, pairs: Sequence[tuple[str, str]]) -> list[Release]:
    with ThreadPoolExecutor(len(pairs)) as pool:
        found = list(
            pool.map(
                lambda pair: _release(reader, pair[0], pair[1], pairs[0][1]), pairs
            )
        )
    return [release for release in found if release is not None]


def _release(reader: Reader, archive: str, suite: str, main: str) -> Release | None:
    """Return a suite; one of updates may be absent, which is told, not passed over."""
    try:
        release = reader.release(archive, suite)
    except UsageError as error:
        if suite == main:
            raise
        reader.progress.warn(_without(suite, error.message, error.hint))
        return None
    if release is None and suite == main:
        raise NetworkError(
            f"no mirror of {archive} carries {suite}",
            hint="the release may have moved to the archive of old releases: name a "
            "mirror of that in your settings, or choose a newer Python",
        )
    if release is None:
        setting = f"{settings_file()} ([mirror] {archive}) or {variable(archive)}"
        why = f"no mirror of {archive} carries it"
        hint = f"name one that does in {setting}"
        reader.progress.warn(_without(suite, why, hint))
    return release


def _without(suite: str, why: str, hint: str) -> Finding:
    what = "security updates" if suite.endswith("-security") else "updates"
    return Finding(
        code="lock.no-updates",
        role=Role.WARNING,
        message=f"locking without the {what} of {suite}: {why}",
        hint=hint,
    )


def _indexes(
    reader: Reader, releases: Sequence[Release], system: System
) -> list[Index]:
    parts = [
        (release, component)
        for release in releases
        for component in system.components
        if not release.components or component in release.components
    ]
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda one: reader.index(one[0], one[1]), parts))


def _deb(package: Package) -> Deb:
    return Deb(
        name=package.name,
        version=package.version,
        architecture=package.architecture,
        filename=package.filename,
        size=package.size,
        digest=package.digest,
        archive=package.archive,
        suite=package.suite,
    )


def deb_urls(
    deb: Deb, archives: Sequence[Archive], settings: Settings
) -> tuple[str, ...]:
    """Return where a package may be had: from the mirrors, then from a snapshot.

    Raises:
        UsageError: when this machine knows neither.
    """
    bases = list(settings.mirrors.get(deb.archive, ()))
    if not bases and deb.archive == "debian-security":
        bases = [
            f"{base.rstrip('/')}-security"
            for base in settings.mirrors.get("debian", ())
            if base.rstrip("/").endswith("/debian")
        ]
    for archive in archives:
        if (archive.name, archive.suite) == (deb.archive, deb.suite):
            bases.extend(settings.snapshot(archive.name, archive.snapshot))
    if not bases:
        bases.extend(settings.mirror(deb.archive))
    return tuple(f"{base.rstrip('/')}/{deb.filename}" for base in bases)
