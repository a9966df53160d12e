"""Room for mounts whose place an image does not have, in a root that nobody may write.

bubblewrap would have to make `/data` in the root. Instead its parent becomes an empty
folder in memory that gets everything the root has there, and room besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from firstlight.engine import gpu
from firstlight.engine.base import Mount
from firstlight.errors import EngineError

__all__ = ["Root", "follow", "lay_out"]

_ANEW = ("/proc", "/dev", "/sys", "/tmp", "/run", gpu.FOLDER)
"""Folders that a sandbox gets of its own, which take everything."""
_MOST_LINKS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A root with room for mounts: the words for it, and those for after the mounts.

    `mounts` are at the places that links in the root lead to.
    """

    before: tuple[str, ...]
    mounts: tuple[Mount, ...]
    after: tuple[str, ...]


def lay_out(root: Path, mounts: Sequence[Mount], *, top: Path | None = None) -> Root:
    """Decide how a root is mounted so that every mount has its place.

    Args:
        top: What is mounted as the root, writable, instead of `root`; it has the same
            files.
    """
    placed = tuple(replace(each, target=_place(root, each.target)) for each in mounts)
    parents = sorted(set(_parents(root, placed)))
    kind = "--ro-bind" if top is None else "--bind"
    before = [] if "/" in parents else [kind, str(top or root), "/"]
    for parent in parents:
        before += [] if parent == "/" else ["--tmpfs", parent]
        before += _children(root, top or root, parent, kind)
    after = [] if top else [w for parent in parents for w in ("--remount-ro", parent)]
    return Root(before=tuple(before), mounts=placed, after=tuple(after))


def follow(root: Path, path: str) -> Path:
    """Follow links as a program inside would: absolute ones start at the root.

    Raises:
        EngineError: when they go round in a circle.
    """
    todo = list(reversed(PurePosixPath(path).parts))
    here = root
    links = 0
    while todo:
        part = todo.pop()
        if part in ("/", ".."):
            here = root if part == "/" or here == root else here.parent
            continue
        if not (here / part).is_symlink():
            here = here / part
            continue
        links += 1
        if links > _MOST_LINKS:
            raise EngineError(f"the image's /{path} is a circle of links")
        todo += reversed(PurePosixPath((here / part).readlink()).parts)
    return here


def _place(root: Path, target: str) -> str:
    return f"/{follow(root, target).relative_to(root)}"


def _parents(root: Path, mounts: Sequence[Mount]) -> Iterator[str]:
    """The deepest folder of the root above each place that is not there."""
    for mount in mounts:
        above = {str(path) for path in PurePosixPath(mount.target).parents}
        if above & {*_ANEW, *(each.target for each in mounts)}:
            continue
        path = root / mount.target[1:]
        if path.exists():
            continue
        while not path.is_dir():
            path = path.parent
        yield f"/{path.relative_to(root)}" if path != root else "/"


def _children(root: Path, top: Path, parent: str, kind: str) -> Iterable[str]:
    for path in sorted((root / parent[1:]).iterdir()):
        inside = f"/{path.relative_to(root)}"
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), inside)
        else:
            yield from (kind, str(top / inside[1:]), inside)
