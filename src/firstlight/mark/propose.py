"""Marks that a page lacks, each with the edits that write it.

Few marks are a policy: what is marked everywhere is marked nowhere. So hazards come
first, then what is surest, up to one block in three and never two side by side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from firstlight.finding import Fix
from firstlight.lexicon.table import Lexicon
from firstlight.mark.functions import Mark, functions, marked_blocks
from firstlight.mark.place import CannotMarkError, edits_for, language_at
from firstlight.markdown.notices import spoken
from firstlight.markdown.page import Page
from firstlight.signs import SIGNS

__all__ = ["BLOCKS_PER_MARK", "MIN_CONFIDENCE", "Proposal", "proposals"]

MIN_CONFIDENCE = 0.9
"""What is less sure is told, and not written."""
BLOCKS_PER_MARK = 3
_ALWAYS_ALLOWED = 3
_COUNTED = ("heading", "paragraph", "fence", "table")
_HAZARDS = ("danger", "warning")
_ORDER = {name: at for at, name in enumerate(SIGNS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A mark, its symbol and word, and the fix that writes it.

    Without a fix, `why_not` says why it cannot or should not be written.
    """

    mark: Mark
    symbol: str
    word: str
    fix: Fix | None = None
    why_not: str = ""


def proposals(
    page: Page,
    lexicon: Lexicon,
    *,
    form: str = "",
    min_confidence: float = MIN_CONFIDENCE,
    linked: Collection[str] = (),
) -> list[Proposal]:
    """Return the marks that a page lacks, in the order of the page.

    Args:
        page: The page.
        lexicon: Whose symbols and words.
        form: The form of notices to write; that of the page's own notices if empty.
        min_confidence: Marks that are less sure are left out.
        linked: Anchors of this page that links of other pages go to.
    """
    form = form or page.once(_usual_form)
    marks = [m for m in page.once(functions) if m.confidence >= min_confidence]
    drafts = [_draft(page, mark, lexicon, form, linked) for mark in marks]
    # What could never have a mark is no news, unless it is a hazard.
    known = [d for d in drafts if d.fix or d.mark.function in _HAZARDS]
    known = [d for d in known if d.mark.is_writable]
    return sorted(_few(page, known), key=lambda each: each.mark.span.start)


def _draft(
    page: Page, mark: Mark, lexicon: Lexicon, form: str, linked: Collection[str]
) -> Proposal:
    language = language_at(page, page.blocks[mark.block])
    draft = Proposal(
        mark=mark,
        symbol=lexicon.functions[mark.function].symbol,
        word=lexicon.word(mark.function, language),
    )
    try:
        edits = edits_for(page, mark, lexicon, form, linked)
    except CannotMarkError as reason:
        return replace(draft, why_not=str(reason))
    title = f"mark it {draft.symbol} {draft.word}"
    return replace(draft, fix=Fix(title, tuple(sorted(edits)), safe=False))


def _usual_form(page: Page) -> str:
    """The form that most notices of a page have, else symbols, read everywhere."""
    forms = [page.blocks[number].value.form for number in page.numbers("notice")]
    forms += [n.form for n in page.once(spoken).values() if n.form == "symbol"]
    return Counter(forms).most_common(1)[0][0] if forms else "symbol"


# Few


def _few(page: Page, drafts: Sequence[Proposal]) -> list[Proposal]:
    """Take fixes from those that would be too many, or stand beside another mark."""
    taken = set(page.once(marked_blocks))
    counted = sum(len(page.numbers(kind)) for kind in _COUNTED)
    room = max(_ALWAYS_ALLOWED, counted // BLOCKS_PER_MARK) - len(taken)
    found = []
    for draft in sorted(drafts, key=_priority):
        number = draft.mark.block
        if draft.fix is None:
            found.append(draft)
        elif _has_neighbour(page, number, taken):
            found.append(replace(draft, fix=None, why_not="a mark stands beside it"))
        elif room <= 0 and draft.mark.function not in _HAZARDS:
            why = f"one block in {BLOCKS_PER_MARK} has a mark already"
            found.append(replace(draft, fix=None, why_not=why))
        else:
            room -= 1
            taken.add(number)
            found.append(draft)
    return found


def _priority(draft: Proposal) -> tuple[bool, float, int, int]:
    mark = draft.mark
    is_hazard = mark.function in _HAZARDS
    return not is_hazard, -mark.confidence, _ORDER.get(mark.function, 99), mark.block


def _has_neighbour(page: Page, number: int, taken: Collection[int]) -> bool:
    """Whether a marked block stands right before or after; headings do not count."""
    if page.blocks[number].kind == "heading":
        return False
    return any(
        other in taken and page.blocks[other].kind != "heading"
        for other in page.siblings(number)
    )
