"""A lock to recipes: which layers the image has, and what each is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from firstlight import digest
from firstlight.digest import Digest
from firstlight.errors import ArtefactError
from firstlight.finding import Finding, Role
from firstlight.lock.lockfile import FORMAT, Deb, Lock, PlatformLock, Wheel
from firstlight.oci.model import canonical_json
from firstlight.pack.deb import deb_entries
from firstlight.pack.entry import VENV, Entry, Kind, time_of
from firstlight.pack.group import Item, group
from firstlight.pack.scan import Scan, scan, scan_from_json, scan_to_json
from firstlight.pack.shelf import Shelf
from firstlight.pack.start import start_digest, start_entries, starts
from firstlight.pack.system import system_entries
from firstlight.pack.venv import venv_entries
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["Recipe", "Plan"]

_WHEELS = 8 << 20
_MOST_WHEELS = 56
_BOTTOM = 32 << 20
_DEBS = 24 << 20
_MOST_DEBS = 16
_MANY = 4 << 30


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make one layer, without having made it.

    `key` is the digest of everything the layer's bytes depend on; `size` the bytes of
    its inputs; work on those of larger `weight` begins earlier; `entries` may be called
    again and again; `packages` are those whose files it holds.
    """

    title: str
    key: Digest
    size: int
    weight: int
    entries: Callable[[], Iterable[Entry]]
    packages: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The layers of one image; every wheel and ``.deb`` must be in the store."""

    lock: Lock
    part: PlatformLock
    wheels: tuple[Item, ...]
    store: Store
    shelf: Shelf
    progress: Progress
    believe: bool

    @classmethod
    def of(
        cls,
        lock: Lock,
        part: PlatformLock,
        wheels: Sequence[Wheel],
        store: Store,
        progress: Progress,
        *,
        believe: bool = True,
    ) -> Plan:
        """Return the plan of a lock for one platform.

        `believe` takes what was once read out of a package from the store's facts.
        """
        return cls(
            lock=lock,
            part=part,
            wheels=tuple(_wheel_item(each, store) for each in wheels),
            store=store,
            shelf=Shelf(lock.python, VENV, store if believe else None),
            progress=progress,
            believe=believe,
        )

    def likely(self, most: int) -> list[Recipe]:
        """Return the layers of the largest wheels, before any wheel was read.

        They are right unless another wheel replaces a file of theirs, which is rare;
        so work on them can begin while `recipes` reads what all wheels install.
        """
        alone = [members for members in self._groups() if len(members) == 1]
        return [_wheel_recipe(members, self.shelf, {}) for members in alone[:most]]

    def recipes(self) -> list[Recipe]:
        """Return all layers from the bottom up: large wheels, OS, venv, other wheels.

        The largest change more rarely than the OS does, whose updates come each week.

        Raises:
            ArtefactError: when a wheel is damaged or two files cannot stand together.
        """
        debs = [_deb_item(deb, self.store) for deb in self.part.debs]
        lost = _overwritten(self.wheels, self.shelf, self.progress)
        below: list[Recipe] = []
        above: list[Recipe] = []
        for members in self._groups():
            is_below = min(item.size for item in members) >= _BOTTOM
            recipe = _wheel_recipe(members, self.shelf, lost)
            (below if is_below else above).append(recipe)
        return [
            *below,
            *_deb_recipes(debs),
            _system_recipe(self.lock, self.part, self.store, self.believe),
            *_start_recipes(self.lock.profile),
            _venv_recipe(self.lock.python),
            *above,
        ]

    def _groups(self) -> list[tuple[Item, ...]]:
        direct = self.lock.direct
        return group(self.wheels, limit=_WHEELS, most=_MOST_WHEELS, top=direct)


def _key(kind: str, **inputs: Any) -> Digest:
    return digest.of_bytes(canonical_json({"format": FORMAT, "kind": kind, **inputs}))


def _title(items: Sequence[Item]) -> str:
    first, last = items[0], items[-1]
    if len(items) == 1:
        return f"{first.name} {first.version}"
    return f"{first.name} … {last.name} ({len(items)} packages)"


def _dated(entries: Iterable[Entry], item: Item) -> Iterator[Entry]:
    """Give the files of a package its time; folders may be those of others too."""
    time = time_of(item.digest)
    for entry in entries:
        is_folder = entry.kind is Kind.DIRECTORY
        yield entry if is_folder else replace(entry, time=time)


# The operating system


def _deb_item(deb: Deb, store: Store) -> Item:
    return Item(
        name=f"{deb.name}:{deb.architecture}",
        version=deb.version,
        filename=deb.filename.rpartition("/")[2],
        digest=deb.digest,
        size=deb.size,
        path=store.path(deb.digest),
    )


def _deb_recipes(debs: Sequence[Item]) -> Iterator[Recipe]:
    for items in group(debs, limit=_DEBS, most=_MOST_DEBS):

        def entries(items: tuple[Item, ...] = items) -> Iterator[Entry]:
            for item in items:
                yield from _dated(deb_entries(item.path, filename=item.filename), item)

        size = sum(item.size for item in items)
        yield Recipe(
            f"os: {_title(items)}",
            _key("debs", debs=[item.digest for item in items]),
            size,
            # Unpacking xz and compressing again costs about five times a copy.
            5 * size,
            entries,
            items,
        )


def _scanner(store: Store) -> Callable[[Deb, Path], Scan]:
    """Reads a ``.deb`` once: what it found is kept as a fact of its digest."""

    def known_or_read(deb: Deb, path: Path) -> Scan:
        found = scan_from_json(store.fact("scan", deb.digest))
        if found is None:
            found = _read_deb(deb, path)
            store.record("scan", deb.digest, scan_to_json(found))
        return found

    return known_or_read


def _read_deb(deb: Deb, path: Path) -> Scan:
    return scan(path, filename=deb.filename.rpartition("/")[2])


def _system_recipe(
    lock: Lock, part: PlatformLock, store: Store, believe: bool
) -> Recipe:
    pairs = [(deb, store.path(deb.digest)) for deb in part.debs]
    read = _scanner(store) if believe else _read_deb

    def entries() -> Iterable[Entry]:
        # Unpacking xz leaves the interpreter free: read all of them side by side.
        with ThreadPoolExecutor() as pool:
            scans = dict(
                zip(part.debs, pool.map(lambda pair: read(*pair), pairs), strict=True)
            )
        return system_entries(
            pairs,
            platform=part.platform,
            profile=lock.profile,
            suite=lock.suite,
            scanner=lambda deb, _: scans[deb],
        )

    key = _key(
        "system",
        debs=[[deb.name, deb.digest] for deb in part.debs],
        platform=part.platform,
        profile=lock.profile,
        suite=lock.suite,
    )
    size = sum(deb.size for deb in part.debs)
    # Started early: it reads every .deb and runs beside the layers made of them.
    return Recipe("system files", key, size, 9 * size, entries)


def _start_recipes(profile: str) -> Iterator[Recipe]:
    if starts(profile):
        key = _key("start", of=start_digest(VENV))
        yield Recipe("start program", key, 1, 1, lambda: start_entries(VENV))


# Python


def _venv_recipe(python: str) -> Recipe:
    return Recipe(
        f"python {python} environment",
        _key("venv", python=python, prefix=VENV),
        1,
        1,
        lambda: venv_entries(python, prefix=VENV),
    )


def _wheel_item(wheel: Wheel, store: Store) -> Item:
    path = store.path(wheel.digest)
    return Item(
        name=wheel.name,
        version=wheel.version,
        filename=wheel.filename,
        digest=wheel.digest,
        size=path.stat().st_size,
        path=path,
    )


def _wheel_recipe(
    members: tuple[Item, ...], shelf: Shelf, lost: Mapping[Digest, frozenset[str]]
) -> Recipe:
    def entries() -> Iterator[Entry]:
        written: set[str] = set()
        for item in members:
            without = lost.get(item.digest, frozenset())
            for entry in _dated(shelf.entries(item), item):
                if entry.path not in without and entry.path not in written:
                    written.add(entry.path)
                    yield entry

    without = sorted(path for item in members for path in lost.get(item.digest, ()))
    key = _key(
        "wheels",
        python=shelf.python,
        prefix=VENV,
        wheels=[[item.filename, item.digest] for item in members],
        without=without,
    )
    size = sum(item.size for item in members)
    # Many small files keep the interpreter busy, which serves one thread at a time; so
    # they are best made while other threads inflate large ones, not all at the end.
    weight = size if len(members) == 1 else _MANY + size
    return Recipe(_title(members), key, size, weight, entries, members)


def _overwritten(
    items: Sequence[Item], shelf: Shelf, progress: Progress
) -> dict[Digest, frozenset[str]]:
    """Which paths of which wheel another wheel, later by name, replaces.

    An installer that goes by name leaves the later file in place, and so do we. Files
    that are the same in both, such as the empty ``nvidia/__init__.py`` of a dozen
    wheels, stay in both: no layer need know of another for their sake.
    """
    owner: dict[str, tuple[Item, str]] = {}
    lost: dict[Digest, set[str]] = {}
    for item in sorted(items, key=lambda item: (item.name, item.filename)):
        for path, mark in shelf.listing(item).items():
            before, other = owner.get(path, (item, mark))
            if before is not item and mark != other:
                lost.setdefault(before.digest, set()).add(path)
                progress.warn(_both(before, item, path))
            owner[path] = (item, mark)
    _refuse_nested({path: item for path, (item, _) in owner.items()})
    return {key: frozenset(paths) for key, paths in lost.items()}


def _both(before: Item, after: Item, path: str) -> Finding:
    return Finding(
        code="build.same-file",
        role=Role.WARNING,
        message=f"{before.name} and {after.name} both install {path}; "
        f"the one of {after.name} stays",
        hint="leave one of the two packages out",
    )


def _refuse_nested(owner: Mapping[str, Item]) -> None:
    folders = {path.rpartition("/")[0] for path in owner}
    seen: set[str] = set()
    for start in folders:
        folder = start
        while folder and folder not in seen:
            seen.add(folder)
            if folder in owner:
                raise ArtefactError(
                    f"{owner[folder].filename} installs {folder} as a file, but "
                    "another wheel has files below it",
                    hint="leave one of the two packages out",
                )
            folder = folder.rpartition("/")[0]
