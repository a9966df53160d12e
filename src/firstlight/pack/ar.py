"""A ``.deb``'s outer shell: an ar archive of a few members, each maybe compressed.

Strict on purpose: what is not exactly as ``dpkg-deb`` writes it is refused, so that
two readers can never see two different packages in one file.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import zstandard

from firstlight.errors import ArtefactError

__all__ = ["Member", "Inflated", "read_members", "damaged"]

_MAGIC = b"!<arch>\n"
_HEADER = 60
_MOST_MEMBERS = 16
_PIECE = 64 << 10
_ALLOWANCE = 256 << 20
_RATIO = 200
_MOST = 32 << 30
_XZ_MEMORY = 128 << 20
_ZSTD_WINDOW = 128 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of the archive: its name and where its bytes lie."""

    name: str
    offset: int
    size: int


def damaged(filename: str, why: str) -> ArtefactError:
    """The error for a ``.deb`` that is not what it should be."""
    return ArtefactError(
        f"{filename}: not a sound .deb: {why}",
        hint="remove it with `firstlight cache check` and fetch it again; when that "
        "does not help, its publisher served a broken or hostile file",
    )


def read_members(file: BinaryIO, filename: str) -> list[Member]:
    """Return the members in order, having checked that nothing lies between them.

    Raises:
        ArtefactError: for a wrong magic, a header that is not plain, sizes that do not
            add up to the file's, or bytes after the last member.
    """
    end = file.seek(0, 2)
    file.seek(0)
    if file.read(len(_MAGIC)) != _MAGIC:
        raise damaged(filename, "it does not begin with the ar magic")
    members: list[Member] = []
    offset = len(_MAGIC)
    while offset < end:
        file.seek(offset)
        member = _member(file.read(_HEADER), offset + _HEADER, filename)
        if member.offset + member.size > end:
            raise damaged(filename, f"its member {member.name} is cut short")
        if any(member.name == other.name for other in members):
            raise damaged(filename, f"it has two members {member.name}")
        members.append(member)
        if len(members) > _MOST_MEMBERS:
            raise damaged(filename, "it has too many members")
        offset = member.offset + member.size
        if member.size % 2 and offset < end:
            file.seek(offset)
            if file.read(1) != b"\n":
                raise damaged(filename, f"its member {member.name} is badly padded")
            offset += 1
    return members


def _member(header: bytes, offset: int, filename: str) -> Member:
    if len(header) < _HEADER or header[58:] != b"`\n":
        raise damaged(filename, f"no ar header at byte {offset - _HEADER}")
    name = header[:16].rstrip(b" ").removesuffix(b"/")
    digits = header[48:58].rstrip(b" ")
    if not digits.isdigit() or not name.isascii() or not name.decode().isprintable():
        raise damaged(
            filename, f"the ar header at byte {offset - _HEADER} is not plain"
        )
    return Member(name=name.decode(), offset=offset, size=int(digits))


class _Inflater(Protocol):
    """One compressed stream being inflated; all three libraries fit in few lines."""

    eof: bool

    def inflate(self, data: bytes, most: int) -> bytes:
        """Return up to `most` more bytes; `data` is empty while input waits inside."""

    def left(self) -> bytes:
        """What follows the end of the stream in the data already given."""


class _Xz:
    def __init__(self) -> None:
        self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        self.eof = False

    def inflate(self, data: bytes, most: int) -> bytes:
        if data or not self._stream.needs_input:
            data = self._stream.decompress(data, most)
            self.eof = self._stream.eof
        return data

    def left(self) -> bytes:
        return self._stream.unused_data


class _Gzip:
    def __init__(self) -> None:
        self._stream = zlib.decompressobj(31)
        self.eof = False

    def inflate(self, data: bytes, most: int) -> bytes:
        data = self._stream.decompress(self._stream.unconsumed_tail + data, most)
        self.eof = self._stream.eof
        return data

    def left(self) -> bytes:
        return self._stream.unused_data


class _Zstd:
    """zstandard's one-shot objects have no output limit, so small pieces go in."""

    def __init__(self) -> None:
        self._stream = zstandard.ZstdDecompressor(
            max_window_size=_ZSTD_WINDOW
        ).decompressobj()
        self.eof = False

    def inflate(self, data: bytes, most: int) -> bytes:
        data = self._stream.decompress(data) if data else b""
        self.eof = self._stream.eof
        return data

    def left(self) -> bytes:
        return self._stream.unused_data


_INFLATERS: dict[str, tuple[Callable[[], _Inflater], int]] = {
    ".xz": (_Xz, _PIECE),
    ".gz": (_Gzip, _PIECE),
    # A block of zstd may repeat one byte 128 KiB long in four bytes: 32 MiB at most.
    ".zst": (_Zstd, 1 << 10),
}
"""How to inflate, and how many compressed bytes to give at once."""


class Inflated:
    """The plain bytes of a member, a piece at a time, each bomb caught in flight.

    Memory stays at one dictionary (at most 128 MiB, usually 8) and one piece.
    """

    def __init__(self, path: Path, member: Member, filename: str) -> None:
        suffix = member.name.partition(".tar")[2]
        self._file = path.open("rb")
        self._file.seek(member.offset)
        self._left = member.size
        self._member = member
        self._filename = filename
        self._size = 0
        self._limit = min(_MOST, _ALLOWANCE + _RATIO * member.size)
        self._buffer = bytearray()
        self._inflater: _Inflater | None = None
        self._piece = _PIECE
        if suffix:
            make, self._piece = _INFLATERS[suffix]
            self._inflater = make()

    def __enter__(self) -> Inflated:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes, fewer only at the end of the member.

        Raises:
            ArtefactError: when the stream is damaged, cut short or far larger than a
                package can be.
        """
        buffer = self._buffer
        while len(buffer) < size:
            data = self._next(max(_PIECE, size - len(buffer)))
            if data is None:
                break
            buffer += data
        data = bytes(buffer[:size])
        del buffer[:size]
        return data

    def _next(self, most: int) -> bytes | None:
        try:
            data = self._plain() if self._inflater is None else self._inflate(most)
        except (lzma.LZMAError, zlib.error, zstandard.ZstdError) as error:
            why = f"{self._member.name}: {error}"
            raise damaged(self._filename, why) from error
        except MemoryError as error:
            why = f"{self._member.name} asks for more memory than a package may"
            raise damaged(self._filename, why) from error
        self._size += len(data or b"")
        if self._size > self._limit:
            raise damaged(
                self._filename,
                f"{self._member.name} inflates to more than {self._limit >> 20} MiB",
            )
        return data

    def _plain(self) -> bytes | None:
        data = self._file.read(min(self._piece, self._left))
        self._left -= len(data)
        return data or None

    def _inflate(self, most: int) -> bytes | None:
        assert self._inflater is not None
        if self._inflater.eof:
            self._check_end()
            return None
        data = self._inflater.inflate(b"", most)
        if not data and not self._inflater.eof:
            piece = self._plain()
            if piece is None:
                raise damaged(self._filename, f"{self._member.name} is cut short")
            data = self._inflater.inflate(piece, most)
        return data

    def _check_end(self) -> None:
        assert self._inflater is not None
        if self._left or self._inflater.left():
            raise damaged(
                self._filename, f"bytes follow the end of {self._member.name}"
            )
