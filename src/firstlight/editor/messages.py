"""Our values as those of the Language Server Protocol, and the other way round."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lsprotocol import types

from firstlight.editor.actions import Action
from firstlight.editor.complete import Completion
from firstlight.editor.document import Change, Document, Located, Part
from firstlight.editor.hover import guide_of
from firstlight.editor.project import Project
from firstlight.editor.session import Cell, Replacement, Shown
from firstlight.editor.text import Position, Text
from firstlight.finding import Finding, Role, Span
from firstlight.mark.propose import Proposal

__all__ = [
    "cell_of",
    "code_action",
    "completion",
    "diagnostic",
    "file_of",
    "hint",
    "problem",
    "range_of",
    "replacement",
    "span_of",
    "targets_of",
    "texts_of",
    "workspace_edit",
]

_SOURCE = "firstlight"
_SEVERITY = {
    Role.FAILURE: types.DiagnosticSeverity.Error,
    Role.WARNING: types.DiagnosticSeverity.Warning,
    Role.NOTE: types.DiagnosticSeverity.Information,
}
_TAGS = {
    "lint.unused-ignore": [types.DiagnosticTag.Unnecessary],
    "lint.unknown-ignore": [types.DiagnosticTag.Unnecessary],
}
_OTHER_PAGE = re.compile(r"([^\s`“”]+\.(?:md|markdown|ipynb))(?::(\d+))?")
_OTHER_LINE = re.compile(r"\bon line (\d+)")


def file_of(uri: str) -> Path | None:
    """Return the path that a URI names, None when it names no file."""
    parts = urlsplit(uri)
    path = unquote(parts.path)
    is_file = parts.scheme == "file" and path.startswith("/") and "\0" not in path
    return Path(path) if is_file else None


def range_of(text: Text, span: Span) -> types.Range:
    """Return bytes of a text as lines and columns."""
    start, end = text.position(span.start), text.position(span.end)
    return types.Range(types.Position(*start), types.Position(*end))


def span_of(text: Text, place: types.Range) -> Span:
    """Return lines and columns as bytes of a text."""
    start = text.offset(place.start.line, place.start.character)
    end = text.offset(place.end.line, place.end.character)
    return Span(start, max(start, end))


def replacement(change: types.TextDocumentContentChangeEvent) -> Replacement:
    """Return a change as an editor told it."""
    if isinstance(change, types.TextDocumentContentChangePartial):
        start, end = change.range.start, change.range.end
        return Replacement(
            change.text,
            Position(start.line, start.character),
            Position(end.line, end.character),
        )
    return Replacement(change.text)


def cell_of(cell: types.NotebookCell) -> Cell:
    """Return a cell of a notebook."""
    return Cell(cell.document, cell.kind == types.NotebookCellKind.Markup)


def texts_of(items: Iterable[types.TextDocumentItem]) -> dict[str, tuple[int, str]]:
    """Return version and text of documents by their URI."""
    return {item.uri: (item.version, item.text) for item in items}


def targets_of(options: Any) -> tuple[str, ...] | None:
    """Read ``targets`` of what an editor is set to, with or without our name around.

    None where nothing is said of them: some editors send empty settings.
    """
    if isinstance(options, Mapping):
        options = options.get("firstlight", options)
    found = options.get("targets") if isinstance(options, Mapping) else None
    if not isinstance(found, list | tuple):
        return None
    return tuple(each for each in found if isinstance(each, str))


# Findings


def diagnostic(shown: Shown, document: Document) -> types.Diagnostic:
    """Return a finding as a diagnostic, with the places that its message names."""
    found, at = shown
    link = guide_of(found.code)
    related = list(_related(shown, document))
    return types.Diagnostic(
        range=range_of(at.part.text, at.span),
        message=f"{found.message}\n{found.hint}" if found.hint else found.message,
        severity=_SEVERITY.get(found.role, types.DiagnosticSeverity.Hint),
        code=found.code,
        code_description=types.CodeDescription(link) if link else None,
        source=_SOURCE,
        tags=_TAGS.get(found.code),
        related_information=related or None,
    )


def _related(
    shown: Shown, document: Document
) -> Iterator[types.DiagnosticRelatedInformation]:
    message, folder = shown.found.message, document.project.folder
    for name, line in _OTHER_PAGE.findall(message):
        beside = (folder / document.path).parent / name
        for file in (folder / name, beside):
            if file != document.file and file.is_file():
                yield _there(file.as_uri(), int(line or 1), "the other page")
                break
    if not document.is_notebook:
        for line in _OTHER_LINE.findall(message):
            yield _there(shown.at.part.uri, int(line), "the other place")


def _there(uri: str, line: int, message: str) -> types.DiagnosticRelatedInformation:
    place = types.Position(line - 1, 0)
    location = types.Location(uri, types.Range(place, place))
    return types.DiagnosticRelatedInformation(location, message)


def problem(finding: Finding, project: Project) -> types.Diagnostic:
    """Return what is wrong with the settings, at the line that it is about."""
    line = _line_of(finding, project.file)
    return types.Diagnostic(
        range=types.Range(types.Position(line, 0), types.Position(line + 1, 0)),
        message=" ".join(filter(None, (finding.message, finding.hint))),
        severity=_SEVERITY.get(finding.role, types.DiagnosticSeverity.Hint),
        code=finding.code,
        source=_SOURCE,
    )


_AT_LINE = re.compile(r"\(at line (\d+),")


def _line_of(finding: Finding, file: Path) -> int:
    """The line of TOML that a finding is about, from 0: 0 where it says nothing."""
    named = _AT_LINE.search(finding.message)
    if named is not None:
        return int(named[1]) - 1
    key = finding.where.rpartition(": ")[2].rpartition(".")[2].partition("[")[0]
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return 0
    is_key = re.compile(rf'\s*"?{re.escape(key)}"?\s*=').match
    is_table = re.compile(rf"\s*\[.*\b{re.escape(key)}\]").match
    tests = (is_key, is_table) if key else ()
    found = (at for test in tests for at, line in enumerate(lines) if test(line))
    return next(found, 0)


# Changes


def workspace_edit(
    changes: Iterable[Change], *, with_versions: bool
) -> types.WorkspaceEdit:
    """Return changes as one edit; with versions, an editor refuses one that is old."""
    by_part: dict[str, tuple[Part, list[types.TextEdit]]] = {}
    for part, (span, text) in changes:
        edit = types.TextEdit(
            range_of(part.text, span), text.decode("utf-8", "replace")
        )
        by_part.setdefault(part.uri, (part, []))[1].append(edit)
    if not with_versions:
        return types.WorkspaceEdit(
            changes={uri: edits for uri, (_, edits) in by_part.items()}
        )
    return types.WorkspaceEdit(
        document_changes=[
            types.TextDocumentEdit(
                types.OptionalVersionedTextDocumentIdentifier(uri, part.version), edits
            )
            for uri, (part, edits) in by_part.items()
        ]
    )


def code_action(action: Action, document: Document) -> types.CodeAction:
    """Return an action without what it changes."""
    shown = action.shown
    return types.CodeAction(
        title=action.title,
        kind=action.kind,
        diagnostics=[diagnostic(shown, document)] if shown else None,
        is_preferred=True if action.is_preferred else None,
    )


# Proposals and words


def hint(
    proposal: Proposal, at: Located, changes: Sequence[Change], language: str
) -> types.InlayHint:
    """Return a proposed mark as a hint before its text; to accept it writes it."""
    mark = proposal.mark
    joint = "；" if language == "zh" else "; "
    edits = [
        types.TextEdit(range_of(part.text, span), text.decode("utf-8", "replace"))
        for part, (span, text) in changes
        if part.uri == at.part.uri
    ]
    return types.InlayHint(
        position=range_of(at.part.text, at.span).start,
        label=f"{proposal.symbol} {proposal.word}?",
        tooltip=f"{mark.confidence:.0%}: {joint.join(mark.reasons)}",
        text_edits=edits if len(edits) == len(changes) else None,
        padding_right=True,
    )


def completion(found: Completion, text: Text, number: int) -> types.CompletionItem:
    """Return a completion; `number` is its place in the order of the grammar."""
    return types.CompletionItem(
        label=found.label,
        kind=types.CompletionItemKind.Keyword,
        detail=found.detail,
        documentation=found.about,
        sort_text=f"{number:02}",
        filter_text=found.typed or found.label,
        text_edit=types.TextEdit(range_of(text, found.span), found.text),
    )
