"""Where a link to a page can land: anchors of headings, ids, anchors in HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from firstlight.finding import Span
from firstlight.markdown.page import Block, Page
from firstlight.markdown.search import Pieces
from firstlight.markdown.slugs import SLUGGERS, unique

__all__ = ["ANY", "Anchor", "Title", "ids", "of", "own", "plain", "titles"]

ANY = "*"
"""Stands for anchors that other files or programs bring, which nobody here knows."""


class Anchor(NamedTuple):
    """A place that a link can name, and the bytes that make it.

    `heading` is the number of the block of a heading, -1 for what is none.
    """

    id: str
    span: Span
    heading: int = -1


class Title(NamedTuple):
    """A heading as anchors are made from it: its number, its text, its own id.

    `raw` is the text where ``{#id}`` means nothing and is text as well.
    """

    number: int
    text: str
    raw: str
    id: str


_ATTRIBUTES = re.compile(rb"\{:?[ \t]*([^{}\r\n]*)\}[ \t]*(?:#+[ \t]*)?$")
_ID = re.compile(rb"(?:^|\s)(?:#|id=)([^\s{}#\"']+)")
_IN_TEXT = re.compile(rb"\{:?[ \t]*(?:[^{}\r\n]*\s)?#([^\s{}#]+)[^{}\r\n]*\}")
_IN_HTML = re.compile(
    rb"""<[a-zA-Z][\w-]*(?=\s)[^<>]*?\s(?:id|name)\s*=\s*"""
    rb"""(?:"([^"<>]+)"|'([^'<>]+)'|([^\s"'<>=]+))"""
)
_LABEL = re.compile(rb"(?m)^[ \t>]*\(([^()\r\n]+)\)=[ \t]*\r?$")
_OPTION = re.compile(
    rb"(?m)^[ \t>]*:(?:name|label):[ \t]*(\S+)|^\$\$ \(([\w:-]+)\)[ \t]*\r?$"
    rb"|\btitleId=\"([\w-]+)\"|\{[^{}\n]*\bid=\"([^\"\n]+)\"[^{}\n]*\}"
)
_IN_COMMENT = re.compile(rb"(?m)\{/\*\s*#?([\w.-]+)\s*\*/\}[ \t]*\r?$")
_INCLUDE = re.compile(
    rb"(?m)^[ \t]*(?:;?--8<--[^\n]*\.md|\{!|\{\{[ \t]*[\w.]+[ \t]*\}\}"
    rb"|\{\{#include [^}\n]*\.md|\[\[autodoc\]\]|::: (?:\w+\.|[\w-]+-click)"
    rb"|[`:]{3,}\{(?:include|auto\w+|eval-rst)\})"
)
_OPTIONS = (b":name:", b":label:", b"$$ (", b"titleId=", b"id=")
_TAKES_IN = (b"--8<--", b"{!", b"{{", b"[[autodoc", b"::: ", b"{include", b"{auto")
_COMMENTS = (b"{/*",)
_KINDS = [each for each in (_OPTIONS, _TAKES_IN, _COMMENTS) for _ in each]
_SIGNS = Pieces(*_OPTIONS, *_TAKES_IN, *_COMMENTS)
_HTML_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)


def of(page: Page, target: str) -> dict[str, Anchor]:
    """Return every anchor that a link to this page can name, as a target shows it.

    Of two with the same name, a link reaches the first. The target is one of
    `firstlight.markdown.slugs.SLUGGERS`.
    """
    found = [*page.once(_html), *(page.once(_labels) if target == "myst" else ())]
    if SLUGGERS[target].reads_ids:
        found += page.once(_attributes)
    taken = [anchor.id for anchor in found]
    for title, name in _named(page.once(titles), target, taken):
        found.append(Anchor(name, page.blocks[title.number].span, title.number))
    found.sort(key=lambda anchor: anchor.span, reverse=True)
    return {anchor.id: anchor for anchor in found}


def plain(page: Page) -> list[list[Any]]:
    """Return what anchors are made of as data for `marshal`: `ids` makes them.

    Few pages have links to a place in them, so few are asked for their anchors.
    """
    heads = [list(title) for title in page.once(titles)]
    others = (page.once(_html), page.once(_attributes), page.once(_labels))
    named = ([anchor.id for anchor in several] for several in others)
    return [heads, *named, list(_elsewhere(page))]


def ids(made_of: Sequence[Sequence[Any]], target: str) -> frozenset[str]:
    """Return the names of all anchors, as a target makes them of what `plain` gave."""
    heads, tags, attributes, labels, _ = made_of
    taken = [*tags, *(labels if target == "myst" else ())]
    if SLUGGERS[target].reads_ids:
        taken += attributes
    named = _named([Title(*head) for head in heads], target, taken)
    return frozenset((*taken, *(name for _, name in named)))


def own(made_of: Sequence[Sequence[Any]]) -> frozenset[str]:
    """Return the ids that a page gives itself, whether or not a target reads them.

    Who writes one has a site that does. `ANY` is among them where the page takes in
    what others make.
    """
    heads, _, attributes, labels, more = made_of
    named = (title.id for title in (Title(*head) for head in heads) if title.id)
    return frozenset((*named, *attributes, *labels, *more))


def _elsewhere(page: Page) -> Iterator[str]:
    """Ids that only some programs read: in options of MyST, in comments of MDX."""
    data = page.data
    signs = {_KINDS[number] for number, _, _ in _SIGNS.places(data)}
    if _OPTIONS in signs:
        for found in _OPTION.finditer(data):
            yield _text(found[found.lastindex or 0])
    if _COMMENTS in signs:
        yield from (_text(found[1]) for found in _IN_COMMENT.finditer(data))
    if _TAKES_IN in signs and _INCLUDE.search(data):
        yield ANY


def titles(page: Page) -> list[Title]:
    """Return the headings as anchors are made from them; ask with `Page.once`."""
    return [_title(page, number) for number in page.numbers("heading")]


def _named(
    heads: Iterable[Title], target: str, taken: Iterable[str]
) -> Iterator[tuple[Title, str]]:
    """Yield the headings with their anchors; those that have none are left out."""
    slugger = SLUGGERS[target]
    if slugger.reads_ids:
        named = [title for title in heads if title.id]
        yield from ((title, title.id) for title in named)
        heads = [title for title in heads if not title.id]
        taken = [*taken, *(title.id for title in named)]
        made = [slugger.make(title.text) for title in heads]
    else:
        taken = ()
        made = [slugger.make(title.raw) for title in heads]
    names = zip(heads, unique(made, slugger.joint, taken), strict=True)
    yield from ((title, name) for title, name in names if name)


def _title(page: Page, number: int) -> Title:
    block = page.blocks[number]
    text = page.text(block)
    if "&" in text:
        text = html.unescape(text)
    own = _own_id(page, block)
    return Title(number, text, f"{text} {own[1]}" if own[1] else text, own[0])


def _own_id(page: Page, heading: Block) -> tuple[str, str]:
    """The id that a heading names itself, and the source of that."""
    if b"}" not in page.data[heading.text.end : heading.end]:
        return "", ""
    found = _ATTRIBUTES.search(page.data, heading.text.end, heading.end)
    if found is None:
        return "", ""
    named = _ID.search(found[1])
    text = found[0].rstrip(b"# \t").decode("utf-8", "replace")
    return named[1].decode("utf-8", "replace") if named else "", text


def _html(page: Page) -> list[Anchor]:
    """Anchors of HTML, as ``<a id="…">`` and ``<a name="…">``."""
    places = [block.span for block in page.of("html")]
    places += [run.span for run in page.inlines("html")]
    return [anchor for place in places for anchor in _tags(page, place)]


def _tags(page: Page, place: Span) -> Iterator[Anchor]:
    source = page.data[place.start : place.end]
    if b"<!--" in source:
        source = _HTML_COMMENT.sub(lambda found: b" " * len(found[0]), source)
    for found in _IN_HTML.finditer(source):
        span = Span(place.start + found.start(), place.start + found.end())
        yield Anchor(_text(found[1] or found[2] or found[3]), span)


def _attributes(page: Page) -> list[Anchor]:
    """Ids in the text, as ``[](){#id}`` and ``{: #id .class }``."""
    if b"#" not in page.prose:
        return []
    found = _IN_TEXT.finditer(page.prose)
    return [Anchor(_text(each[1]), Span(*each.span())) for each in found]


def _labels(page: Page) -> list[Anchor]:
    """Labels of MyST, as ``(label)=`` on a line of its own."""
    if b")=" not in page.prose:
        return []
    found = _LABEL.finditer(page.prose)
    return [Anchor(_text(each[1]), Span(*each.span())) for each in found]


def _text(source: bytes) -> str:
    return html.unescape(source.decode("utf-8", "replace"))
