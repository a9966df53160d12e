"""Findings with their places, made from a text and the part of it that is meant."""

from __future__ import annotations

from typing import Any

from firstlight.finding import Edit, Finding, Fix, Role, Span
from firstlight.lint.result import Found, found
from firstlight.markdown.lines import Lines


def place(
    text: str,
    part: str,
    *,
    code: str = "symbols.feeling",
    role: Role = Role.WARNING,
    message: str = "it is wrong",
    path: str = "docs/a.md",
    new: str | None = None,
    safe: bool = True,
    cell: int = 0,
    **more: Any,
) -> Found:
    """Return the finding that a part of a text is wrong, to be replaced by `new`."""
    data = text.encode()
    start = data.index(part.encode())
    span = Span(start, start + len(part.encode()))
    fix = None
    if new is not None:
        fix = Fix("Write it so", (Edit(span, new.encode()),), safe=safe)
    finding = Finding(code=code, role=role, message=message, span=span, fix=fix, **more)
    return found(finding, path, Lines(data), cell=cell)
