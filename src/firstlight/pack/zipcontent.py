"""What members of a ZIP hold: inflated, counted and compared with their CRC-32."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from pathlib import Path

from firstlight.digest import CHUNK
from firstlight.errors import ArtefactError
from firstlight.pack.zip import Member

__all__ = ["chunks", "read", "peek"]

_ZIPFILE_ERRORS = (
    zipfile.BadZipFile,
    LZMAError,
    EOFError,
    KeyError,
    OSError,
    RuntimeError,
    ValueError,
)


def chunks(path: Path, member: Member, *, filename: str) -> Iterator[bytes]:
    """Yield the content in pieces; fails at the end when size or CRC-32 differ."""
    left, crc = member.size, 0
    for piece in _inflated(path, member, filename):
        left -= len(piece)
        if left < 0:
            break
        crc = zlib.crc32(piece, crc)
        yield piece
    if left or crc != member.crc:
        raise _damaged(filename, member, "size or CRC-32 is not what it says")


def read(path: Path, member: Member, *, filename: str, limit: int) -> bytes:
    """Return the whole content of a member that must not be larger than `limit`."""
    if member.size > limit:
        raise ArtefactError(
            f"{filename}: {member.name} has {member.size} bytes; "
            f"more than {limit} are not accepted there",
            hint="this file is not what it should be; report it to its publisher",
        )
    return b"".join(chunks(path, member, filename=filename))


def peek(path: Path, member: Member, count: int, *, filename: str) -> bytes:
    """Return the first bytes of a member without reading the rest."""
    with path.open("rb") as file:
        file.seek(member.offset)
        packed = file.read(min(member.packed, 4096))
    match member.method:
        case 0:
            return packed[:count]
        case 8:
            try:
                return zlib.decompressobj(-15).decompress(packed, count)
            except zlib.error as error:
                raise _damaged(filename, member, str(error)) from error
    return next(chunks(path, member, filename=filename), b"")[:count]


def _inflated(path: Path, member: Member, filename: str) -> Iterator[bytes]:
    match member.method:
        case 0:
            yield from _packed(path, member)
        case 8:
            yield from _from_deflate(path, member, filename)
        case _:
            yield from _from_other(path, member, filename)


def _packed(path: Path, member: Member) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(member.offset)
        left = member.packed
        while left and (data := file.read(min(CHUNK, left))):
            left -= len(data)
            yield data


def _from_deflate(path: Path, member: Member, filename: str) -> Iterator[bytes]:
    stream = zlib.decompressobj(-15)
    for data in _packed(path, member):
        more = True
        while more and not stream.eof:
            try:
                piece = stream.decompress(data, CHUNK)
            except zlib.error as error:
                raise _damaged(filename, member, str(error)) from error
            yield piece
            data = stream.unconsumed_tail
            more = bool(data) or len(piece) == CHUNK
    if not stream.eof:
        raise _damaged(filename, member, "its stream is cut off")


def _from_other(path: Path, member: Member, filename: str) -> Iterator[bytes]:
    """Bzip2 and LZMA, rare enough to leave to the standard library."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member.name) as stream:
            while data := stream.read(CHUNK):
                yield data
    except _ZIPFILE_ERRORS as error:
        raise _damaged(filename, member, str(error)) from error


def _damaged(filename: str, member: Member, why: str) -> ArtefactError:
    return ArtefactError(
        f"{filename}: {member.name} is damaged: {why}",
        hint="fetch it again; when that does not help, report it to its publisher",
    )
