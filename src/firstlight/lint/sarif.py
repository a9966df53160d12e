"""Findings as SARIF 2.1.0, which GitHub code scanning and editors read.

Columns count UTF-16 units, as the programs that show SARIF do, and the log says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from firstlight import __version__
from firstlight.finding import Role
from firstlight.lint.guide import guide
from firstlight.lint.result import Found

if TYPE_CHECKING:
    from firstlight.markdown.lines import Lines

__all__ = ["LIMIT", "sarif"]

LIMIT = 25_000
"""GitHub takes no log with more results than that."""

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Role.FAILURE: "error", Role.WARNING: "warning", Role.NOTE: "note"}
_ROOT = "%SRCROOT%"


def sarif(
    found: Sequence[Found],
    *,
    prefix: str = "",
    read: Callable[[str], bytes | None] = lambda path: None,
) -> dict[str, Any]:
    """Return a log with one run.

    Of more findings than `LIMIT` it holds the worst, and says that others are missing.

    Args:
        found: The findings.
        prefix: The folder of the project below that of the repository, with ``/``.
        read: The bytes of a page, for its fixes; None leaves these out.
    """
    kept = _worst(found)
    codes = sorted({each.code for each in kept})
    roles = {each.code: each.role for each in kept}
    numbers = {code: number for number, code in enumerate(codes)}
    lines = _LinesOf(read)
    run = {
        "tool": _tool([_descriptor(code, roles[code]) for code in codes]),
        "automationDetails": {"id": "firstlight docs lint/"},
        "columnKind": "utf16CodeUnits",
        "newlineSequences": ["\r\n", "\n"],
        "originalUriBaseIds": {_ROOT: _text("The root of the repository.")},
        "invocations": [_invocation(len(found) - len(kept))],
        "results": [
            _result(each, numbers[each.code], mark, prefix, lines)
            for each, mark in _marked(kept)
        ],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _tool(rules: list[dict[str, Any]]) -> dict[str, Any]:
    about = {"name": "firstlight", "semanticVersion": __version__, "rules": rules}
    return {"driver": about}


def _text(text: str) -> dict[str, Any]:
    return {"description": {"text": text}}


def _worst(found: Sequence[Found]) -> list[Found]:
    """Return as many findings as GitHub takes, in their order."""
    if len(found) <= LIMIT:
        return list(found)
    order = list(_LEVELS)
    numbers = sorted(range(len(found)), key=lambda at: order.index(found[at].role))
    return [found[at] for at in sorted(numbers[:LIMIT])]


def _invocation(missing: int) -> dict[str, Any]:
    invocation: dict[str, Any] = {"executionSuccessful": True}
    if missing:
        text = f"{missing} more findings are left out: GitHub takes {LIMIT} at most"
        invocation["toolExecutionNotifications"] = [
            {"level": "warning", "message": {"text": text}}
        ]
    return invocation


def _descriptor(code: str, role: Role) -> dict[str, Any]:
    told = guide(code)
    text = told.text or f"{told.english}\n\n{told.chinese}\n"
    return {
        "id": code,
        "name": "".join(word.title() for word in code.replace("-", ".").split(".")),
        "shortDescription": {"text": told.summary},
        "fullDescription": {"text": f"{told.english} {told.chinese}"},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": _LEVELS[role]},
        "properties": {"tags": ["documentation", code.partition(".")[0]]},
    }


def _marked(found: Sequence[Found]) -> Iterator[tuple[Found, str]]:
    """Yield each finding with its fingerprint, made unique where lines are equal."""
    seen: Counter[str] = Counter()
    for each in found:
        seen[each.fingerprint] += 1
        yield each, f"{each.fingerprint}:{seen[each.fingerprint]}"


def _result(
    found: Found, number: int, mark: str, prefix: str, lines: _LinesOf
) -> dict[str, Any]:
    text = f"{found.message}\n{found.hint}" if found.hint else found.message
    if found.cell:
        text = f"cell {found.cell}, line {found.line}: {text}"
    artifact = {"uri": quote(prefix + found.path, errors="surrogateescape")}
    if found.path.startswith("/"):
        artifact["uri"] = "file://" + quote(found.path, errors="surrogateescape")
    else:
        artifact["uriBaseId"] = _ROOT
    physical = {"artifactLocation": artifact, "region": _region(found)}
    location: dict[str, Any] = {"physicalLocation": physical}
    if found.cell:
        location["logicalLocations"] = [{"name": f"cell {found.cell}"}]
    result = {
        "ruleId": found.code,
        "ruleIndex": number,
        "level": _LEVELS[found.role],
        "message": {"text": text},
        "locations": [location],
        "partialFingerprints": {"primaryLocationLineHash": mark},
    }
    fix = _fix(found, artifact, lines)
    return {**result, "fixes": [fix]} if fix else result


def _region(found: Found) -> dict[str, int]:
    if found.cell:  # Lines of a cell are none of its file.
        return {"startLine": 1}
    return {
        "startLine": found.line,
        "startColumn": found.unit_column,
        "endLine": found.end_line,
        "endColumn": found.end_unit_column,
    }


# Fixes


class _LinesOf:
    """The lines of pages, each read once, and only those that have fixes."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._path = ""
        self._lines: Lines | None = None
        self._size = 0

    def of(self, path: str, end: int) -> Lines | None:
        """Return the lines of a page, None where it is gone or has become shorter."""
        from firstlight.markdown.lines import Lines

        if path != self._path:  # Findings come page by page.
            data = self._read(path)
            self._path, self._size = path, len(data or b"")
            self._lines = None if data is None else Lines(data)
        return self._lines if end <= self._size else None


def _fix(found: Found, artifact: Any, lines: _LinesOf) -> dict[str, Any] | None:
    """The edits of a finding; unsafe ones too, which the text says."""
    if found.fix is None or found.cell:
        return None
    index = lines.of(found.path, max(edit.span.end for edit in found.fix.edits))
    if index is None:
        return None
    title = found.fix.title if found.fix.safe else f"{found.fix.title} (check it)"
    replacements = [
        {
            "deletedRegion": _deleted(index, *span),
            "insertedContent": {"text": text.decode("utf-8", "replace")},
        }
        for span, text in sorted(found.fix.edits)
    ]
    change = {"artifactLocation": artifact, "replacements": replacements}
    return {**_text(title), "artifactChanges": [change]}


def _deleted(lines: Lines, start: int, end: int) -> dict[str, int]:
    first, last = lines.editor(start), lines.editor(end)
    return {
        "startLine": first[0] + 1,
        "startColumn": first[1] + 1,
        "endLine": last[0] + 1,
        "endColumn": last[1] + 1,
    }
