"""Notices that are only spoken: a quote or paragraph that begins with sign or word.

CommonMark sees ordinary text there. The forms are ``symbol`` (``⚠️ **Warning**: …``),
``bold`` (``**Warning**: …``), ``plain`` (``Warning: …``), and ``dead``: GitHub's syntax
written so that GitHub shows it as text (``> [!WARNING] Title``).
"""

from __future__ import annotations

import re

from firstlight.finding import Span
from firstlight.lexicon.emoji import SYMBOL
from firstlight.markdown.page import Block, Notice, Page

__all__ = ["spoken"]

_DEAD = re.compile(rb"\\?\[!([A-Za-z]+)\\?\](?:[+-](?=\s|$))?[ \t]*([^\r\n]*)")
_BOLD = re.compile(
    rb"(\*\*|__)[ \t]*((?:[^*`\r\n]|`[^`\r\n]*`){1,200}?)[ \t]*(:|\xef\xbc\x9a)?"
    rb"[ \t]*\1[ \t]*(:|\xef\xbc\x9a)?"
)
_PLAIN = re.compile(
    rb"([A-Za-z][A-Za-z' ]{2,24}|(?:[\xe4-\xe9][\x80-\xbf]{2}){1,6})"
    rb"[ \t]*(:|\xef\xbc\x9a)"
)
_LETTERS = frozenset(
    (*range(0x41, 0x5B), *range(0x61, 0x7B), *range(0xE4, 0xEA))  # Latin, Chinese
)
_COLONS = re.compile(rb":|\xef\xbc\x9a")
_PLAINS = 32
"""Bytes of a longest word with its colon."""
_MAY_BEGIN = frozenset(b"[\\*_0123456789#") | frozenset(range(0xC2, 0xF5))


def spoken(page: Page) -> dict[int, Notice]:
    """Return the spoken notices by the number of their block; ask with `Page.once`.

    The block is the quote where the notice is the first thing in one, else the
    paragraph. `type` is the word, empty where a symbol stands alone.
    """
    found = {}
    data = page.data
    for number in page.numbers("paragraph"):
        block = page.blocks[number]
        start = block.text.start
        if data[start] in _LETTERS and not _COLONS.search(data, start, start + _PLAINS):
            continue  # Nearly every paragraph is so.
        notice = _read(page, block)
        if notice is not None:
            holder = _holder(page, number)
            body = Span(notice.body.start, page.blocks[holder].end)
            found[holder] = notice._replace(body=body)
    return found


def _holder(page: Page, number: int) -> int:
    parent = page.blocks[number].parent
    if parent < 0 or page.blocks[parent].kind != "quote":
        return number
    return parent if page.children(parent)[0] == number else number


def _read(page: Page, block: Block) -> Notice | None:
    data, (start, end) = page.data, block.text
    first = data[start]
    if first in _MAY_BEGIN:
        dead = _DEAD.match(data, start, end)
        if dead is not None:
            return _dead(page, block, dead)
        return _signed(page, start, end)
    return _worded(page, start, end, "plain")


def _dead(page: Page, block: Block, found: re.Match[bytes]) -> Notice | None:
    parent = page.blocks[block.parent] if block.parent >= 0 else None
    if parent is None or parent.kind != "quote":
        return None
    name = found[1].decode().lower()
    function = page.lexicon.function_of_word(name, "alert")
    title = found[2].decode("utf-8", "replace").strip()
    head = Span(found.start(), found.start() + len(found[0].rstrip()))
    return Notice("dead", name, function, title, head, Span(head.end, block.text.end))


def _signed(page: Page, start: int, end: int) -> Notice | None:
    symbol = SYMBOL.match(page.data, start, end)
    if symbol is None:
        return _worded(page, start, end, "bold")
    function = page.lexicon.function_of(symbol[0].decode())
    if not function:
        return None
    after = symbol.end()
    while after < end and page.data[after] in b" \t":
        after += 1
    worded = _worded(page, after, end, "symbol")
    if worded is not None:
        return worded._replace(function=function, head=Span(start, worded.head.end))
    head = Span(start, symbol.end())
    return Notice("symbol", "", function, "", head, Span(after, end))


def _worded(page: Page, start: int, end: int, form: str) -> Notice | None:
    found = _BOLD.match(page.data, start, end)
    text = found[2] if found else b""
    if found is None:
        form = "symbol" if form == "symbol" else "plain"
        found = _PLAIN.match(page.data, start, end)
        if found is None:
            return None
        text = found[1]
    word = text.decode("utf-8", "replace").strip().lower()
    function = page.lexicon.function_of_word(word, form)
    if not function and form != "symbol":
        return None
    after = found.end()
    while page.data[after : after + 1] in (b" ", b"\t", b"\r", b"\n"):
        after += 1
    head, body = Span(start, found.end()), Span(min(after, end), end)
    return Notice(form, word, function, "", head, body)
