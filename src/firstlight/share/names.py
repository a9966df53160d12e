"""The tag that an image gets by itself: it says what is inside, and by which lock.

For example ``torch2.15.0-cu132-cudnn9.26-py3.12-noble-1a2b3c4d``. It is a pure function
of the lock, so whoever has the lock knows where the image is without asking anybody.
"""

from __future__ import annotations

import re

from firstlight.lock.lockfile import Lock, PlatformLock, Stack, lock_digest

__all__ = ["COMPANION", "companion", "tag_of"]

COMPANION = "-esgztoc"
"""What stargz appends to a tag to find the tables of contents of its layers."""

_LONGEST = 128 - len(COMPANION)
_LOCK_DIGITS = 8


def tag_of(lock: Lock, part: PlatformLock) -> str:
    """Return the tag of a lock's image, named after one of the lock's platforms.

    An index of several platforms is named after the first of them; what the wheels of
    another platform hold may differ, but the lock's digest covers them all.
    """
    words = [*_stack(part.stack), f"py{lock.python}", lock.suite]
    ending = "-" + lock_digest(lock).removeprefix("sha256:")[:_LOCK_DIGITS]
    head = "-".join(_allowed(word) for word in words if word)
    return head[: _LONGEST - len(ending)].rstrip("._-") + ending


def companion(tag: str) -> str:
    """Return the tag under which the tables of contents of a tagged image are found."""
    return f"{tag}{COMPANION}"


def _stack(stack: Stack) -> list[str]:
    if not stack.torch:
        return []
    torch = stack.torch.partition("+")[0]
    if not stack.cuda:
        return [f"torch{torch}", "cpu"]
    cudnn = ".".join(stack.cudnn.split(".")[:2])
    return [
        f"torch{torch}",
        f"cu{stack.cuda.replace('.', '')}",
        f"cudnn{cudnn}" if cudnn else "",
    ]


def _allowed(word: str) -> str:
    """A version may hold what a tag may not: ``1!2.0`` becomes ``1_2.0``."""
    return re.sub(r"[^A-Za-z0-9._]", "_", word)
