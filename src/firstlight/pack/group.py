"""Which packages share a layer: few layers, and a change moves little.

A large package has a layer of its own. Small ones, sorted by name, are cut where the
hash of a name says so (as content-defined chunking cuts files) or where a group is
full. So adding, removing or updating one package changes its own group and leaves
every other layer the same, bit for bit.

Container engines unpack anew whatever lies above a layer that changed, and many of them
fetch it anew. So packages come by size, the largest at the bottom, since those change
most rarely; and small ones that change most often are on top.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from firstlight.digest import Digest

__all__ = ["Item", "group", "MAX_LAYERS"]

MAX_LAYERS = 60
"""Overlay file systems take 127 layers; half leaves room for those who build on."""

_ONE_IN = 12
"""On average one package in so many ends its group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A package file that goes into some layer: its name, digest and size in bytes."""

    name: str
    version: str
    filename: str
    digest: Digest
    size: int
    path: Path


def group(
    items: Sequence[Item],
    *,
    limit: int,
    most: int = MAX_LAYERS,
    one_in: int = _ONE_IN,
    top: Collection[str] = (),
) -> list[tuple[Item, ...]]:
    """Return the items in groups of at most `limit` bytes, larger ones alone and first.

    A pure function of names and sizes; the order of the input does not matter.

    Args:
        most: Groups at most, at least two; `limit` and `one_in` are doubled until so.
        one_in: On average one package in so many ends its group.
        top: Names of those that come last, in groups of their own, if they are small.
    """
    ordered = sorted(items, key=lambda item: (item.name, item.filename))
    while True:
        large = [item for item in ordered if item.size * 2 > limit]
        small = [item for item in ordered if item.size * 2 <= limit]
        groups = [
            *((item,) for item in sorted(large, key=lambda item: -item.size)),
            *_cut([item for item in small if item.name not in top], limit, one_in),
            *_cut([item for item in small if item.name in top], limit, one_in),
        ]
        if len(groups) <= most:
            return groups
        limit, one_in = limit * 2, one_in * 2


def _cut(ordered: Sequence[Item], limit: int, one_in: int) -> list[tuple[Item, ...]]:
    groups: list[tuple[Item, ...]] = []
    current: list[Item] = []
    size = 0
    for item in ordered:
        if current and size + item.size > limit:
            groups.append(tuple(current))
            current, size = [], 0
        current.append(item)
        size += item.size
        if _ends_group(item.name, one_in):
            groups.append(tuple(current))
            current, size = [], 0
    if current:
        groups.append(tuple(current))
    return groups


def _ends_group(name: str, one_in: int) -> bool:
    mark = hashlib.sha256(name.encode()).digest()[:8]
    return int.from_bytes(mark) % one_in == 0
