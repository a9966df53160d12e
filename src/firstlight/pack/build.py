"""A lock to an image in the store: fetch, make the layers in parallel, describe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from firstlight import digest
from firstlight.config import Settings
from firstlight.digest import Digest
from firstlight.finding import Finding, Role
from firstlight.lock.lockfile import Lock, PlatformLock, Wheel
from firstlight.lock.python import select
from firstlight.lock.system import SUITES
from firstlight.oci.model import Image, Layer
from firstlight.pack.describe import describe
from firstlight.pack.inputs import Inputs, fetch, inputs_of
from firstlight.pack.known import find, hold_against, part_of, remember
from firstlight.pack.make import make_layers, remake_layers
from firstlight.pack.plan import Plan, Recipe
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["Rebuilt", "build_project", "rebuild", "verify"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """An image that was made anew to know its digests; its layers are nowhere.

    `documents` are its configuration and manifest by digest, `findings` how it differs
    from what the lock says came out before.
    """

    image: Image
    documents: Mapping[Digest, bytes]
    plan: Plan
    findings: tuple[Finding, ...]

    def recipes(self) -> list[Recipe]:
        """How each layer is made, in their order."""
        # Whoever rebuilt has heard the plan's warnings.
        return replace(self.plan, progress=Progress()).recipes()


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


def rebuild(
    lock: Lock,
    pylock: str,
    *,
    platform: str,
    folder: Path,
    store: Store,
    settings: Settings,
    progress: Progress,
) -> Rebuilt:
    """Make every layer anew from the locked files, and compare with the lock.

    Nothing that was computed before is believed: inputs are hashed, every stream is
    inflated. Nothing is written but what had to be fetched.
    """
    part = part_of(lock, platform)
    documents: dict[Digest, bytes] = {}

    def put(data: bytes) -> Digest:
        found = digest.of_bytes(data)
        documents[found] = data
        return found

    with store.held():
        work = _work(lock, part, pylock, folder, store, settings, progress)
        _distrust(work)
        _fetch(work)
        plan = Plan.of(lock, part, work.wheels, store, progress, believe=False)
        layers = remake_layers(plan, jobs=settings.jobs, progress=progress)
        image = describe(lock, part, layers, put)
    return Rebuilt(
        image=image,
        documents=documents,
        plan=plan,
        findings=tuple(_compare(part, layers, image)),
    )


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
    """Rebuild, and return the image ID and what differs from the lock."""
    rebuilt = rebuild(
        lock,
        pylock,
        platform=platform,
        folder=folder,
        store=store,
        settings=settings,
        progress=progress,
    )
    return rebuilt.image.id, list(rebuilt.findings)


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


def _inputs(work: _Work) -> Inputs:
    return inputs_of(work.lock, work.part, work.wheels, work.settings, work.store)


def _fetch(work: _Work) -> None:
    fetch(_inputs(work), work.settings, work.store, work.progress)


def _distrust(work: _Work) -> None:
    """Hash every input that is in the store; damaged ones are removed."""
    for item in _inputs(work).all:
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
