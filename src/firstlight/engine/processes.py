"""Processes of this machine, found again by what stands on their command line."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Process", "children", "end", "find", "kill", "read"]

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process: its number may be used again, with its start (in ticks) never."""

    pid: int
    parent: int
    start: int
    words: tuple[str, ...]

    @property
    def is_there(self) -> bool:
        """Whether it still runs, and is not another one with the same number."""
        found = read(self.pid)
        return found is not None and found.start == self.start


def find(*words: str) -> tuple[Process, ...]:
    """Return this user's processes whose command line holds the words in a row."""
    found = []
    for path in _PROC.glob("[0-9]*"):
        with suppress(OSError):
            if path.stat().st_uid == os.geteuid():
                process = read(int(path.name))
                if process is not None and _holds(process.words, words):
                    found.append(process)
    return tuple(sorted(found, key=lambda process: process.start))


def children(process: Process) -> tuple[Process, ...]:
    """Return the processes that it started and that still run."""
    return tuple(_children(process.pid))


def end(process: Process, *, seconds: float) -> bool:
    """Ask a process to end and wait for it; whether it did."""
    _send(process, signal.SIGTERM)
    return _gone(process, seconds)


def kill(process: Process) -> None:
    """End a process now and wait until it is gone."""
    _send(process, signal.SIGKILL)
    _gone(process, 5)


def _send(process: Process, number: signal.Signals) -> None:
    if process.is_there:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, number)


def _gone(process: Process, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while process.is_there:
        with suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)  # Ours may be waiting to be heard.
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def _children(pid: int) -> Iterator[Process]:
    for task in _PROC.glob(f"{pid}/task/*/children"):
        with suppress(OSError):
            for word in task.read_text().split():
                process = read(int(word))
                if process is not None:
                    yield process


def read(pid: int) -> Process | None:
    """Read one process; None when it is gone, or dead and only not yet waited for."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
        line = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return None
    # The name in parentheses may hold anything.
    fields = stat.rpartition(")")[2].split()
    if fields[0] in "ZX":
        return None
    words = tuple(os.fsdecode(word) for word in line.split(b"\0"))
    return Process(pid=pid, parent=int(fields[1]), start=int(fields[19]), words=words)


def _holds(words: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    count = len(wanted)
    return any(words[i : i + count] == wanted for i in range(len(words) - count + 1))
