"""Members of a gzip file, one by one: what layers are written of.

A member is a header, a raw DEFLATE stream, the CRC-32 and the size of what is inside;
members follow each other (RFC 1952). What is compressed here passes through a pinned
libdeflate, whose bytes depend on neither the CPU nor the Python.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import deflate
from isal import isal_zlib

__all__ = ["HEAD", "Gathered", "compressed", "empty", "tail"]

HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""The header of every member: no name, no time, no operating system."""

_TRAILER = struct.Struct("<II")
_LARGE = 128 << 10


def tail(crc: int, size: int) -> bytes:
    """What follows a DEFLATE stream whose content has this CRC-32 and size."""
    return _TRAILER.pack(crc, size & 0xFFFFFFFF)


def compressed(data: bytes, level: int) -> tuple[bytes, bytes]:
    """One member that holds `data`, in two pieces to be written one by one."""
    return (
        HEAD + deflate.deflate_compress(data, level),
        tail(isal_zlib.crc32(data), len(data)),
    )


def empty(extra: bytes) -> bytes:
    """A member without content, whose header carries one extra field of ours.

    Args:
        extra: The field with its own two letters and length (RFC 1952, 2.3.1.1).
    """
    head = HEAD[:3] + b"\x04" + HEAD[4:] + struct.pack("<H", len(extra))
    return head + extra + b"\x01\x00\x00\xff\xff" + tail(0, 0)


class Gathered:
    """Hands small pieces on in large ones: 20,000 headers are not 20,000 calls."""

    def __init__(self, hand_on: Callable[[bytes], object]) -> None:
        self._hand_on = hand_on
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
        if len(data) >= _LARGE:
            self.flush()
            self._hand_on(data)
            return
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= _LARGE:
            self.flush()

    def flush(self) -> None:
        """Hand on everything that waits."""
        if self._size:
            self._hand_on(b"".join(self._pieces))
            self._pieces.clear()
            self._size = 0
