"""Work without the search for garbage, which costs more than the garbage would."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["without_garbage"]


@contextmanager
def without_garbage() -> Iterator[None]:
    """Let no time go into the search for cycles: pages and findings have none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
