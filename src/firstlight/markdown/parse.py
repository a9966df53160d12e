"""Source in, page out: one pass over the events of a native CommonMark parser.

Notices that CommonMark does not know are found first, and their markers replaced by
something of the same length that it does know; so every offset is one of the source.
"""

from __future__ import annotations

import pyromark

from firstlight.lexicon.table import DEFAULT, Lexicon
from firstlight.markdown.builder import Builder
from firstlight.markdown.containers import view_of
from firstlight.markdown.page import Page
from firstlight.markdown.source import front_of, start_of, text_of

__all__ = ["OPTIONS", "parse"]

OPTIONS = (
    pyromark.Options.ENABLE_GFM
    | pyromark.Options.ENABLE_TABLES
    | pyromark.Options.ENABLE_TASKLISTS
    | pyromark.Options.ENABLE_STRIKETHROUGH
    | pyromark.Options.ENABLE_FOOTNOTES
    | pyromark.Options.ENABLE_HEADING_ATTRIBUTES
    | pyromark.Options.ENABLE_MATH
)
"""The dialect: CommonMark, GFM, footnotes, math, ids of headings."""


def parse(data: bytes, path: str = "", lexicon: Lexicon = DEFAULT) -> Page:
    """Parse a page. The cost grows with its length, and no page is refused.

    Args:
        data: The source, with its byte order mark and line ends as they are.
        path: Where it is in the project, with ``/``.
        lexicon: Whose words say which function a notice has.
    """
    view = view_of(data, lexicon)
    # The parser would find front matter anywhere, and none after a byte order mark.
    front, start = front_of(data), start_of(data)
    builder = Builder(data, view, lexicon)
    if front is not None:
        builder.front(*front)
    # Empty lines take its place: they mean nothing, and no offset moves.
    text = text_of(b"\n" * start + view.data[start:] if start else view.data)
    builder.take(pyromark.events_with_range(text, options=OPTIONS))
    return builder.page(path)
