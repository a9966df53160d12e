"""The lock: exactly what goes into an image, by hash.

`pylock.toml` (PEP 751) names the Python packages; `firstlight.lock` beside it names
everything else: the stack that was read from the wheels, every OS package, and, once an
image was built, its layers and its ID.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from firstlight.digest import Digest, of_bytes
from firstlight.oci.model import canonical_json

__all__ = [
    "FORMAT",
    "Archive",
    "Deb",
    "Wheel",
    "Stack",
    "LayerFact",
    "PlatformLock",
    "Lock",
    "lock_digest",
    "packages_digest",
]

FORMAT = 3
"""The builder's format version: raised whenever equal inputs give other bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """One suite of a Debian or Ubuntu archive at one moment.

    `name` is the archive (``debian``, ``debian-security``, ``ubuntu``,
    ``ubuntu-ports``), never an address: mirrors come from the machine's configuration.
    `snapshot` is a UTC time such as ``20261101T083000Z`` under which the snapshot
    archive has the same files; `release` the digest of the ``InRelease`` file.
    """

    name: str
    suite: str
    snapshot: str
    release: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Deb:
    """One OS package; `filename` is relative to the archive (``pool/main/…``)."""

    name: str
    version: str
    architecture: str
    filename: str
    size: int
    digest: Digest
    archive: str
    suite: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """One wheel that `pylock.toml` selects for a platform.

    `url` is an address (``https:`` or ``file:``); `size` in bytes when the index says.
    """

    name: str
    version: str
    filename: str
    digest: Digest
    url: str
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What the wheels themselves say about PyTorch and CUDA.

    `torch` is the full build (``2.7.1+cu126``), empty when the image has no torch;
    `cuda` the toolkit it was built for (``12.6``), empty for CPU builds;
    `architectures` the GPU code inside (``sm_80``), `ptx` those that newer GPUs can
    compile at run time (``compute_120``); `driver` the lowest Linux driver; `glibc` the
    lowest glibc any selected wheel asks for (``2.28``).
    """

    torch: str = ""
    cuda: str = ""
    cudnn: str = ""
    nccl: str = ""
    triton: str = ""
    architectures: tuple[str, ...] = ()
    ptx: tuple[str, ...] = ()
    driver: str = ""
    glibc: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFact:
    """What a layer came out as: lets the next build copy it without inflating.

    `key` is the digest of the layer's recipe (inputs, options, format version);
    `size` is of the compressed blob.
    """

    key: Digest
    title: str
    digest: Digest
    diff_id: Digest
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformLock:
    """The lock for one platform (``linux/amd64``).

    `packages` is the digest of the wheels that ``pylock.toml`` selects for it, by name
    and hash and not by address, so a lock made from a mirror gives the same image.
    """

    platform: str
    packages: Digest
    stack: Stack
    debs: tuple[Deb, ...]
    layers: tuple[LayerFact, ...] = ()
    image_id: Digest | None = None
    manifest: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Everything the image is made from; a pure function of it gives the image.

    `source` is where the project lives, for the image's label; `format` the builder's
    format version; `spec` the digest of everything the spec says (and of the files it
    includes), by which a stale lock is known; `pylock` the digest of the
    ``pylock.toml`` beside it; `python` the minor version (``3.11``); `suite` the OS
    release (``bookworm``); `direct` the Python packages that the spec itself names,
    sorted; `environment` the image's variables.
    """

    name: str
    source: str = ""
    format: int = FORMAT
    spec: Digest
    pylock: Digest
    python: str
    suite: str
    profile: str
    direct: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...]
    archives: tuple[Archive, ...]
    platforms: tuple[PlatformLock, ...]


def packages_digest(wheels: Iterable[Wheel]) -> Digest:
    """Return the digest of a selection of wheels, whatever their addresses are."""
    return of_bytes(canonical_json(sorted([w.filename, w.digest] for w in wheels)))


def lock_digest(lock: Lock) -> Digest:
    """Return the digest of everything that decides an image's bits.

    Not of what came out (layers, image ID), of where files are fetched from, or of how
    the spec was worded: equal digests give equal images.
    """
    parts = [
        {
            "platform": part.platform,
            "packages": part.packages,
            "stack": asdict(part.stack),
            "debs": [[deb.name, deb.version, deb.digest] for deb in part.debs],
        }
        for part in lock.platforms
    ]
    return of_bytes(
        canonical_json(
            {
                "name": lock.name,
                "source": lock.source,
                "format": lock.format,
                "python": lock.python,
                "suite": lock.suite,
                "profile": lock.profile,
                "direct": lock.direct,
                "environment": lock.environment,
                "platforms": parts,
            }
        )
    )
