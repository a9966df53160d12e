"""Reads one file out of an image without unpacking it."""

from __future__ import annotations

import tarfile
from typing import BinaryIO

from firstlight.errors import ArtefactError
from firstlight.oci.model import Image
from firstlight.store import Store

__all__ = ["read_file"]


def read_file(image: Image, store: Store, path: str) -> str:
    """Return the text of a file, from the topmost layer that has it.

    Layers that say they hold the system's own files are looked at first: the files
    people ask for are there, and reading 3 GB of wheels would take seconds.

    Raises:
        ArtefactError: when no layer has it, or one is damaged.
    """
    # Imported only now: commands that only ask for a name need no decompressors.
    from firstlight.oci.plain import DAMAGED

    from_top = list(image.layers)[::-1]
    layers = sorted(from_top, key=lambda layer: layer.title != "system files")
    for layer in layers:
        try:
            with store.read(layer.digest) as stream:
                found = _find(stream, path)
        except DAMAGED as error:
            raise ArtefactError(
                f"layer {layer.digest} of {image.name} is damaged: {error}",
                hint="`firstlight build` makes it anew",
            ) from error
        if found is not None:
            return found.decode("utf-8", "replace")
    raise ArtefactError(f"the image {image.name} has no /{path}")


def _find(stream: BinaryIO, path: str) -> bytes | None:
    from firstlight.oci.plain import open_plain

    with tarfile.open(fileobj=open_plain(stream), mode="r|") as archive:
        for member in archive:
            if member.name.removeprefix("./") == path and member.isfile():
                data = archive.extractfile(member)
                assert data is not None
                return data.read()
    return None
