"""What is open in an editor: a page, or a notebook with a text for each cell.

A notebook is one page for its reader, so it is checked as one; what is found there is
told for the cell that it is in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from firstlight.editor.difference import differences
from firstlight.editor.project import Project
from firstlight.editor.text import Text
from firstlight.finding import Edit, Finding, Fix, Role, Span
from firstlight.lint.check_page import Checked, check_source
from firstlight.lint.fixes import fix_source
from firstlight.lint.result import Found, found
from firstlight.lint.sources import Source, open_source
from firstlight.mark.propose import Proposal, proposals
from firstlight.markdown.lines import Lines
from firstlight.markdown.notebook import Notebook
from firstlight.markdown.page import Page
from firstlight.markdown.parse import parse

__all__ = ["Change", "Document", "Located", "Part", "View"]


@dataclass(slots=True)
class Part:
    """A text that the editor knows by its URI: the page, or a cell of the notebook."""

    uri: str
    version: int
    text: Text
    is_prose: bool = True


class Located(NamedTuple):
    """Bytes of a part."""

    part: Part
    span: Span


class Change(NamedTuple):
    """An edit of a part, in bytes of it."""

    part: Part
    edit: Edit


@dataclass(slots=True)
class Document:
    """A page or notebook while it is open.

    `file` is None for what is saved nowhere yet. `compared` is what comparing pages
    found when that was last done, moved along with the text since. `revision` is
    another one after each change, `comparisons` after each comparison.
    """

    uri: str
    file: Path | None
    project: Project
    parts: list[Part]
    is_notebook: bool = False
    compared: list[Found] = field(default_factory=list)
    revision: int = 0
    comparisons: int = 0
    _view: View | None = None

    @property
    def path(self) -> str:
        """Where it is in the project, with ``/``."""
        if self.file is not None:
            return self.file.relative_to(self.project.folder).as_posix()
        name = self.uri.rpartition("/")[2].rpartition(":")[2] or "untitled"
        return name if "." in name else f"{name}.md"

    @property
    def is_wanted(self) -> bool:
        """Whether it is to be checked: the settings may exclude it."""
        return self.project.wants(self.path)

    @property
    def view(self) -> View:
        """The document as it is now."""
        if self._view is None:
            self._view = View(self.path, self.project, self.parts, self.is_notebook)
        return self._view

    def renew(self) -> None:
        """Forget what was known of the text as it was, or of the settings."""
        self._view = None
        self.revision += 1

    def edited(self, part: Part, edit: Edit) -> None:
        """Take note of an edit that was made in a part."""
        self.renew()
        if self.is_notebook:
            self.compared = []  # Its spans are those of all cells together.
            return
        moved = (_moved(each, edit) for each in self.compared)
        self.compared = [each for each in moved if each is not None]

    def part(self, uri: str) -> Part | None:
        """Return the part with a URI."""
        return next((part for part in self.parts if part.uri == uri), None)


def _moved(each: Found, edit: Edit) -> Found | None:
    """A finding after an edit, None when the edit is in it; its fix may fit no more."""
    (start, end), length = edit.span, len(edit.text)
    if each.span.end <= start:
        return each._replace(fix=None)
    if each.span.start < end:
        return None
    by = length - (end - start)
    span = Span(each.span.start + by, each.span.end + by)
    return each._replace(span=span, fix=None)


class View:
    """A document at one moment: parsed and checked once, when somebody asks."""

    def __init__(
        self, path: str, project: Project, parts: Sequence[Part], is_notebook: bool
    ) -> None:
        self.project = project
        self.parts = tuple(replace(part) for part in parts)
        self.is_notebook = is_notebook
        name, data = path, b""
        if is_notebook:
            name = path if path.endswith(".ipynb") else f"{path}.ipynb"
            data = _notebook(self.parts)
        elif path.endswith(".ipynb"):
            name = f"{path}.md"  # Its JSON, opened as text, is no page.
        elif self.parts:
            data = self.parts[0].text.data
        self.source: Source = open_source(name, data)

    @cached_property
    def page(self) -> Page:
        """The page, all cells of a notebook one after the other."""
        return parse(
            self.source.text, self.source.path, self.project.plan.given.lexicon
        )

    def page_of(self, part: Part) -> Page:
        """Return a part by itself; its places are its own."""
        if not self.is_notebook:
            return self.page
        lexicon = self.project.plan.given.lexicon
        return parse(part.text.data if part.is_prose else b"", "", lexicon)

    @cached_property
    def checked(self) -> Checked:
        """What the rules that look at one page find in it."""
        try:
            return check_source(self.source, self.project.plan, with_facts=True)
        except Exception as error:  # Half a page must not end the other half's checks.
            failed = _failed(error, self.source.path)
            return Checked([failed], [], [])

    @cached_property
    def proposals(self) -> list[Proposal]:
        """Marks that the page lacks and that can be written."""
        given = self.project.plan.given
        found = proposals(self.page, given.lexicon, form=given.form)
        return [each for each in found if each.fix is not None]

    def places(self) -> Iterator[tuple[Proposal, Located]]:
        """Yield the proposals, each with where its mark would be."""
        for each in self.proposals:
            edit = min(each.fix.edits) if each.fix else Edit(each.mark.span, b"")
            at = self.place(Span(edit.span.start, edit.span.start))
            if at is not None:
                yield each, at

    def located(self, each: Found) -> Located | None:
        """Return where a finding is; None for what no part of the editor shows."""
        if not self.is_notebook:
            return Located(self.parts[0], each.span) if self.parts else None
        if not 0 <= each.cell - 1 < len(self.parts):
            return None
        part = self.parts[each.cell - 1]
        lines = Lines(part.text.data)
        start = lines.offset(each.line - 1, each.unit_column - 1)
        end = lines.offset(each.end_line - 1, each.end_unit_column - 1)
        return Located(part, Span(start, max(start, end)))

    def place(self, span: Span) -> Located | None:
        """Return where bytes of the page are in the editor."""
        if not self.is_notebook:
            return Located(self.parts[0], span) if self.parts else None
        finding = Finding(code="", role=Role.NOTE, message="", span=span)
        return self.located(self.source.found(finding))

    def changes(self, fix: Fix) -> list[Change]:
        """Return what a fix changes; nothing where it cannot be made."""
        edits = sorted(fix.edits)
        if not self.is_notebook:
            return [Change(self.parts[0], edit) for edit in edits]
        edited = self.source.edited(edits)
        return self._between(edited) if edited else []

    def all_fixed(self) -> list[Change]:
        """Return what all safe fixes together change."""
        return self._between(fix_source(self.source, self.project.plan).source)

    def _between(self, edited: Source) -> list[Change]:
        if not self.is_notebook:
            pairs: Iterable[tuple[Part, bytes]] = [(self.parts[0], edited.data)]
        else:
            cells = Notebook.read(edited.data, edited.path).cells
            pairs = [(self.parts[cell.number], cell.source) for cell in cells]
        return [
            Change(part, edit)
            for part, after in pairs
            for edit in differences(part.text.data, after)
        ]


def _notebook(parts: Iterable[Part]) -> bytes:
    """The cells as a file of Jupyter, which is what the rules know to read."""
    cells: list[dict[str, object]] = [
        {
            "cell_type": "markdown" if part.is_prose else "code",
            "metadata": {},
            "source": part.text.data.decode("utf-8"),
        }
        for part in parts
    ]
    table = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    return json.dumps(table).encode()


def _failed(error: Exception, path: str) -> Found:
    finding = Finding(
        code="lint.unreadable",
        role=Role.FAILURE,
        message=f"it cannot be checked: {type(error).__name__}: {error}",
        hint="report it, with the page",
    )
    return found(finding, path, Lines(b""))
