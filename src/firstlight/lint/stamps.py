"""Whether files are as they were, told without reading them.

This module imports next to nothing, since a run that finds nothing changed needs
nothing else.
"""

from __future__ import annotations

import marshal
import os
import sys
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

__all__ = ["Stamp", "content", "inside", "is_settled", "read", "stamp", "write"]

Stamp = tuple[int, int, int]
"""Times of last change of content and of anything, and size."""

_SETTLED = 50_000_000
"""Nanoseconds: within so many, a file can change twice and show the same time."""

# Paths are strings here: the fast path makes thousands of them.

_DIGEST = 16
_FORMAT = f"1 {sys.version}".encode()


def inside(folder: str, path: str) -> str:
    """Return where a path is that is relative to a folder, or absolute."""
    return os.path.join(folder, path)  # noqa: PTH118


def stamp(path: str | Path) -> Stamp | None:
    """Return the stamp of a file or folder, None for what is not there."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size


def content(path: str) -> bytes:
    """Return the bytes of a file, with as few calls to the system as there can be.

    Raises:
        OSError: when it cannot be read.
    """
    file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        size = os.fstat(file).st_size
        found = os.read(file, size + 1)
    finally:
        os.close(file)
    if len(found) == size:
        return found
    # It is growing, or no plain file.
    with open(path, "rb") as stream:  # noqa: PTH123
        return stream.read()


def is_settled(found: Stamp | None, now: int) -> bool:
    """Whether what had this stamp at a time would have another one if it changed."""
    return found is None or max(found[:2]) < now - _SETTLED


def read(path: Path) -> Any:
    """Return what `write` wrote, or None: then there is nothing, or it is damaged."""
    try:
        content = path.read_bytes()
        body = content[_DIGEST:]
        if blake2b(_FORMAT + body, digest_size=_DIGEST).digest() == content[:_DIGEST]:
            return marshal.loads(body)
    except (OSError, ValueError, EOFError, TypeError):
        pass
    return None


def write(path: Path, value: Any) -> None:
    """Write a plain value at once or not at all; what cannot be kept is not."""
    body = marshal.dumps(value)
    digest = blake2b(_FORMAT + body, digest_size=_DIGEST).digest()
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(digest + body)
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
    except BaseException:  # Ctrl-C must leave nothing behind either.
        with suppress(OSError):
            part.unlink()
        raise
