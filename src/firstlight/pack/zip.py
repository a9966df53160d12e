"""The directory of a ZIP, read strictly: every member is where and what it says.

`zipfile` opens one member at a time and believes the directory; here every local
header is compared with it in one pass, so that a member's raw bytes can be copied by
offset, and an archive that two readers would read differently is refused.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from firstlight.errors import ArtefactError
from firstlight.pack.entry import check_path

__all__ = [
    "DEFLATED",
    "STORED",
    "Member",
    "read_directory",
    "file_in_the_way",
]

STORED, DEFLATED = 0, 8

_READABLE = {STORED, DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_EXTRA = struct.Struct("<2H")
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_ENCRYPTED, _DESCRIPTOR, _UTF8 = 1 << 0, 1 << 3, 1 << 11
_FORBIDDEN = _ENCRYPTED | 1 << 5 | 1 << 6 | 1 << 13
_IGNORED = 1 << 1 | 1 << 2  # How hard the compressor tried.
_EXTRA_ZIP64, _EXTRA_NAME = 0x0001, 0x7075

_DIRECTORY_LIMIT = 64 << 20
_DEFLATE_RATIO = 1032  # 258 bytes from two bits: no stream gives more.
_BOMB_SIZE, _BOMB_RATIO = 1 << 30, 200


class Member(NamedTuple):
    """One member: `packed` bytes at `offset` of the file give `size` bytes.

    A tuple, since a PyTorch environment has 30,000 of them. `name` is checked and has
    no trailing slash; `mode` holds the UNIX type and permission bits, zero when the
    archive gives none; `header` is where the local header starts.
    """

    name: str
    is_directory: bool
    mode: int
    method: int
    size: int
    packed: int
    crc: int
    header: int
    offset: int


def read_directory(path: Path, *, filename: str) -> list[Member]:
    """Return the members in the order of the directory, each one checked.

    Contents are not read: a member's size and CRC-32 are its word until it is inflated.

    Args:
        filename: What errors call the file; in the store it is named by its digest.

    Raises:
        ArtefactError: when the archive is damaged, encrypted, ambiguous or hostile.
    """
    with _opened(path, filename) as archive:
        start, end, count = _find_directory(archive)
        members = list(_members(archive, archive.read(start, end - start)))
    if len(members) != count:
        raise archive.refuse(f"it promises {count} members and has {len(members)}")
    _refuse_overlap(archive, members, start)
    _refuse_doubles(archive, members)
    _refuse_bomb(archive, members)
    return members


def file_in_the_way(names: Iterable[str]) -> str | None:
    """Return a name that another name needs as a folder, if there is one."""
    files = set(names)
    parents = {name.rpartition("/")[0] for name in files}
    seen: set[str] = set()
    for parent in parents:
        while parent and parent not in seen:
            if parent in files:
                return parent
            seen.add(parent)
            parent = parent.rpartition("/")[0]
    return None


@dataclass(frozen=True, slots=True)
class _Archive:
    """An open file that knows its name for errors and never reads short."""

    descriptor: int
    size: int
    filename: str

    def read(self, offset: int, length: int) -> bytes:
        data = os.pread(self.descriptor, length, offset) if length else b""
        if len(data) != length:
            raise self.refuse("it ends in the middle")
        return data

    def refuse(self, why: str) -> ArtefactError:
        return ArtefactError(
            f"{self.filename}: not a ZIP that can be trusted: {why}",
            hint="fetch it again; when that does not help, report it to its publisher",
        )


@contextmanager
def _opened(path: Path, filename: str) -> Iterator[_Archive]:
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        yield _Archive(file.fileno(), size, filename)


# Where the directory is


def _find_directory(archive: _Archive) -> tuple[int, int, int]:
    """Return its start, its end and how many members it promises."""
    tail_start = max(0, archive.size - _END.size - _FULL16)
    tail = archive.read(tail_start, archive.size - tail_start)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise archive.refuse("its directory is missing; the file may be cut off")
    _, disk, first, here, count, length, start, comment = _END.unpack_from(tail, at)
    if len(tail) - at - _END.size != comment:
        raise archive.refuse("bytes follow its end")
    if (disk, first) not in ((0, 0), (_FULL16, _FULL16)) or here != count:
        raise archive.refuse("it is one part of several")
    end = tail_start + at
    if end >= _LOCATOR.size:
        raw = archive.read(end - _LOCATOR.size, _LOCATOR.size)
        if raw.startswith(b"PK\x06\x07"):
            given = (count, length, start)
            return _find_directory64(archive, end - _LOCATOR.size, raw, given)
    return _checked(archive, start, length, end, count)


def _find_directory64(
    archive: _Archive, at: int, raw: bytes, given: tuple[int, int, int]
) -> tuple[int, int, int]:
    _, disk, record, disks = _LOCATOR.unpack(raw)
    if disk or disks > 1 or record + _END64.size > at:
        raise archive.refuse("its ZIP64 locator points nowhere")
    fields = _END64.unpack(archive.read(record, _END64.size))
    count, length, start = fields[7:]
    if fields[0] != b"PK\x06\x06" or record + 12 + fields[1] != at:
        raise archive.refuse("its ZIP64 end record is damaged")
    for short, full, top in zip(
        given, fields[7:], (_FULL16, _FULL32, _FULL32), strict=True
    ):
        if short not in (top, full):
            raise archive.refuse("its two end records differ")
    return _checked(archive, start, length, record, count)


def _checked(
    archive: _Archive, start: int, length: int, end: int, count: int
) -> tuple[int, int, int]:
    if start + length != end:
        raise archive.refuse("its directory is not where it says")
    if length > _DIRECTORY_LIMIT:
        raise archive.refuse(f"its directory has {length} bytes")
    return start, end, count


# Members


def _members(archive: _Archive, directory: bytes) -> Iterator[Member]:
    at, total = 0, len(directory)
    while at < total:
        if total - at < _CENTRAL.size:
            raise archive.refuse("its directory is cut off")
        fields = _CENTRAL.unpack_from(directory, at)
        if fields[0] != b"PK\x01\x02":
            raise archive.refuse("its directory is damaged")
        name_end = at + _CENTRAL.size + fields[10]
        extra_end = name_end + fields[11]
        raw = directory[at + _CENTRAL.size : name_end]
        at = extra_end + fields[12]
        if at > total:
            raise archive.refuse("its directory is cut off")
        yield _member(archive, fields, raw, directory[name_end:extra_end])


class _Head(NamedTuple):
    """What the directory says about a member."""

    text: str
    raw: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    mode: int
    header: int


def _member(
    archive: _Archive, fields: tuple[int, ...], raw: bytes, extra: bytes
) -> Member:
    flags, method, offset = fields[3], fields[4], fields[16]
    crc, packed, size = fields[7:10]
    text = _name(archive, raw, flags)
    if extra:
        size, packed, offset = _enlarged(archive, raw, extra, (size, packed, offset))
    if fields[13] not in (0, _FULL16):
        raise archive.refuse(f"{text} lies in another part")
    mode = fields[15] >> 16
    head = _Head(text, raw, flags, method, crc, packed, size, mode, offset)
    _check_kind(archive, head)
    _check_sizes(archive, head)
    return Member(
        name=check_path(text, archive.filename),
        is_directory=text.endswith("/"),
        mode=mode,
        method=method,
        size=size,
        packed=packed,
        crc=crc,
        header=offset,
        offset=_content_start(archive, head),
    )


def _name(archive: _Archive, raw: bytes, flags: int) -> str:
    try:
        is_utf8 = flags & _UTF8 or raw.isascii()
        text = raw.decode("utf-8" if is_utf8 else "cp437")
    except UnicodeDecodeError as error:
        raise archive.refuse(f"the name {raw!r} is not the UTF-8 it claims") from error
    if "\\" in text or text[1:2] == ":":
        raise archive.refuse(f"{text!r} is a path of Windows")
    return text


def _extras(archive: _Archive, extra: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _EXTRA.size <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, at)
        at += _EXTRA.size + length
        if at > len(extra):
            raise archive.refuse("an extra field is cut off")
        yield kind, extra[at - length : at]


def _enlarged(
    archive: _Archive, raw: bytes, extra: bytes, values: tuple[int, int, int]
) -> tuple[int, int, int]:
    """Size, packed size and offset, each from the ZIP64 field where it did not fit."""
    result = list(values)
    for kind, body in _extras(archive, extra):
        if kind == _EXTRA_NAME and body[5:] != raw:
            raise archive.refuse(f"{raw!r} has a second name")
        if kind == _EXTRA_ZIP64:
            wide = [index for index, value in enumerate(values) if value == _FULL32]
            if len(body) < 8 * len(wide):
                raise archive.refuse(f"the ZIP64 sizes of {raw!r} are cut off")
            for at, index in enumerate(wide):
                result[index] = int.from_bytes(body[8 * at : 8 * at + 8], "little")
    return result[0], result[1], result[2]


def _check_kind(archive: _Archive, head: _Head) -> None:
    if head.flags & _FORBIDDEN:
        raise archive.refuse(f"{head.text} is encrypted or patched")
    if head.method not in _READABLE:
        raise archive.refuse(f"{head.text} uses compression method {head.method}")
    is_directory = head.text.endswith("/")
    kind = stat.S_IFMT(head.mode)
    if kind not in (0, stat.S_IFDIR if is_directory else stat.S_IFREG):
        what = "a link" if stat.S_ISLNK(head.mode) else "not a plain file"
        raise archive.refuse(f"{head.text} is {what}")
    if is_directory and head.size:
        raise archive.refuse(f"{head.text} is a folder with content")


def _check_sizes(archive: _Archive, head: _Head) -> None:
    lies = (
        head.packed != head.size
        if head.method == STORED
        else head.method == DEFLATED and head.size > head.packed * _DEFLATE_RATIO
    )
    if lies or (not head.size and head.crc):
        raise archive.refuse(
            f"{head.text} cannot have {head.size} bytes in {head.packed}"
        )


def _content_start(archive: _Archive, head: _Head) -> int:
    """Compare the local header with the directory; return where the bytes start."""
    length = _LOCAL.size + len(head.raw)
    local = archive.read(head.header, length)
    fields = _LOCAL.unpack_from(local)
    sign, _, flags, method, _, _, crc, packed, size, name = fields[:10]
    extra: int = fields[10]
    if sign != b"PK\x03\x04" or name != len(head.raw) or not local.endswith(head.raw):
        raise archive.refuse(f"{head.text} is not where the directory says")
    if method != head.method or (flags ^ head.flags) & ~_IGNORED:
        raise archive.refuse(f"the two headers of {head.text} differ")
    if _FULL32 in (packed, size):
        wide = archive.read(head.header + length, extra)
        size, packed, _ = _enlarged(archive, head.raw, wide, (size, packed, 0))
    given = (crc, packed, size)
    agreed = (head.crc, head.packed, head.size)
    if given != agreed and not (head.flags & _DESCRIPTOR and not any(given)):
        raise archive.refuse(f"the two headers of {head.text} differ in size or CRC-32")
    return head.header + length + extra


# The whole


def _refuse_overlap(archive: _Archive, members: list[Member], end: int) -> None:
    for member in sorted(members, key=lambda member: member.header, reverse=True):
        if member.offset + member.packed > end:
            raise archive.refuse(f"{member.name} overlaps what follows it")
        end = member.header


def _refuse_doubles(archive: _Archive, members: list[Member]) -> None:
    seen: set[str] = set()
    folders = {member.name for member in members if member.is_directory}
    for member in members:
        if member.is_directory:
            continue
        if member.name in seen or member.name in folders:
            raise archive.refuse(f"two members are named {member.name}")
        seen.add(member.name)
    blocked = file_in_the_way(seen | {f"{name}/." for name in folders})
    if blocked is not None:
        raise archive.refuse(f"{blocked} is a file and a folder")


def _refuse_bomb(archive: _Archive, members: list[Member]) -> None:
    total = sum(member.size for member in members)
    if total > max(_BOMB_SIZE, archive.size * _BOMB_RATIO):
        raise archive.refuse(f"its {archive.size} bytes would become {total}")
