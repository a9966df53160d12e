"""An image to a folder that can be a root: every layer once, roots by hard links."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import zstandard
from isal import igzip, igzip_lib, isal_zlib

from firstlight.digest import Digest
from firstlight.engine.extract import extract
from firstlight.engine.merge import make_mount_point, merge
from firstlight.engine.roots import root_path
from firstlight.errors import ArtefactError, DigestError, StoreError
from firstlight.oci.model import Image, Layer
from firstlight.progress import Progress, Task
from firstlight.store import Store

__all__ = ["unpack", "root_path"]

_PIECE = 256 << 10
_FOLDERS = (
    *(b"proc", b"sys", b"dev", b"tmp", b"run"),
    *(b"workspace", b"home/user", b"usr/local/nvidia"),
)
_FILES = (b"etc/resolv.conf", b"etc/hosts")
_DAMAGED = (
    tarfile.TarError,
    EOFError,
    gzip.BadGzipFile,
    zlib.error,
    zstandard.ZstdError,
    cast("type[Exception]", igzip_lib.error),  # Their stubs type them as values.
    cast("type[Exception]", isal_zlib.error),
    ValueError,
    OverflowError,
)

_open_gzip = cast("Callable[[BinaryIO], BinaryIO]", igzip.open)


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
                    merge(trees, folder, task)
                    _make_mount_points(os.fsencode(folder))
    return root


def _make_mount_points(root: bytes) -> None:
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
            progress.task("unpack", layer.title, layer.size) as task,
            store.folder(tree) as folder,
            store.read(layer.digest) as blob,
            _told(layer),
        ):
            _fill(os.fsencode(folder), layer, _Counted(blob, task, stop))


def _check_blob(layer: Layer, store: Store) -> None:
    if not store.has(layer.digest, layer.size):
        raise StoreError(
            f"layer {layer.title!r} ({layer.digest}) is not in the store, or was "
            "damaged there and removed",
            hint="run `firstlight build` again: only this layer is made anew",
        )


def _fill(folder: bytes, layer: Layer, blob: _Counted) -> None:
    plain = _Plain(_inflated(blob))
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


def _inflated(blob: _Counted) -> BinaryIO:
    """Open the blob by what its first bytes say: gzip, zstd or a plain tar."""
    stream = io.BufferedReader(blob, _PIECE)
    start = stream.peek(4)[:4]
    if start[:2] == b"\x1f\x8b":
        # Its reader is one C loop over the members: tens of thousands of tiny ones
        # cost no Python call each.
        return _open_gzip(stream)
    if start == b"\x28\xb5\x2f\xfd":
        reader = zstandard.ZstdDecompressor().stream_reader(
            stream, read_across_frames=True
        )
        return cast("BinaryIO", reader)
    return cast("BinaryIO", stream)


class _Counted(io.RawIOBase):
    """The blob's file; tells the task how much was read, and ends early when told."""

    def __init__(self, blob: BinaryIO, task: Task, stop: threading.Event) -> None:
        self._blob = blob
        self._task = task
        self._stop = stop

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer.

        Raises:
            CancelledError: when another layer failed, or a person interrupted.
        """
        if self._stop.is_set():
            raise CancelledError
        size = cast("io.BufferedReader", self._blob).readinto(buffer)
        self._task.advance(size)
        return size


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
    except _DAMAGED as error:
        raise ArtefactError(
            f"layer {layer.title!r} ({layer.digest}) is damaged: {error}",
            hint="run `firstlight cache check`, then `firstlight build` again",
        ) from error


def _hex(digest: Digest) -> str:
    return digest.removeprefix("sha256:")
