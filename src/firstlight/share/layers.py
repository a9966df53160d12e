"""Layers from a registry, each inflated and verified while the next ones still arrive.

A registry promises a blob's digest; the configuration, which is the image's identity,
promises the digest of the tar inside (diffID). Only inflating tells whether both belong
together, so it is done once for each blob and then remembered, and not at all where the
lock itself knows the pair.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from firstlight.digest import Digest
from firstlight.errors import DigestError
from firstlight.oci.model import TITLE, Descriptor, Layer
from firstlight.oci.registry import Repository
from firstlight.parallel import WatchedFile, Workers
from firstlight.progress import Progress
from firstlight.share.inflate import inflated_digest, most_inside
from firstlight.store import Store

__all__ = ["bring"]

_KIND = "diff-id"
_LOOK_SECONDS = 0.02
_Pair = tuple[Digest, Digest]
_Checks = Workers[_Pair, None]


def bring(
    layers: Sequence[Layer],
    repository: Repository,
    store: Store,
    *,
    vouched: Mapping[Digest, Digest],
    jobs: int,
    progress: Progress,
) -> None:
    """Let every layer be in the store, and be what the configuration says.

    Args:
        vouched: The diffID of blobs as the lock knows it; these are not inflated.

    Raises:
        DigestError: when what is inside a blob is not what the configuration says.
        ArtefactError: when a blob is damaged.
        NetworkError: when it cannot be had.
    """
    unknown = [each for each in layers if not _is_known(each, store, vouched)]
    missing = {each.digest: each for each in layers if not _is_here(each, store)}

    def check(layer: Layer, stop: threading.Event) -> None:
        _check(layer, store, progress, stop)

    done = threading.Event()
    with _Checks(jobs) as checks, ThreadPoolExecutor(1) as follower:
        try:
            following = follower.submit(_follow, unknown, store, checks, check, done)
            repository.fetch([_descriptor(layer) for layer in missing.values()])
            following.result()
        finally:
            done.set()
        checks.results([_pair(layer) for layer in unknown])


def _pair(layer: Layer) -> _Pair:
    return layer.digest, layer.diff_id


def _is_here(layer: Layer, store: Store) -> bool:
    return store.has(layer.digest, layer.size)


def _descriptor(layer: Layer) -> Descriptor:
    return Descriptor(
        media_type=layer.media_type,
        digest=layer.digest,
        size=layer.size,
        annotations=((TITLE, layer.title),),
    )


def _is_known(layer: Layer, store: Store, vouched: Mapping[Digest, Digest]) -> bool:
    known = vouched.get(layer.digest) or store.fact(_KIND, layer.digest)
    if known is not None and known != layer.diff_id:
        raise _differs(layer, str(known))
    return known is not None


def _follow(
    layers: Sequence[Layer],
    store: Store,
    checks: _Checks,
    check: Callable[[Layer, threading.Event], None],
    done: threading.Event,
) -> None:
    """Start a check as soon as its blob is there; a blob appears only whole."""
    waiting = list(layers)
    while waiting:
        there = [each for each in waiting if store.path(each.digest).exists()]
        for layer in there:
            checks.start(_pair(layer), partial(check, layer))
        waiting = [each for each in waiting if each not in there]
        if waiting and done.wait(_LOOK_SECONDS):
            return


def _check(
    layer: Layer, store: Store, progress: Progress, stop: threading.Event
) -> None:
    with (
        progress.task("verify", layer.title, layer.size) as task,
        store.read(layer.digest) as blob,
    ):
        file = WatchedFile(blob, task, stop)
        found = inflated_digest(file, most_inside(layer.size), layer.title)
    if found != layer.diff_id:
        raise _differs(layer, found)
    store.record(_KIND, layer.digest, found)


def _differs(layer: Layer, found: str) -> DigestError:
    return DigestError(
        f"layer {layer.title!r} ({layer.digest}): its content is {found}, not "
        f"{layer.diff_id} as the image's configuration says",
        hint="the image is damaged or was tampered with; pull it from somewhere else, "
        "or let whoever made it push it again",
    )
