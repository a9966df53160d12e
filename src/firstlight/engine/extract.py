"""A layer's tar to a folder, trusting nothing it says.

Every parent of a path is a folder that was made here, never a link, so no entry can
reach outside; what belongs to root, to a device or to a setuid bit is not reproduced:
the tree belongs to the ordinary user who unpacks it.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from firstlight.errors import ArtefactError

__all__ = ["extract", "WHITEOUT", "OPAQUE"]

WHITEOUT = b".wh."
OPAQUE = b".wh..wh..opq"

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LONGEST = 3000
_DEEPEST = 200
_PIECE = 256 << 10
_LATEST = 2**32 - 1


def extract(stream: BinaryIO, folder: bytes, name: str) -> None:
    """Unpack a tar into an empty folder, leaving the stream after its last entry.

    Whiteouts become empty files; who merges layers obeys them.

    Args:
        stream: An uncompressed tar; needs `read`, `tell` and `seek` forward.
        folder: An empty folder that nobody else writes to.
        name: The layer, for error messages.

    Raises:
        ArtefactError: for an entry that leaves the folder, is a device, stands twice,
            or is damaged.
    """
    target = _Target(folder, name)
    for entry in _entries(stream):
        target.add(entry, stream)
    target.finish()


def _entries(stream: BinaryIO) -> Iterator[tarfile.TarInfo]:
    with tarfile.open(fileobj=stream, mode="r:", encoding="utf-8") as tar:
        while (entry := tar.next()) is not None:
            yield entry
            # Otherwise every header stays in memory until the end.
            cast("Any", tar).members.clear()


class _Target:
    """The folder that is filled; knows every path it made."""

    def __init__(self, folder: bytes, name: str) -> None:
        self._root = folder + b"/"
        self._name = name
        self._folders = {b"": 0o755}
        self._files: set[bytes] = set()

    def add(self, entry: tarfile.TarInfo, stream: BinaryIO) -> None:
        """Make what one entry describes."""
        path = self._path(entry, entry.name)
        if entry.isdir():
            self._make_folder(path, entry)
            return
        if not path:
            raise self._refused(entry, "it replaces the root itself")
        self._make_parents(path.rpartition(b"/")[0], entry)
        if path in self._files or path in self._folders:
            raise self._refused(entry, "it stands there twice")
        if entry.issym():
            self._check_text(entry, entry.linkname)
            link = _encoded(entry.linkname)
            os.symlink(link, self._root + path)  # noqa: PTH211
        elif entry.islnk():
            self._make_link(path, entry)
        elif entry.isreg() and not entry.issparse():
            self._make_file(path, entry, stream)
        else:
            raise self._refused(entry, "it is a device, a pipe or a sparse file")
        self._files.add(path)

    def finish(self) -> None:
        """Give the folders the rights they were promised, deepest first."""
        for path in sorted(self._folders, reverse=True):
            os.chmod(self._root + path, self._folders[path] | 0o700)  # noqa: PTH101

    def _path(self, entry: tarfile.TarInfo, text: str) -> bytes:
        self._check_text(entry, text)
        if text.startswith("/"):
            raise self._refused(entry, "its path is absolute")
        parts = [part for part in _encoded(text).split(b"/") if part not in (b"", b".")]
        if b".." in parts:
            raise self._refused(entry, "it leaves the root")
        if len(parts) > _DEEPEST:
            raise self._refused(entry, f"it is more than {_DEEPEST} folders deep")
        self._check_whiteouts(entry, parts)
        return b"/".join(parts)

    def _check_text(self, entry: tarfile.TarInfo, text: str) -> None:
        data = _encoded(text)
        if not data or b"\0" in data or len(data) > _LONGEST:
            raise self._refused(entry, "a name is empty, too long or has a NUL")
        if max(map(len, data.split(b"/"))) > 255:
            raise self._refused(entry, "a name is longer than 255 bytes")

    def _check_whiteouts(self, entry: tarfile.TarInfo, parts: list[bytes]) -> None:
        marked = [part for part in parts if part.startswith(WHITEOUT)]
        if not marked:
            return
        hidden = marked[0].removeprefix(WHITEOUT)
        plain = entry.isreg() and not entry.size and marked == parts[-1:]
        if not plain or hidden in (b"", b".", b".."):
            raise self._refused(entry, "it is no valid whiteout")

    def _make_folder(self, path: bytes, entry: tarfile.TarInfo) -> None:
        self._make_parents(path, entry)
        self._folders[path] = entry.mode & 0o777

    def _make_parents(self, path: bytes, entry: tarfile.TarInfo) -> None:
        if path in self._folders:
            return
        if path in self._files:
            raise self._refused(entry, "a folder of its path is a file or a link")
        self._make_parents(path.rpartition(b"/")[0], entry)
        os.mkdir(self._root + path, 0o700)  # noqa: PTH102
        self._folders[path] = 0o755

    def _make_link(self, path: bytes, entry: tarfile.TarInfo) -> None:
        source = self._path(entry, entry.linkname)
        if source not in self._files:
            raise self._refused(entry, "it links to what is not in the layer before it")
        source, path = self._root + source, self._root + path
        os.link(source, path, follow_symlinks=False)

    def _make_file(self, path: bytes, entry: tarfile.TarInfo, stream: BinaryIO) -> None:
        stream.seek(entry.offset_data)
        time = min(max(int(entry.mtime), 0), _LATEST)
        descriptor = os.open(self._root + path, _FLAGS, 0o600)
        try:
            left = entry.size
            while left:
                data = stream.read(min(_PIECE, left))
                if not data:
                    raise self._refused(entry, f"it ends {left} bytes early")
                left -= len(data)
                _write(descriptor, data)
            # No setuid bits; and its owner here must always be able to read it.
            os.fchmod(descriptor, entry.mode & 0o777 | 0o400)
            # By the time Python knows whether what it once compiled still fits.
            os.utime(descriptor, (time, time))
        finally:
            os.close(descriptor)

    def _refused(self, entry: tarfile.TarInfo, why: str) -> ArtefactError:
        return ArtefactError(
            f"{self._name}: refuses the entry {entry.name!r}: {why}",
            hint="this layer is damaged or not safe to unpack; build it again, or get "
            "the image from somewhere you trust",
        )


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _write(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, memoryview(data)[written:])
