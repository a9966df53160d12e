"""``firstlight docs lint --watch``: checks again whenever a page or setting changes."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from firstlight.cli.docs_print import put, style_of
from firstlight.cli.docs_run import fresh
from firstlight.errors import FirstlightError
from firstlight.lint.settings import FILES
from firstlight.lint.stamps import Stamp, is_settled, stamp

if TYPE_CHECKING:
    from firstlight.cli.context import Context
    from firstlight.cli.docs_wishes import Wanted

__all__ = ["watch"]

_EVERY = 0.3
_SHARE = 0.05
"""Of the time, at most so much is spent on looking whether anything has changed."""
_CLEAR = "\x1b[2J\x1b[H"


def watch(command: Context, wanted: Wanted) -> int:
    """Check, and again after each change, until Ctrl-C ends it."""
    try:
        _go_on(command, wanted)
    except KeyboardInterrupt:
        sys.stderr.write("\n")
    return 0


def _go_on(command: Context, wanted: Wanted) -> None:
    watched: set[str] = set(FILES)
    while True:
        started = time.time_ns()
        watched = _check(command, wanted) or watched
        seen = _stamps(command.folder, watched)
        if all(is_settled(each, started) for each in seen.values()):
            _wait(command.folder, seen)
        else:
            # Something changed while it was read, if only by our own fixes.
            watched = _check(command, wanted) or watched
            _wait(command.folder, _stamps(command.folder, watched))


def _check(command: Context, wanted: Wanted) -> set[str]:
    """Check once and return what to watch: nothing new where that cannot be done."""
    began = time.perf_counter()
    cache = None if wanted.no_cache else command.settings.store
    try:
        printed, watched = fresh(command, wanted, style_of(sys.stdout), cache)
    except FirstlightError as error:
        _clear()
        command.show_error(error)
        watched = set()
    else:
        _clear()
        put(printed, time.perf_counter() - began)
    if not command.quiet:
        sys.stderr.write("watching; Ctrl-C ends\n")
        sys.stderr.flush()
    return watched


def _clear() -> None:
    """Begin a new screen, and leave what has scrolled away where it is."""
    if sys.stdout.isatty():
        sys.stdout.write(_CLEAR)
        sys.stdout.flush()


def _stamps(folder: Path, watched: Collection[str]) -> dict[str, Stamp | None]:
    return {path: stamp(folder / path) for path in watched}


def _wait(folder: Path, seen: dict[str, Stamp | None]) -> None:
    """Return when a stamp is another."""
    while True:
        began = time.perf_counter()
        if _stamps(folder, seen) != seen:
            return
        took = time.perf_counter() - began
        time.sleep(max(_EVERY, took / _SHARE))
