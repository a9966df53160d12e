"""Digests in OCI form, computed while bytes pass."""

from __future__ import annotations

import hashlib
import re
from typing import BinaryIO, NewType

from firstlight.errors import ArtefactError, DigestError

__all__ = ["Digest", "parse_digest", "of_bytes", "HashingReader", "CHUNK"]

Digest = NewType("Digest", str)
"""``sha256:`` and 64 lower-case hex digits; strings become one in `parse_digest`."""

CHUNK = 1 << 18
"""Bytes moved at once: large enough to release the GIL for long, small in memory."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


def parse_digest(text: str) -> Digest:
    """Return the digest, with ``sha256:`` put in front of bare hex.

    Raises:
        ArtefactError: when the text is no SHA-256 digest.
    """
    if ":" not in text:
        text = f"sha256:{text}"
    if not _DIGEST.match(text.lower()):
        raise ArtefactError(f"not a SHA-256 digest: {text!r}")
    return Digest(text.lower())


def of_bytes(data: bytes) -> Digest:
    """Return the digest of some bytes."""
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


class HashingReader:
    """A binary stream that hashes and counts what is read through it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes."""
        data = self._stream.read(size)
        self._hash.update(data)
        self.size += len(data)
        return data

    @property
    def digest(self) -> Digest:
        """The digest of everything read so far."""
        return Digest("sha256:" + self._hash.hexdigest())

    def verify(self, digest: Digest, name: str) -> None:
        """Raise `DigestError` unless everything read has this digest."""
        if self.digest != digest:
            raise DigestError(
                f"{name}: the bytes are {self.digest}, not {digest} as locked",
                hint="the file was altered or damaged on its way; fetch it again",
            )
