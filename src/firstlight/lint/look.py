"""Each page by itself: from the cache where it has not changed, else by the crew."""

from __future__ import annotations

import marshal
from collections.abc import Sequence

from firstlight.lint.cache import Cache
from firstlight.lint.crew import shares, spread
from firstlight.lint.fixes import has_fix
from firstlight.lint.stamps import inside, stamp
from firstlight.lint.work import Done, Task, content_of, unpacked

__all__ = ["look"]


def look(task: Task, cache: Cache, paths: Sequence[str], jobs: int) -> dict[str, Done]:
    """Return what becomes of each page, by its path.

    Args:
        task: What is done with them.
        cache: What is known from last time.
        paths: The pages, sorted.
        jobs: How many processes there may be.
    """
    done: dict[str, Done] = {}
    left = []
    for path in paths:
        known = _recalled(task, cache, path)
        if known:
            done[path] = known
        else:
            left.append(path)
    parts, workers = shares(left, [_size(task, path) for path in left], jobs)
    for answer in spread(task, parts, workers):
        for each in marshal.loads(answer):
            found = Done(*each)
            done[found.path] = found
    return done


def _recalled(task: Task, cache: Cache, path: str) -> Done | None:
    """What the cache knows of a page, if that holds and leaves nothing to mend."""
    entry = cache.get(path)
    if entry is None or path in task.sources or entry.whole < (path in task.paired):
        return None
    now = stamp(inside(task.root, path))
    if now is None:
        return None
    if now != entry.stamp:
        try:
            if content_of(task.read(path)) != entry.content:
                return None
        except OSError:
            return None
    # The old stamp stays: the new one may be too young to be trusted.
    done = Done(path, *entry[:4], whole=entry.whole)
    if task.fix and path in task.shown:
        unsafe = task.fix == "all"
        if any(has_fix(each, unsafe=unsafe) for each in unpacked(done.result).found):
            return None
    return done


def _size(task: Task, path: str) -> int:
    found = stamp(inside(task.root, path))
    return found[2] + 1 if found else 1
