"""Work shared out to several processes, which end when this one does."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from firstlight.errors import FirstlightError
from firstlight.lint.garbage import without_garbage
from firstlight.lint.write import SIGNALS, uninterrupted

__all__ = ["cores", "shares", "spread"]

_T = TypeVar("_T")
_SHARE = 150_000
"""Bytes of pages that are worth a process."""
_CHUNKS = 6
"""Shares for each process, so that none waits long for the last one."""


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def shares(
    paths: Sequence[str], sizes: Sequence[int], jobs: int
) -> tuple[list[list[str]], int]:
    """Return pages in shares of about equal size, and how many processes they are for.

    They follow each other as the paths do, so that one share reads from one folder.

    Args:
        paths: The pages.
        sizes: Their bytes.
        jobs: How many processes there may be; few bytes are not worth them all.
    """
    total = sum(sizes)
    workers = max(1, min(jobs, total // _SHARE))
    limit = total / (workers * _CHUNKS) if workers > 1 else total
    found: list[list[str]] = []
    filled: float = limit
    for path, size in zip(paths, sizes, strict=True):
        if filled >= limit:
            found.append([])
            filled = 0
        found[-1].append(path)
        filled += size
    return found, workers


def spread(
    work: Callable[[_T], bytes], chunks: Sequence[_T], jobs: int
) -> Iterator[bytes]:
    """Yield what `work` returns for each chunk, in no particular order.

    A process takes the next chunk when it is done with one, so none waits for another.

    Raises:
        FirstlightError: when a process ends before its work is done.
    """
    jobs = min(jobs, len(chunks))
    if jobs <= 1:
        with without_garbage():
            answers = [work(chunk) for chunk in chunks]
        yield from answers
        return
    gc.freeze()  # What is there now stays shared when nothing looks at it.
    crew: list[tuple[Any, Connection]] = []
    try:
        with uninterrupted():  # No process is started and then forgotten.
            _start(crew, work, chunks, jobs)
        yield from _results([end for _, end in crew], len(chunks))
    finally:
        for worker, _ in crew:
            worker.terminate()
        for worker, end in crew:
            worker.join()
            worker.close()
            end.close()
        gc.unfreeze()


def _start(
    crew: list[tuple[Any, Connection]],
    work: Callable[[_T], bytes],
    chunks: Sequence[_T],
    jobs: int,
) -> None:
    # To fork costs next to nothing, but elsewhere libraries do not bear it.
    context: Any = multiprocessing.get_context(
        "fork" if sys.platform == "linux" else "spawn"
    )
    following = context.Value("i", 0)
    for _ in range(jobs):
        ours, theirs = context.Pipe(duplex=False)
        worker = context.Process(
            target=_worker, args=(work, chunks, following, theirs), daemon=True
        )
        worker.start()
        theirs.close()
        crew.append((worker, ours))


def _results(ends: Sequence[Connection], missing: int) -> Iterator[bytes]:
    open_ends = list(ends)
    while missing and open_ends:
        for end in wait(open_ends):
            try:
                yield end.recv_bytes()  # type: ignore[union-attr]
                missing -= 1
            except EOFError:
                open_ends.remove(end)  # type: ignore[arg-type]
    if missing:
        raise FirstlightError(
            "a process that checked pages ended before its work was done",
            hint="see what it said above, or try with one process: --jobs 1",
        )


def _worker(
    work: Callable[[_T], bytes], chunks: Sequence[_T], following: Any, end: Connection
) -> None:
    # An interrupt from the terminal reaches every process: this one just ends.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    gc.disable()  # It lives shorter than garbage would matter.
    while True:
        with following.get_lock():
            number = following.value
            following.value += 1
        if number >= len(chunks):
            break
        end.send_bytes(work(chunks[number]))
    end.close()
