"""How long work is shown: bars on a terminal, a few lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from firstlight.finding import Finding
from firstlight.progress import Progress, Task
from firstlight.report import finding_lines, has_symbols, size

__all__ = ["LinesView", "LiveView", "View"]

_VERBS = {
    "fetch": "Fetching",
    "layer": "Making layers",
    "check": "Checking",
    "encode": "Encoding layers",
    "unpack": "Unpacking",
    "link": "Linking the root",
    "resolve": "Resolving",
    "write": "Writing",
    "push": "Pushing",
    "pull": "Pulling",
    "verify": "Verifying layers",
    "attach": "Attaching",
}


def _verb(kind: str) -> str:
    return _VERBS.get(kind, kind.capitalize())


class _Counted(Task):
    """One task that adds to the sum of its kind."""

    def __init__(self, view: _Sums, kind: str, total: int | None) -> None:
        self._view = view
        self._kind = kind
        self._done = 0
        self._total = total or 0

    def advance(self, size: int) -> None:
        """`size` more bytes are done."""
        self._done += size
        self._view.add(self._kind, size, 0)

    def total(self, size: int) -> None:
        """The total became known only now."""
        self._view.add(self._kind, 0, size - self._total)
        self._total = size

    def end(self) -> None:
        """What was estimated is now known."""
        self._view.add(self._kind, 0, self._done - self._total)


class View(Progress):
    """Shows warnings and keeps them for the result; by itself it shows nothing else."""

    def __init__(self, stream: TextIO) -> None:
        self.warnings: list[Finding] = []
        self._stream = stream

    def warn(self, finding: Finding) -> None:
        """Show it at once: the work may take long, or fail."""
        self.warnings.append(finding)
        for line in finding_lines(finding, symbols=has_symbols(self._stream)):
            self.show(line)

    def show(self, line: str) -> None:
        """Write the line."""
        self._stream.write(line + "\n")
        self._stream.flush()


class _Sums(View):
    """Adds up what tasks of one kind tell; how that is shown is up to the subclass."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lock = threading.Lock()
        self._running: dict[str, int] = {}
        self._names: dict[str, str] = {}

    def say(self, message: str) -> None:
        """Show the line."""
        self.show(message)

    def add(self, kind: str, done: int, total: int) -> None:
        """Some bytes of a kind are done, or more are to do."""

    def began(self, kind: str) -> None:
        """The first task of a kind began."""

    def ended(self, kind: str) -> None:
        """No task of a kind is running any more."""

    @contextmanager
    def task(self, kind: str, name: str, total: int | None = None) -> Iterator[Task]:
        """Count a task in while the block runs."""
        counted = _Counted(self, kind, total)
        with self._lock:
            self._running[kind] = self._running.get(kind, 0) + 1
            self._names[kind] = name
            if self._running[kind] == 1:
                self.began(kind)
        if total:
            self.add(kind, 0, total)
        try:
            yield counted
        finally:
            counted.end()
            with self._lock:
                self._running[kind] -= 1
                if not self._running[kind]:
                    self.ended(kind)


class LinesView(_Sums):
    """Plain lines for logs: what began, and every few seconds how far it is."""

    _EVERY = 5.0

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._done: dict[str, int] = {}
        self._started: dict[str, float] = {}
        self._told: dict[str, float] = {}

    def began(self, kind: str) -> None:
        """Say so once for each kind."""
        now = time.monotonic()
        if kind not in self._started:
            self._started[kind] = now
            self.say(f"{_verb(kind)} …")
        self._told[kind] = now

    def add(self, kind: str, done: int, total: int) -> None:
        """Say how far it is, every few seconds."""
        with self._lock:
            self._done[kind] = self._done.get(kind, 0) + done
            now = time.monotonic()
            if not done or now - self._told.get(kind, now) < self._EVERY:
                return
            self._told[kind] = now
            seconds = now - self._started[kind]
            amount = self._done[kind]
        self.say(
            f"{_verb(kind)} … {size(amount)}, {size(amount / max(seconds, 0.1))}/s"
        )


class LiveView(_Sums):
    """Bars with bytes, rate and time left; gone when the work is done."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            TaskID,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )
        from rich.progress import Progress as Bars

        self._bars = Bars(
            TextColumn("{task.description:>14}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[item]}"),
            console=Console(file=stream),
            transient=True,
        )
        self._rows: dict[str, TaskID] = {}
        self._totals: dict[str, int] = {}

    def show(self, line: str) -> None:
        """Write the line above the bars."""
        # As it is: addresses look like emoji codes, and are there to be copied.
        self._bars.console.print(
            line, markup=False, emoji=False, highlight=False, soft_wrap=True
        )

    def began(self, kind: str) -> None:
        """Show a bar for the kind."""
        if kind not in self._rows:
            self._rows[kind] = self._bars.add_task(_verb(kind), total=None, item="")
            self._totals[kind] = 0
        self._bars.start()

    def ended(self, kind: str) -> None:
        """Take the bars away when nothing runs."""
        if not any(self._running.values()):
            self._bars.stop()

    def add(self, kind: str, done: int, total: int) -> None:
        """Move the bar."""
        self._totals[kind] += total
        self._bars.update(
            self._rows[kind],
            advance=done,
            total=self._totals[kind] or None,
            item=self._names.get(kind, "")[:40],
        )
