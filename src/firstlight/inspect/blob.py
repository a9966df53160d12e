"""A layer read once from front to back: its files one by one, and its digests.

Its blob and the tar inside are hashed while they pass, so whoever reads to the end
knows that it was the layer that was meant.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from firstlight.digest import Digest, HashingReader
from firstlight.errors import ArtefactError, DigestError
from firstlight.oci.plain import DAMAGED, open_plain

__all__ = ["File", "Reading", "listing", "members", "path_of", "reading"]

_PIECE = 1 << 18
_ROOM = 1 << 30
_RATIO = 1100
"""No DEFLATE stream grows more than this."""
_LONG = 1 << 20
_MOST_FILES = 5_000_000
_XATTR = "SCHILY.xattr."
_KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.CONTTYPE: "file",
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "link",
    tarfile.LNKTYPE: "hard link",
}
_LONG_HEADERS = (
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One path of a layer, with everything that decides what a container sees."""

    path: str
    kind: str
    mode: int
    uid: int
    gid: int
    time: int
    size: int
    link: str
    attributes: tuple[tuple[str, str], ...]
    digest: str = ""


class Reading:
    """A layer while it is read: the tar, and the digests of what passed."""

    def __init__(self, blob: BinaryIO, size: int, title: str) -> None:
        self._title = title
        self._blob = _Hashed(blob)
        most = _ROOM + _RATIO * size
        self.plain = _Plain(open_plain(self._blob), most, title)

    @property
    def size(self) -> int:
        """Bytes of the tar that were read."""
        return self.plain.position

    def drain(self) -> None:
        """Read what is left: digests are of everything."""
        while self.plain.read(_PIECE):
            pass
        room = bytearray(_PIECE)
        while self._blob.readinto(room):
            pass

    def finish(self, digest: Digest) -> Digest:
        """Read to the end, and return the digest of the tar (diffID).

        Raises:
            DigestError: when the blob was not the one with this digest.
        """
        self.drain()
        if self._blob.digest != digest:
            raise DigestError(
                f"layer {self._title!r}: the bytes are {self._blob.digest}, not "
                f"{digest}",
                hint="the file was altered or damaged; fetch the image anew",
            )
        return self.plain.digest


@contextmanager
def reading(
    blob: BinaryIO | io.RawIOBase, *, title: str, size: int
) -> Iterator[Reading]:
    """Read a layer inside the block.

    Args:
        blob: Its file, or a `firstlight.parallel.WatchedFile` of it.
        title: What it is, for errors.
        size: Bytes of the blob, which bound what may come out of it.

    Raises:
        ArtefactError: when it is damaged, or holds more than it can.
    """
    try:
        yield Reading(cast("BinaryIO", blob), size, title)
    except DAMAGED as error:
        raise ArtefactError(
            f"layer {title!r} is damaged: {error}",
            hint="let whoever made the image push it again",
        ) from error


def members(
    layer: Reading,
) -> Iterator[tuple[tarfile.TarInfo, Callable[[int], bytes]]]:
    """Yield each member with a reader of its content, valid until the next one."""
    with tarfile.open(
        fileobj=cast("BinaryIO", layer.plain),
        mode="r|",
        bufsize=_PIECE,
        tarinfo=_Header,
        encoding="utf-8",
        # Names are shown and written as JSON, so they must be text.
        errors="backslashreplace",
    ) as tar:
        count = 0
        while (member := tar.next()) is not None:
            count += 1
            if count > _MOST_FILES:
                raise ArtefactError("a layer has more files than any image needs")
            # The library keeps every header it has seen, and there may be millions.
            tar.members.clear()  # type: ignore[attr-defined]
            body = tar.extractfile(member) if member.isreg() else None
            yield member, body.read if body else lambda _: b""


def path_of(member: tarfile.TarInfo) -> str:
    """Return the path of a member, without what some programs put around it."""
    return member.name.removeprefix("./").strip("/")


def listing(layer: Reading) -> dict[str, File]:
    """Return every path of a layer with the digest of what is in it.

    Raises:
        ArtefactError: when it has a path twice, which readers take in different ways.
    """
    found: dict[str, File] = {}
    for member, read in members(layer):
        if path_of(member) in found and not member.isdir():
            raise ArtefactError(f"it has the path {path_of(member)} twice")
        hashed = hashlib.sha256()
        while data := read(_PIECE):
            hashed.update(data)
        found[path_of(member)] = _file(member, hashed.hexdigest())
    return found


class _Header(tarfile.TarInfo):
    """Refuses headers that the library would hold in memory whatever their size."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        """Read one header."""
        info = super().frombuf(buf, encoding, errors)
        if info.type in _LONG_HEADERS and not 0 <= info.size <= _LONG:
            raise ArtefactError(
                f"a layer holds a header of {info.size} bytes, more than any name needs"
            )
        return info


def _file(member: tarfile.TarInfo, digest: str) -> File:
    kind = _KINDS.get(member.type, "file" if member.isreg() else "special file")
    return File(
        path=path_of(member),
        kind=kind,
        mode=member.mode,
        uid=member.uid,
        gid=member.gid,
        time=int(member.mtime),
        size=member.size if member.isreg() else 0,
        link=member.linkname if kind in ("link", "hard link") else "",
        attributes=tuple(
            sorted(
                (name.removeprefix(_XATTR), value)
                for name, value in member.pax_headers.items()
                if name.startswith(_XATTR)
            )
        ),
        digest=digest if member.isreg() else "",
    )


# Streams


class _Hashed(io.RawIOBase):
    """The blob's file: hashed while it is read."""

    def __init__(self, blob: BinaryIO) -> None:
        self._reader = HashingReader(blob)

    @property
    def digest(self) -> Digest:
        """The digest of what was read."""
        return self._reader.digest

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer."""
        data = self._reader.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Plain:
    """The tar: hashed and counted while it is read, and bounded."""

    def __init__(self, stream: BinaryIO, most: int, title: str) -> None:
        self._reader = HashingReader(stream)
        self._most = most
        self._title = title

    @property
    def position(self) -> int:
        """How many bytes were read."""
        return self._reader.size

    @property
    def digest(self) -> Digest:
        """The digest of what was read."""
        return self._reader.digest

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes."""
        data = self._reader.read(size)
        if self.position > self._most:
            raise ArtefactError(
                f"layer {self._title!r}: it holds more than {self._most} bytes",
                hint="it was made to fill the disk; do not use this image",
            )
        return data
