"""A layer's tar read front to back, knowing which pieces are gzip members of their own.

Where a piece of a file is exactly one member of the blob, it can be taken over as it is
compressed already. That is so for most files of layers that firstlight made.
"""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from isal import igzip_lib, isal_zlib

from firstlight.digest import Digest
from firstlight.oci.plain import GZIP_MAGIC, buffered, open_plain

__all__ = ["Member", "Tape", "entries"]

_WINDOW = 64 << 10
_PIECE = 256 << 10
_LONGEST_HEADER = 4 << 20
_HEAD = struct.Struct("<2sBB6x")
_TAIL = struct.Struct("<II")
_CRC, _EXTRA, _NAME, _COMMENT = 2, 4, 8, 16
_LONGEST_NAME = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Where the raw DEFLATE stream of a gzip member lies in the blob."""

    end: int
    offset: int
    length: int
    crc: int


class Tape:
    """The tar inside a blob; hashed as it passes, with little of it in memory.

    `position` counts bytes of the tar. What reading may raise is in
    `firstlight.oci.plain.DAMAGED`.
    """

    def __init__(self, blob: BinaryIO | io.RawIOBase) -> None:
        self.position = 0
        self._hash = hashlib.sha256()
        self._members: dict[int, Member] = {}
        self._made = 0
        self._waiting = bytearray()
        stream = buffered(blob, _WINDOW)
        is_gzip = stream.peek(2)[:2] == GZIP_MAGIC
        self._input = cast("BinaryIO", stream)
        self._pieces = self._inflated() if is_gzip else self._others()

    @property
    def digest(self) -> Digest:
        """The diffID, once everything was read."""
        return Digest("sha256:" + self._hash.hexdigest())

    def read(self, size: int) -> bytes:
        """Read `size` bytes; fewer only where the tar ends."""
        self._fill(size)
        data = bytes(self._waiting[:size])
        del self._waiting[:size]
        self.position += len(data)
        return data

    def piece(self, size: int) -> tuple[bytes, Member | None]:
        """Read `size` bytes, and tell the member that holds them and nothing else."""
        start = self.position
        # One byte further, and it is known whether a member ends with the piece.
        self._fill(size + 1)
        data = self.read(size)
        if len(data) < size:
            raise EOFError("the tar ends inside a file")
        member = self._members.get(start)
        for gone in [at for at in self._members if at < self.position]:
            del self._members[gone]
        is_whole = member is not None and member.end == self.position
        return data, member if is_whole else None

    def rest(self) -> Iterator[bytes]:
        """Read what is left, in pieces."""
        while data := self.read(_PIECE):
            yield data

    def _fill(self, size: int) -> None:
        while len(self._waiting) < size:
            data = next(self._pieces, None)
            if data is None:
                return
            self._hash.update(data)
            self._waiting += data

    def _others(self) -> Iterator[bytes]:
        stream = open_plain(self._input)
        while data := stream.read(_PIECE):
            yield data

    def _inflated(self) -> Iterator[bytes]:
        source = _Window(self._input)
        while source.more():
            _skip_header(source)
            start, offset, crc = self._made, source.position, 0
            inflate = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_DEFLATE)
            while not inflate.eof:
                data = source.take() if inflate.needs_input else b""
                plain = inflate.decompress(data, _PIECE)
                crc = isal_zlib.crc32(plain, crc)
                self._made += len(plain)
                if inflate.eof:
                    source.back(inflate.unused_data)
                    self._tell(start, offset, source.position, crc)
                if plain:
                    yield plain
            if _TAIL.unpack(source.exactly(8)) != (
                crc,
                self._made - start & 0xFFFFFFFF,
            ):
                raise zlib.error(
                    "a gzip member has another size or CRC-32 than it says"
                )

    def _tell(self, start: int, offset: int, end: int, crc: int) -> None:
        if self._made > start:
            self._members[start] = Member(
                end=self._made, offset=offset, length=end - offset, crc=crc
            )


class _Window:
    """The blob's bytes as they come, of which those not needed are given back."""

    def __init__(self, stream: BinaryIO) -> None:
        self.position = 0
        self._stream = stream
        self._data = b""
        self._at = 0

    def more(self) -> bool:
        """Whether the blob goes on."""
        if self._at == len(self._data):
            self._data, self._at = self._stream.read(_WINDOW), 0
        return self._at < len(self._data)

    def take(self) -> bytes:
        """Take what is there, at least one byte."""
        if not self.more():
            raise EOFError("the blob ends inside a gzip member")
        data = self._data[self._at :]
        self._at = len(self._data)
        self.position += len(data)
        return data

    def back(self, data: bytes) -> None:
        """Give back the end of what was taken last."""
        self._data, self._at = data, 0
        self.position -= len(data)

    def exactly(self, size: int) -> bytes:
        """Take so many bytes: few, of a header."""
        data = b""
        while len(data) < size:
            if not self.more():
                raise EOFError("the blob ends inside a gzip member")
            part = self._data[self._at : self._at + size - len(data)]
            self._at += len(part)
            self.position += len(part)
            data += part
        return data

    def line(self) -> None:
        """Take bytes up to a NUL."""
        for _ in range(_LONGEST_NAME):
            if self.exactly(1) == b"\0":
                return
        raise zlib.error("a gzip header holds a name without an end")


def _skip_header(source: _Window) -> None:
    magic, method, flags = _HEAD.unpack(source.exactly(_HEAD.size))
    if magic != GZIP_MAGIC or method != 8 or flags & 0xE0:
        raise zlib.error("something that is no gzip member follows one")
    if flags & _EXTRA:
        source.exactly(int.from_bytes(source.exactly(2), "little"))
    if flags & _NAME:
        source.line()
    if flags & _COMMENT:
        source.line()
    if flags & _CRC:
        source.exactly(2)


def entries(tape: Tape) -> Iterator[tuple[tarfile.TarInfo | None, bytes]]:
    """The tar's entries, each with the bytes before its content: padding and headers.

    Who iterates reads the content, `size` bytes of a regular file, from the tape before
    asking for the next entry. At the end comes None, with the first bytes of the end.
    """
    headers = _Headers(tape)
    with tarfile.open(fileobj=cast("Any", headers), mode="r:", encoding="utf-8") as tar:
        while (entry := tar.next()) is not None:
            if entry.issparse():
                raise tarfile.ReadError(f"{entry.name!r} is a sparse file")
            yield entry, headers.taken()
            # Otherwise every header stays in memory until the end.
            cast("Any", tar).members.clear()
            headers.read(tar.offset - tape.position)
    yield None, headers.taken()


class _Headers:
    """What `tarfile` reads from: keeps everything that passed, byte for byte."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._taken = bytearray()

    def taken(self) -> bytes:
        """What passed since this was last asked."""
        data = bytes(self._taken)
        self._taken.clear()
        return data

    def tell(self) -> int:
        """How many bytes passed."""
        return self._tape.position

    def seek(self, position: int) -> None:
        """Never needed: entries are asked for one after the other."""
        raise tarfile.ReadError(
            f"the tar goes on at byte {position}, where it does not"
        )

    def read(self, size: int) -> bytes:
        """Read a header, or the padding before one."""
        if not 0 <= size <= _LONGEST_HEADER - len(self._taken):
            raise tarfile.ReadError("a header is larger than any that is needed")
        data = self._tape.read(size)
        self._taken += data
        return data
