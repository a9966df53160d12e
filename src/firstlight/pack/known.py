"""The images this store knows: found again by their lock, without making anything.

Kept apart from the building, and light to import: the common case, in which nothing
changed, must be over before a person notices.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from firstlight import digest
from firstlight.digest import Digest
from firstlight.errors import LockError, MismatchError
from firstlight.lock.lockfile import LayerFact, Lock, PlatformLock, lock_digest
from firstlight.oci.layout import add_reference
from firstlight.oci.model import Image, Layer
from firstlight.store import Store

__all__ = ["find", "hold_against", "part_of", "record", "remember"]


def _identity(lock: Lock, platform: str) -> Digest:
    return digest.of_bytes(f"{lock_digest(lock)} {platform}".encode())


def remember(lock: Lock, image: Image, store: Store) -> None:
    """Let the store find the image again by its lock, and other tools by its name."""
    add_reference(store, image)
    store.record("image", _identity(lock, image.platform), asdict(image))


def find(lock: Lock, platform: str, store: Store) -> Image | None:
    """Return the image this lock gave before, if every blob of it is still intact.

    Raises:
        LockError: when the lock is not for this platform.
        MismatchError: when the lock promises another image.
    """
    part = part_of(lock, platform)
    value = store.fact("image", _identity(lock, platform))
    if not isinstance(value, dict):
        return None
    try:
        layers = tuple(map(_layer, value.pop("layers")))
        image = Image(layers=layers, **value)
    except (KeyError, TypeError, ValueError):
        return None
    whole = all(store.has(layer.digest, layer.size) for layer in layers)
    if whole and store.has(image.id) and store.has(image.manifest):
        hold_against(part, image)
        return image
    return None


def _layer(value: dict[str, Any]) -> Layer:
    pairs = tuple((name, text) for name, text in value.pop("annotations", ()))
    return Layer(**value, annotations=pairs)


def hold_against(part: PlatformLock, image: Image) -> None:
    """Raise `MismatchError` when the lock promises another image than this one."""
    if part.image_id is not None and image.id != part.image_id:
        raise MismatchError(
            f"the lock says image {part.image_id}, its packages give {image.id}",
            hint="`firstlight verify` names the layers that differ; "
            "`firstlight lock --upgrade` makes a new lock",
        )


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
