"""Gives a command a root it may change: an overlay, mounted by an ordinary user.

    python overlay.py ROOT CHANGES COMMAND…

mounts ROOT, with what is changed kept in CHANGES, at ``CHANGES/root`` and becomes
COMMAND. The mount is seen by nobody else and ends with the command. Where the kernel
does not let ordinary users do this (before 5.11, or by its settings) ROOT itself is
mounted there, and stays read-only for whoever must not write it.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from pathlib import Path

__all__ = ["command", "main"]

_NEW_USER, _NEW_MOUNTS = 0x10000000, 0x00020000
_BIND, _PRIVATE, _RECURSIVE = 0x1000, 0x40000, 0x4000
_READ_ONLY, _REMOUNT, _NO_SUID, _NO_DEVICES = 0x1, 0x20, 0x2, 0x4


def command(root: Path, changes: Path) -> list[str]:
    """Return the words that go before a command; its root is ``CHANGES/root``."""
    # Isolated and by its path: it needs nothing but the standard library.
    return [sys.executable, "-IS", __file__, str(root), str(changes)]


def main(words: list[str]) -> None:
    """Mount and become the command; never returns."""
    root, changes, *rest = words
    os.chdir("/")  # Whoever started it may want to remove the folder they were in.
    kernel = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    folders = [Path(changes, name) for name in ("root", "upper", "work")]
    for folder in folders:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    if kernel.unshare(_NEW_USER | _NEW_MOUNTS):
        _fail("a namespace of one's own", ctypes.get_errno())
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    kernel.mount(None, b"/", None, _PRIVATE | _RECURSIVE, None)
    at, upper, work = map(os.fsencode, folders)
    lower = os.fsencode(root)
    options = tuple(map(_escaped, (lower, upper, work)))
    data = b"lowerdir=%s,upperdir=%s,workdir=%s,userxattr" % options
    if kernel.mount(b"overlay", at, b"overlay", 0, data):
        sys.stderr.write("firstlight: what is installed by hand here cannot be kept\n")
        _bind(kernel, lower, at)
    os.execv(rest[0], rest)


def _escaped(path: bytes) -> bytes:
    """Write a path as the kernel reads it in the options of an overlay."""
    return re.sub(rb"([\\,:])", rb"\\\1", path)


def _bind(kernel: ctypes.CDLL, root: bytes, at: bytes) -> None:
    """Mount the root read-only: its files are linked with those of other roots."""
    # The kernel refuses a remount that would lose what the mount below was given.
    kept = _NO_SUID | _NO_DEVICES
    again = _BIND | _REMOUNT | _READ_ONLY | (os.statvfs(root).f_flag & kept)
    for flags in (_BIND | _RECURSIVE, again):
        if kernel.mount(root, at, None, flags, None):
            _fail(f"mounting {os.fsdecode(root)}", ctypes.get_errno())


def _fail(what: str, number: int) -> None:
    sys.stderr.write(f"firstlight: {what}: {os.strerror(number)}\n")
    sys.exit(125)


if __name__ == "__main__":
    main(sys.argv[1:])
