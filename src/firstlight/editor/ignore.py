"""The comment that tells firstlight to leave a finding alone, where it belongs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Edit, Finding, Role, Span
from firstlight.lint.ignores import ignores
from firstlight.markdown.page import Block, Page
from firstlight.markdown.parse import parse
from firstlight.markdown.source import edited, start_of

__all__ = ["ignoring"]

_INDENT = re.compile(rb"[ \t]*")
_INLINE = ("item", "footnote", "definition")
"""In these, a line of its own before a text would part it from its marker."""


def ignoring(page: Page, code: str, span: Span) -> Edit | None:
    """Return the edit that adds the comment, None where none would do.

    The comment is as near as can be: at the end of the text in a list item or table
    cell, else on a line of its own before the block, else one for the whole page.
    """
    for edit in _candidates(page, code, span):
        if _hides(page, edit, code, span):
            return edit
    return None


def _candidates(page: Page, code: str, span: Span) -> Iterator[Edit]:
    number = page.at(span.start)
    newline = b"\r\n" if b"\r\n" in page.data else b"\n"
    comment = f"<!-- firstlight: ignore {code} -->".encode()
    if number >= 0:
        block = page.blocks[number]
        around = [each.kind for each in page.around(number)]
        if _ends_inline(block, around):
            yield _inserted(block.text.end, b" " + comment)
        yield _line_before(page, block, comment, newline)
    top = _top(page, span.start)
    if top is not None:
        yield _line_before(page, top, comment, newline)
    everywhere = comment.replace(b"ignore", b"ignore-file", 1)
    yield _inserted(start_of(page.data), everywhere + newline * 2)


def _ends_inline(block: Block, around: list[str]) -> bool:
    if block.kind == "cell":
        return True
    return block.kind == "paragraph" and around[:1] != [] and around[0] in _INLINE


def _line_before(page: Page, block: Block, comment: bytes, newline: bytes) -> Edit:
    start = page.lines.start(page.lines.number(block.start))
    found = _INDENT.match(page.data, start)
    indent = found[0] if found else b""
    return _inserted(start, indent + comment + newline)


def _top(page: Page, offset: int) -> Block | None:
    """The outermost block that an offset is in."""
    for number in reversed(page.children(-1)):
        block = page.blocks[number]
        if block.start <= offset:
            return block if offset <= block.end else None
    return None


def _inserted(at: int, text: bytes) -> Edit:
    return Edit(Span(at, at), text)


def _hides(page: Page, edit: Edit, code: str, span: Span) -> bool:
    """Whether the page with the comment is the same page, and hides the finding."""
    after = parse(edited(page.data, [edit]), page.path, page.lexicon)
    by = len(edit.text) if edit.span.start <= span.start else 0
    moved = Span(span.start + by, span.end + by)
    finding = Finding(code=code, role=Role.NOTE, message="", span=moved)
    if not any(mark.hides(finding) for mark in ignores(after)):
        return False
    return _shape(page) == _shape(after)


def _shape(page: Page) -> list[str]:
    """The blocks of a page, but for HTML, which is what a comment is."""
    return [block.kind for block in page.blocks if block.kind != "html"]
