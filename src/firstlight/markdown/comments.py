"""Directives: comments of a page that speak to firstlight, not to the reader.

They read ``<!-- firstlight: verb names: reason -->``, in MDX
``{/* firstlight: verb names: reason */}``, and concern the block after them; at the end
of a line of text, the block that they stand in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from firstlight.finding import Span
from firstlight.markdown.page import Page

__all__ = ["Directive", "directives"]


class Directive(NamedTuple):
    """What a comment asks for.

    `verb` is its first word (``ignore``, ``ignore-file``, ``skip``), `names` are the
    words after it, up to a colon or dash, and `reason` what follows that. `span` is the
    comment, `block` the number of the block that it concerns: -1 where none follows.
    """

    verb: str
    names: tuple[str, ...]
    reason: str
    span: Span
    block: int


_NAME = b"firstlight:"
_HTML = re.compile(rb"<!--\s*firstlight:\s*([a-z-]*)(.*?)-->", re.DOTALL)
_MDX = re.compile(rb"\{\s*/\*\s*firstlight:\s*([a-z-]*)(.*?)\*/\s*\}", re.DOTALL)
_REASON = re.compile(r"\s*(?:[:：—]|--)\s*")
_BETWEEN = re.compile(r"[\s,，、]+")


def directives(page: Page) -> list[Directive]:
    """Return the directives of a page in the order of the source; ask with `once`."""
    if _NAME not in page.data:
        return []
    found = [*_in_html(page), *(_in_mdx(page) if page.path.endswith(".mdx") else ())]
    return sorted(found, key=lambda directive: directive.span)


def _in_html(page: Page) -> Iterator[Directive]:
    for number in page.numbers("html"):
        block = page.blocks[number]
        for found in _HTML.finditer(page.data, block.start, block.end):
            yield _directive(found, page.siblings(number)[1])
    for run in page.inlines("html"):
        found_run = _HTML.fullmatch(page.data, run.start, run.end)
        if found_run is not None:
            yield _directive(found_run, _whole(page, run.block))


def _in_mdx(page: Page) -> Iterator[Directive]:
    for found in _MDX.finditer(page.data):
        number = page.at(found.start())
        # In code, a brace is not prose.
        if number < 0 or page.prose[found.start()] != page.data[found.start()]:
            continue
        stands_alone = page.blocks[number].text == found.span()
        follows = page.siblings(number)[1]
        yield _directive(found, follows if stands_alone else _whole(page, number))


def _whole(page: Page, number: int) -> int:
    """A cell alone says little: what is said in one concerns its row."""
    block = page.blocks[number]
    return block.parent if block.kind == "cell" else number


def _directive(found: re.Match[bytes], block: int) -> Directive:
    said = found[2].decode("utf-8", "replace").strip()
    names, reason = (*_REASON.split(said, maxsplit=1), "")[:2]
    return Directive(
        verb=found[1].decode(),
        names=tuple(filter(None, _BETWEEN.split(names))),
        reason=" ".join(reason.split()),
        span=Span(*found.span()),
        block=block,
    )
