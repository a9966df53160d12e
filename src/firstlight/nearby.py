"""Blobs that lie on this machine in OCI layouts: folders, or tar files of them.

They are looked at before any server is asked. Nothing in them is believed: a blob is
what it hashes to, no more of it is read than was promised, and what is no plain file
counts as absent.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import tarfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from firstlight.config import Settings
from firstlight.digest import CHUNK, Digest
from firstlight.errors import ArtefactError, DigestError, UsageError
from firstlight.finding import Finding, Role
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["Layout", "Nearby"]

_LAYOUT = "oci-layout"
_MOST_MEMBERS = 100_000
_LONGEST_HEADER = 1 << 16
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO)


@dataclass(frozen=True, slots=True)
class Layout:
    """An OCI layout that came from elsewhere.

    `members` says of a tar file where each file in it begins and how long it is; None
    for a folder.
    """

    path: Path
    members: Mapping[str, tuple[int, int]] | None = None

    @classmethod
    def open(cls, path: Path) -> Layout:
        """Return the layout in a folder or tar file.

        Raises:
            UsageError: when there is none.
            ArtefactError: when the tar file is damaged.
        """
        made = cls(path) if path.is_dir() else cls(path, _members(path))
        stream = made.stream(_LAYOUT)
        if stream is None:
            raise UsageError(
                f"{path} is no OCI layout: it has no file {_LAYOUT}",
                hint="name a folder or file that `firstlight vendor` wrote",
            )
        stream.close()
        return made

    def stream(self, name: str) -> BinaryIO | None:
        """Open a file of the layout by its name, None where there is none.

        Raises:
            ArtefactError: when it is there and cannot be read.
        """
        if self.members is None:
            return _plain(self.path / name)
        place = self.members.get(name)
        if place is None:
            return None
        part = _Part(self.path.open("rb", buffering=0), *place)
        return io.BufferedReader(part, CHUNK)

    def blob(self, digest: Digest) -> BinaryIO | None:
        """Open a blob, None where there is none; its bytes are still to be hashed."""
        return self.stream(_name(digest))

    def size(self, digest: Digest) -> int | None:
        """Return how long a blob is, None where there is none."""
        if self.members is not None:
            return self.members.get(_name(digest), (0, None))[1]
        try:
            found = (self.path / _name(digest)).lstat()
        except OSError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def small(self, name: str, limit: int) -> bytes:
        """Return a small file of the layout.

        Raises:
            ArtefactError: when there is none, or it is larger than the limit.
        """
        stream = self.stream(name)
        if stream is None:
            raise ArtefactError(f"{self.path} has no file {name}")
        with stream:
            data = stream.read(limit + 1)
        if len(data) > limit:
            raise ArtefactError(f"{self.path}: {name} has more than {limit} bytes")
        return data

    def bring(
        self,
        digest: Digest,
        size: int | None,
        name: str,
        store: Store,
        advance: Callable[[int], None],
    ) -> bool:
        """Take a blob into the store; False where it is not here.

        Args:
            size: What it must have, when known.
            name: What it is, for messages.
            advance: Hears of every byte.

        Raises:
            DigestError: when what lies here is something else.
        """
        found = self.size(digest)
        if found is None:
            return False
        try:
            if size is not None and found != size:
                raise DigestError(f"{name}: {found} bytes, not {size}")
            self._take(digest, found, name, store, advance)
        except DigestError as error:
            raise DigestError(
                f"{self.path} holds a damaged file: {error.message}",
                hint="bring the vendored files here again; "
                f"`firstlight vendor --check {self.path}` names all that are damaged",
            ) from error
        return True

    def _take(
        self,
        digest: Digest,
        size: int,
        name: str,
        store: Store,
        advance: Callable[[int], None],
    ) -> None:
        is_folder = self.members is None
        if is_folder and _adopt(self.path / _name(digest), digest, store):
            if store.intact(digest, advance):
                return
            raise DigestError(f"{name}: the bytes are not {digest}")
        stream = self.blob(digest)
        if stream is None:
            raise DigestError(f"{name}: it vanished while it was read")
        with stream, store.writing(digest, name) as out:
            # A file that grows meanwhile is not followed.
            while data := stream.read(min(CHUNK, size - out.size)):
                out.write(data)
                advance(len(data))


class Nearby:
    """The layouts that this machine's settings name, looked through in their order."""

    def __init__(
        self, settings: Settings, store: Store, progress: Progress | None = None
    ) -> None:
        self._layouts = tuple(map(Layout.open, settings.vendored))
        self._is_offline = settings.offline
        self._store = store
        self._progress = progress or Progress()

    def has(self, digest: Digest, size: int | None) -> bool:
        """Whether the store or a layout seems to have a blob."""
        if self._store.has(digest, size):
            return True
        return any(layout.size(digest) is not None for layout in self._layouts)

    def bring(
        self,
        digest: Digest,
        size: int | None,
        name: str,
        advance: Callable[[int], None] = lambda _: None,
    ) -> bool:
        """Take a blob from the first layout that has it; False where none has.

        Raises:
            DigestError: when the only ones are damaged, and no server may be asked.
        """
        wrong: DigestError | None = None
        for layout in self._layouts:
            try:
                if layout.bring(digest, size, name, self._store, advance):
                    return True
            except DigestError as error:
                wrong = error
                self._progress.warn(_damaged(error))
        if wrong is not None and self._is_offline:
            raise wrong
        return False


def _damaged(error: DigestError) -> Finding:
    return Finding(
        code="vendor.damaged",
        role=Role.WARNING,
        message=error.message,
        hint=error.hint,
    )


def _name(digest: Digest) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def _adopt(path: Path, digest: Digest, store: Store) -> bool:
    """Link a file of this user to its place in the store, where nobody believes it yet.

    False where that cannot be: on another file system, or where somebody else may
    change the file afterwards.
    """
    target = store.path(digest)
    store.forget(digest)
    with suppress(OSError):
        os.link(path, target, follow_symlinks=False)
        found = target.lstat()
        is_own = found.st_uid == os.geteuid() and not found.st_mode & 0o022
        if stat.S_ISREG(found.st_mode) and is_own:
            return True
        target.unlink()
    return False


def _plain(path: Path) -> BinaryIO | None:
    """Open a plain file; a link, pipe or device is none and is never waited for."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        stream = os.fdopen(os.open(path, flags), "rb")
    except OSError as error:
        if error.errno in _ABSENT or path.is_dir():
            return None
        raise ArtefactError(
            f"{path} cannot be read: {error.strerror}",
            hint="check who may read it",
        ) from error
    if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        return stream
    stream.close()
    return None


# Tar files


class _Part(io.RawIOBase):
    """A piece of a file as a file of its own."""

    def __init__(self, stream: io.FileIO, start: int, size: int) -> None:
        super().__init__()
        self._stream = stream
        self._left = size
        stream.seek(start)

    def readable(self) -> bool:
        """Always: that is all it can do."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Fill a buffer as far as the piece goes."""
        count = self._stream.readinto(memoryview(buffer)[: self._left]) or 0
        self._left -= count
        return count

    def close(self) -> None:
        """Close the file as well."""
        self._stream.close()
        super().close()


class _Header(tarfile.TarInfo):
    """A header of a tar; names and attributes too long for any layout are refused."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        found = super().frombuf(buf, encoding, errors)
        if found.type in b"xgLKX" and found.size > _LONGEST_HEADER:
            raise tarfile.ReadError("a name or attribute in it is too long")
        return found


def _members(path: Path) -> dict[str, tuple[int, int]]:
    """Where each file of a tar lies in it; nothing is unpacked."""
    try:
        with tarfile.open(path, "r:", tarinfo=_Header) as archive:
            return _places(archive, path)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise ArtefactError(
            f"{path} is no tar file of an OCI layout: {error}",
            hint="copy it here again, or name a folder",
        ) from error
    except OSError as error:
        raise UsageError(
            f"{path}: {error.strerror}",
            hint="name a folder or file that `firstlight vendor` wrote",
        ) from error


def _places(archive: tarfile.TarFile, path: Path) -> dict[str, tuple[int, int]]:
    size = path.stat().st_size
    found: dict[str, tuple[int, int]] = {}
    count = 0
    while (member := archive.next()) is not None:
        # The library keeps all of them otherwise.
        archive.members = []  # type: ignore[attr-defined]
        count += 1
        if count > _MOST_MEMBERS:
            raise tarfile.ReadError(f"it holds more than {_MOST_MEMBERS} files")
        if not member.isreg() or member.issparse():
            continue
        if member.offset_data + member.size > size:
            raise tarfile.ReadError(f"it is cut short inside {member.name}")
        found[member.name.removeprefix("./")] = (member.offset_data, member.size)
    return found
