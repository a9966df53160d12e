"""Where the unpacked root of an image is."""

from __future__ import annotations

from pathlib import Path

from firstlight.oci.model import Image
from firstlight.store import Store

__all__ = ["root_path"]


def root_path(image: Image, store: Store) -> Path:
    """Where the image's root is, or will be once it is unpacked."""
    return store.root / "roots" / image.id.removeprefix("sha256:")
