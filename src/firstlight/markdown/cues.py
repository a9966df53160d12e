"""The cue words in what a person reads of a page; asked for by `Page.once`."""

from __future__ import annotations

from firstlight.lexicon.cues import HARMS, Cue, find
from firstlight.markdown.page import Page

__all__ = ["harms", "of"]


def of(page: Page) -> dict[str, list[Cue]]:
    """Return the cues in the prose of a page by kind, in order."""
    return find(page.prose, page.lexicon)


def harms(page: Page) -> dict[str, list[Cue]]:
    """Return those that tell of harm, which are few, at a third of the cost."""
    return find(page.prose, page.lexicon, HARMS)
