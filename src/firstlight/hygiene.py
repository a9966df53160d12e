"""What the store holds, and what may go: prune by age or size, check what is damaged.

Everything in the store can be made or fetched again, so pruning never loses work; it
holds the store alone, so it never takes what a build is using.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from firstlight.digest import parse_digest
from firstlight.store import Store, remove_tree

__all__ = ["Item", "check", "items", "prune"]

_GRACE = 3600.0
"""Seconds for which what was just made or used is left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One blob, tree or root: bytes on disk, and when it was last used (Unix time)."""

    kind: str
    path: Path
    size: int
    used: float


def items(store: Store) -> list[Item]:
    """Return everything large that the store holds.

    Files of a root are hard links to those of trees, so a root counts as empty.
    """
    return [*_blobs(store), *_folders(store, "trees"), *_folders(store, "roots")]


def _blobs(store: Store) -> Iterator[Item]:
    for path in (store.root / "blobs" / "sha256").iterdir():
        with suppress(OSError):
            found = path.stat()
            stamp = store.root / "facts" / "stamp" / f"{path.name}.json"
            used = stamp.stat().st_mtime if stamp.exists() else 0
            yield Item(
                kind="blobs",
                path=path,
                size=found.st_size,
                used=max(used, found.st_mtime),
            )


def _folders(store: Store, kind: str) -> Iterator[Item]:
    for path in (store.root / kind).iterdir():
        if path.is_dir():
            size = 0 if kind == "roots" else _tree_size(path)
            yield Item(kind=kind, path=path, size=size, used=path.stat().st_mtime)


def _tree_size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            if not path.is_symlink() and path.is_file():
                total += path.stat().st_size
    return total


def prune(
    store: Store,
    *,
    older_than: float | None = None,
    max_size: int | None = None,
    dry_run: bool = False,
) -> list[Item]:
    """Remove what was not used for long, or the oldest until the rest fits.

    Args:
        older_than: Seconds since the last use.
        max_size: Bytes that may stay.
        dry_run: Only return what would go.

    Returns:
        What was removed; never what was used in the last hour.
    """
    with store.held(exclusive=True):
        gone = list(_chosen(items(store), older_than, max_size))
        if not dry_run:
            for item in gone:
                _remove(item)
            _sweep(store)
    return gone


def _chosen(
    found: Sequence[Item], older_than: float | None, max_size: int | None
) -> Iterator[Item]:
    now = time.time()
    left = sum(item.size for item in found)
    for item in sorted(found, key=lambda item: (item.used, item.path)):
        if item.used > now - _GRACE:
            continue
        old = older_than is not None and item.used < now - older_than
        if old or (max_size is not None and left > max_size):
            left -= item.size
            yield item


def _remove(item: Item) -> None:
    if item.path.is_dir():
        remove_tree(item.path)
    else:
        item.path.unlink(missing_ok=True)


def _sweep(store: Store) -> None:
    """Drop unfinished work of killed processes, and names of images that are gone."""
    for path in (store.root / "tmp").iterdir():
        if path.suffix == ".lock":
            continue
        if path.is_dir():
            remove_tree(path)
        else:
            path.unlink(missing_ok=True)
    index = store.root / "index.json"
    if index.exists():
        store.update(index, lambda old: _without_gone(store, old))


def _without_gone(store: Store, old: bytes) -> bytes:
    try:
        index = json.loads(old)
        index["manifests"] = [
            entry
            for entry in index["manifests"]
            if store.path(parse_digest(entry["digest"])).exists()
        ]
    except (ValueError, KeyError, TypeError):
        return b'{"manifests":[],"schemaVersion":2}\n'
    return json.dumps(index, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def check(store: Store) -> list[Path]:
    """Hash every blob; remove the damaged ones and return where they were."""
    damaged = []
    with store.held():
        for path in sorted((store.root / "blobs" / "sha256").iterdir()):
            digest = parse_digest(path.name)
            store.forget(digest)
            if not store.has(digest):
                damaged.append(path)
    return damaged
