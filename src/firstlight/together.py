"""Several transfers at once; the first error, or Ctrl-C, ends all of them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from firstlight.web import Stop

__all__ = ["aside", "for_all"]

_T = TypeVar("_T")
_R = TypeVar("_R")


def for_all(
    items: Sequence[_T], work: Callable[[_T, Stop], _R], *, workers: int, name: str
) -> list[_R]:
    """Return what the work gives for every item, in their order.

    The first error is raised here, after the other threads were told to end. Unlike
    `firstlight.parallel` it does not wait for one that is stuck in a connection.
    """
    crew = _Crew(items, work)
    for number in range(len(items)):
        crew.waiting.put(number)
    # Daemon threads, so that one stuck in a connection does not delay Ctrl-C.
    threads = [
        threading.Thread(target=crew.run, name=name, daemon=True)
        for _ in range(min(workers, len(items)))
    ]
    try:
        for thread in threads:
            crew.waiting.put(None)
            thread.start()
        for _ in items:
            failure = crew.done.get()
            if failure is not None:
                raise failure
    finally:
        crew.stop.now()
        # Ctrl-C may come while they are being started; the last one then never was.
        for thread in threads:
            if thread.is_alive():
                thread.join(timeout=2)
    return [crew.results[number] for number in range(len(items))]


def aside(work: Callable[[], _R], *, name: str) -> Callable[[], _R]:
    """Begin some work beside one's own; what is returned waits for its result.

    An error of the work is raised by whoever waits. Nobody waits after Ctrl-C.
    """
    crew = _Crew((None,), lambda _, stop: work())
    crew.waiting.put(0)
    crew.waiting.put(None)
    threading.Thread(target=crew.run, name=name, daemon=True).start()

    def result() -> _R:
        failure = crew.done.get()
        if failure is not None:
            raise failure
        return crew.results[0]

    return result


@dataclass(frozen=True, slots=True)
class _Crew(Generic[_T, _R]):
    """What the threads share."""

    items: Sequence[_T]
    work: Callable[[_T, Stop], _R]
    stop: Stop = field(default_factory=Stop)
    results: dict[int, _R] = field(default_factory=dict)
    waiting: queue.SimpleQueue[int | None] = field(default_factory=queue.SimpleQueue)
    done: queue.SimpleQueue[BaseException | None] = field(
        default_factory=queue.SimpleQueue
    )

    def run(self) -> None:
        while (
            number := self.waiting.get()
        ) is not None and not self.stop.event.is_set():
            try:
                self.results[number] = self.work(self.items[number], self.stop)
                self.done.put(None)
            except BaseException as error:
                # Handed to the thread that waits, which raises it.
                self.done.put(error)
