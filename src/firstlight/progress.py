"""What a long job may tell while it works; the default tells nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from firstlight.finding import Finding

__all__ = ["Progress", "Task"]


class Task:
    """One running piece of work: a download, a layer, an unpacking."""

    def advance(self, size: int) -> None:
        """`size` more bytes (or steps) are done. Called from any thread."""

    def total(self, size: int) -> None:
        """The total became known only now."""


class Progress:
    """Listens to a long job. Every method may be called from any thread."""

    @contextmanager
    def task(self, kind: str, name: str, total: int | None = None) -> Iterator[Task]:
        """A piece of work runs inside the block.

        Args:
            kind: ``fetch``, ``layer``, ``encode``, ``unpack``, ``resolve``, ``write``.
            name: What is worked on: a file name, a layer's title.
            total: Bytes, when known.
        """
        yield Task()

    def say(self, message: str) -> None:
        """One line worth keeping: a decision."""

    def warn(self, finding: Finding) -> None:
        """Something a person should know, however little they want to be told."""
