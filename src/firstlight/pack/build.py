"""A lock to an image in the store: fetch, make the layers in parallel, describe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from firstlight import digest
from firstlight.config import Settings
from firstlight.digest import Digest
from firstlight.errors import NetworkError
from firstlight.failures import RefusedError
from firstlight.finding import Finding, Role
from firstlight.lock.apt import MOVED_ON, deb_urls
from firstlight.lock.lockfile import Lock, PlatformLock, Wheel
from firstlight.lock.python import select
from firstlight.lock.system import SUITES
from firstlight.net import Download, Fetcher
from firstlight.oci.model import Image, Layer
from firstlight.pack.describe import describe
from firstlight.pack.known import find, hold_against, part_of, remember
from firstlight.pack.make import make_layers, remake_layers
from firstlight.pack.plan import Plan
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["build_project", "verify"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What every step of one build needs."""

    lock: Lock
    part: PlatformLock
    wheels: tuple[Wheel, ...]
    store: Store
    settings: Settings
    progress: Progress


def build_project(
    lock: Lock,
    pylock: str,
    *,
    platform: str,
    folder: Path,
    store: Store,
    settings: Settings,
    progress: Progress,
) -> Image:
    """Return the image of a lock for one platform, made or found in the store.

    Layers that are in the store are used as they are; layers whose facts the lock or
    the store knows are copied without inflating; the rest is made and hashed.

    Args:
        pylock: The text of the ``pylock.toml`` beside the lock.
        folder: Where it lies; relative paths in it start there.

    Raises:
        LockError: when the lock has no such platform.
        MismatchError: when the lock's image ID is not what its packages give.
        ArtefactError, NetworkError, StoreError: as their names say.
    """
    part = part_of(lock, platform)
    with store.held():
        found = find(lock, platform, store)
        if found is not None:
            return found
        work = _work(lock, part, pylock, folder, store, settings, progress)
        _fetch(work)
        plan = Plan.of(lock, part, work.wheels, store, progress)
        layers = make_layers(
            plan, part.layers, jobs=settings.jobs, store=store, progress=progress
        )
        image = describe(lock, part, layers, store.put)
        hold_against(part, image)
        remember(lock, image, store)
    return image


def verify(
    lock: Lock,
    pylock: str,
    *,
    platform: str,
    folder: Path,
    store: Store,
    settings: Settings,
    progress: Progress,
) -> tuple[Digest, list[Finding]]:
    """Rebuild every layer from the locked files and compare with the lock.

    Nothing that was computed before is believed: inputs are hashed, every stream is
    inflated. Nothing is written but what had to be fetched. Returns the image ID and
    what differs.
    """
    part = part_of(lock, platform)
    with store.held():
        work = _work(lock, part, pylock, folder, store, settings, progress)
        _distrust(work)
        _fetch(work)
        layers = remake_layers(
            Plan.of(lock, part, work.wheels, store, progress, believe=False),
            jobs=settings.jobs,
            progress=progress,
        )
        image = describe(lock, part, layers, digest.of_bytes)
    return image.id, list(_compare(part, layers, image))


def _work(
    lock: Lock,
    part: PlatformLock,
    pylock: str,
    folder: Path,
    store: Store,
    settings: Settings,
    progress: Progress,
) -> _Work:
    wheels = select(
        pylock,
        platform=part.platform,
        system=SUITES[lock.suite],
        folder=folder,
    )
    return _Work(
        lock=lock,
        part=part,
        wheels=wheels,
        store=store,
        settings=settings,
        progress=progress,
    )


# Inputs


def _downloads(work: _Work) -> Iterator[Download]:
    for wheel in work.wheels:
        yield Download(
            urls=(wheel.url,),
            digest=wheel.digest,
            size=wheel.size,
            name=wheel.filename,
        )
    for deb in work.part.debs:
        yield Download(
            urls=deb_urls(deb, work.lock.archives, work.settings),
            digest=deb.digest,
            size=deb.size,
            name=deb.filename.rpartition("/")[2],
        )


def _fetch(work: _Work) -> None:
    fetcher = Fetcher(work.settings, work.store, work.progress)
    try:
        fetcher.fetch_all(list(_downloads(work)))
    except RefusedError as error:
        name = error.message.partition(":")[0]
        debs = {deb.filename.rpartition("/")[2] for deb in work.part.debs}
        if error.status != 404 or name not in debs:
            raise
        raise NetworkError(
            error.message, hint=MOVED_ON, findings=error.findings
        ) from error


def _distrust(work: _Work) -> None:
    """Hash every input that is in the store; damaged ones are removed."""
    for item in _downloads(work):
        work.store.forget(item.digest)


def _compare(
    part: PlatformLock,
    layers: Sequence[Layer],
    image: Image,
) -> Iterator[Finding]:
    facts = {fact.key: fact for fact in part.layers}
    for layer in layers:
        fact = layer.recipe and facts.get(layer.recipe)
        if fact and (fact.digest, fact.diff_id) != (layer.digest, layer.diff_id):
            yield Finding(
                code="verify.layer",
                role=Role.FAILURE,
                message=f"{layer.title}: rebuilt {layer.digest}, locked {fact.digest}",
                where="firstlight.lock",
                hint="build both with the same firstlight, or report this difference",
            )
    if part.image_id is None:
        yield Finding(
            code="verify.not-built",
            role=Role.NOTE,
            message=f"the lock names no image for {part.platform} yet",
            where="firstlight.lock",
            hint="`firstlight build` writes it in",
        )
    elif part.image_id != image.id:
        yield Finding(
            code="verify.image",
            role=Role.FAILURE,
            message=f"rebuilt image {image.id}, locked {part.image_id}",
            where="firstlight.lock",
        )
