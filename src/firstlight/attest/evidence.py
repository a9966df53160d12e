"""Gathers what is known of images: their bills of materials and their provenance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from firstlight.attest.attest import Evidence
from firstlight.attest.licences import Licence, licences
from firstlight.attest.needs import Needs, needs
from firstlight.attest.provenance import provenance
from firstlight.attest.sbom import sbom
from firstlight.config import Settings
from firstlight.digest import Digest
from firstlight.errors import StoreError
from firstlight.lock.lockfile import Lock, PlatformLock, Wheel
from firstlight.lock.python import select
from firstlight.lock.system import SUITES
from firstlight.oci.model import Image
from firstlight.pack.inputs import fetch, inputs_of
from firstlight.pack.known import part_of
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["gather"]


def gather(
    lock: Lock,
    pylock: str,
    images: Sequence[Image],
    *,
    compression: str,
    folder: Path,
    store: Store,
    settings: Settings,
    progress: Progress,
) -> tuple[Evidence, ...]:
    """Return the evidence of images that were made from a lock.

    Packages are read once and what they said is kept; those that were never read and
    are no longer in the store are fetched again, so the evidence never depends on what
    the store happens to hold.

    Args:
        pylock: The text of the ``pylock.toml`` beside the lock.
        images: As they are in the registry, one for each platform.
        compression: How their layers are written there.
        folder: Where the lock lies; relative paths in it start there.

    Raises:
        ArtefactError: when a package is damaged.
        NetworkError: when one that is needed again cannot be had.
    """
    found = []
    for image in images:
        part, system = part_of(lock, image.platform), SUITES[lock.suite]
        wheels = select(pylock, platform=part.platform, system=system, folder=folder)
        said, terms = _said(lock, part, wheels, store, settings, progress)
        found.append(
            Evidence(
                manifest=image.manifest,
                sbom=sbom(lock, wheels, image, needs=said, licences=terms),
                provenance=provenance(lock, wheels, image, compression=compression),
            )
        )
    return tuple(found)


def _said(
    lock: Lock,
    part: PlatformLock,
    wheels: Sequence[Wheel],
    store: Store,
    settings: Settings,
    progress: Progress,
) -> tuple[dict[Digest, Needs], dict[Digest, Licence]]:
    def read() -> tuple[dict[Digest, Needs], dict[Digest, Licence]]:
        jobs, debs = settings.jobs, part.debs
        said = needs(wheels, debs, store)
        return said, licences(wheels, debs, store, jobs=jobs, progress=progress)

    try:
        return read()
    except (StoreError, FileNotFoundError):
        inputs = inputs_of(lock, part, wheels, settings, store)
        fetch(inputs, settings, store, progress)
        return read()
