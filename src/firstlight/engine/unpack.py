"""An image to a folder that can be a root: every layer once, roots by hard links."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from firstlight.digest import Digest
from firstlight.engine.extract import extract
from firstlight.engine.merge import make_mount_point, merge
from firstlight.engine.roots import root_path
from firstlight.errors import ArtefactError, DigestError, StoreError
from firstlight.oci.model import Image, Layer
from firstlight.oci.plain import DAMAGED, open_plain
from firstlight.parallel import WatchedFile
from firstlight.progress import Progress, Task
from firstlight.store import Store

__all__ = ["lay_root", "root_path", "unpack"]

_PIECE = 256 << 10
_FOLDERS = (
    *(b"proc", b"sys", b"dev", b"tmp", b"run"),
    *(b"workspace", b"home/user", b"usr/local/nvidia"),
)
_FILES = (b"etc/resolv.conf", b"etc/hosts")


def unpack(image: Image, store: Store, progress: Progress | None = None) -> Path:
    """Return the image's root folder, unpacking only what was never unpacked before.

    Raises:
        StoreError: when a layer is not in the store, or the disk is full.
        ArtefactError: when a layer is damaged or hostile; nothing of it is kept.
    """
    progress = progress or Progress()
    root = root_path(image, store)
    with store.held():
        if root.is_dir():
            return root
        trees = _unpack_layers(image, store, progress)
        with store.once(f"root-{root.name[:32]}"):
            if not root.is_dir():
                with (
                    progress.task("link", image.name, len(trees)) as task,
                    store.folder(root) as folder,
                ):
                    lay_root(trees, folder, task)
    return root


def lay_root(trees: Sequence[Path], folder: Path, task: Task | None = None) -> None:
    """Fill an empty folder with the root that unpacked layers give together."""
    merge(trees, folder, task)
    root = os.fsencode(folder)
    for path in _FOLDERS:
        make_mount_point(root, path)
    for path in _FILES:
        make_mount_point(root, path, is_file=True)


def _unpack_layers(image: Image, store: Store, progress: Progress) -> list[Path]:
    trees = [store.root / "trees" / _hex(layer.diff_id) for layer in image.layers]
    missing = {
        layer.diff_id: layer
        for layer, tree in zip(image.layers, trees, strict=True)
        if not tree.is_dir()
    }
    largest_first = sorted(missing.values(), key=lambda layer: -layer.size)
    stop = threading.Event()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        running = [
            pool.submit(_unpack_layer, layer, store, progress, stop)
            for layer in largest_first
        ]
        try:
            for each in as_completed(running):
                each.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return trees


def _unpack_layer(
    layer: Layer, store: Store, progress: Progress, stop: threading.Event
) -> None:
    tree = store.root / "trees" / _hex(layer.diff_id)
    with store.once(f"tree-{tree.name[:32]}"):
        if tree.is_dir():
            return
        _check_blob(layer, store)
        with (
            _suspected(layer, store),
            progress.task("unpack", layer.title, layer.size) as task,
            store.folder(tree) as folder,
            store.read(layer.digest) as blob,
            _told(layer),
        ):
            _fill(os.fsencode(folder), layer, WatchedFile(blob, task, stop))


def _check_blob(layer: Layer, store: Store) -> None:
    if not store.has(layer.digest, layer.size):
        raise _gone(layer)


@contextmanager
def _suspected(layer: Layer, store: Store) -> Iterator[None]:
    """Hash the blob of a layer that cannot be unpacked: it may have been damaged here.

    A disk that loses bits changes no time of a file, by which it would be noticed.
    """
    try:
        yield
    except ArtefactError as error:
        if store.intact(layer.digest):
            raise
        raise _gone(layer) from error


def _gone(layer: Layer) -> StoreError:
    return StoreError(
        f"layer {layer.title!r} ({layer.digest}) is not in the store, or was "
        "damaged there and removed",
        hint="run `firstlight build` again: only this layer is made anew",
    )


def _fill(folder: bytes, layer: Layer, blob: WatchedFile) -> None:
    plain = _Plain(open_plain(blob))
    stream = io.BufferedReader(plain, _PIECE)
    extract(cast("BinaryIO", stream), folder, layer.title)
    while stream.read(_PIECE):
        pass
    if plain.digest != layer.diff_id:
        raise DigestError(
            f"layer {layer.title!r}: its content is {plain.digest}, not "
            f"{layer.diff_id} as the image says",
            hint="run `firstlight cache check`, then `firstlight build` again",
        )


class _Plain(io.RawIOBase):
    """The tar, hashed while it passes; can skip forward, as `tarfile` wants to."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = cast("io.BufferedReader", stream)
        self._hash = hashlib.sha256()
        self._position = 0

    @property
    def digest(self) -> Digest:
        """The digest of everything that passed."""
        return Digest("sha256:" + self._hash.hexdigest())

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes, but only forward."""
        return True

    def tell(self) -> int:
        """How many bytes passed."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Read and hash up to a position further on."""
        if whence == os.SEEK_CUR:
            offset += self._position
        if whence == os.SEEK_END or offset < self._position:
            raise io.UnsupportedOperation("a layer is read forward only")
        room = memoryview(bytearray(min(_PIECE, offset - self._position)))
        while self._position < offset:
            if not self.readinto(room[: offset - self._position]):
                break
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer."""
        size = self._stream.readinto(buffer)
        self._hash.update(memoryview(buffer)[:size])
        self._position += size
        return size


@contextmanager
def _told(layer: Layer) -> Iterator[None]:
    """Turn every way a hostile stream can fail into one error that names the layer."""
    try:
        yield
    except DAMAGED as error:
        raise ArtefactError(
            f"layer {layer.title!r} ({layer.digest}) is damaged: {error}",
            hint="run `firstlight cache check`, then `firstlight build` again",
        ) from error


def _hex(digest: Digest) -> str:
    return digest.removeprefix("sha256:")
