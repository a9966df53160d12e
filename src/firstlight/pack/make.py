"""Recipes to layers: made on all cores, or copied when their facts are known."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from firstlight.digest import Digest
from firstlight.errors import DigestError, MismatchError
from firstlight.lock.lockfile import LayerFact
from firstlight.oci.model import Layer
from firstlight.pack.layer import write_layer
from firstlight.pack.plan import Plan, Recipe
from firstlight.parallel import GuardedSink, Workers
from firstlight.progress import Progress
from firstlight.store import BlobWriter, Store

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

__all__ = ["make_layers", "remake_layers"]


def make_layers(
    plan: Plan,
    promised: Sequence[LayerFact],
    *,
    jobs: int,
    store: Store,
    progress: Progress,
) -> list[Layer]:
    """Return the layers, each in the store.

    Args:
        promised: What the lock says the layers are; believed, and held against what
            comes out.

    Raises:
        MismatchError: when the locked packages give another layer than promised.
        ArtefactError, StoreError: as their names say.
    """
    locked = {fact.key: fact for fact in promised}

    def make(recipe: Recipe, stop: threading.Event) -> Layer:
        fact = locked.get(recipe.key)
        known = fact or _fact(store, recipe)
        layer = _copied(recipe, known, store, progress, stop) if known else None
        if layer is None:
            layer = _made(recipe, store, progress, stop)
        if fact is not None and layer.digest != fact.digest:
            raise MismatchError(
                f"layer {recipe.title}: its locked packages give {layer.digest}, "
                f"firstlight.lock says {fact.digest}",
                hint="the lock was edited or damaged; restore it, or lock again",
            )
        store.record("layer", recipe.key, _facts_json(layer))
        return layer

    return _in_parallel(plan, jobs, make)


def remake_layers(plan: Plan, *, jobs: int, progress: Progress) -> list[Layer]:
    """Make every layer only to know its digests; believes and writes nothing."""
    return _in_parallel(
        plan, jobs, lambda recipe, stop: _remake(recipe, progress, stop)
    )


def _in_parallel(
    plan: Plan, jobs: int, make: Callable[[Recipe, threading.Event], Layer]
) -> list[Layer]:
    """Make the layers on all cores, the heaviest first; stop all when one fails."""
    with Workers[Digest, Layer](jobs) as workers:

        def start(recipes: Sequence[Recipe]) -> None:
            for recipe in sorted(recipes, key=lambda recipe: -recipe.weight):
                workers.start(recipe.key, partial(make, recipe))

        start(plan.likely(jobs))
        recipes = plan.recipes()
        keys = [recipe.key for recipe in recipes]
        workers.keep(keys)
        start(recipes)
        return workers.results(keys)


def _copied(
    recipe: Recipe,
    known: LayerFact,
    store: Store,
    progress: Progress,
    stop: threading.Event,
) -> Layer | None:
    """The layer as the facts have it, copied when not here; None if they are wrong."""
    layer = Layer(
        digest=known.digest,
        diff_id=known.diff_id,
        size=known.size,
        title=recipe.title,
        recipe=recipe.key,
    )
    if store.has(known.digest, known.size):
        return layer
    try:
        with (
            progress.task("layer", recipe.title, known.size) as task,
            store.writing(known.digest, recipe.title) as out,
        ):
            guard = GuardedSink(out, stop)
            write_layer(recipe.entries(), guard, task=task, inflate=False)
    except DigestError:
        return None
    return layer


def _made(
    recipe: Recipe, store: Store, progress: Progress, stop: threading.Event
) -> Layer:
    with (
        progress.task("layer", recipe.title, recipe.size) as task,
        store.writing(name=recipe.title) as out,
    ):
        diff_id = write_layer(recipe.entries(), GuardedSink(out, stop), task=task)
    return _layer(recipe, out, diff_id)


def _remake(recipe: Recipe, progress: Progress, stop: threading.Event) -> Layer:
    """Make a layer only to know its digests."""
    out = BlobWriter(io.BufferedWriter(_Nowhere()))
    with progress.task("layer", recipe.title, recipe.size) as task:
        diff_id = write_layer(recipe.entries(), GuardedSink(out, stop), task=task)
    return _layer(recipe, out, diff_id)


class _Nowhere(io.RawIOBase):
    """Takes bytes and forgets them."""

    def writable(self) -> bool:
        """Bytes may come."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Count the bytes as written."""
        return memoryview(data).nbytes


def _facts_json(layer: Layer) -> dict[str, Any]:
    return {"digest": layer.digest, "diff_id": layer.diff_id, "size": layer.size}


def _layer(recipe: Recipe, out: BlobWriter, diff_id: Digest | None) -> Layer:
    assert diff_id is not None
    return Layer(
        digest=out.digest,
        diff_id=diff_id,
        size=out.size,
        title=recipe.title,
        recipe=recipe.key,
    )


def _fact(store: Store, recipe: Recipe) -> LayerFact | None:
    match store.fact("layer", recipe.key):
        case {"digest": str(blob), "diff_id": str(diff_id), "size": int(size)}:
            return LayerFact(
                key=recipe.key,
                title=recipe.title,
                digest=Digest(blob),
                diff_id=Digest(diff_id),
                size=size,
            )
        case _:
            return None
