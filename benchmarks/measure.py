"""Run a command and say how long it took and how much memory it had at its peak."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

__all__ = ["Measure", "Series", "say", "timed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One run of a command."""

    seconds: float
    peak: int
    stdout: str


@dataclass(frozen=True, slots=True)
class Series:
    """Several runs of the same thing."""

    name: str
    runs: list[Measure]

    @property
    def seconds(self) -> float:
        """The median time."""
        return median(run.seconds for run in self.runs)

    @property
    def peak(self) -> int:
        """The highest peak of memory, in bytes."""
        return max(run.peak for run in self.runs)


def timed(
    command: Sequence[object],
    *,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Measure:
    """Run a command to a good end, after what was written before is on the disk.

    The peak is the kernel's own figure for the process and the children it waited for;
    a daemon that does the work elsewhere is not in it.

    Raises:
        SystemExit: when the command fails; with what it said.
    """
    os.sync()
    started = time.perf_counter()
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        line = " ".join(str(word) for word in command)
        raise SystemExit(f"{line}\nexit {process.returncode}\n{said}")
    return Measure(seconds=seconds, peak=usage.ru_maxrss * 1024, stdout=said)


def say(text: str) -> None:
    """Tell on stderr what goes on; stdout has the table only."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
