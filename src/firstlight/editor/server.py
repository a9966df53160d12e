"""The language server: what an editor asks and tells, and what it is answered.

Findings are pushed to editors that wait for them, and kept for those that pull. Rules
that look at one page answer at once; comparing pages goes on in the background.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method

from firstlight import __version__
from firstlight.editor import messages
from firstlight.editor.actions import FIX_ALL, QUICK_FIX, REWRITE
from firstlight.editor.answers import Answers, Client
from firstlight.editor.document import Document
from firstlight.editor.project import WATCHED, FindEnvironment, Project
from firstlight.editor.session import Compared, Session, compare
from firstlight.errors import FirstlightError, UsageError

__all__ = ["serve"]

_LOG = logging.getLogger(__name__)
_TYPING = 0.15
"""Seconds without a keystroke after which a page is checked."""
_IDLE = 0.8
"""Seconds after which pages are compared."""


def serve(find_environment: FindEnvironment, cache: Path | None, port: int = 0) -> int:
    """Speak to one editor until it leaves, and return the exit code.

    Args:
        find_environment: Gives the facts of a project's image.
        cache: The folder of caches.
        port: A port of this machine to listen on, for debugging; 0 for standard input
            and output.

    Raises:
        UsageError: when the port is taken.
    """
    desk = _Desk(Session(find_environment=find_environment, cache=cache))
    if port:
        try:
            desk.server.start_tcp("127.0.0.1", port)
        except OSError as error:
            raise UsageError(
                f"port {port} cannot be used: {error.strerror}", hint="name another"
            ) from error
        return 0
    output, sys.stdout = sys.stdout, sys.stderr
    # What is printed by mistake must not end up between messages.
    desk.server.start_io(sys.stdin.buffer, output.buffer)
    return 0 if desk.is_shut_down else 1


class _Protocol(LanguageServerProtocol):
    """Leaves the texts of documents to us.

    The library keeps them too, with other ideas of where lines end, and changes the
    positions of edits that do not fit these.
    """

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(
        self, params: types.DidChangeTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """Hand the change on."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE], (params,), None

    @lsp_method(types.NOTEBOOK_DOCUMENT_DID_CHANGE)
    def lsp_notebook_document__did_change(
        self, params: types.DidChangeNotebookDocumentParams
    ) -> Generator[Any, Any, None]:
        """Hand the change on."""
        yield self.fm.features[types.NOTEBOOK_DOCUMENT_DID_CHANGE], (params,), None

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: Any) -> Generator[Any, Any, None]:
        """End after this message; the library would end in the middle of it."""
        self._server.shutdown()  # type: ignore[no-untyped-call]
        yield from ()


class _Desk:
    """The server's side of one editor: takes what it tells, and keeps it informed."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.answers = Answers(session)
        self.is_shut_down = False
        self.server = LanguageServer(
            "firstlight",
            __version__,
            notebook_document_sync=types.NotebookDocumentSyncOptions([_NOTEBOOKS]),
            protocol_cls=_Protocol,
        )
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._comparing: set[Path] = set()
        self._problems: set[str] = set()
        for method, (handler, options) in self._handlers().items():
            # A bound method takes no attributes, which the library gives its handlers.
            self.server.feature(method, options)(partial(handler))

    def _handlers(self) -> dict[str, tuple[Callable[..., Any], Any]]:
        answers = self.answers
        return {
            types.INITIALIZE: (self._initialize, None),
            types.INITIALIZED: (self._initialized, None),
            types.SHUTDOWN: (self._shutdown, None),
            types.TEXT_DOCUMENT_DID_OPEN: (self._open, None),
            types.TEXT_DOCUMENT_DID_CHANGE: (self._change, None),
            types.TEXT_DOCUMENT_DID_SAVE: (self._save, None),
            types.TEXT_DOCUMENT_DID_CLOSE: (self._close, None),
            types.NOTEBOOK_DOCUMENT_DID_OPEN: (self._open_notebook, None),
            types.NOTEBOOK_DOCUMENT_DID_CHANGE: (self._change_notebook, None),
            types.NOTEBOOK_DOCUMENT_DID_CLOSE: (self._close_notebook, None),
            types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: (self._folders, None),
            types.WORKSPACE_DID_CHANGE_WATCHED_FILES: (self._files, None),
            types.WORKSPACE_DID_CHANGE_CONFIGURATION: (self._configure, None),
            types.TEXT_DOCUMENT_DIAGNOSTIC: (answers.pulled, _PULLING),
            types.TEXT_DOCUMENT_CODE_ACTION: (answers.actions, _ACTIONS),
            types.CODE_ACTION_RESOLVE: (answers.resolved, None),
            types.TEXT_DOCUMENT_HOVER: (answers.hover, None),
            types.TEXT_DOCUMENT_COMPLETION: (answers.completions, _COMPLETING),
            types.TEXT_DOCUMENT_INLAY_HINT: (answers.hints, None),
        }

    # Beginning and end

    def _initialize(self, params: types.InitializeParams) -> None:
        session, server = self.session, self.server
        encoding = server.workspace.position_encoding
        session.encoding = str(getattr(encoding, "value", encoding))
        folders = [folder.uri for folder in params.workspace_folders or ()]
        if not folders and params.root_uri:
            folders = [params.root_uri]
        session.folders = [file for uri in folders if (file := messages.file_of(uri))]
        session.targets = messages.targets_of(params.initialization_options) or ()
        self.answers.client = _client(params.capabilities)

    def _initialized(self, params: types.InitializedParams) -> None:
        if not self.answers.client.watches:
            return
        names = ("*.md", "*.markdown", "*.ipynb", *WATCHED)
        watchers = [types.FileSystemWatcher(f"**/{name}") for name in names]
        options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
        method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
        self.server.client_register_capability(
            types.RegistrationParams([types.Registration("files", method, options)])
        )

    def _shutdown(self, params: None) -> None:
        self.is_shut_down = True
        for timer in self._timers.values():
            timer.cancel()

    # Documents

    def _open(self, params: types.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        file = messages.file_of(item.uri)
        self._look(self.session.open(item.uri, file, item.version, item.text), 0)

    def _change(self, params: types.DidChangeTextDocumentParams) -> None:
        item, changes = (
            params.text_document,
            map(messages.replacement, params.content_changes),
        )
        document = self.session.change(item.uri, item.version, changes)
        if document is not None:
            self._look(document, _TYPING)

    def _save(self, params: types.DidSaveTextDocumentParams) -> None:
        document = self.session.document(params.text_document.uri)
        if document is not None:
            self._compare_soon(document.project)

    def _close(self, params: types.DidCloseTextDocumentParams) -> None:
        self._forget(self.session.close(params.text_document.uri))

    def _open_notebook(self, params: types.DidOpenNotebookDocumentParams) -> None:
        book = params.notebook_document
        texts = messages.texts_of(params.cell_text_documents)
        file = messages.file_of(book.uri)
        cells = map(messages.cell_of, book.cells)
        self._look(self.session.open_notebook(book.uri, file, cells, texts), 0)

    def _change_notebook(self, params: types.DidChangeNotebookDocumentParams) -> None:
        document = self.session.documents.get(params.notebook_document.uri)
        cells = params.change.cells
        if document is None or cells is None:
            return
        if cells.structure is not None:
            array = cells.structure.array
            texts = messages.texts_of(cells.structure.did_open or ())
            gone = [each.uri for each in cells.structure.did_close or ()]
            new = map(messages.cell_of, array.cells or ())
            self.session.rearrange(
                document, array.start, array.delete_count, new, texts
            )
            self._clear(gone)
        for each in cells.text_content or ():
            changes = map(messages.replacement, each.changes)
            self.session.change(each.document.uri, each.document.version, changes)
        self._look(document, _TYPING)

    def _close_notebook(self, params: types.DidCloseNotebookDocumentParams) -> None:
        self._forget(self.session.close(params.notebook_document.uri))

    def _forget(self, document: Document | None) -> None:
        if document is not None:
            self._clear([part.uri for part in document.parts])
            timer = self._timers.pop(document.uri, None)
            if timer is not None:
                timer.cancel()

    # Surroundings

    def _folders(self, params: types.DidChangeWorkspaceFoldersParams) -> None:
        gone = {messages.file_of(folder.uri) for folder in params.event.removed}
        new = [messages.file_of(folder.uri) for folder in params.event.added]
        left = [each for each in self.session.folders if each not in gone]
        self.session.folders = [*left, *(each for each in new if each is not None)]
        self.session.renew()
        self._look_at_all()

    def _files(self, params: types.DidChangeWatchedFilesParams) -> None:
        if self.session.refresh():
            self._look_at_all()
        for project in self.session.projects:
            self._compare_soon(project)

    def _configure(self, params: types.DidChangeConfigurationParams) -> None:
        targets = messages.targets_of(params.settings)
        if targets not in (None, self.session.targets):
            self.session.targets = targets or ()
            self.session.renew()
            self._look_at_all()

    # Findings

    def _later(self, key: str, seconds: float, call: Callable[[], object]) -> None:
        """Do something when nothing has asked for it again for so long."""
        if key in self._timers:
            self._timers[key].cancel()
        loop = asyncio.get_running_loop()
        self._timers[key] = loop.call_later(seconds, call)

    def _look_at_all(self) -> None:
        for document in self.session.documents.values():
            self._look(document, 0)
        self._refresh()

    def _look(self, document: Document, seconds: float) -> None:
        """Check a document soon, and compare it with the other pages later."""
        self._later(document.uri, seconds, partial(self._push, document))
        self._compare_soon(document.project)

    def _push(self, document: Document) -> None:
        if self.session.refresh():
            self._look_at_all()
        self._push_problems()
        if self.answers.client.pulls or document.uri not in self.session.documents:
            return
        versions = {part.uri: part.version for part in document.parts}
        for uri, found in self.answers.diagnostics(document).items():
            self._publish(uri, found, versions[uri])

    def _push_problems(self) -> None:
        """Show what is wrong with settings, in the file that has them."""
        before, self._problems = self._problems, set()
        for project in self.session.projects:
            uri = project.file.as_uri()
            if project.problems:
                self._problems.add(uri)
                found = [messages.problem(each, project) for each in project.problems]
                self._publish(uri, found)
        self._clear(before - self._problems)

    def _publish(
        self, uri: str, found: list[types.Diagnostic], version: int | None = None
    ) -> None:
        self.server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri, found, version)
        )

    def _clear(self, uris: Iterable[str]) -> None:
        for uri in uris:
            self._publish(uri, [])

    def _refresh(self) -> None:
        """Let an editor that pulls know that there is something new."""
        client = self.answers.client
        if client.refreshes_findings and client.pulls:
            self.server.workspace_diagnostic_refresh(None)
        if client.refreshes_hints:
            self.server.workspace_inlay_hint_refresh(None)

    # Comparing pages

    def _compare_soon(self, project: Project) -> None:
        if project.is_whole and project.plan.compares:
            key = f"compare {project.folder}"
            self._later(key, _IDLE, partial(self._compare, project))

    def _compare(self, project: Project) -> None:
        if project.folder in self._comparing:
            self._compare_soon(project)
            return
        sources, revisions = self.session.sources(project)
        if not sources:
            return
        self._comparing.add(project.folder)
        loop = asyncio.get_running_loop()
        ask = partial(compare, project, sources, revisions, self.session.cache)

        def work() -> None:
            result = _compared(ask)
            with suppress(RuntimeError):  # The editor has left meanwhile.
                loop.call_soon_threadsafe(self._take, project, result)

        threading.Thread(target=work, daemon=True).start()

    def _take(self, project: Project, result: Compared | None) -> None:
        self._comparing.discard(project.folder)
        if result is None:
            return
        changed = self.session.take(project, result)
        for document in changed:
            self._push(document)
        if changed:
            self._refresh()


def _compared(ask: Callable[[], Compared]) -> Compared | None:
    try:
        return ask()
    except FirstlightError:
        return None  # Settings that are wrong are shown where they are.
    except Exception:  # Without comparing, each page is still checked by itself.
        _LOG.exception("pages could not be compared")
        return None


def _client(capabilities: types.ClientCapabilities) -> Client:
    def has(name: str) -> bool:
        return bool(get_capability(capabilities, name, False))

    resolved = get_capability(
        capabilities, "text_document.code_action.resolve_support.properties", ()
    )
    return Client(
        pulls=capabilities.text_document is not None
        and capabilities.text_document.diagnostic is not None,
        resolves="edit" in (resolved or ()),
        with_versions=has("workspace.workspace_edit.document_changes"),
        refreshes_findings=has("workspace.diagnostics.refresh_support"),
        refreshes_hints=has("workspace.inlay_hint.refresh_support"),
        watches=has("workspace.did_change_watched_files.dynamic_registration"),
    )


_NOTEBOOKS = types.NotebookDocumentFilterWithNotebook(
    types.NotebookDocumentFilterNotebookType("jupyter-notebook")
)
_PULLING = types.DiagnosticOptions(
    inter_file_dependencies=True, workspace_diagnostics=False, identifier="firstlight"
)
_ACTIONS = types.CodeActionOptions([QUICK_FIX, REWRITE, FIX_ALL], resolve_provider=True)
_COMPLETING = types.CompletionOptions(trigger_characters=[":", "："])
