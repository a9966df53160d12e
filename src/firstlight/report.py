"""Findings and errors for people and for machines.

People get the symbols of the project's visual grammar with their word, or the word
alone where a terminal cannot show them; machines get JSON with the same names.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from firstlight.errors import FirstlightError
from firstlight.finding import Finding, Role, plain
from firstlight.signs import SIGNS

__all__ = ["error_json", "error_lines", "finding_lines", "has_symbols", "size", "words"]

_WORDS = {
    Role.FAILURE: "Error",
    Role.WARNING: "Warning",
    Role.NOTE: "Note",
    Role.TIP: "Tip",
    Role.SUCCESS: "Done",
}


def has_symbols(
    stream: TextIO = sys.stderr, environ: Mapping[str, str] = os.environ
) -> bool:
    """Whether the stream can show the symbols: UTF-8, and not a dumb terminal."""
    encoding = (getattr(stream, "encoding", "") or "").lower().replace("-", "")
    return encoding == "utf8" and environ.get("TERM") != "dumb"


def words(role: Role, *, symbols: bool) -> str:
    """Return the symbol and word of a role, or the word alone."""
    return f"{SIGNS[role].symbol} {_WORDS[role]}" if symbols else _WORDS[role]


def finding_lines(finding: Finding, *, symbols: bool) -> Iterable[str]:
    """Return a finding as lines: what and where, then what to do."""
    where = f"{finding.where}: " if finding.where else ""
    head = words(finding.role, symbols=symbols)
    yield f"{head}: {where}{finding.message} [{finding.code}]"
    if finding.hint:
        yield f"  hint: {finding.hint}"


def error_lines(error: FirstlightError, *, symbols: bool) -> Iterable[str]:
    """Return an error as lines: what happened, each finding, what to do."""
    yield f"{words(Role.FAILURE, symbols=symbols)}: {error.message}"
    for finding in error.findings:
        for line in finding_lines(finding, symbols=symbols):
            yield f"  {line}"
    if error.hint:
        yield f"hint: {error.hint}"


def error_json(error: FirstlightError) -> dict[str, Any]:
    """Return an error as plain data."""
    return {
        "error": type(error).__name__,
        "exit_code": error.exit_code,
        "message": error.message,
        "hint": error.hint,
        "findings": [plain(finding) for finding in error.findings],
    }


def size(count: float) -> str:
    """Return a number of bytes as people say it: ``3.1 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            digits = 0 if unit == "B" or count >= 100 else 1
            return f"{count:.{digits}f} {unit}"
        count /= 1000
    raise AssertionError("the last unit takes every number")
