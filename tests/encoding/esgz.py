"""A reader of eStargz that shares nothing with ours but the standard: it checks all.

It knows the format's own words only: gzip members by zlib, the tar by `tarfile`.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import zlib
from dataclasses import dataclass
from typing import Any

__all__ = ["EXTERNAL", "Layout", "check", "embedded_toc", "members_of", "sha"]

EXTERNAL = (
    b"\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x15\x00SG\x11\x00STARGZEXTERNALTOC"
    b"\x01\x00\x00\xff\xff" + b"\x00" * 8
)
TYPES = {
    tarfile.REGTYPE: "reg",
    tarfile.DIRTYPE: "dir",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
    tarfile.CHRTYPE: "char",
    tarfile.BLKTYPE: "block",
    tarfile.FIFOTYPE: "fifo",
}


@dataclass(frozen=True)
class Layout:
    """One gzip member: where it is in the blob, where in the tar, and what it holds."""

    offset: int
    end: int
    start: int
    data: bytes


def sha(data: bytes) -> str:
    """The digest as documents write it."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def members_of(blob: bytes) -> list[Layout]:
    """Walk the members, each inflated by itself."""
    found, offset, start = [], 0, 0
    while offset < len(blob):
        inflate = zlib.decompressobj(31)
        data = inflate.decompress(blob[offset:]) + inflate.flush()
        assert inflate.eof, f"member at {offset} does not end"
        end = len(blob) - len(inflate.unused_data)
        found.append(Layout(offset, end, start, data))
        offset, start = end, start + len(data)
    return found


def embedded_toc(blob: bytes) -> bytes:
    """Find the table by the footer, as a runtime does, and read only from there."""
    footer = blob[-51:]
    assert footer[:16] == b"\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x1a\x00SG\x16\x00"
    assert footer[32:38] == b"STARGZ"
    assert footer[38:] == b"\x01\x00\x00\xff\xff" + b"\x00" * 8
    at = int(footer[16:32], 16)
    inflate = zlib.decompressobj(31)  # One member: readers look at no second.
    plain = inflate.decompress(blob[at:-51])
    assert inflate.eof
    assert not inflate.unused_data
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        (entry,) = tar.getmembers()
        assert entry.name == "stargz.index.json"
        stream = tar.extractfile(entry)
        assert stream
        return stream.read()


def check(blob: bytes, toc: bytes, chunk: int) -> list[dict[str, Any]]:
    """Hold the table against the blob, and return its entries."""
    assert gzip.decompress(blob) == b"".join(each.data for each in members_of(blob))
    plain = gzip.decompress(blob)
    members = {each.offset: each for each in members_of(blob)}
    table = json.loads(toc)
    assert table["version"] == 1
    assert not toc.endswith(b"\n"), "a reader stops at the brace and hashes no more"
    left = list(table["entries"])
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        for entry in tar:
            if entry.name != "stargz.index.json":
                _check_entry(entry, left, members, plain, chunk)
    assert not left
    return list(table["entries"])


def _check_entry(
    entry: tarfile.TarInfo,
    left: list[dict[str, Any]],
    members: dict[int, Layout],
    plain: bytes,
    chunk: int,
) -> None:
    told = left.pop(0)
    assert told["name"] == entry.name + ("/" if entry.isdir() else "")
    assert told["type"] == TYPES[entry.type]
    assert (told["mode"], told["uid"], told["gid"]) == (
        entry.mode,
        entry.uid,
        entry.gid,
    )
    assert told.get("linkName", "") == (entry.linkname or "")
    xattrs = {
        name.removeprefix("SCHILY.xattr."): value.encode("utf-8", "surrogateescape")
        for name, value in entry.pax_headers.items()
        if name.startswith("SCHILY.xattr.")
    }
    given = told.get("xattrs", {})
    assert {name: base64.b64decode(text) for name, text in given.items()} == xattrs
    if entry.isdev() and not entry.isfifo():
        assert (told["devMajor"], told["devMinor"]) == (entry.devmajor, entry.devminor)
    if not entry.isreg():
        assert "offset" not in told
        return
    content = plain[entry.offset_data : entry.offset_data + entry.size]
    assert told["digest"] == sha(content)
    if not content:
        assert "offset" not in told
        return
    assert told["size"] == entry.size
    _check_chunks(entry, told, left, members, content, chunk)


def _check_chunks(
    entry: tarfile.TarInfo,
    told: dict[str, Any],
    left: list[dict[str, Any]],
    members: dict[int, Layout],
    content: bytes,
    chunk: int,
) -> None:
    for start in range(0, len(content), chunk):
        if start:
            told = left.pop(0)
            assert told["type"] == "chunk"
            assert told["name"] == entry.name
            assert told["chunkOffset"] == start
        data = content[start : start + chunk]
        is_last = start + chunk >= len(content)
        assert told["chunkSize"] == (0 if is_last else chunk)
        assert told["chunkDigest"] == sha(data)
        member = members[told["offset"]]
        assert member.data == data
        assert member.start == entry.offset_data + start
