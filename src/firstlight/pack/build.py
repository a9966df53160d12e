"""A lock to an image in the store: fetch, make the layers in parallel, describe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from firstlight import digest
from firstlight.config import Settings
from firstlight.digest import Digest
from firstlight.errors import LockError, MismatchError
from firstlight.finding import Finding, Role
from firstlight.lock.apt import deb_urls
from firstlight.lock.lockfile import LayerFact, Lock, PlatformLock, Wheel, lock_digest
from firstlight.lock.python import select
from firstlight.lock.system import SUITES
from firstlight.net import Download, Fetcher
from firstlight.oci.layout import add_reference
from firstlight.oci.model import Image, Layer
from firstlight.pack.describe import describe
from firstlight.pack.make import make_layers, remake_layers
from firstlight.pack.plan import plan
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["build_project", "verify", "record", "part_of"]


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
    identity = _identity(lock, platform)
    with store.held():
        found = _find(identity, store)
        if found is None:
            work = _work(lock, part, pylock, folder, store, settings, progress)
            _fetch(work)
            layers = make_layers(
                plan(lock, part, work.wheels, store, progress),
                part.layers,
                jobs=settings.jobs,
                store=store,
                progress=progress,
            )
            found = describe(lock, part, layers, store.put)
            _remember(identity, found, store)
    if part.image_id is not None and found.id != part.image_id:
        raise MismatchError(
            f"the lock says image {part.image_id}, its packages give {found.id}",
            hint="`firstlight verify` names the layers that differ; "
            "`firstlight lock --upgrade` makes a new lock",
        )
    return found


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
            plan(lock, part, work.wheels, store, progress, believe=False),
            jobs=settings.jobs,
            progress=progress,
        )
        image = describe(lock, part, layers, digest.of_bytes)
    return image.id, list(_compare(part, layers, image))


def record(lock: Lock, image: Image) -> Lock:
    """Return the lock with the image's ID, manifest and layer facts written in."""
    facts = tuple(
        LayerFact(
            key=layer.recipe,
            title=layer.title,
            digest=layer.digest,
            diff_id=layer.diff_id,
            size=layer.size,
        )
        for layer in image.layers
        if layer.recipe is not None
    )
    parts = tuple(
        replace(part, layers=facts, image_id=image.id, manifest=image.manifest)
        if part.platform == image.platform
        else part
        for part in lock.platforms
    )
    return replace(lock, platforms=parts)


def part_of(lock: Lock, platform: str) -> PlatformLock:
    """Return the lock's part for a platform, or say which platforms it has."""
    for part in lock.platforms:
        if part.platform == platform:
            return part
    has = ", ".join(part.platform for part in lock.platforms)
    raise LockError(
        f"firstlight.lock is for {has}, not for {platform}",
        hint=f'add "{platform}" to target.platforms in firstlight.toml, then lock',
    )


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
        python=lock.python,
        glibc=SUITES[lock.suite].glibc,
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
    fetcher.fetch_all(list(_downloads(work)))


def _distrust(work: _Work) -> None:
    """Hash every input that is in the store; damaged ones are removed."""
    for item in _downloads(work):
        work.store.forget(item.digest)


def _identity(lock: Lock, platform: str) -> Digest:
    return digest.of_bytes(f"{lock_digest(lock)} {platform}".encode())


def _remember(identity: Digest, image: Image, store: Store) -> None:
    add_reference(store, image)
    value = asdict(image)
    store.record("image", identity, value)


def _find(identity: Digest, store: Store) -> Image | None:
    """The image that this lock gave before, if every blob of it is still intact."""
    value = store.fact("image", identity)
    if not isinstance(value, dict):
        return None
    try:
        layers = tuple(Layer(**layer) for layer in value.pop("layers"))
        image = Image(layers=layers, **value)
    except (KeyError, TypeError):
        return None
    whole = all(store.has(layer.digest, layer.size) for layer in layers)
    if whole and store.has(image.id) and store.has(image.manifest):
        return image
    return None


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
