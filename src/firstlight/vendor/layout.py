"""A vendor artefact in an OCI layout: a folder beside images, or one tar file.

A folder is written blob by blob and named last. What an earlier artefact of the same
name alone needed goes, so a folder that is vendored into for years does not grow.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from firstlight.digest import Digest, of_bytes, parse_digest
from firstlight.errors import ArtefactError, FirstlightError, StoreError
from firstlight.nearby import Layout
from firstlight.oci import archive
from firstlight.oci.layout import REFERENCE
from firstlight.oci.model import (
    DOCKER_INDEX_TYPE,
    DOCKER_MANIFEST_TYPE,
    INDEX_TYPE,
    MANIFEST_TYPE,
    canonical_json,
)
from firstlight.progress import Progress
from firstlight.store import Store
from firstlight.vendor.artefact import EMPTY, LARGEST, VENDOR_TYPE, Artefact, is_vendor

__all__ = ["find", "write_archive", "write_folder"]

_INDEX = "index.json"
_MARKER = b'{"imageLayoutVersion":"1.0.0"}\n'
_DOCUMENTS = (MANIFEST_TYPE, INDEX_TYPE, DOCKER_MANIFEST_TYPE, DOCKER_INDEX_TYPE)


def write_folder(
    artefact: Artefact, name: str, store: Store, folder: Path, progress: Progress
) -> None:
    """Write an artefact into a layout folder under a name; images there stay.

    Blobs are hard links into the store where the file system allows it, else copies.

    Raises:
        StoreError: when the folder cannot be written.
        ArtefactError: when the folder holds something else.
    """
    try:
        blobs = folder / "blobs" / "sha256"
        index = folder / _INDEX
        old = index.read_bytes() if index.exists() else b""
        new = _index(old, artefact, name, str(index))
        if not old and folder.exists() and any(folder.iterdir()) and not blobs.exists():
            raise ArtefactError(
                f"{folder} holds something else than an OCI layout",
                hint="name a new or empty folder",
            )
        blobs.mkdir(parents=True, exist_ok=True)
        with progress.task("write", folder.name, artefact.size) as task:
            for blob in _blobs(artefact):
                task.advance(_place(store, blob, blobs))
        _replace(folder / "oci-layout", _MARKER)
        _replace(index, new)
        _drop(folder, old, new)
    except OSError as error:
        raise StoreError(
            f"writing the OCI layout {folder}: {error.strerror}",
            hint="choose a folder you may write, on a disk with room",
        ) from error


def write_archive(
    artefact: Artefact, name: str, store: Store, file: Path, progress: Progress
) -> None:
    """Write an artefact as one tar file, the same bytes each time.

    Raises:
        StoreError: when the file cannot be written; nothing is left of it.
    """
    documents = {"oci-layout": _MARKER, _INDEX: _index(b"", artefact, name, str(file))}
    archive.write_blobs(_blobs(artefact), store, file, documents, progress)


def find(layout: Layout) -> bytes:
    """Return the manifest of the one vendor artefact in a layout, verified.

    Raises:
        ArtefactError: when there is none, there are several, or it is damaged.
    """
    manifests = _entries(layout.small(_INDEX, LARGEST), str(layout.path))
    found: dict[Digest, bytes] = {}
    for entry in manifests:
        kind = entry.get("artifactType", VENDOR_TYPE)
        if entry.get("mediaType") != MANIFEST_TYPE or kind != VENDOR_TYPE:
            continue
        digest = _digest(entry.get("digest"), f"{layout.path}: {_INDEX}")
        data = layout.small(f"blobs/sha256/{digest[7:]}", LARGEST)
        if of_bytes(data) != digest:
            raise ArtefactError(
                f"{layout.path}: the manifest {digest} is damaged",
                hint="bring the artefact here again",
            )
        if is_vendor(data):
            found[digest] = data
    if len(found) == 1:
        return next(iter(found.values()))
    raise ArtefactError(
        f"{layout.path} holds {len(found) or 'no'} vendor artefacts",
        hint="keep each in a folder of its own"
        if found
        else "`firstlight vendor` writes one",
    )


# Writing


def _blobs(artefact: Artefact) -> list[Digest]:
    """Every blob, the manifest last, each once."""
    files = [file.digest for file in artefact.files]
    return list(dict.fromkeys([*files, of_bytes(EMPTY), artefact.digest]))


def _index(old: bytes, artefact: Artefact, name: str, where: str) -> bytes:
    entry = {
        "mediaType": MANIFEST_TYPE,
        "artifactType": VENDOR_TYPE,
        "digest": artefact.digest,
        "size": len(artefact.data),
        "annotations": {REFERENCE: name},
    }
    kept = [
        each
        for each in (_entries(old, where) if old else [])
        if each.get("digest") != artefact.digest and not _is_older(each, name)
    ]
    table = {
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": sorted([*kept, entry], key=canonical_json),
    }
    return canonical_json(table) + b"\n"


def _is_older(entry: Mapping[str, Any], name: str) -> bool:
    annotations = entry.get("annotations")
    named = annotations.get(REFERENCE) if isinstance(annotations, dict) else None
    return entry.get("artifactType") == VENDOR_TYPE and named == name


def _entries(data: bytes, where: str) -> list[dict[str, Any]]:
    try:
        manifests = json.loads(data)["manifests"]
        if all(isinstance(each, dict) for each in manifests):
            return list(manifests)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise ArtefactError(
        f"{where} is not the index of an OCI layout", hint="use an empty folder"
    )


def _place(store: Store, blob: Digest, folder: Path) -> int:
    source, target = store.path(blob), folder / store.path(blob).name
    size = store.size(blob)
    if _is_same(source, target):
        return size
    temporary = folder / f".{target.name}.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    try:
        with suppress(OSError):
            os.link(source, temporary)
        if not temporary.exists():
            shutil.copyfile(source, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return size


def _is_same(source: Path, target: Path) -> bool:
    """Whether a file is there already; a damaged one is written anew."""
    if not target.is_file() or target.is_symlink():
        return False
    if target.samefile(source):
        return True
    if target.stat().st_size != source.stat().st_size:
        return False
    with source.open("rb") as one, target.open("rb") as other:
        while data := one.read(1 << 20):
            if other.read(1 << 20) != data:
                return False
    return True


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


# Dropping


def _drop(folder: Path, old: bytes, new: bytes) -> None:
    """Remove blobs that only an entry needed which is no longer in the index.

    Where anything in the folder cannot be followed, nothing is removed.
    """
    if not old:
        return
    try:
        layout = Layout.open(folder)
        kept, needed = set[Digest](), set[Digest]()
        _reach(layout, _entries(new, _INDEX), kept)
        _reach(layout, _entries(old, _INDEX), needed)
        for blob in needed - kept:
            (folder / "blobs" / "sha256" / blob[7:]).unlink(missing_ok=True)
    except (FirstlightError, ValueError, TypeError, AttributeError, RecursionError):
        return


def _reach(
    layout: Layout, entries: Iterable[Mapping[str, Any]], found: set[Digest]
) -> None:
    """Add everything that index entries lead to."""
    for entry in entries:
        digest = _digest(entry.get("digest"), str(layout.path))
        if digest in found:
            continue
        found.add(digest)
        if entry.get("mediaType") in _DOCUMENTS:
            table = json.loads(layout.small(f"blobs/sha256/{digest[7:]}", LARGEST))
            inner = [*table.get("manifests", ()), *table.get("layers", ())]
            config = table.get("config")
            _reach(layout, [*inner, config] if config else inner, found)


def _digest(value: object, where: str) -> Digest:
    try:
        return parse_digest(value if isinstance(value, str) else "")
    except FirstlightError as error:
        raise ArtefactError(f"{where}: {error.message}") from error
