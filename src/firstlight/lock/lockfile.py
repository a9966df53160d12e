"""The lock: exactly what goes into an image, by hash.

`pylock.toml` (PEP 751) names the Python packages; `firstlight.lock` beside it names
everything else: the stack that was read from the wheels, every OS package, and, once an
image was built, its layers and its ID.
"""

from __future__ import annotations

from dataclasses import dataclass

from firstlight.digest import Digest

__all__ = ["Archive", "Deb", "Wheel", "Stack", "LayerFact", "PlatformLock", "Lock"]


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
    """The lock for one platform (``linux/amd64``)."""

    platform: str
    stack: Stack
    debs: tuple[Deb, ...]
    layers: tuple[LayerFact, ...] = ()
    image_id: Digest | None = None
    manifest: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Everything the image is made from; a pure function of it gives the image.

    `format` is the builder's format version; `spec` the digest of everything the spec
    says (and of the files it includes), by which a stale lock is known; `pylock` the
    digest of the ``pylock.toml`` beside it; `python` the minor version (``3.11``);
    `suite` the OS release (``bookworm``); `environment` the image's variables.
    """

    name: str
    format: int
    spec: Digest
    pylock: Digest
    python: str
    suite: str
    profile: str
    environment: tuple[tuple[str, str], ...]
    archives: tuple[Archive, ...]
    platforms: tuple[PlatformLock, ...]
