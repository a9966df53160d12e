"""The symbols in what a person reads of a page; asked for by `Page.once`."""

from __future__ import annotations

from firstlight.lexicon.symbols import Symbol, symbols
from firstlight.markdown.page import Page

__all__ = ["of"]


def of(page: Page) -> list[Symbol]:
    """Return the symbols in the prose of a page, with their bytes in its source."""
    return symbols(page.prose)
