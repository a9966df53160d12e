"""The only module that starts processes."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from firstlight.errors import EngineError

__all__ = ["Result", "call", "capture", "is_executable", "spawn"]


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
    with _interrupts_are_the_child_s():
        try:
            process = subprocess.Popen(words, env=full)
        except OSError as error:
            raise EngineError(f"cannot start {words[0]}: {error.strerror}") from error
        code = process.wait()
    return code if code >= 0 else 128 - code


def spawn(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    output: Path,
    stdin: int | None = None,
) -> int:
    """Start a command that lives on when we end, and return its process ID.

    It is in a session of its own, hears nothing, or what the descriptor `stdin` gives,
    and writes to `output`, which only its owner may read.

    Raises:
        EngineError: when it cannot be started.
    """
    words = [str(word) for word in command]
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
        if stdin is None
        else (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(output), flags, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    try:
        return os.posix_spawn(
            words[0], words, dict(env), file_actions=actions, setsid=True
        )
    except OSError as error:
        raise EngineError(f"cannot start {words[0]}: {error.strerror}") from error


@contextlib.contextmanager
def _interrupts_are_the_child_s() -> Iterator[None]:
    """Let the terminal's interrupt end the child, and us only by its exit code.

    A handler that raises would not do: raised just after the child was waited for, it
    loses the exit code, and the next wait takes a child that is gone for a success.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        # Unlike SIG_IGN, a handler is not inherited by the child.
        signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def is_executable(path: Path) -> bool:
    """Whether the path is a file this user may execute."""
    return path.is_file() and os.access(path, os.X_OK)
