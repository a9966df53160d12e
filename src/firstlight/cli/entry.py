"""One run of the program: what its words ask for, and how each way it ends is told."""

from __future__ import annotations

import errno
import io
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from firstlight.cli.app import COMPLETE, app
from firstlight.cli.context import Context
from firstlight.errors import FirstlightError

__all__ = ["hoisted", "run"]

_BUG = 70
_INTERRUPTED = 130
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_VALUED = (
    *("-C", "--project", "-e", "--env", "--gpus"),
    *("--engine", "-v", "--mount", "--shm"),
)
_SHARED = ("--json", "--quiet", "-q", "--offline")


def run(arguments: Sequence[str]) -> int:
    """Run the words of a command line and return the exit code; never raises."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a terminal cannot show is no reason to stop.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _run(hoisted(arguments))
        sys.stdout.flush()
    except FirstlightError as error:
        if _was_interrupted(error):
            return _interrupted()
        Context.show_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        # Whoever read our output has left; say nothing into the closed pipe at exit.
        _close_output()
        return 128 + 13
    except Exception as error:
        return _foreign(error)
    return code


def _run(words: list[str]) -> int:
    asked = os.environ.get(COMPLETE)
    if asked:
        from firstlight.cli.completion import answer

        return answer(app, asked)
    try:
        with app.make_context("firstlight", words) as context:
            code = app.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return code if isinstance(code, int) else 0


def hoisted(words: Sequence[str]) -> list[str]:
    """Return the words with the shared switches in front, wherever they were typed.

    ``firstlight build --json`` is what people write. Words of a command that is run
    inside the image (after ``--``, or after ``run`` and its first plain word) stay.
    """
    shared: list[str] = []
    rest: list[str] = []
    plain = 0
    before = ""
    for number, word in enumerate(words):
        if word == "--" or (plain == 2 and "run" in rest):
            return [*shared, *rest, *words[number:]]
        plain += not word.startswith("-") and before not in _VALUED
        before = word
        (shared if word in _SHARED else rest).append(word)
    return [*shared, *rest]


def _close_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _foreign(error: Exception) -> int:
    if _was_interrupted(error):
        return _interrupted()
    if isinstance(error, OSError) and error.errno in _FULL and error.filename is None:
        _close_output()
        sys.stderr.write(f"the output cannot be written: {error.strerror}\n")
        return 1
    return _report_bug(error)


def _was_interrupted(error: BaseException | None) -> bool:
    """Say whether an error came up while tidying up after Ctrl-C: that is no news."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _interrupted() -> int:
    sys.stderr.write("\ninterrupted; what was finished is kept\n")
    return _INTERRUPTED


def _report_bug(error: Exception) -> int:
    """Say that this is our mistake, and write what a report needs to a file."""
    descriptor, name = tempfile.mkstemp(prefix="firstlight-report-", suffix=".md")
    with os.fdopen(descriptor, "w") as stream:
        stream.write("## firstlight stopped on an error of its own\n\n```\n")
        traceback.print_exception(error, file=stream)
        stream.write("```\n")
    sys.stderr.write(
        f"firstlight stopped on an error of its own: {type(error).__name__}: {error}\n"
        f"hint: report it with the file {Path(name)}\n"
    )
    return _BUG
