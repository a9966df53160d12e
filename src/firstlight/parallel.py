"""Pieces of work on all cores; when one fails, or a person interrupts, all end."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Collection, Hashable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, BinaryIO, Generic, Protocol, TypeVar, cast

from firstlight.progress import Task

__all__ = ["GuardedSink", "Sink", "StoppedError", "WatchedFile", "Workers"]

Key = TypeVar("Key", bound=Hashable)
Made = TypeVar("Made")


class StoppedError(Exception):
    """Another piece of the work failed, or the user pressed Ctrl-C."""


class Sink(Protocol):
    """Where bytes go; `firstlight.store.BlobWriter` is one."""

    def write(self, data: bytes | memoryview) -> int:
        """Take the next bytes."""


@dataclass(slots=True)
class GuardedSink:
    """A sink that ends the work behind it when `stop` is set."""

    sink: Sink
    stop: threading.Event

    def write(self, data: bytes | memoryview) -> int:
        """Pass the bytes on, unless the work was stopped."""
        if self.stop.is_set():
            raise StoppedError
        return self.sink.write(data)


class WatchedFile(io.RawIOBase):
    """A file that tells a task how much was read, and ends the work when told."""

    def __init__(self, file: BinaryIO, task: Task, stop: threading.Event) -> None:
        self._file = file
        self._task = task
        self._stop = stop

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer.

        Raises:
            StoppedError: when another piece failed, or a person interrupted.
        """
        if self._stop.is_set():
            raise StoppedError
        size = cast("io.BufferedReader", self._file).readinto(buffer)
        self._task.advance(size)
        return size


class Workers(Generic[Key, Made]):
    """Threads that do pieces of work, each under a key of its own.

    A context manager: whatever still runs at its end is told to stop, and waited for.
    """

    def __init__(self, jobs: int) -> None:
        self._pool = ThreadPoolExecutor(jobs)
        self._stop = threading.Event()
        self._futures: dict[Key, Future[Made]] = {}

    def __enter__(self) -> Workers[Key, Made]:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def start(self, key: Key, work: Callable[[threading.Event], Made]) -> None:
        """Begin a piece of work unless its key was begun before."""
        if key not in self._futures:
            self._futures[key] = self._pool.submit(work, self._stop)

    def keep(self, keys: Collection[Key]) -> None:
        """Drop the pieces with other keys: they were begun in vain."""
        for key in self._futures.keys() - set(keys):
            self._futures.pop(key).cancel()

    def results(self, keys: Sequence[Key]) -> list[Made]:
        """Wait for everything and return what these pieces gave.

        Raises the first error of a piece, after all others have ended.
        """
        wait(self._futures.values(), return_when=FIRST_EXCEPTION)
        self._end()
        for future in self._futures.values():
            error = None if future.cancelled() else future.exception()
            if error is not None and not isinstance(error, StoppedError):
                raise error
        return [self._futures[key].result() for key in keys]

    def _end(self) -> None:
        if not all(each.done() for each in self._futures.values()):
            self._stop.set()
        self._pool.shutdown(cancel_futures=True)
