"""Which images a store holds, by its own documents: its index and what builds recorded.

A manifest may come from anywhere, so nothing in it is believed but its digests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firstlight.digest import Digest, parse_digest
from firstlight.errors import ArtefactError
from firstlight.store import Store

__all__ = ["Held", "diff_ids", "images", "is_complete"]

_REFERENCE = "org.opencontainers.image.ref.name"
_LARGEST = 8 << 20
_DEEPEST = 3
"""An index may name indexes; how many of them one inside the other are followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An image of which the manifest and the configuration are here.

    `layers` are pairs: the digest of the blob and that of the tar inside.
    """

    name: str
    id: Digest
    manifest: Digest
    layers: tuple[tuple[Digest, Digest], ...]

    @property
    def blobs(self) -> frozenset[Digest]:
        """Everything it is made of."""
        return frozenset((self.id, self.manifest, *(blob for blob, _ in self.layers)))


def images(store: Store) -> list[Held]:
    """Return the images that the store knows; their layers may be missing."""
    names: dict[Digest, str] = {}
    for name, digest in (*_named(store), *_built(store), *_pulled(store)):
        for manifest in _manifests(store, digest, _DEEPEST):
            names.setdefault(manifest, name)
    found = (_image(store, manifest, name) for manifest, name in names.items())
    return [image for image in found if image is not None]


def diff_ids(store: Store, image: Digest) -> tuple[Digest, ...]:
    """Return the digests of the layers' content, as an image's configuration says."""
    match _document(store, image):
        case {"rootfs": {"diff_ids": list(found)}}:
            return _digests(found)
        case _:
            return ()


def is_complete(store: Store, digest: Digest) -> bool:
    """Whether everything that a manifest, or an index of some, needs is here.

    What an index names besides may be missing: images for other platforms.
    """
    return _is_complete(store, digest, _DEEPEST)


def _is_complete(store: Store, digest: Digest, deep: int) -> bool:
    document = _document(store, digest)
    if "manifests" in document and deep:
        inner = [each for e in _entries(document) for each in _digest(e)]
        here = [each for each in inner if store.path(each).exists()]
        return bool(here) and all(_is_complete(store, d, deep - 1) for d in here)
    needed = [digest, *_parts(document)]
    return all(store.path(each).exists() for each in needed)


def _parts(manifest: dict[str, Any]) -> tuple[Digest, ...]:
    """What a manifest names: the configuration first, then the layers."""
    match manifest:
        case {"config": {"digest": config}, "layers": list(layers)}:
            return _digests([config, *(e.get("digest") for e in _objects(layers))])
        case _:
            return ()


def _named(store: Store) -> Iterator[tuple[str, Digest]]:
    """What the index of the store names."""
    for entry in _entries(_json(store.root / "index.json")):
        notes = entry.get("annotations")
        name = notes.get(_REFERENCE, "") if isinstance(notes, dict) else ""
        for digest in _digest(entry):
            yield str(name), digest


def _built(store: Store) -> Iterator[tuple[str, Digest]]:
    """What was built: the index names only the last of those with one name."""
    folder = store.root / "facts" / "image"
    for path in sorted(folder.glob("*.json")):
        match _json(path):
            case {"manifest": digest, "name": str(name)}:
                yield from ((name, each) for each in _digests([digest]))


def _pulled(store: Store) -> Iterator[tuple[str, Digest]]:
    """What tags of registries meant when they were pulled."""
    folder = store.root / "facts" / "tag"
    for path in sorted(folder.glob("*.json")):
        yield from (("", each) for each in _digests([store.fact("tag", path.stem)]))


def _manifests(store: Store, digest: Digest, deep: int) -> Iterator[Digest]:
    document = _document(store, digest)
    if "manifests" not in document:
        yield digest
    elif deep:
        for entry in _entries(document):
            for each in _digest(entry):
                yield from _manifests(store, each, deep - 1)


def _image(store: Store, manifest: Digest, name: str) -> Held | None:
    parts = _parts(_document(store, manifest))
    if not parts:
        return None
    identity, *blobs = parts
    contents = diff_ids(store, identity)
    if not contents or len(contents) != len(blobs):
        return None
    layers = tuple(zip(blobs, contents, strict=True))
    return Held(name=name, id=identity, manifest=manifest, layers=layers)


def _entries(index: dict[str, Any]) -> list[dict[str, Any]]:
    found = index.get("manifests")
    return _objects(found) if isinstance(found, list) else []


def _objects(values: list[Any]) -> list[dict[str, Any]]:
    return [each for each in values if isinstance(each, dict)]


def _digest(entry: dict[str, Any]) -> tuple[Digest, ...]:
    return _digests([entry.get("digest")])


def _digests(values: list[Any]) -> tuple[Digest, ...]:
    try:
        return tuple(parse_digest(str(value)) for value in values)
    except ArtefactError:
        return ()


def _document(store: Store, digest: Digest) -> dict[str, Any]:
    return _json(store.path(digest))


def _json(path: Path) -> dict[str, Any]:
    """The object in a file; empty when there is none, or too large a one."""
    try:
        if path.stat().st_size > _LARGEST:
            return {}
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
