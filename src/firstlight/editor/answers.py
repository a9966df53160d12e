"""What an editor is answered about its documents as they are at this moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from lsprotocol import types

from firstlight.editor import messages
from firstlight.editor.actions import Action, actions, fix_all
from firstlight.editor.complete import completions
from firstlight.editor.document import Document, Part
from firstlight.editor.hover import about_finding, about_place
from firstlight.editor.session import Session, Shown

__all__ = ["Answers", "Client"]

_KEPT = 200
"""Actions whose changes an editor may still ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What an editor can do.

    It `pulls` findings, or they are pushed; it `resolves` actions, or their changes
    come with them; `with_versions` it takes edits that name the text they are of.
    """

    pulls: bool = False
    resolves: bool = False
    with_versions: bool = False
    refreshes_findings: bool = False
    refreshes_hints: bool = False
    watches: bool = False


@dataclass(slots=True)
class Answers:
    """The answers to one editor."""

    session: Session
    client: Client = field(default_factory=Client)
    _offered: dict[int, Action] = field(default_factory=dict)
    _number: int = 0

    def _find(self, uri: str) -> tuple[Document, Part] | None:
        document = self.session.document(uri)
        part = document.part(uri) if document else None
        return (document, part) if document and part else None

    # Findings

    def diagnostics(self, document: Document) -> dict[str, list[types.Diagnostic]]:
        """Return the diagnostics of each part of a document, none for some."""
        found: dict[str, list[types.Diagnostic]] = {p.uri: [] for p in document.parts}
        for shown in self.session.findings(document):
            found[shown.at.part.uri].append(messages.diagnostic(shown, document))
        return found

    def pulled(
        self, params: types.DocumentDiagnosticParams
    ) -> types.DocumentDiagnosticReport:
        """Return the diagnostics of a part, or that they are those of last time."""
        uri = params.text_document.uri
        found = self._find(uri)
        if found is None:
            return types.RelatedFullDocumentDiagnosticReport(items=[])
        document, _ = found
        state = f"{document.revision}.{document.project.number}.{document.comparisons}"
        if params.previous_result_id == state:
            return types.RelatedUnchangedDocumentDiagnosticReport(result_id=state)
        items = self.diagnostics(document)[uri]
        return types.RelatedFullDocumentDiagnosticReport(items=items, result_id=state)

    # Actions

    def actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """Return what can be done at a place, of the kinds that are asked for."""
        found = self._find(params.text_document.uri)
        if found is None:
            return []
        document, part = found
        span = messages.span_of(part.text, params.range)
        shown = self.session.findings(document)
        every = [*actions(document, part.uri, span, shown)]
        only = params.context.only
        if self.client.resolves or only is not None:
            every += fix_all(document, shown)
        return [
            self._offer(action, document)
            for action in every
            if only is None or any(_is_kind(action.kind, str_of(kind)) for kind in only)
        ]

    def _offer(self, action: Action, document: Document) -> types.CodeAction:
        made = messages.code_action(action, document)
        if not self.client.resolves:
            made.edit = self._edit(action)
            return made
        self._number += 1
        self._offered[self._number] = action
        self._offered.pop(self._number - _KEPT, None)
        made.data = self._number
        return made

    def resolved(self, action: types.CodeAction) -> types.CodeAction:
        """Return an action that was offered with what it changes."""
        offered = self._offered.get(action.data) if action.data else None
        if offered is not None:
            action.edit = self._edit(offered)
        return action

    def _edit(self, action: Action) -> types.WorkspaceEdit:
        return messages.workspace_edit(
            action.changes(), with_versions=self.client.with_versions
        )

    # Help while writing

    def hover(self, params: types.HoverParams) -> types.Hover | None:
        """Return what the symbol and the findings at a place are about."""
        found = self._find(params.text_document.uri)
        if found is None:
            return None
        document, part = found
        at = part.text.offset(params.position.line, params.position.character)
        page = document.view.page_of(part)
        told = about_place(page, at)
        here = _at(self.session.findings(document), part, at)
        texts = [told.text] if told else []
        texts += (about_finding(each.found, page.language) for each in here)
        if not texts:
            return None
        span = told.span if told else here[0].at.span
        content = types.MarkupContent(
            types.MarkupKind.Markdown, "\n\n---\n\n".join(texts)
        )
        return types.Hover(content, messages.range_of(part.text, span))

    def completions(self, params: types.CompletionParams) -> types.CompletionList:
        """Return the symbols with words that what is typed can become."""
        found = self._find(params.text_document.uri)
        if found is None or not found[1].is_prose:
            return types.CompletionList(is_incomplete=False, items=[])
        document, part = found
        at = part.text.offset(params.position.line, params.position.character)
        form = document.project.plan.given.form
        line = part.text.line_before(at)
        every = completions(document.view.page_of(part), at, line, form)
        return types.CompletionList(
            is_incomplete=True,
            items=[
                messages.completion(each, part.text, number)
                for number, each in enumerate(every)
            ],
        )

    def hints(self, params: types.InlayHintParams) -> list[types.InlayHint]:
        """Return the marks that are proposed in a range."""
        found = self._find(params.text_document.uri)
        if found is None or not found[0].is_wanted:
            return []
        document, part = found
        span = messages.span_of(part.text, params.range)
        made = []
        for proposal, at in document.view.places():
            is_here = (
                at.part.uri == part.uri and span.start <= at.span.start <= span.end
            )
            if is_here and proposal.fix is not None:
                changes = document.view.changes(proposal.fix)
                language = document.view.page.language
                made.append(messages.hint(proposal, at, changes, language))
        return made


def str_of(kind: types.CodeActionKind | str) -> str:
    """Return a kind as text: editors may name kinds that the protocol does not."""
    return kind.value if isinstance(kind, types.CodeActionKind) else kind


def _is_kind(kind: str, asked: str) -> bool:
    return kind == asked or kind.startswith(f"{asked}.") or not asked


def _at(shown: Iterable[Shown], part: Part, offset: int) -> list[Shown]:
    return [
        each
        for each in shown
        if each.at.part.uri == part.uri
        and each.at.span.start <= offset <= each.at.span.end
    ]
