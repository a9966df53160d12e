"""A network of the test's own: every port is free, and nobody else hears it."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["own_network"]

_NEW_NETWORK = 0x40000000


@contextmanager
def own_network() -> Iterator[None]:
    """Move this thread, and what it starts, to an empty network until the block ends.

    The thread comes back: other tests of this process fetch from the real one.
    """
    kernel = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _check(kernel.unshare(_NEW_NETWORK))
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield
    finally:
        _check(kernel.setns(before, _NEW_NETWORK))
        os.close(before)


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(Path("/proc/thread-self/ns")))
