"""Entries to one layer: a tar in concatenated gzip members, without a compressor.

A wheel's files are raw DEFLATE streams whose CRC-32 and size stand in the ZIP
directory; a gzip member is a header, a raw DEFLATE stream, CRC-32 and size; and
RFC 1952 lets members follow each other. So a file's compressed bytes are *copied*,
between small members that hold the tar headers and padding::

    [hdr] [file A as in the wheel] [pad hdr] [file B as in the wheel] [pad hdr …] [end]

What is not DEFLATE already (headers, generated files, members of a ``.deb``) passes
through a pinned libdeflate, whose bytes depend on neither the CPU nor the Python.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from isal import igzip_lib, isal_zlib

from firstlight.digest import CHUNK, Digest
from firstlight.errors import ArtefactError
from firstlight.pack.entry import Bytes, Entry, FileRange, Kind, Stream, folder
from firstlight.pack.members import HEAD, Gathered, compressed, tail
from firstlight.parallel import Sink
from firstlight.progress import Task

__all__ = ["LayerWriter", "write_layer", "LEVEL"]

LEVEL = 1
"""libdeflate's level for what we compress; part of the image format.

Twice as fast as level 5 for OS packages, whose files come out 7 % larger.
"""

_TYPES = {
    Kind.FILE: tarfile.REGTYPE,
    Kind.DIRECTORY: tarfile.DIRTYPE,
    Kind.SYMLINK: tarfile.SYMTYPE,
    Kind.HARDLINK: tarfile.LNKTYPE,
}
_BLOCK = 512
_BATCH = 256 << 10
_INFLATED = 1 << 20
_PIECE = 1 << 20
_TAIL = (b"0" + b"\0" * 100 + b"ustar\x0000").ljust(356, b"\0")
_TAIL_SUM = sum(_TAIL) + 8 * ord(" ")
_BadStream = cast("type[Exception]", igzip_lib.error)  # Its stub types it as a value.


class LayerWriter:
    """Writes entries as one gzip blob and, unless told not to, computes its diffID.

    Args:
        out: Takes the blob.
        task: Told how many compressed bytes were written.
        inflate: False copies without looking inside; right only when the blob's digest
            is known and compared, since then nothing else checks sizes and CRCs.
    """

    def __init__(self, out: Sink, *, task: Task, inflate: bool = True) -> None:
        self._hash = hashlib.sha256()
        self._inflate = inflate
        self._raw = Gathered(self._hash.update)
        self._blob = Gathered(self._hand_on)
        self._out = out
        self._task = task
        self._pending = bytearray()
        self._seen: dict[str, Kind] = {}
        self._open: tuple[Path, int] | None = None

    def add(self, entry: Entry) -> None:
        """Append an entry, and before it the parent folders not yet here.

        Raises:
            ArtefactError: when its content is damaged, or the path is here already.
        """
        self._add_parents(entry.path)
        if entry.path in self._seen:
            if entry.kind is Kind.DIRECTORY is self._seen[entry.path]:
                return
            raise ArtefactError(f"two entries of one layer have the path {entry.path}")
        self._seen[entry.path] = entry.kind
        self._add_plain(tar_header(entry))
        if entry.kind is not Kind.FILE or not entry.size:
            return
        match entry.content:
            case Bytes(data):
                self._add_plain(data)
            case FileRange(deflated=True) as content:
                self._transplant(entry, content)
            case FileRange() as content:
                self._copy(entry, content)
            case Stream(open=opened):
                self._pass(entry, opened())
        self._add_plain(b"\0" * (-entry.size % _BLOCK))

    def close(self) -> Digest | None:
        """End the tar and the blob; return the diffID unless copying blindly."""
        self._add_plain(b"\0" * (2 * _BLOCK))
        self._flush()
        self._blob.flush()
        self._raw.flush()
        return Digest("sha256:" + self._hash.hexdigest()) if self._inflate else None

    def __enter__(self) -> LayerWriter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._open is not None:
            os.close(self._open[1])
            self._open = None

    def _hand_on(self, data: bytes) -> None:
        self._out.write(data)
        self._task.advance(len(data))

    def _add_parents(self, path: str) -> None:
        parent = path.rpartition("/")[0]
        if parent and parent not in self._seen:
            self.add(folder(parent))

    def _add_plain(self, data: bytes) -> None:
        if self._inflate:
            self._raw.add(data)
        self._pending += data
        # Equal batches: the bytes must not depend on how large the pieces arrived.
        while len(self._pending) >= _BATCH:
            self._emit(bytes(self._pending[:_BATCH]))
            del self._pending[:_BATCH]

    def _flush(self) -> None:
        if self._pending:
            self._emit(bytes(self._pending))
            self._pending.clear()

    def _emit(self, data: bytes) -> None:
        for piece in compressed(data, LEVEL):
            self._blob.add(piece)

    def _chunks(self, entry: Entry, content: FileRange) -> Iterator[bytes]:
        if self._open is None or self._open[0] is not content.path:
            self.__exit__()
            self._open = (content.path, os.open(content.path, os.O_RDONLY))
        offset, end = content.offset, content.offset + content.length
        while offset < end:
            data = os.pread(self._open[1], min(_PIECE, end - offset), offset)
            if not data:
                raise _damaged(entry, content, "the file ends inside it")
            offset += len(data)
            yield data

    def _transplant(self, entry: Entry, content: FileRange) -> None:
        self._flush()
        self._blob.add(HEAD)
        check = _Inflation(entry, content, self._raw) if self._inflate else None
        for data in self._chunks(entry, content):
            self._blob.add(data)
            if check is not None:
                check.feed(data)
        if check is not None:
            check.finish()
        self._blob.add(tail(content.crc, entry.size))

    def _copy(self, entry: Entry, content: FileRange) -> None:
        crc = 0
        if content.length != entry.size:
            raise _damaged(entry, content, "its two sizes differ")
        for data in self._chunks(entry, content):
            crc = isal_zlib.crc32(data, crc)
            self._add_plain(data)
        if crc != content.crc:
            raise _damaged(entry, content, "its CRC-32 is wrong")

    def _pass(self, entry: Entry, stream: BinaryIO) -> None:
        left = entry.size
        while left:
            data = stream.read(min(CHUNK, left))
            if not data:
                raise ArtefactError(
                    f"{entry.path}: its content ends {left} bytes early"
                )
            left -= len(data)
            self._add_plain(data)


class _Inflation:
    """Inflates a transplanted stream only to hash it and to check size and CRC-32."""

    def __init__(self, entry: Entry, content: FileRange, raw: Gathered) -> None:
        self._entry = entry
        self._content = content
        self._raw = raw
        self._inflate = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_DEFLATE)
        self._left = entry.size
        self._crc = 0

    def feed(self, data: bytes) -> None:
        """Inflate the next compressed bytes."""
        while True:
            if self._inflate.eof:
                raise _damaged(self._entry, self._content, "bytes follow its end")
            try:
                plain = self._inflate.decompress(data, min(_INFLATED, self._left + 1))
            except _BadStream as error:
                raise _damaged(self._entry, self._content, str(error)) from error
            self._left -= len(plain)
            if self._left < 0:
                raise _damaged(self._entry, self._content, "it is larger than it says")
            self._raw.add(plain)
            self._crc = isal_zlib.crc32(plain, self._crc)
            data = b""
            if self._inflate.eof or self._inflate.needs_input:
                return

    def finish(self) -> None:
        """Check that the stream ended exactly, with the size and CRC-32 promised."""
        if not self._inflate.eof or self._inflate.unused_data:
            raise _damaged(self._entry, self._content, "its stream does not end there")
        if self._left:
            raise _damaged(self._entry, self._content, "it is smaller than it says")
        if self._crc != self._content.crc:
            raise _damaged(self._entry, self._content, "its CRC-32 is wrong")


def write_layer(
    entries: Iterable[Entry], out: Sink, *, task: Task, inflate: bool = True
) -> Digest | None:
    """Write entries in their order as a layer; return the diffID when inflating."""
    with LayerWriter(out, task=task, inflate=inflate) as layer:
        for entry in entries:
            layer.add(entry)
        return layer.close()


def tar_header(entry: Entry) -> bytes:
    """The tar header: no names of users, PAX only where it must be."""
    size = entry.size if entry.kind is Kind.FILE else 0
    if _is_plain(entry, size):
        return _ustar_header(entry, size)
    info = tarfile.TarInfo(entry.path)
    info.type = _TYPES[entry.kind]
    info.mode, info.uid, info.gid = entry.mode, entry.uid, entry.gid
    info.size = size
    info.mtime = entry.time
    info.linkname = entry.link
    info.pax_headers = {
        f"SCHILY.xattr.{name}": value for name, value in sorted(entry.xattrs.items())
    }
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _is_plain(entry: Entry, size: int) -> bool:
    path = entry.path
    return (
        entry.kind is Kind.FILE
        and len(path) <= 100
        and path.isascii()
        and size < 1 << 33
        and not entry.xattrs
    )


def _ustar_header(entry: Entry, size: int) -> bytes:
    """What `tarfile` would write for an ordinary file, ten times as fast."""
    fields = b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (
        entry.mode,
        entry.uid,
        entry.gid,
        size,
        entry.time,
    )
    head = entry.path.encode().ljust(100, b"\0") + fields
    checksum = sum(head) + _TAIL_SUM
    return head + b"%06o\0 " % checksum + _TAIL


def _damaged(entry: Entry, content: FileRange, why: str) -> ArtefactError:
    return ArtefactError(
        f"{content.path.name}: {entry.path} is damaged: {why}",
        hint="remove it with `firstlight cache check` and build again; when that does "
        "not help, its publisher served a broken file",
    )
