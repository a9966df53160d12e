"""The only module that starts processes."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from firstlight.errors import EngineError

__all__ = ["Result", "capture", "call"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a finished command left: its exit code and its two streams as text."""

    command: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    @property
    def line(self) -> str:
        """The command as a person would type it."""
        return shlex.join(self.command)


def capture(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
) -> Result:
    """Run a command to its end and return what it printed; never raises on its code.

    Raises:
        EngineError: when the program cannot be started at all.
    """
    words = tuple(str(word) for word in command)
    try:
        done = subprocess.run(
            words,
            env=None if env is None else dict(env),
            cwd=cwd,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise EngineError(f"cannot start {words[0]}: {error.strerror}") from error
    return Result(
        command=words, code=done.returncode, stdout=done.stdout, stderr=done.stderr
    )


def call(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> int:
    """Run a command on the user's own terminal and return its exit code.

    A command ended by a signal gives 128 plus the signal's number, as a shell does.
    """
    words = [str(word) for word in command]
    full = None if env is None else dict(env)
    try:
        process = subprocess.Popen(words, env=full)
    except OSError as error:
        raise EngineError(f"cannot start {words[0]}: {error.strerror}") from error
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            # The terminal sent the interrupt to the child as well; let it end first.
            continue
        return code if code >= 0 else 128 - code


def is_executable(path: Path) -> bool:
    """Whether the path is a file this user may execute."""
    return path.is_file() and os.access(path, os.X_OK)
