"""Files written whole or not at all, mended pages only over what was read; diffs."""

from __future__ import annotations

import difflib
import os
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["SIGNALS", "diff", "put", "put_back", "uninterrupted"]

_WRITABLE = 0o222
SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if hasattr(signal, name)
)
"""What asks a program to end."""


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C, and being asked to end, wait until the block is done.

    In another thread than the main one, nothing is interrupted anyway.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []

    def wait(number: int, _: object) -> None:
        waiting.append(number)

    # To block the signals would not do: another thread of the process takes them.
    before = {number: signal.signal(number, wait) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for number in waiting[:1]:
            signal.raise_signal(number)


def put(path: Path, data: bytes) -> None:
    """Write a file at once or not at all; a link stays one, and mode and owner stay.

    What is no plain file, such as a pipe or ``/dev/null``, is written to as it is.

    Raises:
        OSError: when that cannot be done.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    target = Path(os.path.realpath(path))
    # Not named after the file: that name may be as long as names can be.
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    with uninterrupted():
        try:
            _fill(part, data)
            if target.exists():
                _liken(part, target.stat())
            part.replace(target)
        except OSError:
            with suppress(OSError):
                part.unlink()
            raise


def _fill(part: Path, data: bytes) -> None:
    with part.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _liken(part: Path, old: os.stat_result) -> None:
    if hasattr(os, "chown"):
        with suppress(OSError):  # Only root may give files away.
            os.chown(part, old.st_uid, old.st_gid)
    part.chmod(old.st_mode & 0o7777)


def put_back(path: Path, before: bytes, after: bytes) -> str:
    """Put new bytes into a file and return "", or why that was not done.

    One that no longer holds what was read, or is read-only, is left alone.
    """
    try:
        held = path.read_bytes()
        if held == after:
            return ""  # It has another name, by which it was put there.
        if held != before:
            return "it changed while it was checked"
        if not path.stat().st_mode & _WRITABLE or not os.access(path, os.W_OK):
            return "it is read-only"
        put(path, after)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def diff(path: str, before: bytes, after: bytes) -> str:
    """Return the change of a file as a unified diff, in its own line ends.

    Bytes that are no UTF-8 are kept as surrogates.
    """
    old, new = (_lines(data) for data in (before, after))
    found = difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", n=3)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in found
    )


def _lines(data: bytes) -> list[str]:
    # Not splitlines: in Markdown, a form feed or U+2028 ends no line.
    text = data.decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
