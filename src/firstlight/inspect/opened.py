"""Where an image can be looked at: a registry, or an OCI layout such as the store.

Each medium gives the same few things: documents by tag or digest, blobs by digest, and
what is attached to a manifest. Documents are verified before anybody reads them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from firstlight.digest import Digest, of_bytes, parse_digest
from firstlight.errors import ArtefactError, DigestError, FirstlightError, UsageError
from firstlight.oci.layout import REFERENCE
from firstlight.oci.model import Descriptor
from firstlight.oci.registry import Repository
from firstlight.share import documents
from firstlight.share.documents import Config, Manifest
from firstlight.share.pull import absent
from firstlight.store import Store

__all__ = ["Folder", "Opened", "Registry", "Source", "open_image"]

_LARGEST = 64 << 20
_MOST_ATTACHED = 200
_MOST_NAMES = 20
_SHORTEST = 6
_HEX = frozenset("0123456789abcdef")


class Source(Protocol):
    """A place that holds one image, or one for each platform."""

    @property
    def name(self) -> str:
        """How people call what was asked for."""

    def top(self, platform: str) -> tuple[Digest, str, bytes]:
        """Digest, type and bytes of the index or manifest that was asked for."""

    def document(self, item: Descriptor) -> bytes:
        """The bytes of a manifest, verified."""

    def config(self, item: Descriptor) -> bytes:
        """The bytes of a configuration, verified."""

    def fetch(self, layers: Sequence[Descriptor]) -> None:
        """Let layers be at hand; this may take long."""

    def open(self, layer: Descriptor) -> BinaryIO:
        """Open a layer that is at hand; whoever reads it verifies it."""

    def has(self, layer: Descriptor) -> bool:
        """Whether the place itself holds a blob."""

    def is_here(self, layers: Sequence[Descriptor]) -> bool:
        """Whether reading layers needs no network."""

    def attached(self, manifest: Digest) -> list[Descriptor]:
        """What is attached to a manifest: signatures, lists of parts, proofs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An image whose documents were read and fit together.

    `index` is the digest of the index it was chosen from, None where there is none;
    `platforms` are those of the index, or its own.
    """

    source: Source
    index: Digest | None
    platforms: tuple[str, ...]
    manifest_digest: Digest
    manifest_bytes: bytes = field(repr=False)
    manifest: Manifest
    config_bytes: bytes = field(repr=False)
    config: Config

    @property
    def image_id(self) -> Digest:
        """The digest of the configuration."""
        return self.manifest.config.digest


def open_image(source: Source, *, platform: str = "", usual: str = "") -> Opened:
    """Read the documents of an image.

    Args:
        source: Where it is.
        platform: The one that is wanted; an image for another is an error.
        usual: The one to choose from several when none is wanted.

    Raises:
        ArtefactError: when a document is damaged, hostile, or of no image.
        NetworkError: when it is not there, or the registry cannot be reached.
    """
    digest, kind, data = source.top(platform or usual)
    index, platforms = None, tuple[str, ...]()
    if kind in documents.INDEX_TYPES:
        index = digest
        platforms = _platforms(data, source.name)
        first = usual if usual in platforms else next(iter(platforms), "")
        digest, data = _chosen(source, data, platform or first)
    manifest = documents.read_manifest(data, source.name)
    config_bytes = source.config(manifest.config)
    config = documents.read_config(config_bytes, manifest, source.name)
    if platform and config.platform != platform:
        raise ArtefactError(
            f"{source.name} is for {config.platform}, not for {platform}",
            hint="leave --platform out, or name an image for this platform",
        )
    return Opened(
        source=source,
        index=index,
        platforms=platforms or (config.platform,),
        manifest_digest=digest,
        manifest_bytes=data,
        manifest=manifest,
        config_bytes=config_bytes,
        config=config,
    )


def _platforms(index: bytes, name: str) -> tuple[str, ...]:
    """Of an index; Docker keeps attestations there, under a platform that is none."""
    found = [each.platform for each in documents.platforms(index, name)]
    return tuple(dict.fromkeys(e for e in found if e not in ("", "unknown/unknown")))


def _chosen(source: Source, index: bytes, platform: str) -> tuple[Digest, bytes]:
    entry = documents.choose(index, platform, source.name)
    data = source.document(entry)
    kind = documents.kind_of(entry.media_type, data, source.name)
    if kind in documents.INDEX_TYPES:
        raise ArtefactError(f"{source.name}: an index is inside of another")
    return entry.digest, data


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """An image in a repository, by tag or digest."""

    repository: Repository
    which: str
    store: Store

    @property
    def name(self) -> str:
        """``registry/name:tag``."""
        joint = "@" if ":" in self.which else ":"
        return f"{self.repository.reference.name}{joint}{self.which}"

    def top(self, platform: str) -> tuple[Digest, str, bytes]:
        """Digest, type and bytes of the index or manifest that was asked for.

        Raises:
            NetworkError: when the registry does not have it.
        """
        found = self.repository.manifest(self.which)
        if found is None:
            raise absent(self.repository, self.which)
        kind = documents.kind_of(found.media_type, found.data, self.name)
        return of_bytes(found.data), kind, found.data

    def document(self, item: Descriptor) -> bytes:
        """The bytes of a manifest, verified."""
        found = self.repository.manifest(item.digest)
        if found is None:
            raise absent(self.repository, item.digest)
        return found.data

    def config(self, item: Descriptor) -> bytes:
        """The bytes of a configuration, verified."""
        self.repository.fetch([item])
        with self.store.read(item.digest) as stream:
            return stream.read()

    def fetch(self, layers: Sequence[Descriptor]) -> None:
        """Let layers be in the store; what is there already is hashed again."""
        for layer in layers:
            self.store.forget(layer.digest)
        self.repository.fetch(list({each.digest: each for each in layers}.values()))

    def open(self, layer: Descriptor) -> BinaryIO:
        """Open a layer that was fetched."""
        return self.store.read(layer.digest)

    def has(self, layer: Descriptor) -> bool:
        """Whether the registry has a blob."""
        return self.repository.blob_size(layer.digest) == layer.size

    def is_here(self, layers: Sequence[Descriptor]) -> bool:
        """Whether all of them are in the store."""
        return all(self.store.has(each.digest, each.size) for each in layers)

    def attached(self, manifest: Digest) -> list[Descriptor]:
        """What is attached to a manifest in the registry."""
        return self.repository.referrers(manifest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """An image in an OCI layout, by name, image ID or digest; empty for its only one.

    The store is such a layout too.
    """

    root: Path
    which: str
    label: str

    @property
    def name(self) -> str:
        """How it was asked for."""
        return self.label

    def top(self, platform: str) -> tuple[Digest, str, bytes]:
        """Digest, type and bytes of the index or manifest that was asked for.

        Raises:
            UsageError: when there is no such image here, or more than one.
        """
        entries = self._entries()
        found = [each for each in entries if self._is_meant(each)] or self._unnamed()
        if len({each.digest for each in found}) > 1:
            fitting = [each for each in found if each.platform == platform]
            found = fitting or found
        if not found:
            raise UsageError(
                f"{self.label}: there is no such image",
                hint=_known_names(entries),
            )
        if len({each.digest for each in found}) > 1:
            raise UsageError(
                f"{self.label}: {len(found)} images are meant",
                hint=f"name one by its digest, or choose with --platform; "
                f"{_known_names(entries)}",
            )
        data = self.document(found[0])
        kind = documents.kind_of(found[0].media_type, data, self.label)
        return found[0].digest, kind, data

    def document(self, item: Descriptor) -> bytes:
        """The bytes of a manifest, verified."""
        data = self._read(self._blob(item.digest), _LARGEST)
        if of_bytes(data) != item.digest:
            raise DigestError(
                f"{self.label}: the blob {item.digest} is damaged",
                hint="remove it with `firstlight cache check`, or copy it anew",
            )
        return data

    def config(self, item: Descriptor) -> bytes:
        """The bytes of a configuration, verified."""
        return self.document(item)

    def fetch(self, layers: Sequence[Descriptor]) -> None:
        """Nothing to do: what is here is at hand."""

    def open(self, layer: Descriptor) -> BinaryIO:
        """Open a layer."""
        try:
            return self._blob(layer.digest).open("rb")
        except OSError as error:
            raise ArtefactError(
                f"{self.label}: the layer {layer.digest} is not there: "
                f"{error.strerror}",
                hint="it was not copied, or pruned; build or pull the image again",
            ) from error

    def has(self, layer: Descriptor) -> bool:
        """Whether the blob's file is here and has the right size."""
        with suppress(OSError):
            return self._blob(layer.digest).stat().st_size == layer.size
        return False

    def is_here(self, layers: Sequence[Descriptor]) -> bool:
        """Whether all of them are in the folder."""
        return all(self.has(each) for each in layers)

    def attached(self, manifest: Digest) -> list[Descriptor]:
        """What else in the layout says that it belongs to a manifest."""
        found = []
        for entry in self._entries()[:_MOST_ATTACHED]:
            with suppress(FirstlightError, ValueError):
                table = json.loads(self.document(entry))
                subject = table.get("subject") or {}
                if subject.get("digest") == manifest:
                    kind = table.get("artifactType") or table["config"]["mediaType"]
                    found.append(replace(entry, artifact_type=str(kind)))
        return found

    def _blob(self, digest: Digest) -> Path:
        return self.root / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def _read(self, path: Path, most: int) -> bytes:
        try:
            with path.open("rb") as stream:
                data = stream.read(most + 1)
        except OSError as error:
            raise UsageError(
                f"{self.label}: {path.name} cannot be read: {error.strerror}",
                hint="name an OCI layout, such as `build --output oci:DIR` writes",
            ) from error
        if len(data) > most:
            raise ArtefactError(f"{self.label}: {path.name} is too large")
        return data

    def _entries(self) -> list[Descriptor]:
        data = self._read(self.root / "index.json", _LARGEST)
        try:
            listed = json.loads(data)["manifests"]
            return [_entry(each) for each in listed]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtefactError(
                f"{self.label}: its index.json is not that of an OCI layout"
            ) from error

    def _unnamed(self) -> list[Descriptor]:
        """A manifest that the index no longer names, asked for by its digest."""
        if not self.which.startswith("sha256:"):
            return []
        with suppress(ArtefactError, OSError):
            digest = parse_digest(self.which)
            size = self._blob(digest).stat().st_size
            return [Descriptor(media_type="", digest=digest, size=size)]
        return []

    def _is_meant(self, entry: Descriptor) -> bool:
        names = dict(entry.annotations).get(REFERENCE, "")
        if self.which in ("", names, entry.digest):
            return True
        hexadecimal = self.which.removeprefix("sha256:")
        if len(hexadecimal) < _SHORTEST or not set(hexadecimal) <= _HEX:
            return False
        if entry.digest.removeprefix("sha256:").startswith(hexadecimal):
            return True
        return self._image_id(entry).startswith(hexadecimal)

    def _image_id(self, entry: Descriptor) -> str:
        with suppress(FirstlightError):
            data = self.document(entry)
            if documents.kind_of(entry.media_type, data, "") not in (
                documents.INDEX_TYPES
            ):
                config = documents.read_manifest(data, "").config
                return config.digest.removeprefix("sha256:")
        return ""


def _entry(value: dict[str, Any]) -> Descriptor:
    platform = value.get("platform") or {}
    named = value.get("annotations") or {}
    return Descriptor(
        media_type=str(value["mediaType"]),
        digest=parse_digest(str(value["digest"])),
        size=int(value["size"]),
        artifact_type=str(value.get("artifactType", "")),
        platform=f"{platform['os']}/{platform['architecture']}" if platform else "",
        annotations=tuple((str(key), str(text)) for key, text in named.items()),
    )


def _known_names(entries: Sequence[Descriptor]) -> str:
    names = sorted({dict(each.annotations).get(REFERENCE, "") for each in entries})
    listed = ", ".join(name for name in names[:_MOST_NAMES] if name)
    return f"there are {listed}" if listed else "nothing here has a name"
