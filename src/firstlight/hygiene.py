"""What the store holds, and what may go: prune by age or size.

Everything in the store can be made or fetched again, so pruning never loses work. It
holds the store alone, so it never takes what a build is using; it leaves alone what
runs; and what belongs together goes together: an image with its layers, the unpacked
root of one with its trees.
"""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from firstlight.digest import parse_digest
from firstlight.errors import ArtefactError
from firstlight.inventory import Held, diff_ids, images, is_complete
from firstlight.leases import in_use, last_use, sweep
from firstlight.store import Store, remove_tree

__all__ = ["Item", "Pruned", "items", "prune"]

_GRACE = 3600.0
"""Seconds for which what was just made or used is left alone."""
_HEX = re.compile(rb"[0-9a-f]{64}")
_LARGEST_FACT = 1 << 20
_MEMORY = 180 * 86400.0
"""Seconds for which something is known that is not here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One blob, tree or root: bytes on disk, and when it was last used (Unix time)."""

    kind: str
    path: Path
    size: int
    used: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What went, and what would have gone were it not in use, for which images."""

    gone: tuple[Item, ...] = ()
    kept: tuple[Item, ...] = ()
    running: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    """What stays or goes together, and when it was last used."""

    image: str
    used: float
    members: frozenset[Path]


def items(store: Store) -> list[Item]:
    """Return everything large that the store holds.

    Files of a root are hard links to those of trees, so a root counts as empty.
    """
    return [*_blobs(store), *_folders(store, "trees"), *_folders(store, "roots")]


def _blobs(store: Store) -> Iterator[Item]:
    for path in (store.root / "blobs" / "sha256").iterdir():
        with suppress(OSError):
            size, used = path.stat().st_size, _blob_use(store, path)
            yield Item(kind="blobs", path=path, size=size, used=used)


def _blob_use(store: Store, path: Path) -> float:
    stamp = store.root / "facts" / "stamp" / f"{path.name}.json"
    found = (each.stat().st_mtime for each in (path, stamp) if each.exists())
    return max(found, default=0)


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
) -> Pruned:
    """Remove what was not used for long, or the oldest until the rest fits.

    Args:
        older_than: Seconds since the last use.
        max_size: Bytes that may stay.
        dry_run: Only return what would go.

    Returns:
        What was removed; never what was used in the last hour, and never what runs.
    """
    with store.held(exclusive=True):
        choice = _Choice(store)
        pruned = choice.made(older_than, max_size)
        if not dry_run:
            for item in pruned.gone:
                _remove(item)
            _sweep(store, choice.parts())
    return pruned


class _Choice:
    """Chooses what goes."""

    def __init__(self, store: Store) -> None:
        known = images(store)
        self._items = {item.path: item for item in items(store)}
        self._running = in_use(store)
        self._names = {held.id.removeprefix("sha256:"): held.name for held in known}
        self._wholes: dict[Path, list[_Whole]] = defaultdict(list)
        self._standing: set[_Whole] = set()
        self._gone: dict[Path, Item] = {}
        for whole in (*_whole_images(store, known), *_whole_roots(store)):
            self._standing.add(whole)
            for path in whole.members:
                self._wholes[path].append(whole)

    def made(self, older_than: float | None, max_size: int | None) -> Pruned:
        """Go through everything, what was not used for longest first."""
        now, kept = time.time(), []
        left = sum(item.size for item in self._items.values())
        order = {path: self._used(item) for path, item in self._items.items()}
        for path in sorted(order, key=lambda path: (order[path], path)):
            old = older_than is not None and order[path] < now - older_than
            wanted = old or (max_size is not None and left > max_size)
            if path in self._gone or order[path] > now - _GRACE or not wanted:
                continue
            if self._users(path):
                kept.append(self._items[path])
            else:
                left -= self._take(self._items[path])
        users = {user for item in kept for user in self._users(item.path)}
        return Pruned(
            gone=tuple(self._gone.values()),
            kept=tuple(kept),
            running=tuple(sorted(self._names.get(u) or u[:12] for u in users)),
        )

    def parts(self) -> set[str]:
        """The blobs of images that go."""
        return {path.name for path in self._gone if self._wholes[path]}

    def _used(self, item: Item) -> float:
        """What belongs to something was used when that was."""
        return max(item.used, *(each.used for each in self._wholes[item.path]), 0)

    def _users(self, path: Path) -> set[str]:
        return {w.image for w in self._wholes[path] if w.image in self._running}

    def _take(self, item: Item) -> int:
        """Let an item go, and with it all that is of no use alone; how many bytes."""
        fallen = self._wholes[item.path]
        self._standing.difference_update(fallen)
        together = {path: whole for whole in fallen for path in whole.members}
        more = [path for path in sorted(together) if self._goes(path, together[path])]
        taken = {path: self._items[path] for path in (item.path, *more)}
        self._gone |= taken
        return sum(each.size for each in taken.values())

    def _goes(self, path: Path, whole: _Whole) -> bool:
        """Whether a part has no other use: by another whole, or later by itself."""
        item = self._items.get(path)
        if item is None or path in self._gone:
            return False
        needed = not self._standing.isdisjoint(self._wholes[path])
        return not needed and item.used <= whole.used + _GRACE


def _whole_images(store: Store, known: Sequence[Held]) -> Iterator[_Whole]:
    """Images of which every blob is here; of others the blobs count one by one."""
    for held in known:
        members = frozenset(map(store.path, held.blobs))
        if all(path.exists() for path in members):
            image = held.id.removeprefix("sha256:")
            own = (store.path(held.id), store.path(held.manifest))
            used = max(_blob_use(store, path) for path in own)
            yield _Whole(
                image=image, used=max(used, last_use(store, image)), members=members
            )


def _whole_roots(store: Store) -> Iterator[_Whole]:
    for path in (store.root / "roots").iterdir():
        image = path.name.partition(".")[0]  # One found damaged while it runs has more.
        with suppress(ArtefactError, OSError):
            contents = diff_ids(store, parse_digest(image))
            trees = (store.root / "trees" / each[7:] for each in contents)
            used = max(path.stat().st_mtime, last_use(store, image))
            members = frozenset((path, *trees))
            yield _Whole(image=image, used=used, members=members)


# Removing


def _remove(item: Item) -> None:
    if item.path.is_dir():
        remove_tree(item.path)
    else:
        item.path.unlink(missing_ok=True)


def _sweep(store: Store, parts: set[str]) -> None:
    """Drop unfinished work of killed processes, and what is known of what is gone."""
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
    _sweep_facts(store, parts)
    sweep(store)


def _sweep_facts(store: Store, parts: set[str]) -> None:
    """Drop every fact about a part of an image that went, or that names one.

    What is known of other things may be asked for when they are gone, or never were
    here; it goes when it is about nothing that is here and nobody noted it for long.
    """
    here = {path.name for path in (store.root / "blobs" / "sha256").iterdir()}
    long_ago = time.time() - _MEMORY
    for path in (store.root / "facts").glob("*/*.json"):
        named = {path.stem}
        is_old = path.stat().st_mtime < long_ago
        if path.parent.name != "stamp" and (parts or is_old):
            named |= _named_in(path)
        is_lost = is_old or path.parent.name == "stamp"
        if not named.isdisjoint(parts) or (is_lost and named.isdisjoint(here)):
            path.unlink(missing_ok=True)


def _named_in(path: Path) -> set[str]:
    with suppress(OSError):
        if path.stat().st_size <= _LARGEST_FACT:
            return {each.decode() for each in _HEX.findall(path.read_bytes())}
    return set()


def _without_gone(store: Store, old: bytes) -> bytes:
    """The index without images that lack a blob: whoever follows it finds all."""
    try:
        index = json.loads(old)
        index["manifests"] = [
            entry
            for entry in index["manifests"]
            if is_complete(store, parse_digest(entry["digest"]))
        ]
    except (ValueError, KeyError, TypeError, ArtefactError):
        return b'{"manifests":[],"schemaVersion":2}\n'
    return json.dumps(index, sort_keys=True, separators=(",", ":")).encode() + b"\n"
