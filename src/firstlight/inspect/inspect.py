"""What an image is: its stack, layers, packages and settings, as one frozen value.

Documents are enough for nearly everything; layers are read only where packages are
asked for and nothing else knows them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from firstlight.digest import Digest
from firstlight.inspect.contents import Package
from firstlight.inspect.opened import Opened
from firstlight.inspect.packages import (
    Own,
    Packages,
    from_bill,
    from_layers,
    from_lock,
    known_contents,
    licences_are_here,
)
from firstlight.lock.facts import driver_floor
from firstlight.oci.model import Descriptor
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["Attached", "Inspected", "InspectedLayer", "Start", "inspect"]

_TOC = "containerd.io/snapshot/stargz/toc.digest"
_CHUNKED = "io.github.containers.zstd-chunked.manifest-checksum"

_STACK = (
    ("torch", "org.firstlight.torch", ("PYTORCH_VERSION",), "torch"),
    ("CUDA", "org.firstlight.cuda", ("CUDA_VERSION",), ""),
    ("cuDNN", "org.firstlight.cudnn", ("NV_CUDNN_VERSION", "CUDNN_VERSION"), ""),
    ("NCCL", "org.firstlight.nccl", ("NCCL_VERSION", "NV_LIBNCCL_PACKAGE_VERSION"), ""),
    ("GPUs", "org.firstlight.gpus", ("TORCH_CUDA_ARCH_LIST",), ""),
    ("Python", "org.firstlight.python", ("PYTHON_VERSION",), ""),
    ("OS", "org.firstlight.os", (), ""),
)
"""What it is called here, our label, what other people's images set, its package."""

_KINDS = {
    "application/vnd.dev.cosign.artifact.sig.v1+json": "signature",
    "application/vnd.dev.cosign.simplesigning.v1+json": "signature",
    "application/vnd.dev.sigstore.bundle.v0.3+json": "signature bundle",
    "application/vnd.cyclonedx+json": "bill of materials (CycloneDX)",
    "application/spdx+json": "bill of materials (SPDX)",
    "application/vnd.in-toto+json": "provenance (in-toto)",
    "application/vnd.firstlight.vendor.v1": "vendored packages",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedLayer:
    """One layer: its share of the image's bytes, and what is known to be in it.

    `unpacked` and `files` are known once the layer was read; None before.
    """

    title: str
    digest: Digest
    diff_id: Digest
    size: int
    share: float
    encoding: str
    unpacked: int | None = None
    files: int | None = None
    packages: tuple[Package, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How a container of the image starts."""

    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    user: str = ""
    folder: str = ""
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A document that hangs on the image; nothing here says that it is genuine."""

    kind: str
    artifact_type: str
    digest: Digest
    size: int
    subject: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """Everything that can be told of an image.

    `packages` is None where nobody asked or nothing told; `packages_from` is ``lock``,
    ``bill`` (of materials, as the registry has it) or ``layers``.
    """

    name: str
    image_id: Digest
    manifest: Digest
    index: Digest | None
    platform: str
    platforms: tuple[str, ...]
    is_own: bool
    stack: tuple[tuple[str, str], ...]
    layers: tuple[InspectedLayer, ...]
    start: Start
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    attached: tuple[Attached, ...]
    packages: tuple[Package, ...] | None = None
    packages_from: str = ""

    @property
    def size(self) -> int:
        """Bytes of all layers as they are sent."""
        return sum(layer.size for layer in self.layers)

    @property
    def unpacked(self) -> int | None:
        """Bytes of all layers as they are unpacked; None until all were read."""
        sizes = [layer.unpacked for layer in self.layers]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None


def inspect(
    image: Opened,
    store: Store,
    *,
    own: Own | None = None,
    packages: bool = False,
    with_licences: bool = False,
    layers: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Inspected:
    """Return what an image is.

    Args:
        image: The image, its documents read.
        own: The project's lock, which knows the packages of its own image.
        packages: Whether packages are wanted, though layers be fetched and read.
        with_licences: Whether their licences are wanted too.
        layers: Whether it matters which package is in which layer.

    Raises:
        ArtefactError: when a layer or document is damaged.
        NetworkError: when the registry cannot be asked.
    """
    ours = own is not None and own.gave(image.image_id)
    found: Packages | None = None
    if own and ours and (not with_licences or licences_are_here(own, store)):
        found = from_lock(own, store, with_licences=with_licences, jobs=jobs)
    if packages and not layers:
        found = found or from_bill(image, store)
    if packages and not (found and (found.by_layer or not layers)):
        progress = progress or Progress()
        found = from_layers(image, store, jobs=jobs, progress=progress)
    return _inspected(image, store, ours, found)


def _inspected(
    image: Opened, store: Store, ours: bool, found: Packages | None
) -> Inspected:
    start = _start(json.loads(image.config_bytes).get("config") or {})
    return Inspected(
        name=image.source.name,
        image_id=image.image_id,
        manifest=image.manifest_digest,
        index=image.index,
        platform=image.config.platform,
        platforms=image.platforms,
        is_own=ours,
        stack=tuple(_stack(image.config.labels, start, found.all if found else ())),
        layers=_layers(image, store, found.by_layer if found else {}),
        start=start,
        labels=image.config.labels,
        annotations=_texts(json.loads(image.manifest_bytes).get("annotations")),
        attached=_attached(image),
        packages=found.all if found else None,
        packages_from=found.source if found else "",
    )


def encoding_of(layer: Descriptor) -> str:
    """Return how a layer is compressed, in a word."""
    named = dict(layer.annotations)
    if _TOC in named:
        return "eStargz"
    if "zstd" in layer.media_type:
        return "zstd:chunked" if _CHUNKED in named else "zstd"
    return "gzip" if "gzip" in layer.media_type else "none"


def _layers(
    image: Opened, store: Store, by_layer: Mapping[Digest, tuple[Package, ...]]
) -> tuple[InspectedLayer, ...]:
    whole = sum(layer.size for layer in image.manifest.layers) or 1
    found = []
    rows = zip(
        image.manifest.layers, image.config.diff_ids, image.config.titles, strict=True
    )
    for layer, diff_id, title in rows:
        known = known_contents(store, diff_id)
        found.append(
            InspectedLayer(
                title=title,
                digest=layer.digest,
                diff_id=diff_id,
                size=layer.size,
                share=layer.size / whole,
                encoding=encoding_of(layer),
                unpacked=known.size if known else None,
                files=known.files if known else None,
                packages=by_layer.get(diff_id, ()),
            )
        )
    return tuple(found)


def _stack(
    labels: Mapping[str, str], start: Start, packages: Sequence[Package]
) -> list[tuple[str, str]]:
    """What our labels say, else what the environment says, else the packages."""
    given = dict(line.split("=", 1) for line in start.environment if "=" in line)
    versions = {each.name: each.version for each in packages if each.kind == "python"}
    found = []
    for name, label, variables, package in _STACK:
        value = labels.get(label) or versions.get(package, "")
        value = value or next((given[each] for each in variables if each in given), "")
        if value:
            found.append((name, " ".join(value.split())))
    cuda = dict(found).get("CUDA", "")
    floor = driver_floor(cuda)
    return [*found, ("driver", f">= {floor}")] if floor else found


def _start(config: Mapping[str, Any]) -> Start:
    def listed(key: str) -> tuple[str, ...]:
        value = config.get(key)
        if isinstance(value, str):
            return (value,)
        return tuple(map(str, value)) if isinstance(value, list | dict) else ()

    return Start(
        entry_point=listed("Entrypoint"),
        command=listed("Cmd"),
        environment=listed("Env"),
        user=str(config.get("User") or ""),
        folder=str(config.get("WorkingDir") or ""),
        ports=tuple(sorted(listed("ExposedPorts"))),
        volumes=tuple(sorted(listed("Volumes"))),
    )


def _attached(image: Opened) -> tuple[Attached, ...]:
    found = []
    for subject in dict.fromkeys((image.manifest_digest, image.index)):
        if subject is None:
            continue
        for each in image.source.attached(subject):
            found.append(
                Attached(
                    kind=_KINDS.get(each.artifact_type, each.artifact_type or "?"),
                    artifact_type=each.artifact_type,
                    digest=each.digest,
                    size=each.size,
                    subject=subject,
                )
            )
    return tuple(found)


def _texts(value: object) -> dict[str, str]:
    pairs = value.items() if isinstance(value, dict) else ()
    return {key: text for key, text in pairs if isinstance(text, str)}
