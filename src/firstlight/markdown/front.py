"""Front matter: what a page says of itself before its text.

Only what rules ask for is read: the keys at the top and their plain values. What is
nested or written over several lines is named, and has no value here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from firstlight.finding import Span
from firstlight.markdown.page import Page

__all__ = ["Entry", "entries"]


class Entry(NamedTuple):
    """One key of the front matter: its value as text, and the line that holds both.

    `value` is empty where it is no plain text on the line of its key.
    """

    value: str
    span: Span


_ENTRY = re.compile(
    rb"(?m)^(?:(['\"])(?P<quoted>[^'\"\r\n]+)\1|(?P<bare>[^\s#'\"\-:\[{][^:\r\n]*?))"
    rb"[ \t]*:(?:[ \t]+(?P<value>[^\r\n]*?))?[ \t]*\r?$"
)
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_NOT_PLAIN = ("|", ">", "[", "{", "&", "*", "!", "%", "@", "`")


def entries(page: Page) -> Mapping[str, Entry]:
    """Return the front matter of a page by its keys; ask with `Page.once`."""
    blocks = page.of("front")
    if not blocks:
        return {}
    found = _ENTRY.finditer(page.data, blocks[0].start, blocks[0].end)
    return {
        (each["quoted"] or each["bare"]).decode("utf-8", "replace"): _entry(each)
        for each in found
    }


def _entry(found: re.Match[bytes]) -> Entry:
    text = (found["value"] or b"").decode("utf-8", "replace")
    end = found.start() + len(found[0].rstrip())
    return Entry(_plain(text), Span(found.start(), end))


def _plain(text: str) -> str:
    if text[:1] in ("'", '"'):
        closing = text.find(text[0], 1)
        return text[1:closing] if closing > 0 else ""
    return "" if text.startswith(_NOT_PLAIN) else _COMMENT.sub("", text).strip()
