"""Long work shows that it goes on: one line in a terminal, gone when it is done."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

__all__ = ["waiting"]

_ERASE = "\r\x1b[K"


@contextmanager
def waiting(stream: TextIO, *, every: float = 1.0) -> Iterator[None]:
    """Tell the seconds since the block began, once it takes longer than one.

    A timer interrupts the work for that: a thread would make it unsafe to fork.
    """
    if not stream.isatty() or threading.current_thread() is not threading.main_thread():
        yield
        return
    began = time.monotonic()

    def tell(number: int, frame: FrameType | None) -> None:
        seconds = time.monotonic() - began
        stream.write(f"{_ERASE}checking pages … {seconds:.0f} s")
        stream.flush()

    before = signal.signal(signal.SIGALRM, tell)
    signal.setitimer(signal.ITIMER_REAL, every, every)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if time.monotonic() - began >= every:
            stream.write(_ERASE)
            stream.flush()
