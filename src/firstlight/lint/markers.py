"""Where the symbols of a page stand, for all rules that ask about symbols.

Symbols with nothing but spaces between them are one run, for a reader sees them as
one. What matters of a run is its place in its block: a symbol at the start is a
marker, anywhere else it is something in a text.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from firstlight.finding import Edit, Span
from firstlight.lexicon.symbols import CHECK_MARKS, Symbol
from firstlight.lexicon.table import Lexicon
from firstlight.markdown import symbols
from firstlight.markdown.page import Page

__all__ = [
    "Run",
    "is_flag",
    "is_free",
    "is_text_mark",
    "removal",
    "runs",
    "word_function",
]

_WORD = re.compile(r"[\s*_]*([^\W\d_][^\n:：!！.。,，*_—–()（）]{0,30})")
_WHOLE = re.compile(
    rb"(?:#{1,6}|[-+*]|\d{1,9}[.)])(?:\s|\Z)|>|\||<|={2,}|-{2,}|~{3}|`{3}"
    rb"|:{3}|!{3}|\?{3}|/{3}|\[[^\]\n]*\]:|    |\t"
)
"""What at the start of a line is no text but the marker of some block."""
_PAIRS = {b"*": b"*", b"_": b"_", b"~": b"~", b"[": b"]", b"(": b")", b'"': b'"'}
_JOIN = _PAIRS | {b"`": b"`", b":": b":", b"|": b"|", b"$": b"$"}
"""What would be read as one thing if nothing stood between."""
_OPENERS = tuple(_PAIRS)
_SPACE = (b" ", b"\t")
_LINE_ENDS = (b"\r", b"\n")
_SPACES = re.compile(rb"[ \t]*")
_ENDS = re.compile(
    r"""[*_~\])"]*(?:[\s.,;:!?)|]|，|。|；|：|！|？|、|）|\Z)""".encode()
)
"""What after a symbol makes the space before it go with it."""
_BLANK = b" \t"
_TEXT_MARKS = ("✔", "✖")


class Run(NamedTuple):
    """Symbols side by side in one block.

    `place` is ``alone`` (the block shows nothing else), ``start`` and ``end`` of the
    block, ``line`` (the start of a later line of it), else ``inside``.
    """

    symbols: tuple[Symbol, ...]
    block: int
    place: str

    @property
    def start(self) -> int:
        """Where the first symbol begins."""
        return self.symbols[0].start

    @property
    def end(self) -> int:
        """Where the last symbol ends."""
        return self.symbols[-1].end

    @property
    def is_marker(self) -> bool:
        """Whether it marks what follows, or all there is."""
        return self.place in ("alone", "start", "line")


def runs(page: Page) -> list[Run]:
    """Return the runs of symbols of a page, in order; ask it with `Page.once`."""
    found: list[Run] = []
    group: list[Symbol] = []
    block = -1
    for symbol in page.once(symbols.of):
        here = page.at(symbol.start)
        if group and (here != block or not _touch(page, group[-1].end, symbol.start)):
            found.append(_run(page, group, block, symbol.start))
            group = []
        if here >= 0:
            group.append(symbol)
        block = here
    if group:
        found.append(_run(page, group, block, len(page.data)))
    return found


def _touch(page: Page, end: int, start: int) -> bool:
    return not page.data[end:start].strip(_BLANK)


def _run(page: Page, group: list[Symbol], block: int, following: int) -> Run:
    text = page.blocks[block].text
    start, end = group[0].start, group[-1].end
    # Up to the next symbol is enough to know whether text follows.
    is_last = not page.shown[end : min(following, text.end)].strip(b"\0 \t\r\n")
    is_last = is_last and following >= text.end
    place = _place(page.shown, text.start, start)
    if is_last:
        place = "alone" if place == "start" else "end"
    return Run(tuple(group), block, place)


def _place(shown: bytes, first: int, start: int) -> str:
    """The place by what is before: looks back to the last character that is shown."""
    size = 64
    while True:
        near = shown[max(first, start - size) : start]
        line = near.rfind(b"\n") + 1
        if near[line:].strip(b"\0 \t"):
            return "inside"
        if line:
            return "line"
        if start - size <= first:
            return "start"
        size *= 4  # What is not shown, such as the address of a link, may be long.


def word_function(page: Page, run: Run, lexicon: Lexicon, form: str = "") -> str:
    """Return the function of the word right after a run, empty if it has none.

    With the form ``bold``, only of words that announce it by themselves.
    """
    block = page.blocks[run.block]
    following = page.shown[run.end : min(block.text.end, run.end + 120)]
    text = following.replace(b"\0", b"").decode("utf-8", "ignore")
    found = _WORD.match(text.partition("\n")[0])
    return lexicon.function_of_word(found[1].strip(), form) if found else ""


def is_text_mark(page: Page, symbol: str) -> bool:
    """Whether ✔ or ✖ is text on purpose: beside ✗, ✘ or ✓, which are no symbols."""
    return symbol in _TEXT_MARKS and page.once(_has_text_marks)


def _has_text_marks(page: Page) -> bool:
    return any(mark.encode() in page.prose for mark in CHECK_MARKS)


def is_flag(symbol: str) -> bool:
    """Whether a symbol is a flag: it stands for its country, and for nothing else."""
    return "\U0001f1e6" <= symbol[0] <= "\U0001f1ff" or symbol[0] in "🏴🏳"


def is_free(page: Page, block: int) -> bool:
    """Whether the text of a block can change and no link to it breaks.

    The text of a heading is its anchor. Of a title, or with an id of its own, that does
    not matter.
    """
    found = page.blocks[block]
    if found.kind != "heading" or found.value == 1:
        return True
    return page.data[found.text.end : found.end].rstrip().endswith(b"}")


def removal(page: Page, start: int, end: int) -> Edit | None:
    """Return the edit that takes symbols away with their space.

    None where what is left would be empty, or would be read as other Markdown.
    """
    data, last = page.data, page.blocks[page.at(start)].text.end
    before, after = data[max(start - 1, 0) : start], data[end : end + 1]
    if _JOIN.get(before, b"-") == after:
        return None
    first = page.blocks[page.at(start)].text.start
    if before in _OPENERS or _place(page.shown, first, start) != "inside":
        rest = _SPACES.match(data, end, last)
        rest_at = rest.end() if rest else end
        if rest_at >= last or data[rest_at : rest_at + 1] in _LINE_ENDS:
            return None
        if before not in _PAIRS and _WHOLE.match(data, rest_at):
            return None
        return Edit(Span(start, rest_at), b"")
    if before in _SPACE and (end >= last or _ENDS.match(data, end)):
        while data[start - 1 : start] in _SPACE and start > first:
            start -= 1
    return Edit(Span(start, end), b"")
