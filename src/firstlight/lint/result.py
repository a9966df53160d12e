"""A finding with its place: what is shown, kept, compared with a baseline, sent on."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from firstlight.finding import Edit, Finding, Fix, Role, Span

if TYPE_CHECKING:
    from firstlight.markdown.lines import Lines

__all__ = ["Found", "found", "pack", "unpack"]

_BEFORE, _WIDTH = 48, 120
"""Characters of a long line that an excerpt shows before its finding, and in all."""
_LONG = 1000
"""Bytes of a line that is known by the text around a finding, and not by all of it."""


class Found(NamedTuple):
    """One finding in one page.

    Lines and columns are from 1. `column` and `end_column` count code points, as
    people do; `unit_column` and `end_unit_column` UTF-16 units, as editors do; the end
    is the first place after the finding. In a notebook they are those of the cell, and
    `cell` is its number from 1; elsewhere it is 0. `span` are bytes of the page, which
    for a notebook is that of `firstlight.lint.sources`.

    `excerpt` is the line of the source, cut where it is long, and `caret` where in it
    the finding begins. `fingerprint` stays the same when lines above come and go.
    """

    path: str
    span: Span
    code: str
    role: Role
    message: str
    hint: str
    line: int
    column: int
    end_line: int
    end_column: int
    unit_column: int
    end_unit_column: int
    excerpt: str
    caret: int
    fingerprint: str
    cell: int = 0
    fix: Fix | None = None

    @property
    def where(self) -> str:
        """``README.md:3:7``, or ``a.ipynb:cell 2:3:7``."""
        cell = f"cell {self.cell}:" if self.cell else ""
        return f"{self.path}:{cell}{self.line}:{self.column}"

    @property
    def finding(self) -> Finding:
        """The finding itself, which knows where it is."""
        return Finding(
            code=self.code,
            role=self.role,
            message=self.message,
            where=self.where,
            hint=self.hint,
            span=self.span,
            fix=self.fix,
        )

    def plain(self) -> dict[str, Any]:
        """Return it as data for JSON."""
        table: dict[str, Any] = {**self._asdict(), "role": str(self.role)}
        table["span"] = list(self.span)
        if not self.cell:
            del table["cell"]
        if self.fix is not None:
            table["fix"] = {
                "title": self.fix.title,
                "safe": self.fix.safe,
                "edits": [
                    {"span": list(span), "text": text.decode("utf-8", "replace")}
                    for span, text in self.fix.edits
                ],
            }
        else:
            del table["fix"]
        return table


def found(
    finding: Finding, path: str, lines: Lines, *, start: int = 0, cell: int = 0
) -> Found:
    """Return a finding with its place in a page, or in a cell that begins at `start`.

    A finding without a span is about the page as a whole, and stands at its beginning.
    """
    span = finding.span or Span(start, start)
    first, last = span.start - start, max(span.end, span.start) - start
    line, column = lines.place(first)
    end_line, end_column = lines.place(last)
    excerpt, caret, text = _excerpt(lines, line, column, first)
    mark = "\0".join((path, finding.code, text))
    return Found(
        path=path,
        span=span,
        code=finding.code,
        role=finding.role,
        message=finding.message,
        hint=finding.hint,
        line=line,
        column=column,
        end_line=end_line,
        end_column=end_column,
        unit_column=lines.editor(first)[1] + 1,
        end_unit_column=lines.editor(last)[1] + 1,
        excerpt=excerpt,
        caret=caret,
        fingerprint=blake2b(
            mark.encode(errors="surrogatepass"), digest_size=8
        ).hexdigest(),
        cell=cell,
        fix=finding.fix,
    )


def _excerpt(lines: Lines, line: int, column: int, at: int) -> tuple[str, int, str]:
    """The excerpt, where in it the finding begins, and by what the line is known.

    A very long line is not read as a whole for each of its findings.
    """
    start, end = lines.start(line), lines.end(line)
    if end - start <= _LONG:
        text = lines.text(line)
        cut = max(0, column - 1 - _BEFORE) if len(text) > _WIDTH else 0
        return text[cut : cut + _WIDTH], column - 1 - cut, text.strip()
    at = max(at, start)
    before = lines.cut(max(start, at - 4 * _BEFORE), at)[-_BEFORE:]
    excerpt = (before + lines.cut(at, min(end, at + 4 * _WIDTH)))[:_WIDTH]
    return excerpt, len(before), excerpt


def pack(one: Found) -> tuple[Any, ...]:
    """Return it as a tuple that `marshal` takes; `unpack` is the way back."""
    fix = one.fix
    return (
        *one[:1],
        tuple(one.span),
        one.code,
        str(one.role),
        *one[4:-1],
        fix and (fix.title, tuple((*span, text) for span, text in fix.edits), fix.safe),
    )


def unpack(packed: Sequence[Any]) -> Found:
    """Return what was packed."""
    path, span, code, role, *rest, fix = packed
    whole: Fix | None = None
    if fix:
        title, edits, safe = fix
        each = tuple(Edit(Span(start, end), text) for start, end, text in edits)
        whole = Fix(title, each, safe)
    return Found._make((path, Span(*span), code, Role(role), *rest, whole))
