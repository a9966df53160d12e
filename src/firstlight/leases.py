"""Images in use: a lock held by whoever runs one, so that pruning leaves it alone.

A lease is a shared lock on an empty file, ``leases/<hex of the image ID>``. It lasts as
long as any process has that file open, so what is killed needs no cleaning up; and it
is seen by everybody who uses the store, whatever folder their own state is in. When the
file was last touched is when the image was last run.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from firstlight.digest import Digest
from firstlight.errors import StoreError
from firstlight.store import Store

__all__ = ["in_use", "last_use", "lease", "sweep"]

_PROC = Path("/proc")
_ROOT = re.compile(rb"(/[^\0:]*)/roots/([0-9a-f]{64})(?=[/\0:])")


@contextmanager
def lease(store: Store, image: Digest) -> Iterator[int]:
    """Keep an image from being pruned while the block runs.

    Whoever inherits the descriptor that is yielded keeps it too, for as long as they
    have it open. It reads as an empty file.

    Raises:
        StoreError: when the store cannot be locked.
    """
    descriptor = _taken(store, image)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _taken(store: Store, image: Digest) -> int:
    if not os.access(store.root, os.W_OK):
        # Nothing can be left in a store that one may only read. Whoever may prune it
        # sees what runs by its command line.
        return os.open(os.devnull, os.O_RDONLY)
    path = _folder(store) / image.removeprefix("sha256:")
    # Pruning holds the store alone, so it never looks between the next steps.
    with store.held():
        try:
            path.parent.mkdir(exist_ok=True)
            descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreError(
                f"marking the image as used: {error.strerror} ({path})",
                hint="set FIRSTLIGHT_STORE to a folder you may write",
            ) from error
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        with suppress(OSError):  # Another person's file.
            os.utime(descriptor)
    return descriptor


def in_use(store: Store) -> frozenset[str]:
    """Return the images that are in use, by the hex of their ID.

    What nobody has a lease for is looked for on the command lines of this machine: a
    sandbox that was started by hand, with the words of a dry run.
    """
    leased = {path.name for path in _leases(store) if _is_held(path)}
    return frozenset(leased | _on_command_lines(store))


def last_use(store: Store, image: str) -> float:
    """Return when an image, named by the hex of its ID, was last run; 0 for never."""
    try:
        return (_folder(store) / image).stat().st_mtime
    except OSError:
        return 0


def sweep(store: Store) -> None:
    """Forget images that are gone; the store must be held alone."""
    for path in _leases(store):
        places = [store.root / "roots" / path.name, store.root / "blobs/sha256"]
        is_there = places[0].is_dir() or (places[1] / path.name).exists()
        if not is_there and not _is_held(path):
            path.unlink(missing_ok=True)


def _folder(store: Store) -> Path:
    return store.root / "leases"


def _leases(store: Store) -> list[Path]:
    folder = _folder(store)
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _is_held(path: Path) -> bool:
    # A file system of a network locks only what is open for writing.
    how = "r+b" if os.access(path, os.W_OK) else "rb"
    try:
        with path.open(how) as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return path.exists()  # What cannot be asked is left alone.
    return False


def _on_command_lines(store: Store) -> set[str]:
    found: set[tuple[bytes, bytes]] = set()
    for path in _PROC.glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.update(_ROOT.findall(path.read_bytes()))
    return {image.decode() for where, image in found if _is_same(where, store.root)}


def _is_same(where: bytes, root: Path) -> bool:
    """Whether both name one folder; links may lead to a store."""
    with suppress(OSError):
        return os.path.samestat(os.stat(where), root.stat())  # noqa: PTH116
    return False
