"""The table of contents of an eStargz layer: which file is where in the blob.

Source: ``docs/estargz.md`` of the stargz snapshotter, *TOC, TOCEntries and Footer*.
"""

from __future__ import annotations

import base64
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from firstlight.digest import Digest
from firstlight.errors import ArtefactError
from firstlight.oci.model import canonical_json

__all__ = ["Chunk", "Toc", "toc_tar", "TOC_NAME"]

TOC_NAME = "stargz.index.json"

_BLOCK = 512
_XATTR = "SCHILY.xattr."
_START = datetime(1970, 1, 1, tzinfo=UTC)
_TYPES = (
    ("dir", tarfile.TarInfo.isdir),
    ("symlink", tarfile.TarInfo.issym),
    ("hardlink", tarfile.TarInfo.islnk),
    ("char", tarfile.TarInfo.ischr),
    ("block", tarfile.TarInfo.isblk),
    ("fifo", tarfile.TarInfo.isfifo),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a file: its first byte there, its size, and its member in the blob."""

    start: int
    size: int
    offset: int
    digest: Digest


class Toc:
    """The table while it grows, one entry after the other as they stand in the tar."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def add(self, entry: tarfile.TarInfo) -> None:
        """Append what is no file.

        Raises:
            ArtefactError: for an entry that the table has no word for.
        """
        for kind, fits in _TYPES:
            if fits(entry):
                self._append({**_common(entry), "type": kind, **_special(entry)})
                return
        raise ArtefactError(
            f"{entry.name!r} is of the tar type {entry.type!r}, which no table of "
            "contents can hold",
            hint="share the image with another compression",
        )

    def add_file(
        self, entry: tarfile.TarInfo, chunks: list[Chunk], digest: Digest
    ) -> None:
        """Append a file and its chunks; an empty file has none."""
        first = {**_common(entry), "type": "reg", "digest": digest}
        if not chunks:
            self._append(first)
            return
        first["size"] = entry.size
        for number, chunk in enumerate(chunks):
            is_last = number == len(chunks) - 1
            place = {
                "offset": chunk.offset,
                # Zero stands for: up to the end of the file.
                "chunkSize": 0 if is_last else chunk.size,
                "chunkDigest": chunk.digest,
            }
            if number == 0:
                self._append({**first, **place})
            else:
                name = {"name": first["name"], "type": "chunk"}
                self._append({**name, **place, "chunkOffset": chunk.start})

    def json(self) -> bytes:
        """The table as it is written; its digest is that of these bytes."""
        return b'{"entries":[' + b",".join(self._lines) + b'],"version":1}'

    def _append(self, entry: dict[str, Any]) -> None:
        try:
            self._lines.append(canonical_json(entry))
        except UnicodeEncodeError as error:
            raise ArtefactError(
                f"the path {entry['name']!r} is not UTF-8, and JSON holds nothing else",
                hint="share the image with another compression",
            ) from error


def toc_tar(json: bytes) -> bytes:
    """A tar, or the end of one, with the table as its last entry."""
    info = tarfile.TarInfo(TOC_NAME)
    info.size = len(json)
    header = info.tobuf(tarfile.USTAR_FORMAT)
    return b"".join((header, json, b"\0" * (-len(json) % _BLOCK + 2 * _BLOCK)))


def _common(entry: tarfile.TarInfo) -> dict[str, Any]:
    names = {"userName": entry.uname, "groupName": entry.gname}
    xattrs = {
        name.removeprefix(_XATTR): base64.b64encode(_bytes(value)).decode()
        for name, value in entry.pax_headers.items()
        if name.startswith(_XATTR)
    }
    facts = {**names, "modtime": _time(entry.mtime), "xattrs": xattrs}
    return {
        # `tarfile` took the slash away with which the tar ends the name of a folder.
        "name": entry.name + "/" * entry.isdir(),
        "mode": entry.mode,
        "uid": entry.uid,
        "gid": entry.gid,
        **{name: value for name, value in facts.items() if value},
    }


def _special(entry: tarfile.TarInfo) -> dict[str, Any]:
    if entry.issym() or entry.islnk():
        return {"linkName": entry.linkname}
    if entry.ischr() or entry.isblk():
        return {"devMajor": entry.devmajor, "devMinor": entry.devminor}
    return {}


def _time(seconds: float) -> str:
    """The time in RFC 3339; empty for zero, and for what no calendar has."""
    try:
        time = _START + timedelta(seconds=int(seconds))
    except (OverflowError, ValueError):
        return ""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20) if seconds else ""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
