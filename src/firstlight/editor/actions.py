"""What an editor offers at a place: fixes, marks, and to leave a finding alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from firstlight.editor.document import Change, Document, View
from firstlight.editor.ignore import ignoring
from firstlight.editor.session import Shown
from firstlight.finding import Fix, Span
from firstlight.lint.result import Found
from firstlight.lint.rule import ENGINE

__all__ = ["FIX_ALL", "QUICK_FIX", "REWRITE", "Action", "actions", "fix_all"]

QUICK_FIX = "quickfix"
REWRITE = "refactor.rewrite"
FIX_ALL = "source.fixAll.firstlight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something to choose: its title, its kind, the finding it is about.

    `changes` gives what it changes: it may take a moment, so it is asked when needed.
    """

    title: str
    kind: str
    changes: Callable[[], list[Change]]
    shown: Shown | None = None
    is_preferred: bool = False


def actions(
    document: Document, uri: str, span: Span, shown: Sequence[Shown]
) -> Iterator[Action]:
    """Yield what can be done about the bytes of a part, likeliest first.

    Args:
        document: The document.
        uri: Of the part.
        span: The selection; empty for a cursor.
        shown: All that is found in the document.
    """
    view = document.view
    here = [each for each in shown if _is_at(each, uri, span)]
    fixable = [(each, fix) for each in here if (fix := each.found.fix)]
    for each, fix in fixable:
        yield Action(
            title=fix.title if fix.safe else f"{fix.title} (needs a look)",
            kind=QUICK_FIX,
            changes=partial(view.changes, fix),
            shown=each,
            is_preferred=fix.safe,
        )
    yield from _marks(view, uri, span)
    codes = {each.found.code: each for each in here if each.found.code not in ENGINE}
    for code, each in codes.items():
        yield Action(
            title=f"Ignore {code} here",
            kind=QUICK_FIX,
            changes=partial(_ignored, view, each.found),
            shown=each,
        )


def fix_all(document: Document, shown: Iterable[Shown]) -> Iterator[Action]:
    """Yield the action that makes every safe fix of a document, if there is one."""
    view = document.view
    safe = [each for each in shown if each.found.fix and each.found.fix.safe]
    if safe:
        yield Action(
            title="Fix all that is safe to fix (firstlight)",
            kind=FIX_ALL,
            changes=view.all_fixed,
        )


def _is_at(shown: Shown, uri: str, span: Span) -> bool:
    at = shown.at
    touches = at.span.start <= span.end and span.start <= at.span.end
    return at.part.uri == uri and touches


def _marks(view: View, uri: str, span: Span) -> Iterator[Action]:
    for each in view.proposals:
        block = view.page.blocks[each.mark.block]
        at = view.place(block.span)
        is_here = at is not None and at.part.uri == uri
        if at is None or not is_here or each.fix is None:
            continue
        if at.span.start <= span.end and span.start <= at.span.end:
            yield Action(
                title=each.fix.title,
                kind=REWRITE,
                changes=partial(view.changes, each.fix),
            )


def _ignored(view: View, found: Found) -> list[Change]:
    edit = ignoring(view.page, found.code, found.span)
    if edit is None:
        return []
    return view.changes(Fix("", (edit,)))
