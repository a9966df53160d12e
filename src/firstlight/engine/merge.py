"""Unpacked layers to one root, by hard links: thousands of files in a second."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from firstlight.engine.extract import OPAQUE, WHITEOUT
from firstlight.progress import Task

__all__ = ["merge", "make_mount_point"]

_NOT_LINKABLE = {errno.EMLINK, errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP}


def merge(trees: Sequence[Path], root: Path, task: Task | None = None) -> None:
    """Lay unpacked layers over each other, the last on top, obeying whiteouts.

    The files are hard links, copies where the file system allows no link; nothing may
    write to them.
    """
    task = task or Task()
    for tree in trees:
        _lay(os.fsencode(tree), os.fsencode(root))
        task.advance(1)


def _lay(source: bytes, target: bytes) -> None:
    os.chmod(target, stat.S_IMODE(os.lstat(source).st_mode))  # noqa: PTH101
    with os.scandir(source) as found:
        entries = list(found)
    for entry in entries:
        if entry.name.startswith(WHITEOUT):
            _hide(entry.name, target)
    for entry in entries:
        path = target + b"/" + entry.name
        if entry.is_dir(follow_symlinks=False):
            _make_folder(path)
            _lay(entry.path, path)
        elif not entry.name.startswith(WHITEOUT):
            _put(entry.path, path)


def _hide(name: bytes, target: bytes) -> None:
    """Take away what lower layers put there; nothing of this layer is there yet."""
    if name == OPAQUE:
        for each in os.listdir(target):  # noqa: PTH208
            _remove(target + b"/" + each)
    else:
        _remove(target + b"/" + name.removeprefix(WHITEOUT))


def _remove(path: bytes) -> None:
    try:
        is_folder = stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return
    if is_folder:
        shutil.rmtree(path)
    else:
        os.unlink(path)  # noqa: PTH108


def _make_folder(path: bytes) -> None:
    try:
        os.mkdir(path, 0o755)  # noqa: PTH102
    except FileExistsError:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            os.unlink(path)  # noqa: PTH108
            os.mkdir(path, 0o755)  # noqa: PTH102


def _put(source: bytes, path: bytes) -> None:
    try:
        _link(source, path)
    except FileExistsError:
        _remove(path)
        _link(source, path)


def _link(source: bytes, path: bytes) -> None:
    try:
        os.link(source, path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NOT_LINKABLE:
            raise
        shutil.copy2(source, path, follow_symlinks=False)


def make_mount_point(root: bytes, path: bytes, *, is_file: bool = False) -> None:
    """Make sure that a plain folder or file stands at a path, to mount something over.

    What is on the way and is no folder makes room: a link could lead out of the root.
    """
    parent, _, _ = path.rpartition(b"/")
    if parent:
        make_mount_point(root, parent)
    place = root + b"/" + path
    if not is_file:
        _make_folder(place)
    elif not _is_plain(place):
        _remove(place)
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))


def _is_plain(path: bytes) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False
