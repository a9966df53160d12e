"""What of the store is damaged: every blob is hashed, and nothing believed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from threading import Event

from firstlight.digest import Digest, parse_digest
from firstlight.errors import ArtefactError
from firstlight.parallel import StoppedError, Workers
from firstlight.progress import Progress, Task
from firstlight.store import Store

__all__ = ["Checked", "check"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found: blobs read, those that were damaged, those that have gone.

    Damaged ones are removed. `lost` were here once, and were not removed by pruning.
    """

    blobs: int = 0
    bytes: int = 0
    damaged: tuple[Digest, ...] = ()
    lost: tuple[Digest, ...] = ()


def check(store: Store, *, jobs: int = 1, progress: Progress | None = None) -> Checked:
    """Hash every blob, several at once; remove the damaged ones."""
    progress = progress or Progress()
    with store.held():
        lost = _lost(store)
        sizes = _sizes(store)
        total = sum(sizes.values())
        workers = Workers[Digest, bool](jobs)
        with progress.task("check", f"{len(sizes)} blobs", total) as task, workers:
            for digest in sizes:
                workers.start(digest, partial(_is_whole, store, digest, task))
            whole = workers.results(list(sizes))
    pairs = zip(sizes, whole, strict=True)
    damaged = tuple(digest for digest, is_whole in pairs if not is_whole)
    return Checked(blobs=len(sizes), bytes=total, damaged=damaged, lost=lost)


def _is_whole(store: Store, digest: Digest, task: Task, stop: Event) -> bool:
    def heard(size: int) -> None:
        if stop.is_set():
            raise StoppedError
        task.advance(size)

    return store.intact(digest, heard)


def _sizes(store: Store) -> dict[Digest, int]:
    """The blobs, the largest first: so no core waits for a last one."""
    found = {}
    for path in (store.root / "blobs" / "sha256").iterdir():
        digest = _digest(path.name)
        if digest is not None:
            found[digest] = path.stat().st_size
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _lost(store: Store) -> tuple[Digest, ...]:
    """What was verified here once, and neither is here nor was pruned."""
    stamps = (store.root / "facts" / "stamp").glob("*.json")
    found = [digest for path in stamps if (digest := _digest(path.stem)) is not None]
    return tuple(sorted(each for each in found if not store.path(each).exists()))


def _digest(name: str) -> Digest | None:
    try:
        return parse_digest(name)
    except ArtefactError:
        return None
