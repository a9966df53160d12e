"""Bytes that a year of real updates moves, under several ways to group packages.

    python benchmarks/year.py --python 3.13 --cache FOLDER

A typical project is resolved as of each day (or each week) of the last year, and its
layers are computed from names and sizes alone; no wheel is downloaded. The first run
asks the package index for about half an hour; answers are kept in the cache.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

from history import PACKAGES, Changes, Day, days, os_changes
from project import Project

from firstlight.lock.system import SUITES
from firstlight.pack.group import Item, group

MIB = 1 << 20
DIRECT = frozenset(PACKAGES)
DEBS = 24
MOST_DEBS = 16
Group = tuple[Item, ...]
Way = Callable[[Sequence[Item], Sequence[Item]], list[Group]]
"""From OS packages and wheels to the layers of an image, from the bottom up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a year cost; bytes, without the first image."""

    moved: int
    above: int
    calm: int
    median: float
    layers: int
    updates: int


# The ways


def ours(
    limit: int = 8,
    one_in: int = 12,
    *,
    most: int = 56,
    bottom: int = 32,
    by_size: bool = True,
) -> Way:
    """The arrangement of firstlight, with other numbers; `bottom` 0: the OS is."""

    def way(debs: Sequence[Item], wheels: Sequence[Item]) -> list[Group]:
        groups = group(wheels, limit=limit * MIB, one_in=one_in, most=most, top=DIRECT)
        if not by_size:
            large = [one for one in groups if one[0].size * 2 > limit * MIB]
            groups[: len(large)] = sorted(large, key=lambda one: one[0].name)
        below = [
            one
            for one in groups
            if bottom and min(item.size for item in one) >= bottom * MIB
        ]
        above = [one for one in groups if one not in below]
        return [*below, *_system(debs), *above]

    return way


def _system(debs: Sequence[Item]) -> list[Group]:
    return group(debs, limit=DEBS * MIB, most=MOST_DEBS)


def one_each(debs: Sequence[Item], wheels: Sequence[Item]) -> list[Group]:
    """A layer for each package: nothing can move less."""
    ordered = sorted([*debs, *wheels], key=lambda item: (-item.size, item.name))
    return [(item,) for item in ordered]


def docker_build(debs: Sequence[Item], wheels: Sequence[Item]) -> list[Group]:
    """One layer by `apt-get install`, one by `pip install`."""
    return [tuple(debs), tuple(wheels)]


def budget(most: int) -> Way:
    """The largest packages have a layer each, until so many; the rest shares one."""

    def way(debs: Sequence[Item], wheels: Sequence[Item]) -> list[Group]:
        ordered = one_each(debs, wheels)
        return [*ordered[: most - 1], tuple(one[0] for one in ordered[most - 1 :])]

    return way


WAYS: dict[str, Way] = {
    "one layer per package": one_each,
    "docker build: apt, then pip": docker_build,
    "the 9 largest alone": budget(10),
    "the 59 largest alone": budget(60),
    "OS, then 16 MiB by name (before)": ours(16, most=42, bottom=0, by_size=False),
    "OS, then 16 MiB by size": ours(16, most=42, bottom=0),
    "16 MiB, ≥ 32 MiB below the OS": ours(16, most=42),
    "8 MiB, ≥ 32 MiB below the OS (now)": ours(),
    "the same, ≥ 8 MiB below the OS": ours(bottom=8),
    "the same, ≥ 128 MiB below the OS": ours(bottom=128),
    **{
        f"{limit} MiB, one in {one_in}": ours(limit, one_in)
        for limit in (4, 8, 16, 32, 64)
        for one_in in (6, 12, 24)
        if (limit, one_in) != (8, 12)
    },
}


# The year


def figures(history: Sequence[Day], changes: Changes, way: Way) -> Figures:
    """Add up what each update moves: to whoever had all images before."""
    moved, above, calm, layers = [], [], 0, 0
    seen: set[tuple[str, ...]] = set()
    old: list[tuple[str, ...]] = []
    torch: list[str] = []
    for day in history:
        groups = way(changes.on(day.when), day.items)
        keys = [tuple(item.digest for item in one) for one in groups]
        sizes = dict(
            zip(keys, (sum(x.size for x in one) for one in groups), strict=True)
        )
        now = [item.digest for item in day.items if item.name == "torch"]
        if old and keys != old:
            new = sum(size for key, size in sizes.items() if key not in seen)
            same = _same(old, keys)
            moved.append(new)
            above.append(sum(sizes[key] for key in keys[same:]))
            calm += new if now == torch else 0
        seen.update(keys)
        old, torch, layers = keys, now, max(layers, len(keys))
    return Figures(
        moved=sum(moved),
        above=sum(above),
        calm=calm,
        median=median(moved),
        layers=layers,
        updates=len(moved),
    )


def _same(old: Sequence[object], new: Sequence[object]) -> int:
    """How many layers from the bottom up are the same."""
    for number, (one, other) in enumerate(zip(old, new, strict=False)):
        if one != other:
            return number
    return min(len(old), len(new))


def report(history: Sequence[Day], changes: Changes) -> Iterator[str]:
    """The table of all ways."""
    yield (
        "| packages grouped | moved GB | without new torch | median MB "
        "| from the lowest change up GB | layers |"
    )
    yield "|---|---:|---:|---:|---:|---:|"
    for name, way in WAYS.items():
        found = figures(history, changes, way)
        yield (
            f"| {name} | {found.moved / 1e9:.1f} | {found.calm / 1e9:.2f} "
            f"| {found.median / 1e6:.1f} | {found.above / 1e9:.0f} | {found.layers} |"
        )


def rarely(history: Sequence[Day]) -> Iterator[str]:
    """How often packages change, by their size."""
    changed: dict[str, int] = {}
    largest: dict[str, int] = {}
    for before, after in pairwise(history):
        old = {item.name: item.digest for item in before.items}
        for item in after.items:
            different = item.name in old and old[item.name] != item.digest
            changed[item.name] = changed.get(item.name, 0) + different
            largest[item.name] = max(largest.get(item.name, 0), item.size)
    yield "| size | packages | changes a year, mean | most |"
    yield "|---|---:|---:|---:|"
    for low, high in ((32, 4096), (4, 32), (1, 4), (0, 1)):
        found = [
            changed[name]
            for name, size in largest.items()
            if low * MIB <= size < high * MIB
        ]
        mean = sum(found) / len(found)
        yield f"| {low} to {high} MiB | {len(found)} | {mean:.1f} | {max(found)} |"


def main() -> int:
    """Resolve what is not in the cache and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", default="3.13")
    parser.add_argument("--cache", type=Path, default=Path("year"))
    parser.add_argument("--last", type=date.fromisoformat, help="default: today")
    parser.add_argument("--every", type=int, default=1, help="days between updates")
    parser.add_argument("--json", type=Path, help="write all figures there")
    options = parser.parse_args()
    last = options.last or datetime.now(UTC).date()
    cache = options.cache.resolve()
    history = days(
        PACKAGES, python=options.python, last=last, every=options.every, cache=cache
    )
    changes = _system_changes(options.python, cache)
    size = sum(item.size for item in history[-1].items)
    total = sum(item.size for item in changes.debs)
    updates = figures(history, changes, one_each).updates
    print(
        f"{last - timedelta(days=365)} to {last}, Python {options.python}: {updates} "
        f"updates; {len(history[-1].items)} wheels of {size / 1e9:.2f} GB, "
        f"{len(changes.debs)} OS packages of {total / 1e6:.0f} MB at the end\n"
    )
    print("\n".join(report(history, changes)))
    print()
    print("\n".join(rarely(history)))
    if options.json:
        found = {
            name: asdict(figures(history, changes, way)) for name, way in WAYS.items()
        }
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


def _system_changes(python: str, cache: Path) -> Changes:
    """Build a small project of the same Python, for the packages of its OS."""
    project = Project(folder=cache / f"os-{python}", store=cache / "store")
    if not (project.folder / "firstlight.lock").exists():
        project.folder.mkdir(parents=True, exist_ok=True)
        (project.folder / "firstlight.toml").write_text(
            f'name = "year"\npython = "{python}"\npackages = ["einops"]\n'
        )
        project.command("lock")
        project.command("build")
    suite = next(one.suite for one in SUITES.values() if one.python == python)
    return os_changes(project, suite)


if __name__ == "__main__":
    sys.exit(main())
