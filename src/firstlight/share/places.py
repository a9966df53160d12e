"""Remembers in which repositories a blob is, so that a registry can take it from there.

It is a hint: where a blob has gone meanwhile, it is sent as if nothing were known.
"""

from __future__ import annotations

from collections.abc import Iterable

from firstlight.digest import Digest
from firstlight.oci.reference import Reference
from firstlight.store import Store

__all__ = ["remember", "sources"]

_KIND = "places"
_MOST = 8


def remember(store: Store, blobs: Iterable[Digest], reference: Reference) -> None:
    """Note that a repository has blobs; the last few repositories are kept."""
    for blob in blobs:
        known = _places(store, blob)
        if reference.name not in known:
            store.record(_KIND, blob, [reference.name, *known][:_MOST])


def sources(store: Store, blob: Digest, reference: Reference) -> tuple[str, ...]:
    """Return other repositories of the same registry that had a blob."""
    start = f"{reference.registry}/"
    return tuple(
        place.removeprefix(start)
        for place in _places(store, blob)
        if place.startswith(start) and place != reference.name
    )


def _places(store: Store, blob: Digest) -> list[str]:
    found = store.fact(_KIND, blob)
    listed = found if isinstance(found, list) else []
    return [place for place in listed if isinstance(place, str)]
