"""A layer from which a snapshotter can fetch single files: eStargz.

It is a gzip blob like any other, in which the content of each file begins a member of
its own, and large files are several members::

    [headers] [file A] [padding, headers] [file B 1/2] [file B 2/2] [padding …] [footer]

A table of contents says where they are (`firstlight.encoding.toc`). Kept outside, in an
image of its own, the tar and so the image's identity stay as they are; put inside, as
the last file of the tar, every reader finds it, and the image becomes another one.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from firstlight import digest
from firstlight.digest import Digest
from firstlight.encoding.tape import Member, Tape, entries
from firstlight.encoding.toc import TOC_NAME, Chunk, Toc, toc_tar
from firstlight.errors import ArtefactError
from firstlight.pack import members
from firstlight.pack.members import Gathered
from firstlight.parallel import Sink, WatchedFile

__all__ = ["CHUNK", "FORMAT", "LEVEL", "Table", "toc_blob", "write_estargz"]

CHUNK = 4 << 20
"""Bytes of a file in one member: what is fetched at least when one byte is read."""
LEVEL = 6
"""libdeflate's level. As small as wheels are; level 1 is twice as fast, 10 % larger."""
FORMAT = 1
"""Raised when equal layers give other bytes."""

_BATCH = 256 << 10
_LANDMARK = ".no.prefetch.landmark"
_LANDMARKS = (_LANDMARK, ".prefetch.landmark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What was written: the table, and the tar before and now.

    `source` is the digest of the tar that was read, `diff_id` of the one written, and
    `size` its bytes.
    """

    json: bytes
    source: Digest
    diff_id: Digest
    size: int


def write_estargz(
    blob: BinaryIO,
    out: Sink,
    *,
    embedded: bool,
    watched: WatchedFile | None = None,
    chunk: int = CHUNK,
) -> Table:
    """Write the layer anew, so that every file can be read by itself.

    Equal blobs give equal bytes everywhere.

    Args:
        blob: The layer, with any compression.
        embedded: True puts the table into the tar.
        watched: The same file, told of how far it was read; `blob` itself unless given.
        chunk: Bytes of a file in one member.

    Raises:
        ArtefactError: when an entry cannot be in such a layer.
        Exception: one of `firstlight.oci.plain.DAMAGED` when the blob is damaged.
    """
    tape = Tape(watched or blob)
    writer = _Writer(blob, out)
    layer = _Layer(tape, writer, chunk)
    if embedded:
        layer.add_landmark()
    for entry, header in entries(tape):
        if entry is None:
            layer.end(header, keep=not embedded)
        else:
            layer.add(entry, header)
    json = layer.toc.json()
    if embedded:
        place = writer.add_member(toc_tar(json))
        writer.close(_extra(b"%016xSTARGZ" % place))
    else:
        writer.close(_extra(b"STARGZEXTERNALTOC"))
    return writer.told(json, tape.digest)


def toc_blob(json: bytes) -> bytes:
    """The layer of the companion image that holds the table: one gzip member."""
    return b"".join(members.compressed(toc_tar(json), LEVEL))


def _extra(text: bytes) -> bytes:
    return b"SG" + len(text).to_bytes(2, "little") + text


class _Layer:
    """Entries on their way from the tape to the writer and into the table."""

    def __init__(self, tape: Tape, writer: _Writer, chunk: int) -> None:
        self.toc = Toc()
        self._tape = tape
        self._writer = writer
        self._chunk = chunk

    def add(self, entry: tarfile.TarInfo, header: bytes) -> None:
        """Write one entry as it is."""
        _refuse_reserved(entry)
        self._writer.add(header)
        if not entry.isreg():
            self.toc.add(entry)
            return
        whole = hashlib.sha256()
        chunks = []
        for start, data, member in self._content(entry):
            own = digest.of_bytes(data)
            if len(data) < entry.size:
                whole.update(data)
            offset = self._writer.add_member(data, member)
            chunks.append(Chunk(start=start, size=len(data), offset=offset, digest=own))
        # A file that is one chunk is not hashed twice.
        is_one = len(chunks) == 1
        of_file = chunks[0].digest if is_one else Digest(f"sha256:{whole.hexdigest()}")
        self.toc.add_file(entry, chunks, of_file)

    def add_landmark(self) -> None:
        """Write the file that says: nothing here is worth fetching beforehand."""
        info = tarfile.TarInfo(_LANDMARK)
        info.size = 1
        self._writer.add(info.tobuf(tarfile.USTAR_FORMAT))
        own = digest.of_bytes(b"\x0f")
        offset = self._writer.add_member(b"\x0f")
        chunk = Chunk(start=0, size=1, offset=offset, digest=own)
        self.toc.add_file(info, [chunk], own)
        self._writer.fill_block()

    def end(self, header: bytes, *, keep: bool) -> None:
        """Read the tar to its end, which is nothing but zeros."""
        for data in (header, *self._tape.rest()):
            if data.strip(b"\0"):
                raise tarfile.ReadError("something follows the end of the tar")
            if keep:
                self._writer.add(data)
        if not keep:
            self._writer.fill_block()

    def _content(
        self, entry: tarfile.TarInfo
    ) -> Iterator[tuple[int, bytes, Member | None]]:
        for start in range(0, entry.size, self._chunk):
            yield start, *self._tape.piece(min(self._chunk, entry.size - start))


def _refuse_reserved(entry: tarfile.TarInfo) -> None:
    name = entry.name.removeprefix("./").strip("/")
    if name == TOC_NAME or name in _LANDMARKS:
        raise ArtefactError(
            f"the layer holds the file /{name} already, which only eStargz may write",
            hint="share the image that this one was made from",
        )


class _Writer:
    """Members one after the other; knows where the next one begins."""

    def __init__(self, blob: BinaryIO, out: Sink) -> None:
        self.plain_size = 0
        self._source = blob.fileno()
        self._blob = Gathered(out.write)
        self._hash = hashlib.sha256()
        self._raw = Gathered(self._hash.update)
        self._pending = bytearray()
        self._at = 0

    def told(self, json: bytes, source: Digest) -> Table:
        """What was written, once the writer was closed."""
        diff_id = Digest("sha256:" + self._hash.hexdigest())
        return Table(json=json, source=source, diff_id=diff_id, size=self.plain_size)

    def add(self, data: bytes) -> None:
        """Take bytes that share members: headers and padding."""
        self._count(data)
        self._pending += data
        while len(self._pending) >= _BATCH:
            self._emit(*members.compressed(bytes(self._pending[:_BATCH]), LEVEL))
            del self._pending[:_BATCH]

    def fill_block(self) -> None:
        """Add the zeros after a file, as the tar has its entries in blocks."""
        self.add(b"\0" * (-self.plain_size % 512))

    def add_member(self, data: bytes, source: Member | None = None) -> int:
        """Write a member of its own, as the source has it if it can; where it is."""
        self._flush()
        self._count(data)
        place = self._at
        if source is not None and source.length <= len(data) + _most_more(len(data)):
            self._emit(members.HEAD)
            self._emit(self._copied(source), members.tail(source.crc, len(data)))
        else:
            self._emit(*members.compressed(data, LEVEL))
        return place

    def close(self, footer: bytes) -> None:
        """Write what waits, and the footer, an empty member."""
        self._flush()
        self._emit(members.empty(footer))
        self._blob.flush()
        self._raw.flush()

    def _copied(self, source: Member) -> bytes:
        data = os.pread(self._source, source.length, source.offset)
        if len(data) != source.length:
            raise EOFError("the blob became shorter while it was read")
        return data

    def _count(self, data: bytes) -> None:
        self.plain_size += len(data)
        self._raw.add(data)

    def _flush(self) -> None:
        if self._pending:
            self._emit(*members.compressed(bytes(self._pending), LEVEL))
            self._pending.clear()

    def _emit(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._at += len(piece)
            self._blob.add(piece)


def _most_more(size: int) -> int:
    """By how much a stream that is not made to waste room may exceed its content."""
    return 64 + size // 256
