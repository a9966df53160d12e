"""The digest of what is inside a blob: gzip, zstd or a plain tar, bounded in size."""

from __future__ import annotations

import hashlib
import io
from typing import cast

from firstlight.digest import Digest
from firstlight.errors import ArtefactError
from firstlight.oci.plain import DAMAGED, open_plain

__all__ = ["inflated_digest", "most_inside"]

_PIECE = 256 << 10
_ROOM = 1 << 30
_RATIO = 1100


def most_inside(size: int) -> int:
    """Return how many bytes a blob of some size may hold.

    No DEFLATE stream grows more; the room is for what zstd packs better than that.
    """
    return _ROOM + size * _RATIO


def inflated_digest(blob: io.RawIOBase, most: int, name: str) -> Digest:
    """Return the diffID of a layer's blob, streaming.

    Args:
        most: Bytes that may come out of it.
        name: What it is, for error messages.

    Raises:
        ArtefactError: when it is damaged, or unreasonably large inside.
    """
    hashed, length = hashlib.sha256(), 0
    room = memoryview(bytearray(_PIECE))
    try:
        stream = cast("io.BufferedReader", open_plain(blob))
        while got := stream.readinto(room):
            hashed.update(room[:got])
            length += got
            if length > most:
                raise ArtefactError(f"layer {name!r}: it holds more than {most} bytes")
    except DAMAGED as error:
        raise ArtefactError(
            f"layer {name!r} is damaged: {error}",
            hint="let whoever made the image push it again",
        ) from error
    return Digest("sha256:" + hashed.hexdigest())
