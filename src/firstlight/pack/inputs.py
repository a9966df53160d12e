"""The files an image is made from: where each may be had, and all of them fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from firstlight.access import local_path
from firstlight.config import Settings
from firstlight.errors import NetworkError, UsageError
from firstlight.failures import RefusedError
from firstlight.finding import Finding, Role
from firstlight.lock.apt import MOVED_ON, deb_urls
from firstlight.lock.lockfile import Archive, Deb, Lock, PlatformLock, Wheel
from firstlight.nearby import Nearby
from firstlight.net import Download, Fetcher
from firstlight.progress import Progress
from firstlight.report import size
from firstlight.store import Store

__all__ = ["Inputs", "fetch", "inputs_of"]

_LISTED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What the lock names for one platform."""

    wheels: tuple[Download, ...]
    debs: tuple[Download, ...]

    @property
    def all(self) -> tuple[Download, ...]:
        """Every file."""
        return (*self.wheels, *self.debs)


def inputs_of(
    lock: Lock,
    part: PlatformLock,
    wheels: Sequence[Wheel],
    settings: Settings,
    store: Store,
) -> Inputs:
    """Return what one platform's image is made from.

    Raises:
        UsageError: when a package is not on this machine, which knows no mirror of it.
    """
    nearby = Nearby(settings, store)
    return Inputs(
        wheels=tuple(
            Download(
                urls=(wheel.url,),
                digest=wheel.digest,
                size=wheel.size,
                name=wheel.filename,
            )
            for wheel in wheels
        ),
        debs=tuple(
            Download(
                urls=_addresses(deb, lock.archives, settings, nearby),
                digest=deb.digest,
                size=deb.size,
                name=deb.filename.rpartition("/")[2],
            )
            for deb in part.debs
        ),
    )


def _addresses(
    deb: Deb, archives: Sequence[Archive], settings: Settings, nearby: Nearby
) -> tuple[str, ...]:
    try:
        return deb_urls(deb, archives, settings)
    except UsageError:
        # Nobody need know a mirror of what is here; what is not is listed otherwise.
        if settings.offline or nearby.has(deb.digest, deb.size):
            return ()
        raise


def fetch(inputs: Inputs, settings: Settings, store: Store, progress: Progress) -> None:
    """Fetch into the store whatever is not there.

    Raises:
        NetworkError: when a file cannot be had; offline, every missing one is counted.
        DigestError: when one is not what the lock says.
    """
    if settings.offline:
        _stop_at_missing(inputs, settings, store)
    fetcher = Fetcher(settings, store, progress)
    try:
        fetcher.fetch_all(inputs.all)
    except RefusedError as error:
        name = error.message.partition(":")[0]
        debs = {deb.name for deb in inputs.debs}
        if error.status != 404 or name not in debs:
            raise
        raise NetworkError(
            error.message, hint=MOVED_ON, findings=error.findings
        ) from error
    finally:
        fetcher.close()


def _stop_at_missing(inputs: Inputs, settings: Settings, store: Store) -> None:
    nearby = Nearby(settings, store)
    missing = [
        item
        for item in inputs.all
        if not nearby.has(item.digest, item.size) and not _is_local(item)
    ]
    if not missing:
        return
    findings = [
        Finding(
            code="offline.missing",
            role=Role.FAILURE,
            message=item.name + (f" ({size(item.size)})" if item.size else ""),
        )
        for item in missing[:_LISTED]
    ]
    more = len(missing) - len(findings)
    raise NetworkError(
        f"{len(missing)} of {len(inputs.all)} files are not on this machine, and no "
        f"network may be used (offline){f'; the first {_LISTED}:' if more else ''}",
        hint="run `firstlight vendor` on this project where there is a network, and "
        "bring what it writes here: as vendor/ in the project, or named with "
        "`firstlight build --offline --vendor PLACE`",
        findings=findings,
    )


def _is_local(item: Download) -> bool:
    paths = [local_path(url) for url in item.urls]
    return any(path is not None and path.is_file() for path in paths)
