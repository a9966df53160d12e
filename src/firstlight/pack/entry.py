"""One file, directory or link that a layer puts into the image."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from firstlight.digest import Digest
from firstlight.errors import ArtefactError

__all__ = [
    "Kind",
    "Entry",
    "Content",
    "Bytes",
    "FileRange",
    "Stream",
    "DAY_ONE",
    "VENV",
    "check_path",
    "folder",
    "time_of",
]

VENV = "opt/venv"
"""Where the Python environment is in every image."""

DAY_ONE = 315_532_800
"""1980-01-01, in seconds since 1970: ZIP archives can hold no earlier time, and whoever
packs a wheel from files of the image would fail."""
_SPAN = 1 << 29

_NO_XATTRS: Mapping[str, str] = MappingProxyType({})
_UNSAFE = re.compile(r"(?:\A|/)(?:\.{0,2}(?:/|\Z)|\.wh\.)|\0")
"""An empty part, ``.``, ``..``, a whiteout, or a NUL; as one search, since every file
of every package passes here."""


class Kind(StrEnum):
    """What an entry is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"


@dataclass(frozen=True, slots=True)
class Bytes:
    """Content that was made here: a script, a rewritten RECORD, a status file."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRange:
    """Content that lies in a file on disk: raw DEFLATE, or stored as it is.

    `path[offset : offset + length]` holds the bytes; inflated they are `Entry.size`
    bytes with the CRC-32 `crc`. Who reads them checks both.
    """

    path: Path
    offset: int
    length: int
    deflated: bool
    crc: int


@dataclass(frozen=True, slots=True)
class Stream:
    """Content that passes by once: open it before asking for the next entry.

    Members of a compressed tar are like this; nothing is held in memory.
    """

    open: Callable[[], BinaryIO]


Content = Bytes | FileRange | Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file, directory or link, owned by root unless told otherwise.

    `path` is relative, with ``/``, without a leading ``./`` (``opt/venv/bin/python``);
    `size` is the uncompressed size of a file; `link` the target of a symlink as
    written, or the path of another entry *of the same layer* for a hard link.
    Directories carry no trailing slash. `xattrs` are PAX ``SCHILY.xattr.*`` values;
    `time` is when it was changed, in seconds since 1970.
    """

    path: str
    kind: Kind = Kind.FILE
    mode: int = 0o644
    size: int = 0
    content: Content = Bytes(b"")
    link: str = ""
    uid: int = 0
    gid: int = 0
    xattrs: Mapping[str, str] = field(default_factory=lambda: _NO_XATTRS)
    time: int = DAY_ONE


def time_of(package: Digest) -> int:
    """Return the time of a package's files, made of its digest: within 17 years.

    Python, Numba and others tell by time and size whether what they compiled of a file
    still fits. So the time must be the same for everybody, and another one for another
    version of the package.
    """
    return DAY_ONE + int(package.removeprefix("sha256:")[:16], 16) % _SPAN


def folder(path: str) -> Entry:
    """Return a plain folder.

    Those of the Python environment may be written by the group root, which whoever
    works in a container is a member of: ``pip install`` by hand works without root.
    """
    is_shared = f"{path}/".startswith(f"{VENV}/")
    return Entry(path=path, kind=Kind.DIRECTORY, mode=0o775 if is_shared else 0o755)


def check_path(path: str, where: str) -> str:
    """Return the path normalised, refusing one that leaves the root.

    Args:
        path: A path as an archive gives it; a leading ``./`` is dropped.
        where: The archive's file name, for the error.

    Raises:
        ArtefactError: for absolute paths, ``..``, NUL, empty names, whiteout names.
    """
    name = path.removeprefix("./").rstrip("/")
    if _UNSAFE.search(name) or path.startswith("/"):
        raise ArtefactError(
            f"{where}: refuses the path {path!r}: it leaves the root or is not plain",
            hint="this file is not safe to install; report it to its publisher",
        )
    return name
