"""Content-addressed blobs, facts and trees on disk, shared by all processes of a user.

The store is itself an OCI image layout, so other tools can read it::

    oci-layout  index.json  blobs/sha256/<hex>    everything with a digest: wheels,
                                                   .debs, indexes, layers, configs
    facts/<kind>/<key>.json                        what was computed once about a blob
    trees/<hex of diffID>/  roots/<hex of ID>/     unpacked layers, merged roots
    tmp/                                           unfinished work; safe to delete

A blob appears by one atomic rename after its digest was verified, so a killed process
leaves nothing wrong behind and two processes that make the same blob agree.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from firstlight.digest import CHUNK, Digest
from firstlight.errors import DigestError, StoreError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

__all__ = ["Store", "BlobWriter"]

_BEHIND = 16 << 20


class BlobWriter:
    """A blob while it is written: hashes and counts what passes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | memoryview) -> int:
        """Append bytes."""
        self._hash.update(data)
        self.size += len(data)
        self._stream.write(data)
        return len(data)

    @property
    def digest(self) -> Digest:
        """The digest of everything written so far."""
        return Digest("sha256:" + self._hash.hexdigest())


class _Behind(io.FileIO):
    """A file that is sent to the disk as it grows and does not stay in memory.

    Gigabytes of layers would push out what other programs use, and the kernel takes
    longer to find fresh pages for them than to use the same few again.
    """

    _waiting = 0

    def write(self, data: Buffer, /) -> int:
        """Write, and let go of what the disk has by now."""
        written = super().write(data)
        self._waiting += written
        if self._waiting >= _BEHIND and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            self._waiting = 0
        return written


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of blobs, facts and trees; made in `cli` and passed by hand."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> Store:
        """Create the folders if needed and return the store.

        Raises:
            StoreError: when the folder cannot be made or written.
        """
        with _told("opening the store", root):
            for name in ("blobs/sha256", "facts", "trees", "roots", "tmp"):
                (root / name).mkdir(parents=True, exist_ok=True)
            marker = root / "oci-layout"
            if not marker.exists():
                _replace(root, marker, b'{"imageLayoutVersion":"1.0.0"}\n')
        return cls(root)

    # Blobs

    def path(self, digest: Digest) -> Path:
        """Where the blob is, or will be."""
        return self.root / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def has(self, digest: Digest, size: int | None = None) -> bool:
        """Whether the blob is here, of this size, and as it was when verified.

        A blob that changed on disk since (another time, inode or size) is hashed again;
        a damaged one is removed and counts as absent, so the next step makes it anew.
        """
        path = self.path(digest)
        try:
            found = path.stat()
        except OSError:
            return False
        if size is not None and found.st_size != size:
            path.unlink(missing_ok=True)
            return False
        stamp = self._fact_path("stamp", digest)
        if self.fact("stamp", digest) == _stamp(found):
            if stamp.stat().st_mtime < time.time() - 3600:
                os.utime(stamp)  # The last use, which pruning by age goes by.
            return True
        return self.intact(digest)

    def intact(
        self, digest: Digest, heard: Callable[[int], None] = lambda _: None
    ) -> bool:
        """Hash the blob, believing nothing that was recorded; remove a damaged one.

        Args:
            heard: Is told how many bytes were read, again and again.
        """
        path = self.path(digest)
        try:
            with path.open("rb", buffering=0) as stream:
                found = os.fstat(stream.fileno())
                is_whole = _hash(stream, heard) == digest
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            is_whole = False  # The disk cannot read it any more.
        if is_whole:
            self.record("stamp", digest, _stamp(found))
        else:
            with suppress(FileNotFoundError):
                if _stamp(path.stat()) == _stamp(found):  # Not made anew meanwhile.
                    path.unlink()
        return is_whole

    def size(self, digest: Digest) -> int:
        """Return the size of a blob in bytes.

        Raises:
            StoreError: when it is not here.
        """
        try:
            return self.path(digest).stat().st_size
        except OSError as error:
            raise self._absent(digest, error) from error

    def forget(self, digest: Digest) -> None:
        """Drop the belief that a blob is intact: the next `has` hashes it."""
        self._fact_path("stamp", digest).unlink(missing_ok=True)

    def read(self, digest: Digest) -> BinaryIO:
        """Open a blob for reading.

        Raises:
            StoreError: when it is not here.
        """
        try:
            return self.path(digest).open("rb")
        except OSError as error:
            raise self._absent(digest, error) from error

    def _absent(self, digest: Digest, error: OSError) -> StoreError:
        return StoreError(
            f"blob {digest} is not in the store {self.root}: {error.strerror}",
            hint="run the command again: what is missing is made or fetched anew",
        )

    @contextmanager
    def writing(
        self, digest: Digest | None = None, name: str = "blob"
    ) -> Iterator[BlobWriter]:
        """Write a blob; it exists only when the block ends well.

        Args:
            digest: What the bytes must hash to, when known beforehand.
            name: What the bytes are, for error messages.

        Raises:
            DigestError: when the bytes hash to something else; nothing is kept.
            StoreError: when the disk is full or cannot be written.
        """
        descriptor, temporary = self._temporary("blob-")
        try:
            with _told(f"writing {name}", self.root):
                with io.BufferedWriter(_Behind(descriptor, "wb"), CHUNK) as stream:
                    writer = BlobWriter(stream)
                    yield writer
                if digest is not None and writer.digest != digest:
                    raise DigestError(
                        f"{name}: the bytes are {writer.digest}, not {digest}",
                        hint="the file was altered or damaged on its way; "
                        "run the command again to fetch it anew",
                    )
                temporary.chmod(0o444)
                path = self.path(writer.digest)
                temporary.replace(path)
                self.record("stamp", writer.digest, _stamp(path.stat()))
        finally:
            temporary.unlink(missing_ok=True)

    def put(self, data: bytes) -> Digest:
        """Store some bytes and return their digest; storing twice is harmless."""
        digest = Digest("sha256:" + hashlib.sha256(data).hexdigest())
        if not self.has(digest, len(data)):
            with self.writing(digest) as out:
                out.write(data)
        return digest

    # Facts

    def fact(self, kind: str, key: str) -> Any | None:
        """Return what was once recorded under this key, or None.

        A damaged record counts as absent.
        """
        try:
            return json.loads(self._fact_path(kind, key).read_bytes())
        except (OSError, ValueError):
            return None

    def record(self, kind: str, key: str, value: Any, *, private: bool = False) -> None:
        """Record a JSON value under a key, atomically; the last writer wins.

        A private one can be read by its owner alone.
        """
        path = self._fact_path(kind, key)
        data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        with _told(f"recording {kind}", self.root):
            path.parent.mkdir(parents=True, exist_ok=True)
            # A fact lost with the power is only computed again: no fsync.
            _replace(
                self.root, path, data, sync=False, mode=0o600 if private else 0o644
            )

    def drop(self, kind: str, key: str) -> None:
        """Forget what was recorded under a key."""
        self._fact_path(kind, key).unlink(missing_ok=True)

    def _fact_path(self, kind: str, key: str) -> Path:
        return self.root / "facts" / kind / f"{key.removeprefix('sha256:')}.json"

    # Folders

    @contextmanager
    def folder(self, target: Path) -> Iterator[Path]:
        """Fill a new folder that takes its place `target` only when complete.

        When another process was first, its folder stays and this one is dropped.
        """
        temporary = Path(tempfile.mkdtemp(prefix="tree-", dir=self.root / "tmp"))
        try:
            with _told(f"filling {target.name}", self.root):
                yield temporary
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    temporary.rename(target)
                except OSError as error:
                    if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                        raise
        finally:
            remove_tree(temporary)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for work that is thrown away afterwards."""
        folder = Path(tempfile.mkdtemp(prefix="scratch-", dir=self.root / "tmp"))
        try:
            yield folder
        finally:
            remove_tree(folder)

    @contextmanager
    def held(self, *, exclusive: bool = False) -> Iterator[None]:
        """Hold the store: builds share it, pruning has it alone."""
        with _told("locking the store", self.root):
            # A file system of a network shares only what is open for reading too.
            stream = (self.root / "lock").open("a+")
        with stream:
            fcntl.flock(stream, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
            yield

    @contextmanager
    def once(self, name: str) -> Iterator[None]:
        """Let one process at a time do the piece of work with this name."""
        path = self.root / "tmp" / f"{name}.lock"
        with _told("locking the store", self.root):
            stream = path.open("a")
        with stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def update(self, path: Path, change: Callable[[bytes], bytes]) -> None:
        """Change a small file (``index.json``) under a lock, atomically."""
        with self.once(path.name), _told(f"writing {path.name}", self.root):
            old = path.read_bytes() if path.exists() else b""
            _replace(self.root, path, change(old))

    def _temporary(self, prefix: str) -> tuple[int, Path]:
        with _told("writing to the store", self.root):
            descriptor, name = tempfile.mkstemp(prefix=prefix, dir=self.root / "tmp")
        return descriptor, Path(name)


def remove_tree(path: Path) -> None:
    """Remove a folder even where the files in it took away their own write bits."""
    if not path.exists():
        return

    for folder, _, _ in os.walk(path):
        with suppress(OSError):
            Path(folder).chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)


def _stamp(found: os.stat_result) -> str:
    # Not the time of change (ctime): a hard link to the blob would move it.
    return f"{found.st_size}:{found.st_mtime_ns}:{found.st_ino}"


def _hash(stream: io.FileIO, heard: Callable[[int], None]) -> Digest:
    found, room = hashlib.sha256(), memoryview(bytearray(CHUNK))
    while size := stream.readinto(room):
        found.update(room[:size])
        heard(size)
    return Digest("sha256:" + found.hexdigest())


def _replace(
    root: Path, path: Path, data: bytes, *, sync: bool = True, mode: int = 0o644
) -> None:
    descriptor, name = tempfile.mkstemp(prefix="file-", dir=root / "tmp")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            if sync:
                stream.flush()
                os.fsync(stream.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _told(doing: str, root: Path) -> Iterator[None]:
    """Turn the operating system's errors into ones that say what to do."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise StoreError(
            f"{doing}: {error.strerror} ({error.filename or root})",
            hint="free some space with `firstlight cache prune`, or set "
            "FIRSTLIGHT_STORE to a folder on a larger disk"
            if full
            else "set FIRSTLIGHT_STORE to a folder you may write",
        ) from error
