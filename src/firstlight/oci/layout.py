"""An image in an OCI layout: a folder of blobs and an index, as in the store itself."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from firstlight.digest import Digest
from firstlight.errors import ArtefactError, StoreError
from firstlight.oci.model import INDEX_TYPE, MANIFEST_TYPE, Image, canonical_json
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["write", "add_reference", "index_json", "blobs_of", "REFERENCE"]

REFERENCE = "org.opencontainers.image.ref.name"


def blobs_of(image: Image) -> list[Digest]:
    """Every blob the image is made of, the manifest last, each once."""
    layers = [layer.digest for layer in image.layers]
    return list(dict.fromkeys([*layers, image.id, image.manifest]))


def index_json(old: bytes, image: Image, size: int, tag: str, where: str) -> bytes:
    """Return an ``index.json`` in which `tag` names the image for its platform."""
    try:
        manifests = json.loads(old)["manifests"] if old else []
        kept = [each for each in manifests if not _is_same(each, image.platform, tag)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtefactError(
            f"{where} is not the index of an OCI layout",
            hint="write to an empty folder",
        ) from error
    system, architecture = image.platform.split("/")
    entry = {
        "mediaType": MANIFEST_TYPE,
        "digest": image.manifest,
        "size": size,
        "platform": {"os": system, "architecture": architecture},
        "annotations": {REFERENCE: tag},
    }
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": sorted([*kept, entry], key=canonical_json),
    }
    return canonical_json(index) + b"\n"


def _is_same(entry: dict[str, Any], platform: str, tag: str) -> bool:
    found = entry.get("platform", {})
    same = f"{found.get('os')}/{found.get('architecture')}" == platform
    return same and entry.get("annotations", {}).get(REFERENCE) == tag


def add_reference(store: Store, image: Image, tag: str = "") -> None:
    """Let the store's own index name the image, so that other tools can read it."""
    size = store.size(image.manifest)
    path = store.root / "index.json"
    store.update(
        path, lambda old: index_json(old, image, size, tag or image.name, str(path))
    )


def write(
    image: Image,
    store: Store,
    folder: Path,
    *,
    tag: str = "",
    progress: Progress | None = None,
) -> None:
    """Write the image into an OCI layout folder; what is there already stays.

    Blobs are hard links where the file system allows it, else copies.

    Raises:
        StoreError: when the folder cannot be written.
        ArtefactError: when the folder holds something else.
    """
    progress = progress or Progress()
    try:
        blobs = folder / "blobs" / "sha256"
        blobs.mkdir(parents=True, exist_ok=True)
        for blob in blobs_of(image):
            with progress.task("write", blob[7:19]) as task:
                task.advance(_place(store.path(blob), blobs))
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}\n')
        index = folder / "index.json"
        old = index.read_bytes() if index.exists() else b""
        size = store.size(image.manifest)
        new = index_json(old, image, size, tag or image.name, str(index))
        temporary = folder / f".index.json.{os.getpid()}"
        temporary.write_bytes(new)
        temporary.replace(index)
    except OSError as error:
        raise StoreError(
            f"writing the OCI layout {folder}: {error.strerror}",
            hint="choose a folder you may write, on a disk with room",
        ) from error


def _place(source: Path, folder: Path) -> int:
    target = folder / source.name
    size = source.stat().st_size
    if target.exists() and target.stat().st_size == size:
        return size
    temporary = folder / f".{source.name}.{os.getpid()}"
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
