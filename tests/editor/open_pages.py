"""Pages as an editor has them, without a server between."""

from __future__ import annotations

from pathlib import Path

from firstlight.editor.document import Change, Document
from firstlight.editor.session import Session
from firstlight.editor.text import Text
from firstlight.finding import Edit, Span
from firstlight.markdown.source import edited

__all__ = ["after", "codes", "marked", "opened", "session"]


def session(*folders: Path, cache: Path | None = None) -> Session:
    """Return an editor with these folders, and no page yet."""
    return Session(
        find_environment=lambda folder, warn: None, cache=cache, folders=[*folders]
    )


def opened(
    text: str, *, path: str = "docs/a.md", folder: Path = Path("/p")
) -> Document:
    """Return an open page of a project without settings."""
    file = folder / path
    return session(folder).open(file.as_uri(), file, 1, text)


def codes(editor: Session, document: Document) -> list[str]:
    """Return the codes of what is found, in order."""
    return [shown.found.code for shown in editor.findings(document)]


def after(document: Document, changes: list[Change]) -> str:
    """Return the only part of a document with changes made."""
    edits: list[Edit] = sorted(change.edit for change in changes)
    return edited(document.parts[0].text.data, edits).decode()


def marked(text: str) -> tuple[str, Span]:
    """Return a text without its ``‸``, and the place of that (or between two)."""
    first, *rest = text.split("‸")
    start = len(first.encode())
    end = start + len(rest[0].encode()) if len(rest) > 1 else start
    whole = Text.of(first + "".join(rest), "utf-16")
    return whole.data.decode(), Span(start, end)
