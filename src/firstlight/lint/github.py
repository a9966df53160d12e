"""Findings as GitHub Actions shows them beside the lines of a change.

Workflow commands: ``::warning file=…,line=…,col=…,title=…::message``. Of each kind
GitHub shows ten per step and leaves the others in the log, so the worst come first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from firstlight.finding import Role
from firstlight.lint.result import Found

__all__ = ["workflow_commands"]

_COMMANDS = {Role.FAILURE: "error", Role.WARNING: "warning", Role.NOTE: "notice"}


def workflow_commands(found: Iterable[Found], prefix: str = "") -> Iterator[str]:
    """Yield a line for each finding.

    Args:
        found: The findings.
        prefix: The folder of the project below that of the repository, with ``/``.
    """
    order = list(_COMMANDS)
    for each in sorted(found, key=lambda each: order.index(each.role)):
        yield _annotation(each, prefix)


def _annotation(found: Found, prefix: str) -> str:
    message = f"{found.message} [{found.code}]"
    if found.hint:
        message += f"\n{found.hint}"
    properties = {"file": prefix + found.path, "title": found.code, **_place(found)}
    if found.cell:
        message = f"cell {found.cell}, line {found.line}: {message}"
    shown = ",".join(f"{name}={_property(v)}" for name, v in properties.items())
    return f"::{_COMMANDS[found.role]} {shown}::{_data(message)}"


def _place(found: Found) -> dict[str, str | int]:
    """Lines and columns as GitHub counts them: in UTF-16 units, as its pages do.

    Columns are only for what lies in one line; lines of a cell are none of its file.
    """
    if found.cell:
        return {"line": 1}
    lines = {"line": found.line, "endLine": found.end_line}
    if found.line != found.end_line:
        return {**lines}
    columns = {"col": found.unit_column, "endColumn": found.end_unit_column}
    return {**lines, **columns}


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str | int) -> str:
    return _data(str(value)).replace(":", "%3A").replace(",", "%2C")
