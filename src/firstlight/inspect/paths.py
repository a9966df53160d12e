"""Two layers that should be one, compared file by file."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import BinaryIO

from firstlight.digest import Digest
from firstlight.encoding.estargz import write_estargz
from firstlight.inspect.blob import File, listing, reading
from firstlight.inspect.opened import Source
from firstlight.oci.model import Descriptor, Layer
from firstlight.pack.group import Item
from firstlight.pack.layer import write_layer
from firstlight.pack.plan import Recipe
from firstlight.pack.shelf import Shelf
from firstlight.parallel import GuardedSink
from firstlight.progress import Progress
from firstlight.store import BlobWriter, Store

__all__ = ["PathChange", "Remade", "compare_files"]

_NO_FILES = "they differ in bytes that belong to no file: order, padding or headers"
_WORDS = {"digest": "content", "uid": "owner", "gid": "group", "link": "target"}
_OCTAL = ("mode",)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathChange:
    """One path that is not the same in both layers; `package` is whose it should be."""

    path: str
    how: str
    package: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remade:
    """A rebuilt layer that can be made once more, to look into it."""

    layer: Layer
    recipe: Recipe
    shelf: Shelf
    store: Store
    progress: Progress
    stop: threading.Event

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages whose files it holds."""
        return tuple(item.name.partition(":")[0] for item in self.recipe.packages)

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Its blob, for as long as the block runs; it never gets into the store."""
        with self.store.scratch() as folder:
            path = Path(folder, "layer")
            with (
                self.progress.task("layer", self.layer.title, self.layer.size) as task,
                path.open("wb") as out,
            ):
                sink = GuardedSink(BlobWriter(out), self.stop)
                write_layer(self.recipe.entries(), sink, task=task)
            with path.open("rb") as blob:
                yield blob

    def files(self) -> dict[str, File]:
        """Its files by path."""
        title, size = self.layer.title, self.layer.size
        with self.opened() as blob, reading(blob, title=title, size=size) as read:
            return listing(read)

    def indexed(self) -> Digest:
        """The diffID that it has with an eStargz table of contents inside."""
        with self.opened() as blob:
            sink = GuardedSink(_Nowhere(), self.stop)
            return write_estargz(blob, sink, embedded=True).diff_id

    def owner(self, path: str) -> str:
        """The package that a path should come from, empty when that is not certain."""
        if len(self.packages) == 1:
            return self.packages[0]
        for item in self.recipe.packages:
            if path in self._installed(item):
                return item.name
        return ""

    def _installed(self, item: Item) -> Mapping[str, str]:
        if not item.filename.endswith(".whl"):
            return {}
        return self.shelf.listing(item)


class _Nowhere:
    """Takes bytes and forgets them."""

    def write(self, data: bytes | memoryview) -> int:
        """Count the bytes as written."""
        return len(data)


def compare_files(
    remade: Remade, source: Source, layer: Descriptor, title: str
) -> tuple[tuple[PathChange, ...], str]:
    """Return which paths differ, sorted, and what is to say where none does.

    Raises:
        ArtefactError: when the published layer cannot be read as one.
    """
    with (
        source.open(layer) as blob,
        reading(blob, title=title, size=layer.size) as read,
    ):
        found = listing(read)
    expected = remade.files()
    changes = tuple(
        PathChange(
            path=path,
            how=_how(expected.get(path), found.get(path)),
            package=remade.owner(path),
        )
        for path in sorted({*expected, *found})
        if expected.get(path) != found.get(path)
    )
    return changes, "" if changes else _NO_FILES


def _how(expected: File | None, found: File | None) -> str:
    if expected is None:
        return "only in the published image"
    if found is None:
        return "missing in the published image"
    words = []
    for field in fields(File):
        before, after = getattr(expected, field.name), getattr(found, field.name)
        if before == after:
            continue
        name = _WORDS.get(field.name, field.name)
        if field.name in _OCTAL:
            words.append(f"{name} {before:04o} became {after:04o}")
        elif field.name in ("digest", "attributes"):
            words.append(f"other {name}")
        else:
            words.append(f"{name} {before} became {after}")
    return ", ".join(words)
