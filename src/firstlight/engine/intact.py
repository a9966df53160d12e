"""Whether what was unpacked is still what its layers say, byte by byte.

Programs run from trees and roots, not from the blobs that are hashed; a root shares the
files of its trees, so one that was written to is wrong in every image that has it.
"""

from __future__ import annotations

import filecmp
import os
import stat
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO, cast

from firstlight.digest import Digest, parse_digest
from firstlight.engine.unpack import lay_root
from firstlight.errors import ArtefactError
from firstlight.inventory import diff_ids, images
from firstlight.leases import in_use
from firstlight.oci.plain import DAMAGED, open_plain
from firstlight.parallel import WatchedFile, Workers
from firstlight.progress import Progress, Task
from firstlight.store import Store, remove_tree

__all__ = ["Unpacked", "check_unpacked"]

_PIECE = 256 << 10
_ASIDE = ".damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What was found: how many were compared, and which were wrong and are removed.

    `unknown` can be compared with nothing: their layers are not in the store. `running`
    are roots that were wrong and in use: what runs keeps them, nothing new gets them.
    """

    compared: int = 0
    damaged: tuple[Path, ...] = ()
    unknown: tuple[Path, ...] = ()
    running: tuple[Path, ...] = ()


def check_unpacked(
    store: Store, *, jobs: int = 1, progress: Progress | None = None
) -> Unpacked:
    """Compare every tree with its layer, and every root with its trees.

    Removes what differs; it is unpacked anew when it is needed.
    """
    progress = progress or Progress()
    with store.held():
        trees = sorted(path for path in (store.root / "trees").iterdir())
        sound = _compare_trees(store, trees, jobs, progress)
        roots = sorted(path for path in (store.root / "roots").iterdir())
        roots = [path for path in roots if not path.name.endswith(_ASIDE)]
        with progress.task("check", f"{len(roots)} roots", len(roots)) as task:
            for path in roots:
                sound[path] = _compare_root(store, path, sound)
                task.advance(1)
    wrong = [path for path, answer in sound.items() if answer is False]
    # Alone, so that nothing of it is being linked or started.
    with store.held(exclusive=True):
        running = _drop(store, wrong)
    return Unpacked(
        compared=sum(answer is not None for answer in sound.values()),
        damaged=tuple(wrong),
        unknown=tuple(path for path, answer in sound.items() if answer is None),
        running=running,
    )


def _drop(store: Store, wrong: Sequence[Path]) -> tuple[Path, ...]:
    """Remove what is wrong; roots in use only lose their name: nothing new gets them.

    The files of a tree live on in the roots that they are linked into.
    """
    used, running = in_use(store), []
    for path in (store.root / "roots").glob(f"*{_ASIDE}"):
        if path.name.partition(".")[0] not in used:
            remove_tree(path)
    for path in wrong:
        if path.parent.name == "roots" and path.name in used:
            path.rename(path.with_name(f"{path.name}.{time.time_ns()}{_ASIDE}"))
            running.append(path)
        else:
            remove_tree(path)
    return tuple(running)


# Trees


def _compare_trees(
    store: Store, trees: Sequence[Path], jobs: int, progress: Progress
) -> dict[Path, bool | None]:
    """Whether each is as its layer says; None where that cannot be known."""
    layers = {
        content[7:]: blob for held in images(store) for blob, content in held.layers
    }
    known = {path: layers[path.name] for path in trees if path.name in layers}
    known = {path: blob for path, blob in known.items() if store.path(blob).exists()}
    total = sum(store.size(blob) for blob in known.values())
    workers = Workers[Path, bool | None](jobs)
    with progress.task("check", f"{len(known)} trees", total) as task, workers:
        for path, blob in known.items():
            workers.start(path, partial(_compare_tree, store, path, blob, task))
        found = dict(zip(known, workers.results(list(known)), strict=True))
    return {path: found.get(path) for path in trees}


def _compare_tree(
    store: Store, tree: Path, blob: Digest, task: Task, stop: Event
) -> bool | None:
    """Whether a tree is what a layer holds; None when the layer itself is damaged."""
    with store.read(blob) as stream:
        try:
            plain = open_plain(WatchedFile(stream, task, stop))
            return _Comparison(tree).holds(plain)
        except DAMAGED:
            return None


class _Comparison:
    """A tree beside the tar that it was unpacked from."""

    def __init__(self, tree: Path) -> None:
        self._root = os.fsencode(tree)
        self._modes: dict[bytes, int] = {b"": 0o755}
        self._files: set[bytes] = set()

    def holds(self, stream: BinaryIO) -> bool:
        """Whether everything in the tar is in the tree, and nothing else."""
        with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8") as tar:
            while (entry := tar.next()) is not None:
                # Otherwise every header stays in memory until the end.
                cast("Any", tar).members.clear()
                path = _path(entry.name)
                self._add_parents(path)
                if entry.isdir():
                    self._modes[path] = entry.mode & 0o777
                    continue
                self._files.add(path)
                if not self._is_there(entry, path, tar):
                    return False
        folders = {path + b"/" for path in self._modes}
        return set(self._walk(b"")) == self._files | folders

    def _add_parents(self, path: bytes) -> None:
        while path:
            path = path.rpartition(b"/")[0]
            self._modes.setdefault(path, 0o755)

    def _is_there(
        self, entry: tarfile.TarInfo, path: bytes, tar: tarfile.TarFile
    ) -> bool:
        place = self._root + b"/" + path
        try:
            found = os.lstat(place)
            if entry.issym():
                link = entry.linkname.encode("utf-8", "surrogateescape")
                return os.readlink(place) == link  # noqa: PTH115
            if entry.islnk():
                source = self._root + b"/" + _path(entry.linkname)
                return os.path.samestat(found, os.lstat(source))
            mode = entry.mode & 0o777 | 0o400
            if (stat.S_IMODE(found.st_mode), found.st_size) != (mode, entry.size):
                return False
            content = tar.extractfile(entry)
            with open(place, "rb") as there:  # noqa: PTH123
                return content is not None and _equal(content, there)
        except OSError:
            return False

    def _walk(self, path: bytes) -> Iterator[bytes]:
        """Everything in the tree; a folder has a slash, one of other rights no name."""
        place = self._root + b"/" + path
        mode = stat.S_IMODE(os.lstat(place).st_mode)
        yield path + b"/" if mode == self._modes.get(path, 0) | 0o700 else b""
        with os.scandir(place) as found:
            for entry in found:
                inner = (path + b"/" if path else b"") + entry.name
                if entry.is_dir(follow_symlinks=False):
                    yield from self._walk(inner)
                else:
                    yield inner


def _path(name: str) -> bytes:
    parts = name.encode("utf-8", "surrogateescape").split(b"/")
    return b"/".join(part for part in parts if part not in (b"", b"."))


def _equal(one: Any, two: BinaryIO) -> bool:
    while True:
        data = one.read(_PIECE)
        if data != two.read(len(data) or 1):
            return False
        if not data:
            return True


# Roots


def _compare_root(
    store: Store, root: Path, sound: Mapping[Path, bool | None]
) -> bool | None:
    """Whether a root is what its trees give together; None when one is missing."""
    try:
        contents = diff_ids(store, parse_digest(root.name))
    except ArtefactError:
        return None
    answers = [sound.get(store.root / "trees" / content[7:]) for content in contents]
    if False in answers:
        return False
    if not answers or None in answers:
        return None
    trees = [store.root / "trees" / content[7:] for content in contents]
    with store.scratch() as folder:
        lay_root(trees, folder)
        return _are_equal(folder, root)


def _are_equal(one: Path, two: Path) -> bool:
    """Whether two folders hold the same; a file that both share is not read."""
    found = [{each.name: each for each in os.scandir(path)} for path in (one, two)]
    if found[0].keys() != found[1].keys():
        return False
    return all(map(_is_equal, found[0].values(), map(found[1].get, found[0])))


def _is_equal(one: os.DirEntry[str], two: os.DirEntry[str] | None) -> bool:
    if two is None or one.is_symlink() != two.is_symlink():
        return False
    if one.is_symlink():
        return Path(one).readlink() == Path(two).readlink()
    if os.path.samestat(one.stat(), two.stat()):
        return True
    if one.stat().st_mode != two.stat().st_mode:
        return False  # Another type, or other rights.
    if one.is_dir():
        return _are_equal(Path(one), Path(two))
    return filecmp.cmp(one, two, shallow=False)
