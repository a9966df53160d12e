"""All that is open in one editor, and what is known of it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from firstlight.editor.document import Document, Located, Part, View
from firstlight.editor.project import FindEnvironment, Project, folder_of
from firstlight.editor.text import Position, Text
from firstlight.finding import Span
from firstlight.lint.baseline import compared
from firstlight.lint.plan import Plan
from firstlight.lint.result import Found
from firstlight.lint.run import lint

__all__ = ["Cell", "Compared", "Replacement", "Session", "Shown", "compare"]

_LOG = logging.getLogger(__name__)
_LATE = ("lint.unused-ignore", "lint.rule-failed")
"""What the engine may find only when pages are compared."""


class Shown(NamedTuple):
    """A finding and where the editor shows it."""

    found: Found
    at: Located


class Replacement(NamedTuple):
    """A change as an editor tells it; without places, all of the text is new."""

    text: str
    start: Position | None = None
    end: Position | None = None


class Cell(NamedTuple):
    """A cell of a notebook: its URI, and whether it is Markdown."""

    uri: str
    is_prose: bool


class Compared(NamedTuple):
    """What comparing the pages of a project found, and the texts that it was about."""

    found: Mapping[str, list[Found]]
    revisions: Mapping[str, int]


@dataclass(kw_only=True)
class Session:
    """One editor: its folders, its open documents, the projects that these are in.

    Args:
        find_environment: Gives the facts of a project's image.
        cache: The folder of caches, which comparing pages uses; None for none.
        encoding: What the editor counts columns in.
        folders: Those that are open in the editor.
        targets: Where pages are read, for projects that do not say.
    """

    find_environment: FindEnvironment
    cache: Path | None = None
    encoding: str = "utf-16"
    folders: list[Path] = field(default_factory=list)
    targets: Sequence[str] = ()
    documents: dict[str, Document] = field(default_factory=dict)
    _projects: dict[Path, Project] = field(default_factory=dict)

    # Documents

    def open(self, uri: str, file: Path | None, version: int, text: str) -> Document:
        """Take a page that was opened."""
        part = Part(uri, version, Text.of(text, self.encoding))
        return self._put(Document(uri, file, self._project(file), [part]))

    def open_notebook(
        self,
        uri: str,
        file: Path | None,
        cells: Iterable[Cell],
        texts: Mapping[str, tuple[int, str]],
    ) -> Document:
        """Take a notebook; `texts` has version and text of each of its cells."""
        parts = [self._cell(cell, texts) for cell in cells]
        return self._put(
            Document(uri, file, self._project(file), parts, is_notebook=True)
        )

    def _cell(self, cell: Cell, texts: Mapping[str, tuple[int, str]]) -> Part:
        version, text = texts.get(cell.uri, (0, ""))
        return Part(cell.uri, version, Text.of(text, self.encoding), cell.is_prose)

    def _put(self, document: Document) -> Document:
        self.documents[document.uri] = document
        return document

    def rearrange(
        self,
        document: Document,
        start: int,
        removed: int,
        cells: Iterable[Cell],
        texts: Mapping[str, tuple[int, str]],
    ) -> None:
        """Take cells out of a notebook and put others in; moved ones keep texts."""
        known = {part.uri: part for part in document.parts}
        added = [
            known[cell.uri]
            if cell.uri in known and cell.uri not in texts
            else self._cell(cell, texts)
            for cell in cells
        ]
        document.parts[start : start + removed] = added
        document.compared = []
        document.renew()

    def change(
        self, uri: str, version: int, changes: Iterable[Replacement]
    ) -> Document | None:
        """Take changes to a page or cell, in their order."""
        document = self.document(uri)
        part = document.part(uri) if document else None
        if document is None or part is None:
            return None
        for each in changes:
            part.text, edit = part.text.replaced(_span(part.text, each), each.text)
            document.edited(part, edit)
        part.version = version
        return document

    def close(self, uri: str) -> Document | None:
        """Forget a document."""
        return self.documents.pop(uri, None)

    def document(self, uri: str) -> Document | None:
        """Return the document with a URI, or the notebook that has a cell with it."""
        if uri in self.documents:
            return self.documents[uri]
        books = (each for each in self.documents.values() if each.is_notebook)
        return next((each for each in books if each.part(uri)), None)

    # Projects

    @property
    def projects(self) -> Sequence[Project]:
        """Those in which a document is open."""
        used = {each.project.folder: each.project for each in self.documents.values()}
        return tuple(used.values())

    def _project(self, file: Path | None) -> Project:
        folder = (self.folders or [Path.cwd()])[0]
        if file is not None:
            folder = folder_of(file, self.folders)
        known = self._projects.get(folder)
        if known is None:
            known = Project(
                folder,
                self.find_environment,
                is_whole=folder in self.folders,
                targets=self.targets,
            )
            self._projects[folder] = known
        return known

    def renew(self) -> None:
        """Look again in which projects the documents are: folders have changed."""
        self._projects.clear()
        for document in self.documents.values():
            document.project = self._project(document.file)
            document.compared = []
            document.renew()

    def refresh(self) -> bool:
        """Read settings that have changed; whether some had."""
        changed = {p.folder for p in self.projects if p.refresh()}
        for document in self.documents.values():
            if document.project.folder in changed:
                document.renew()
        return bool(changed)

    # Findings

    def findings(self, document: Document) -> list[Shown]:
        """Return what is found in a document as it is now, sorted."""
        if not document.is_wanted:
            return []
        view = document.view
        every = {
            (each.span, each.code, each.message): each
            for each in (*document.compared, *view.checked.found)
        }
        left = sorted(every.values(), key=lambda each: (each.span, each.code))
        baseline = document.project.baseline
        if baseline:
            left = compared(left, baseline, ()).found
        return [
            Shown(each, at) for each in left if (at := _within(view, each)) is not None
        ]

    def sources(self, project: Project) -> tuple[dict[str, bytes], dict[str, int]]:
        """Return the open pages of a project as they are, and their revisions."""
        pages = [
            each
            for each in self.documents.values()
            if each.project is project and each.file and project.holds(each.path)
        ]
        texts = {each.path: each.view.source.data for each in pages}
        return texts, {each.path: each.revision for each in pages}

    def take(self, project: Project, result: Compared) -> list[Document]:
        """Keep what comparing found of documents that have not changed since."""
        changed = []
        for document in self.documents.values():
            path = document.path
            is_same = result.revisions.get(path) == document.revision
            if document.project is project and is_same:
                document.compared = result.found.get(path, [])
                document.comparisons += 1
                changed.append(document)
        return changed


def _span(text: Text, change: Replacement) -> Span:
    if change.start is None or change.end is None:
        return Span(0, len(text.data))
    start = text.offset(*change.start)
    return Span(start, max(start, text.offset(*change.end)))


def _within(view: View, each: Found) -> Located | None:
    """Where a finding is, cut to its part: what is about a page may end after it."""
    at = view.located(each)
    if at is None:
        return None
    end = min(at.span.end, len(at.part.text.data))
    return Located(at.part, Span(min(at.span.start, end), end))


def compare(
    project: Project,
    sources: Mapping[str, bytes],
    revisions: Mapping[str, int],
    cache: Path | None,
) -> Compared:
    """Compare all pages of a project, some of them as they are in the editor.

    This reads files and may take a second; it touches nothing of the session.
    """
    outcome = lint(
        project.folder,
        settings=project.settings,
        environment=project.environment,
        jobs=1,
        cache=cache,
        write=False,
        sources=sources,
        with_baseline=False,
    )
    table: dict[str, list[Found]] = {}
    for each in _late(project.plan, outcome.found):
        table.setdefault(each.path, []).append(each)
    return Compared(table, revisions)


def _late(plan: Plan, all_found: Iterable[Found]) -> Iterator[Found]:
    codes = {*_LATE, *(rule.code for rule in plan.rules if rule.across)}
    return (each for each in all_found if each.code in codes)
