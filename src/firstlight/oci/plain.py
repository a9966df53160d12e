"""The tar inside a layer's blob, whatever the blob is compressed with."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, cast

import zstandard
from isal import igzip, igzip_lib, isal_zlib

__all__ = ["DAMAGED", "GZIP_MAGIC", "ZSTD_MAGIC", "buffered", "open_plain"]

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
DAMAGED = (
    tarfile.TarError,
    EOFError,
    gzip.BadGzipFile,
    zlib.error,
    zstandard.ZstdError,
    cast("type[Exception]", igzip_lib.error),  # Their stubs type them as values.
    cast("type[Exception]", isal_zlib.error),
    ValueError,
    OverflowError,
)
"""Every way in which reading a hostile layer can fail."""

_PIECE = 256 << 10
_open_gzip = cast("Callable[[BinaryIO], BinaryIO]", igzip.open)


def buffered(blob: BinaryIO | io.RawIOBase, size: int = _PIECE) -> io.BufferedReader:
    """A reader with a buffer on top of the blob, which stays open when it goes."""
    return io.BufferedReader(_Lent(blob), size)


def open_plain(blob: BinaryIO | io.RawIOBase) -> BinaryIO:
    """Open the blob by what its first bytes say: gzip, zstd or a plain tar.

    The blob stays open when what is returned goes. What reading it may raise is in
    `DAMAGED`.
    """
    stream = buffered(blob)
    start = stream.peek(4)[:4]
    if start.startswith(GZIP_MAGIC):
        # Its reader is one C loop over the members: tens of thousands of tiny ones
        # cost no Python call each.
        return _open_gzip(stream)
    if start == ZSTD_MAGIC:
        reader = zstandard.ZstdDecompressor().stream_reader(
            stream, read_across_frames=True
        )
        return cast("BinaryIO", reader)
    return cast("BinaryIO", stream)


class _Lent(io.RawIOBase):
    """A file that stays open when the reader on top of it goes."""

    def __init__(self, file: BinaryIO | io.RawIOBase) -> None:
        self._file = cast("io.BufferedReader", file)

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer."""
        return self._file.readinto(buffer)
