"""Bytes of a page as text, without a change of length, and where its text begins."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable

from firstlight.finding import Edit, Span

__all__ = ["edited", "front_of", "start_of", "text_of"]

_SAME_LENGTH = "firstlight-same-length"


def _question_marks(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "?" * (error.end - error.start), error.end


codecs.register_error(_SAME_LENGTH, _question_marks)


def text_of(data: bytes) -> str:
    """Return a source as text of the same length in UTF-8; ``?`` for what is none."""
    return data.decode("utf-8", _SAME_LENGTH)


def edited(data: bytes, edits: Iterable[Edit]) -> bytes:
    """Return a source with edits made; they are in order and do not overlap."""
    pieces = []
    at = 0
    for span, text in edits:
        pieces += [data[at : span.start], text]
        at = span.end
    return b"".join((*pieces, data[at:]))


_BOM = b"\xef\xbb\xbf"
_FRONT = re.compile(
    rb"---[ \t]*\r?\n(?!\s)(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)",
    re.DOTALL | re.MULTILINE,
)


def front_of(data: bytes) -> tuple[Span, Span] | None:
    """Return the bytes of the front matter, and of what is between its two lines.

    Only at the start of a page are they that: elsewhere ``---`` divides, or underlines.
    """
    start = len(_BOM) if data.startswith(_BOM) else 0
    found = _FRONT.match(data, start)
    return (Span(*found.span()), Span(*found.span(1))) if found else None


def start_of(data: bytes) -> int:
    """Return where Markdown begins: after a byte order mark and front matter."""
    front = front_of(data)
    if front is not None:
        return front[0].end
    return len(_BOM) if data.startswith(_BOM) else 0
