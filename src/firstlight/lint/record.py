"""What the last run printed, to be printed again while nothing has changed.

A run is a function of the files it looked at, the folders it looked through and its
options. All of them are noted with its output; the next run compares their stamps,
and needs no rule, no parser and no settings when they are the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from firstlight.lint.stamps import inside, is_settled, read, stamp, write

__all__ = ["Printed", "file_of", "recall", "remember"]


class Printed(NamedTuple):
    """What a run wrote to its standard output and error, and its exit code."""

    output: bytes
    messages: bytes
    code: int


def file_of(cache: Path, folder: Path, kind: str) -> Path:
    """Return the file in a cache that is about a project."""
    name = blake2b(str(folder.absolute()).encode(errors="surrogateescape"))
    return cache / "docs" / f"{name.hexdigest()[:32]}.{kind}"


def recall(cache: Path, folder: Path, options: str) -> Printed | None:
    """Return what the last run with these options printed, if it would do so again.

    Args:
        cache: The folder of caches.
        folder: The project.
        options: Everything else that the output depends on, in any spelling.
    """
    found = read(file_of(cache, folder, "run"))
    if found is None:
        return None
    said, stamps, output, messages, code = found
    root = str(folder.absolute())
    if said != options or any(stamp(inside(root, p)) != s for p, s in stamps.items()):
        return None
    return Printed(output, messages, code)


def remember(
    cache: Path,
    folder: Path,
    options: str,
    watched: Iterable[str],
    printed: Printed,
    started: int,
) -> None:
    """Note what a run printed.

    Args:
        cache: The folder of caches.
        folder: The project.
        options: As for `recall`.
        watched: Every path whose change may change the output.
        printed: What was printed.
        started: When the run began, in nanoseconds since the epoch. What changed
            about then may have been seen half: such a run is not remembered.
    """
    root = str(folder.absolute())
    stamps = {path: stamp(inside(root, path)) for path in watched}
    if all(is_settled(each, started) for each in stamps.values()):
        write(file_of(cache, folder, "run"), (options, stamps, *printed))


def now() -> int:
    """Return the time, as `remember` wants it."""
    return time.time_ns()
