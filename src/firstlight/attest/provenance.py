"""How an image was made, as SLSA provenance: from which inputs, by which builder.

Two people who build the same lock write the same provenance: there is no time in it
unless one is given, and no name of a machine. Who says so is told by the signature.
Source: SLSA's *Provenance* v1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from firstlight import __version__
from firstlight.attest import purl
from firstlight.digest import Digest
from firstlight.lock.lockfile import Archive, Lock, Wheel, lock_digest
from firstlight.lock.system import SUITES
from firstlight.oci.model import Image
from firstlight.pack.known import part_of

__all__ = ["BUILDER", "BUILD_TYPE", "provenance"]

BUILD_TYPE = "urn:firstlight:build:v1"
"""What the parameters mean: see ``docs/design/012-provenance.md``."""

BUILDER = "urn:firstlight:builder"
"""firstlight itself, wherever it runs: it vouches for nothing that the key does not."""


def provenance(
    lock: Lock,
    wheels: Sequence[Wheel],
    image: Image,
    *,
    compression: str,
    finished: str = "",
) -> dict[str, Any]:
    """Return the predicate of a SLSA provenance statement about an image.

    Args:
        wheels: What the lock's ``pylock.toml`` selects for the image's platform.
        compression: How the layers are written in the registry.
        finished: When the build ended (RFC 3339); it makes the provenance differ from
            that of others.
    """
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "spec": {"digest": _sum(lock.spec)},
                "lock": {"digest": _sum(lock_digest(lock))},
                "platform": image.platform,
                "compression": compression,
            },
            "internalParameters": {"format": lock.format},
            "resolvedDependencies": list(_inputs(lock, wheels, image)),
        },
        "runDetails": {
            "builder": {
                "id": BUILDER,
                "version": {"firstlight": __version__, "format": str(lock.format)},
            },
            **({"metadata": {"finishedOn": finished}} if finished else {}),
            "byproducts": [{"name": "image ID", "digest": _sum(image.id)}],
        },
    }


def _inputs(
    lock: Lock, wheels: Sequence[Wheel], image: Image
) -> Iterator[dict[str, Any]]:
    system = SUITES[lock.suite]
    yield {"name": "firstlight.lock", "digest": _sum(lock_digest(lock))}
    yield {"name": "pylock.toml", "digest": _sum(lock.pylock)}
    yield from (_archive(each) for each in lock.archives)
    for wheel in wheels:
        yield {
            "name": wheel.filename,
            "uri": purl.of_wheel(wheel),
            "digest": _sum(wheel.digest),
        }
    for deb in part_of(lock, image.platform).debs:
        yield {
            "name": deb.filename.rpartition("/")[2],
            "uri": purl.of_deb(deb, system),
            "digest": _sum(deb.digest),
        }


def _archive(archive: Archive) -> dict[str, Any]:
    return {
        "name": f"InRelease of {archive.name} {archive.suite}",
        "digest": _sum(archive.release),
        "annotations": {"snapshot": archive.snapshot},
    }


def _sum(digest: Digest) -> dict[str, str]:
    return {"sha256": digest.removeprefix("sha256:")}
