"""Debian versions, ordered as the Debian policy orders them."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["Key", "satisfies", "version_key"]

Part = tuple[tuple[int, ...] | int, ...]
Key = tuple[int, Part, Part]

_PARTS = re.compile(r"(\D*)(\d*)")
_END = (0,)


@lru_cache(maxsize=1 << 16)
def version_key(version: str) -> Key:
    """Return what sorts like the version: epoch, upstream version, revision.

    A text that is no version gets a key too: archives decide what they call a version.
    """
    epoch, colon, rest = version.strip().partition(":")
    if not colon or not epoch.isdecimal():
        epoch, rest = "0", version.strip()
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, ""
    return int(epoch[:18]), _part(upstream), _part(revision)


def _part(text: str) -> Part:
    pairs: list[tuple[tuple[int, ...], int]] = [
        ((*map(_order, word), 0), int(number or "0"))
        for word, number in _PARTS.findall(text)
        if word or number
    ]
    # A missing part equals zero, so "1" and "1-0" are the same version.
    while pairs and pairs[-1] == (_END, 0):
        pairs.pop()
    # The end sorts after a tilde and before everything else.
    return (*(one for pair in pairs for one in pair), _END, 0)


def _order(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) + (0 if character.isalpha() else 256)


def satisfies(version: str, relation: str, wanted: str) -> bool:
    """Whether a version stands in the relation (``>=``, ``<<``…) to another one.

    An empty relation is always satisfied.
    """
    if not relation:
        return True
    found, other = version_key(version), version_key(wanted)
    match relation:
        case "=":
            return found == other
        case ">>":
            return found > other
        case "<<":
            return found < other
        case ">=" | ">":
            return found >= other
    return found <= other
