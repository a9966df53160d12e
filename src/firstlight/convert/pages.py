"""A page with its notices in another syntax; what cannot be said there stays."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from firstlight.convert.read import Content, is_bold, notices, read, without
from firstlight.convert.write import SYMBOLS, Syntax, is_text, written
from firstlight.finding import Edit, Finding, Keeps, Role, Span
from firstlight.lexicon.table import DEFAULT, Lexicon
from firstlight.markdown.page import Notice, Page, language_of
from firstlight.markdown.parse import parse
from firstlight.markdown.render import same
from firstlight.markdown.source import edited

__all__ = ["Converted", "convert"]

_PASSES = 20
"""Notices inside notices that are written, one pass for each level."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A page in another syntax: its bytes, how many notices changed, what stayed."""

    data: bytes
    count: int
    left: tuple[Finding, ...]


def convert(
    data: bytes, syntax: Syntax, *, path: str = "", lexicon: Lexicon = DEFAULT
) -> Converted:
    """Return a page with its notices in a syntax.

    Text, order and titles stay, and what is no notice stays byte for byte. To convert
    the result back gives the page that its own syntax would have been converted to.

    Args:
        data: The source of the page.
        syntax: One of `firstlight.convert.write.SYNTAXES`.
        path: Where the page is, for what is said about it.
        lexicon: The project's.
    """
    count = 0
    refused: set[bytes] = set()
    for _ in range(_PASSES):
        page = parse(data, path, lexicon)
        edits, left = _pass(page, syntax, refused)
        made = _harmless(data, edits, lexicon)
        refused |= {data[slice(*edit.span)] for edit in edits if edit not in made}
        if not edits:
            break
        count += len(made)
        data = edited(data, made)
    return Converted(data, count, tuple(left))


def _harmless(data: bytes, edits: list[Edit], lexicon: Lexicon) -> list[Edit]:
    """Those after which readers see the same text; halves find the others."""
    if not edits or _is_same(data, edits, lexicon):
        return edits
    if len(edits) == 1:
        return []
    middle = len(edits) // 2
    found = [
        edit
        for half in (edits[:middle], edits[middle:])
        for edit in _harmless(data, half, lexicon)
    ]
    return found if _is_same(data, found, lexicon) else found[:1]


def _is_same(data: bytes, edits: list[Edit], lexicon: Lexicon) -> bool:
    return same(data, edited(data, edits), Keeps.TEXT_BUT_SYMBOLS, lexicon)


def _pass(
    page: Page, syntax: Syntax, refused: Collection[bytes]
) -> tuple[list[Edit], list[Finding]]:
    """The edits for the outermost notices that are to change, and what is left."""
    edits: list[Edit] = []
    left: list[Finding] = []
    end = -1
    for number, notice in notices(page):
        block = page.blocks[number]
        if block.start < end:
            continue  # Its turn comes when the one around it is written.
        if _is_written(page, notice, syntax) and _has_place(page, number, syntax):
            continue
        content = read(page, number, notice)
        if isinstance(content, str):
            left.append(_left(page, number, content))
            continue
        target = _target(page, number, content, syntax)
        if _is_written(page, notice, target):
            continue
        edit = _edit(page, number, content, target)
        reason = _why_not(page, number, content, target)
        if page.data[slice(*edit.span)] in refused:
            reason = "readers would see another text"
        if reason:
            left.append(_left(page, number, reason))
            continue
        edits.append(edit)
        end = block.end
    return edits, left


def _target(page: Page, number: int, content: Content, syntax: Syntax) -> Syntax:
    """The syntax, or symbols where it cannot say this, or not here."""
    if not syntax.has(content.function, page.lexicon):
        return SYMBOLS
    return syntax if _has_place(page, number, syntax) else SYMBOLS


def _why_not(page: Page, number: int, content: Content, target: Syntax) -> str:
    """Why a notice cannot be said in its target, or ""."""
    if not content.lines and not content.title:
        return "it is empty"
    if any(each in content.title for each in target.banned):
        return f"its title has one of {' '.join(target.banned)}"
    if content.title and not is_bold(content.title):
        return "its title has a mark without its second"
    after = page.siblings(number)[1]
    if target.form == "mkdocs" and after >= 0 and page.blocks[after].kind == "indented":
        return "the indented code after it would become part of it"
    return ""


def _has_place(page: Page, number: int, syntax: Syntax) -> bool:
    """Whether the syntax is understood where a notice stands."""
    return page.blocks[number].parent < 0 or syntax.is_nested(_prefix(page, number))


def _prefix(page: Page, number: int) -> bytes:
    start = page.blocks[number].start
    return page.data[page.lines.start(page.lines.number(start)) : start]


def _is_written(page: Page, notice: Notice, target: Syntax) -> bool:
    """Whether a notice is in the syntax already; two of them differ by a space."""
    if notice.form != target.form:
        return False
    if notice.form != "colon":
        return True
    head = page.data[notice.head.start : notice.head.end].lstrip(b":")
    return head.startswith((b" ", b"\t")) == (target.name == "vitepress")


def _left(page: Page, number: int, reason: str) -> Finding:
    block = page.blocks[number]
    return Finding(
        code="convert.left",
        role=Role.NOTE,
        message=f"left as it is: {reason}",
        where=f"{page.path}:{page.lines.number(block.start)}",
        span=Span(block.start, block.end),
    )


def _edit(page: Page, number: int, content: Content, target: Syntax) -> Edit:
    start, end = content.span
    text = b"\n".join(content.lines)
    language = language_of(text) if text.strip() else page.language
    new = written(content, target, page.lexicon, language, _depth(page, number))
    blank = content.prefix.rstrip()
    if not content.first.strip(b" \t>") and _is_text_before(page, start, content):
        new = blank + content.end + content.first + new
    else:
        new = content.first + new
    if _is_text_after(page, end, content):
        new += content.end + blank
    return Edit(Span(start - len(content.first), end), new)


def _depth(page: Page, number: int) -> int:
    """How many levels of notices are inside one."""
    inside = page.once(_numbers)
    depths = (
        (child in inside) + _depth(page, child) for child in page.children(number)
    )
    return max(depths, default=0)


def _numbers(page: Page) -> frozenset[int]:
    return frozenset(number for number, _ in notices(page))


def _is_text_before(page: Page, start: int, content: Content) -> bool:
    line = page.lines.number(start)
    if line == 1:
        return False
    before = page.data[page.lines.start(line - 1) : page.lines.end(line - 1)]
    return bool(without(before, content.prefix).strip())


def _is_text_after(page: Page, end: int, content: Content) -> bool:
    """Whether the next line would be taken into a quote that ends here."""
    line = page.lines.number(end)
    if line == len(page.lines):
        return False
    after = page.data[page.lines.start(line + 1) : page.lines.end(line + 1)]
    rest = without(after, content.prefix).strip()
    return bool(rest) and (is_text([rest]) or rest.startswith((b">", b"[^")))
