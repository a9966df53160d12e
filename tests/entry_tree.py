"""Puts entries into a folder, checking every size and CRC on the way."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path

from firstlight.pack.entry import Bytes, Entry, FileRange, Kind

__all__ = ["write_tree", "content_of"]


def content_of(entry: Entry) -> bytes:
    """Return the content of a file entry, inflated and checked."""
    match entry.content:
        case Bytes(data):
            result = data
        case FileRange() as at:
            with at.path.open("rb") as file:
                file.seek(at.offset)
                packed = file.read(at.length)
            result = zlib.decompress(packed, -15) if at.deflated else packed
            assert zlib.crc32(result) == at.crc
        case _:
            raise AssertionError(f"unexpected content: {entry}")
    assert len(result) == entry.size
    return result


def write_tree(entries: Iterable[Entry], root: Path) -> None:
    """Write entries below a folder; nothing may be there twice."""
    for entry in entries:
        path = root / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        match entry.kind:
            case Kind.DIRECTORY:
                path.mkdir(exist_ok=True)
            case Kind.SYMLINK:
                path.symlink_to(entry.link)
            case _:
                with path.open("xb") as file:
                    file.write(content_of(entry))
                path.chmod(entry.mode)
