"""The two things the loader's cache asks of a shared library: its machine, its name."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["Library", "read_library", "MACHINES"]

MACHINES = {62: "x86_64", 183: "aarch64"}
"""ELF machine numbers of the platforms there are images for."""

_HEADER = struct.Struct("<16xHHIQQQIHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_DYNAMIC = struct.Struct("<qQ")
_LOAD, _DYNAMIC_SEGMENT = 1, 2
_STRINGS, _SONAME = 5, 14
_MOST_DYNAMIC = 64 << 10
_SHARED_OBJECT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A 64-bit little-endian shared library; `soname` is empty when it has none."""

    machine: int
    soname: str


def read_library(file: BinaryIO, size: int) -> Library | None:
    """Return what a seekable file is as a library, or None when it is none.

    Linker scripts, 32-bit and damaged files are no libraries to the loader of the
    image, and so none here; nothing in a file makes this raise.
    """
    try:
        return _read(file, size)
    except (struct.error, OverflowError, ValueError):
        return None


def _read(file: BinaryIO, size: int) -> Library | None:
    head = _at(file, 0, 16 + _HEADER.size - 16)
    if head[:7] != b"\x7fELF\x02\x01\x01":
        return None
    kind, machine, _, _, table, _, _, _, each, count = _HEADER.unpack(head)
    if kind != _SHARED_OBJECT or each != _SEGMENT.size:
        return None
    raw = _at(file, table, each * count)
    segments = list(_SEGMENT.iter_unpack(raw))
    for segment in segments:
        if segment[0] == _DYNAMIC_SEGMENT and segment[5] <= min(size, _MOST_DYNAMIC):
            dynamic = dict(_tags(_at(file, segment[2], segment[5])))
            return Library(machine=machine, soname=_soname(file, dynamic, segments))
    return None


def _at(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)


def _tags(data: bytes) -> Iterator[tuple[int, int]]:
    for tag, value in _DYNAMIC.iter_unpack(data[: len(data) // 16 * 16]):
        if tag == 0:
            return
        yield tag, value


def _soname(
    file: BinaryIO, dynamic: dict[int, int], segments: list[tuple[int, ...]]
) -> str:
    if _SONAME not in dynamic or _STRINGS not in dynamic:
        return ""
    address = dynamic[_STRINGS] + dynamic[_SONAME]
    for kind, _, offset, virtual, _, length, _, _ in segments:
        if kind == _LOAD and virtual <= address < virtual + length:
            name = _at(file, offset + address - virtual, 256).partition(b"\0")[0]
            return name.decode("ascii") if b"/" not in name else ""
    return ""
