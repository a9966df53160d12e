"""A vendor artefact: one OCI manifest that names every file a lock is built from.

Each file is a layer as it is, with its name as title, so tools that know nothing of
firstlight bring the files back as a folder of wheels and a mirror of the OS packages.
Equal locks give equal manifests: nothing in one depends on when or where it was made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from firstlight.digest import Digest, of_bytes, parse_digest
from firstlight.errors import ArtefactError, FirstlightError
from firstlight.lock.lockfile import Lock, lock_digest
from firstlight.oci.model import (
    EMPTY_TYPE,
    EPOCH,
    MANIFEST_TYPE,
    TITLE,
    Descriptor,
    canonical_json,
)

__all__ = [
    "DEB_TYPE",
    "EMPTY",
    "INDEX_TYPE",
    "LARGEST",
    "LOCK_TYPE",
    "PYLOCK_TYPE",
    "RELEASE_TYPE",
    "SPEC_TYPE",
    "VENDOR_TYPE",
    "WHEEL_TYPE",
    "Artefact",
    "File",
    "is_vendor",
    "make_artefact",
    "read_artefact",
]

VENDOR_TYPE = "application/vnd.firstlight.vendor.v1"
LOCK_TYPE = "application/vnd.firstlight.lock.v1+toml"
PYLOCK_TYPE = "application/vnd.firstlight.pylock.v1+toml"
SPEC_TYPE = "application/vnd.firstlight.spec.v1"
RELEASE_TYPE = "application/vnd.firstlight.archive.release.v1"
INDEX_TYPE = "application/vnd.firstlight.archive.index.v1"
DEB_TYPE = "application/vnd.debian.binary-package"
WHEEL_TYPE = "application/vnd.firstlight.wheel.v1+zip"
EMPTY = b"{}"
"""The configuration: there is nothing to configure."""

LARGEST = 4 << 20
"""Bytes of a manifest: what registries accept."""

_ORDER = (
    *(LOCK_TYPE, PYLOCK_TYPE, SPEC_TYPE, RELEASE_TYPE, INDEX_TYPE),
    *(DEB_TYPE, WHEEL_TYPE),
)
_MOST_FILES = 20_000
_LONGEST_TITLE = 300
_PLATFORMS = "org.firstlight.platforms"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file: its name in the artefact, what it is, and where it may be had.

    `size` is None only before it was fetched, when nothing says it.
    """

    title: str
    media_type: str
    digest: Digest
    size: int | None = None
    urls: tuple[str, ...] = ()

    def descriptor(self) -> Descriptor:
        """What a manifest says of it."""
        return Descriptor(
            media_type=self.media_type, digest=self.digest, size=self.size or 0
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """A manifest, as its bytes, and what it says."""

    data: bytes
    files: tuple[File, ...]
    platforms: tuple[str, ...]
    subject: Descriptor | None = None

    @property
    def digest(self) -> Digest:
        """The digest of the manifest."""
        return of_bytes(self.data)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum({file.digest: file.size or 0 for file in self.files}.values())

    def of_type(self, media_type: str) -> list[File]:
        """The files of one kind."""
        return [file for file in self.files if file.media_type == media_type]


def make_artefact(
    lock: Lock,
    files: Sequence[File],
    platforms: Sequence[str],
    subject: Descriptor | None,
) -> Artefact:
    """Return the artefact of files whose sizes are known."""
    ordered = sorted(
        files, key=lambda file: (_ORDER.index(file.media_type), file.title)
    )
    table = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": VENDOR_TYPE,
        "config": _entry(EMPTY_TYPE, of_bytes(EMPTY), len(EMPTY)),
        "layers": [
            {
                **_entry(file.media_type, file.digest, file.size),
                "annotations": {TITLE: file.title},
            }
            for file in ordered
        ],
        "annotations": {
            TITLE: lock.name,
            "org.opencontainers.image.created": EPOCH,
            "org.firstlight.format": str(lock.format),
            "org.firstlight.lock": lock_digest(lock),
            _PLATFORMS: " ".join(platforms),
        },
    }
    if subject is not None:
        table["subject"] = _entry(subject.media_type, subject.digest, subject.size)
    return Artefact(
        data=canonical_json(table),
        files=tuple(ordered),
        platforms=tuple(platforms),
        subject=subject,
    )


def _entry(media_type: str, digest: Digest, size: int | None) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest, "size": size}


# Reading: what is not exactly such a document is refused.


def is_vendor(data: bytes) -> bool:
    """Whether a document says that it is a vendor artefact."""
    try:
        table = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(table, dict) and table.get("artifactType") == VENDOR_TYPE


def read_artefact(data: bytes, where: str) -> Artefact:
    """Return what a manifest says; none of its files is vouched for by that.

    Raises:
        ArtefactError: when it is no vendor artefact, or names a file in a bad way.
    """
    if not is_vendor(data):
        raise ArtefactError(f"{where} is no vendor artefact")
    table = json.loads(data)
    layers = table.get("layers")
    if not isinstance(layers, list) or len(layers) > _MOST_FILES:
        raise ArtefactError(f"{where} has no list of at most {_MOST_FILES} files")
    files = tuple(_files(layers, where))
    titles = [file.title for file in files]
    if len(set(titles)) != len(titles):
        raise ArtefactError(f"{where} names a file twice")
    return Artefact(
        data=data,
        files=files,
        platforms=tuple(_annotation(table, _PLATFORMS).split()),
        subject=_subject(table, where),
    )


def _files(layers: list[Any], where: str) -> Iterator[File]:
    for number, layer in enumerate(layers, 1):
        found = _descriptor(layer, f"{where}, file {number}")
        title = _annotation(layer, TITLE)
        if not _is_plain(title):
            raise ArtefactError(
                f"{where}, file {number}: its name {title[:80]!r} leads out of the "
                "folder, or is none"
            )
        yield File(
            title=title,
            media_type=found.media_type,
            digest=found.digest,
            size=found.size,
        )


def _is_plain(title: str) -> bool:
    """Whether a name stays inside a folder on every system."""
    parts = title.split("/")
    return (
        0 < len(title) <= _LONGEST_TITLE
        and title.isprintable()
        and not set(title) & set("\\:")
        and not any(part in ("", ".", "..") for part in parts)
    )


def _subject(table: Mapping[str, Any], where: str) -> Descriptor | None:
    if table.get("subject") is None:
        return None
    return _descriptor(table["subject"], f"{where}, its subject")


def _descriptor(value: object, where: str) -> Descriptor:
    match value:
        case {"mediaType": str(kind), "digest": str(digest), "size": int(size)}:
            try:
                checked = parse_digest(digest)
            except FirstlightError as error:
                raise ArtefactError(f"{where}: {error.message}") from error
            if size >= 0:
                return Descriptor(media_type=kind, digest=checked, size=size)
    raise ArtefactError(f"{where}: no media type, digest and size are given")


def _annotation(table: object, name: str) -> str:
    match table:
        case {"annotations": dict(annotations)}:
            text = annotations.get(name)
            return text if isinstance(text, str) else ""
        case _:
            return ""
