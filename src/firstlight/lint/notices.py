"""The notices of a page, of whatever form, and how to write one in another form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from firstlight.finding import Edit, Span
from firstlight.lexicon.table import Lexicon
from firstlight.lint.given import Given
from firstlight.markdown.notices import spoken
from firstlight.markdown.page import Block, Notice, Page

__all__ = [
    "SEVERITIES",
    "form_of",
    "has_own_line",
    "holder_of",
    "is_labelled",
    "line_end",
    "notices",
    "prefix_of",
    "retyped",
    "rewritten",
]

SEVERITIES = ("note", "tip", "key", "warning", "danger")
"""The functions that every syntax of notices has, the mildest first."""

_SYNTAXES = {"mkdocs": "mkdocs", "details": "mkdocs", "blocks": "blocks"}
_SYNTAXES |= {"myst": "myst", "alert": "alert"}


def notices(page: Page) -> list[tuple[int, Notice]]:
    """Return all notices with the numbers of their blocks; ask it with `Page.once`.

    A symbol without a word that says its function is a mark, not a notice.
    """
    found = [(number, page.blocks[number].value) for number in page.numbers("notice")]
    for number, notice in page.once(spoken).items():
        if is_labelled(notice, page.lexicon):
            found.append((number, notice))
    return sorted(found, key=lambda each: each[0])


def is_labelled(notice: Notice, lexicon: Lexicon) -> bool:
    """Whether a word of the grammar says what a notice is."""
    if notice.form != "symbol":
        return True
    return bool(notice.type and lexicon.function_of_word(notice.type, notice.form))


def holder_of(page: Page, number: int) -> tuple[int, Notice] | None:
    """Return the innermost notice that holds a block, with its number."""
    said = page.once(spoken)
    while number >= 0:
        block = page.blocks[number]
        notice = block.value if block.kind == "notice" else said.get(number)
        if notice is not None:
            return number, notice
        number = block.parent
    return None


def form_of(page: Page, given: Given) -> str:
    """Return the form in which a notice of this page should be written.

    It is that of the settings, else the one that the page uses most, else ``symbol``,
    which is understood wherever pages are read.
    """
    return given.form or page.once(_usual) or "symbol"


def _usual(page: Page) -> str:
    forms = [
        "mkdocs" if notice.form == "details" else notice.form
        for _, notice in page.once(notices)
        if notice.function in SEVERITIES
        and notice.form not in ("bold", "plain", "dead")
    ]
    return Counter(forms).most_common(1)[0][0] if forms else ""


def has_own_line(page: Page, notice: Notice) -> bool:
    """Whether nothing follows the head of a notice on its line."""
    end = page.lines.end(page.lines.number(notice.head.end))
    return not page.data[notice.head.end : end].strip(b" \t:")


def line_end(page: Page, offset: int) -> bytes:
    """Return the line end that the line of an offset has, or would have."""
    at = page.data.find(b"\n", offset)
    at = at if at >= 0 else page.data.rfind(b"\n")
    return b"\r\n" if page.data[at - 1 : at] == b"\r" else b"\n"


def prefix_of(page: Page, offset: int) -> bytes:
    """Return the bytes between the start of a line and an offset: ``> `` in a quote."""
    return page.data[page.lines.start(page.lines.number(offset)) : offset]


def rewritten(
    page: Page, number: int, notice: Notice, form: str
) -> tuple[Edit, ...] | None:
    """Return the edits that give a ``bold`` or ``plain`` notice another form.

    None where that form has no place for it, or would take in what stands beside it.
    """
    if notice.function not in SEVERITIES:
        return None
    block = page.blocks[number]
    if form == "symbol":
        return _with_symbol(page, notice)
    if form not in ("alert", "mkdocs") or prefix_of(page, block.start):
        return None
    if block.kind == "quote" and form == "alert":
        return _as_alert(page, notice)
    if block.kind == "paragraph" and not _touches(page, block):
        return tuple(_as_block(page, block, notice, form))
    return None


def _with_symbol(page: Page, notice: Notice) -> tuple[Edit, ...]:
    symbol = page.lexicon.functions[notice.function].symbol
    start = notice.head.start
    front = Edit(Span(start, start), f"{symbol} ".encode())
    if notice.form == "bold":
        return (front,)
    word = page.cut(notice.head).rstrip(" :：").encode()
    return (Edit(Span(start, start + len(word)), b"%s**%s**" % (front.text, word)),)


def _as_alert(page: Page, notice: Notice) -> tuple[Edit, ...]:
    """The head of a quote becomes the line of an alert."""
    text = f"[!{page.lexicon.functions[notice.function].alert}]".encode()
    start = notice.head.start
    prefix = prefix_of(page, start)
    if has_own_line(page, notice):
        return (Edit(notice.head, text),)
    end = line_end(page, start)
    return (Edit(Span(start, notice.body.start), text + end + prefix),)


def _touches(page: Page, block: Block) -> bool:
    """Whether text stands right before or after a block, without an empty line."""
    first, last = page.lines.number(block.start), page.lines.number(block.end)
    before = page.lines.text(first - 1).strip() if first > 1 else ""
    after = page.lines.text(last + 1).strip() if last < len(page.lines) else ""
    return bool(before or after)


def _as_block(page: Page, block: Block, notice: Notice, form: str) -> Iterator[Edit]:
    """A paragraph becomes an alert or admonition of its own."""
    function = page.lexicon.functions[notice.function]
    end = line_end(page, block.start)
    mark = b"> [!%s]" % function.alert.encode()
    prefix = b"> "
    if form == "mkdocs":
        kind, is_whole = page.lexicon.type_of(notice.function, "mkdocs")
        word = page.lexicon.word(notice.function, page.language)
        title = "" if is_whole else f' "{word}"'
        mark, prefix = f"!!! {kind}{title}".encode(), b"    "
        end_of_mark = end + end
    else:
        end_of_mark = end
    head = mark + end_of_mark + prefix
    yield Edit(Span(block.start, notice.body.start), head)
    at = page.data.find(b"\n", notice.body.start, block.end)
    while at >= 0:
        yield Edit(Span(at + 1, at + 1), prefix)
        at = page.data.find(b"\n", at + 1, block.end)


def retyped(page: Page, notice: Notice, function: str) -> tuple[Edit, ...] | None:
    """Return the edits that give a notice another function, in its own form."""
    if notice.form in _SYNTAXES or notice.form == "colon":
        return _other_type(page, notice, function)
    if notice.form == "symbol":
        return _other_word(page, notice, function)
    return None


def _other_type(page: Page, notice: Notice, function: str) -> tuple[Edit, ...] | None:
    syntax = _SYNTAXES.get(notice.form, "docusaurus")
    kind, is_whole = page.lexicon.type_of(function, syntax)
    head = page.data[notice.head.start : notice.head.end]
    at = head.lower().find(notice.type.encode())
    if not is_whole or at < 0:
        return None
    start = notice.head.start + at
    span = Span(start, start + len(notice.type.encode()))
    return (Edit(span, kind.encode()),)


def _other_word(page: Page, notice: Notice, function: str) -> tuple[Edit, ...] | None:
    head = page.data[notice.head.start : notice.head.end].decode("utf-8", "replace")
    at = head.lower().find(notice.type)
    old = head.split()[0]
    if not notice.type or at < 0 or not page.lexicon.function_of(old):
        return None
    label = head[at : at + len(notice.type)]
    is_chinese = not label.isascii()
    word = page.lexicon.word(function, "zh" if is_chinese else "en")
    symbol = page.lexicon.functions[function].symbol
    text = symbol + head[len(old) : at] + word + head[at + len(notice.type) :]
    return (Edit(notice.head, text.encode()),)
