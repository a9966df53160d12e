"""The documents of an image whose layers were encoded anew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from firstlight.digest import Digest
from firstlight.errors import ArtefactError
from firstlight.oci import model
from firstlight.oci.model import Image, Layer, Settings
from firstlight.store import Store

__all__ = ["annotations_of", "companion_of", "with_diff_ids"]

_OF_LAYER = "containerd.io/snapshot/stargz/layer.digest"
_LARGEST = 8 << 20


def annotations_of(image: Image, store: Store) -> dict[str, str]:
    """What the image's manifest says about it, to be said by the new one too."""
    found = _document(image, image.manifest, store).get("annotations", {})
    if not isinstance(found, dict):
        raise _wrong(image, "its annotations are no table")
    return {str(name): str(text) for name, text in found.items()}


def with_diff_ids(image: Image, layers: Sequence[Layer], store: Store) -> Digest:
    """Store the image's configuration with other tars, and return its digest.

    Raises:
        ArtefactError: when the one that is there does not fit the image.
    """
    config = _document(image, image.id, store)
    match config.get("rootfs"):
        case {"diff_ids": list(found)} if found == [e.diff_id for e in image.layers]:
            rootfs = {"type": "layers", "diff_ids": [each.diff_id for each in layers]}
        case _:
            raise _wrong(image, "its configuration names other layers")
    return store.put(model.canonical_json({**config, "rootfs": rootfs}))


def companion_of(
    image: Image, layers: Sequence[Layer], tocs: Sequence[Layer], store: Store
) -> Image:
    """Store the image that holds the tables of contents, and return it.

    Each of its layers holds one table, and says of which layer it is.
    """
    tables = {
        layer.digest: replace(toc, annotations=((_OF_LAYER, layer.digest),))
        for layer, toc in zip(layers, tocs, strict=True)
    }
    own = tuple(tables.values())
    nothing = Settings(environment=(), labels={}, command=(), user="", folder="")
    config = model.config_json(image.platform, own, nothing)
    identity = store.put(config)
    manifest = model.manifest_json((identity, len(config)), own, {})
    return Image(
        name=f"{image.name}-esgztoc",
        platform=image.platform,
        id=identity,
        manifest=store.put(manifest),
        layers=own,
    )


def _document(image: Image, digest: Digest, store: Store) -> dict[str, Any]:
    with store.read(digest) as stream:
        data = stream.read(_LARGEST + 1)
    try:
        value = json.loads(data) if len(data) <= _LARGEST else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise _wrong(image, f"{digest} is no JSON document that describes an image")
    return value


def _wrong(image: Image, why: str) -> ArtefactError:
    return ArtefactError(
        f"the image {image.name} is damaged: {why}", hint="build or pull it again"
    )
