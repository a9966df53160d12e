"""Where sentences begin and end, in English and Chinese, in bytes of the source.

A hazard is a sentence, a step is one, and long ones tire: whoever asks gets the same.
"""

from __future__ import annotations

import re

from firstlight.finding import Span
from firstlight.markdown.page import Page

__all__ = ["sentences", "split"]

_RUNS = ("code", "strong", "emphasis", "strike", "link", "math")
_LEAVES = frozenset(("paragraph", "heading", "cell"))
_END = re.compile(
    # The first byte of all marks comes first: so the search skips quickly.
    rb"[.!?\xe3\xef](?:"
    # Chinese ends a sentence without a space after it: 。！．？；, then what closes:
    # ’ ” 》 」 』 】 ）.
    rb"(?:(?<=\xe3)\x80\x82|(?<=\xef)\xbc[\x81\x8e\x9f\x9b])"
    rb"(?:\xe3\x80\x82|\xef\xbc[\x81\x8e\x9f\x9b])*"
    rb"(?:\xe2\x80[\x99\x9d]|\xe3\x80[\x8b\x8d\x8f\x91]|\xef\xbc\x89)*"
    # English needs a space, and what follows must look like a beginning.
    rb"|(?<=[.!?])(?:[.!?]*(?:[\"')\]]|\xe2\x80[\x99\x9d])*(?=\s+[^\sa-z,;:.!?)\]])"
    # Or the mark stands between Chinese text, written half-width.
    rb"|(?<=[\x80-\xff)][.!?])[.!?]*(?=[\xe4-\xe9])))"
)
_HARD_BREAK = re.compile(rb"(?: {2,}|\\)\r?\n|<br\s*/?>", re.IGNORECASE)
_MAY_BREAK = (b"  \n", b"  \r", b"\\\n", b"\\\r", b"<br", b"<BR")
_LONGEST_NUMBER = 12
_LAST_WORD = re.compile(rb"[A-Za-z][A-Za-z.]*\Z")
_ABBREVIATIONS = frozenset(
    b"e.g i.e eg ie etc vs cf al fig figs no nos vol ch sec sect eq eqs ref refs "
    b"approx resp incl excl ca dr mr mrs ms prof st inc ltd co corp dept est max min "
    b"ver jan feb mar apr jun jul aug sep sept oct nov dec u.s p pp".split()
)
_ONLY_BEFORE_NUMBERS = frozenset(
    b"no nos fig figs vol ch sec sect eq eqs ref refs ver max min p pp "
    b"jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
"""Of these a sentence may be made too: "The answer is no. Then"."""


def sentences(page: Page, number: int) -> list[Span]:
    """Return the sentences of a block, without the spaces around each.

    Markup belongs to the sentence that begins or ends in it; a run of several sentences
    is cut by them. Only paragraphs, headings and cells have sentences. Asking again
    costs nothing.
    """
    known = page.once(_known)
    found = known.get(number)
    if found is None:
        block = page.blocks[number]
        found = known[number] = _of(page, block.text) if block.kind in _LEAVES else []
    return found


def _known(page: Page) -> dict[int, list[Span]]:
    """What was split already; filled as blocks are asked for."""
    return {}


def _of(page: Page, text: Span) -> list[Span]:
    prose = page.prose[text.start : text.end]
    if not prose.strip():
        return []
    breaks: list[int] = []
    source = page.data[text.start : text.end]
    if any(sign in source for sign in _MAY_BREAK):
        breaks = [found.end() for found in _HARD_BREAK.finditer(source)]
    starts, ends = page.once(_markup)
    found = []
    for start, end in split(prose, breaks):
        start, end = start + text.start, end + text.start
        while start in starts:
            start = starts[start]
        while end in ends:
            end = ends[end]
        found.append(Span(start, end))
    return found


def _markup(page: Page) -> tuple[dict[int, int], dict[int, int]]:
    """Where the text of a run begins -> where the run does; the same for the ends."""
    runs = [run for kind in _RUNS for run in page.inlines(kind)]
    starts = {run.text.start: run.start for run in runs if run.start < run.text.start}
    ends = {run.text.end: run.end for run in runs if run.end > run.text.end}
    return starts, ends


def split(prose: bytes, breaks: list[int] | None = None) -> list[tuple[int, int]]:
    """Return where each sentence of a text begins and ends.

    A sentence also ends at each of the offsets `breaks`. The cost is that of one pass.
    """
    ends = [found.end() for found in _END.finditer(prose) if _is_end(prose, found)]
    if breaks:
        ends = sorted({*ends, *breaks})
    spans, start = [], 0
    for end in (*ends, len(prose)):
        piece = prose[start:end]
        bare = piece.strip()
        if bare:
            first = start + len(piece) - len(piece.lstrip())
            spans.append((first, first + len(bare)))
        start = end
    return spans


def _is_end(prose: bytes, found: re.Match[bytes]) -> bool:
    """Whether a full stop ends a sentence, and not a short form or an initial."""
    if found[0][:1] != b"." or found[0].startswith(b".."):
        return True
    if found.start() < _LONGEST_NUMBER and prose[: found.start()].strip().isdigit():
        return False  # The number of a heading: "2. Install".
    before = _LAST_WORD.search(prose, max(0, found.start() - 24), found.start())
    if before is None:
        return True
    word = before[0].lower()
    if len(word) == 1:
        # "J. Smith" is an initial, "plan B. Then" is none: both have a capital.
        return before[0].islower() or prose[found.end() :].lstrip()[:1] == b"_"
    if word not in _ABBREVIATIONS:
        return True
    after = prose[found.end() :].lstrip()[:1]
    if word == b"etc":
        return after.isupper()
    return word in _ONLY_BEFORE_NUMBERS and not after.isdigit()
