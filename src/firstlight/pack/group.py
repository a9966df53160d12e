"""Which packages share a layer: few layers, and a change moves little.

A large package has a layer of its own. Small ones, sorted by name, are cut where the
hash of a name says so (as content-defined chunking cuts files) or where a group is
full. So adding, removing or updating one package changes its own group and leaves
every other layer the same, bit for bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from firstlight.digest import Digest

__all__ = ["Item", "group", "MAX_LAYERS"]

MAX_LAYERS = 60
"""Overlay file systems take 127 layers; half leaves room for those who build on."""

_CUT = 12
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
    items: Sequence[Item], *, limit: int, most: int = MAX_LAYERS
) -> list[tuple[Item, ...]]:
    """Return the items in groups of at most `limit` bytes, larger ones alone.

    `limit` is doubled until there are at most `most` groups. A pure function of names
    and sizes; the order of the input does not matter.
    """
    ordered = sorted(items, key=lambda item: (item.name, item.filename))
    while True:
        groups = _cut(ordered, limit)
        if len(groups) <= most:
            return groups
        limit *= 2


def _cut(ordered: Sequence[Item], limit: int) -> list[tuple[Item, ...]]:
    large = [(item,) for item in ordered if item.size * 2 > limit]
    groups: list[tuple[Item, ...]] = []
    current: list[Item] = []
    size = 0
    for item in ordered:
        if item.size * 2 > limit:
            continue
        if current and size + item.size > limit:
            groups.append(tuple(current))
            current, size = [], 0
        current.append(item)
        size += item.size
        if _ends_group(item.name):
            groups.append(tuple(current))
            current, size = [], 0
    if current:
        groups.append(tuple(current))
    return large + groups


def _ends_group(name: str) -> bool:
    return hashlib.sha256(name.encode()).digest()[0] % _CUT == 0
