"""Two renderers of pages that have nothing in common, and what each shows the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from types import MappingProxyType
from unicodedata import normalize

from markdown_it import MarkdownIt
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.footnote.index import footnote_def
from mdit_py_plugins.tasklists import tasklists_plugin

from firstlight.finding import Keeps
from firstlight.markdown.render import common, html, kept

__all__ = ["RENDERERS", "changed"]

_OTHER = (
    MarkdownIt("commonmark")
    .enable(["table", "strikethrough"])
    .use(footnote_plugin)
    .use(tasklists_plugin)
)
# On GitHub, a footnote ends the paragraph before it wherever that is.
_OTHER.block.ruler.at(
    "footnote_def", footnote_def, {"alt": ["paragraph", "reference", "blockquote"]}
)
_ID = re.compile(r"[ \t]*\{#[^{}\s]+\}[ \t]*(?=</h[1-6]>)")
_ALERT = re.compile(r"\[![A-Za-z]+\][+-]?\n?")
"""The id of a heading and the marker of an alert are text to this renderer."""


def _other(data: bytes) -> str:
    return _ALERT.sub("", _ID.sub("", _OTHER.render(common(data))))


RENDERERS: MappingProxyType[str, Callable[[bytes], str]] = MappingProxyType(
    {"pyromark": html, "markdown-it-py": _other}
)
"""Name -> HTML of a source; the first is the one that the engine itself compares by."""


def changed(before: bytes, after: bytes, keeps: Collection[Keeps]) -> list[str]:
    """Return the renderers that show a change which one of these promises forbids.

    Several fixes of different promises keep together what the weakest of them keep.
    """
    if before == after or not keeps:
        return [] if before == after else list(RENDERERS)
    return [
        name
        for name, render in RENDERERS.items()
        if _differs(render(before), render(after), frozenset(keeps))
    ]


def _differs(before: str, after: str, keeps: frozenset[Keeps]) -> bool:
    return before != after and _shown(before, keeps) != _shown(after, keeps)


_WEAKEST = (
    (frozenset((Keeps.HTML,)), Keeps.HTML),
    (frozenset((Keeps.HTML, Keeps.HTML_BUT_SYMBOLS)), Keeps.HTML_BUT_SYMBOLS),
    (frozenset((Keeps.HTML, Keeps.TEXT)), Keeps.TEXT),
    (frozenset((Keeps.HTML, Keeps.LETTERS)), Keeps.LETTERS),
    (frozenset(Keeps) - {Keeps.CODE, Keeps.LETTERS}, Keeps.TEXT_BUT_SYMBOLS),
)
"""Promises -> the strongest that all of them keep; for all others it is `CODE`."""
_NO_LETTER = re.compile(r"[^\w\ue000-\ue003]|_")


def _shown(rendered: str, keeps: frozenset[Keeps]) -> object:
    weakest = next((each for some, each in _WEAKEST if keeps <= some), Keeps.CODE)
    text, code = kept(rendered, weakest)
    if Keeps.LETTERS in keeps and weakest != Keeps.LETTERS:
        letters = normalize("NFKC", text.decode("utf-8", "replace"))
        return _NO_LETTER.sub("", letters), code
    return text, code
