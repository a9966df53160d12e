"""Where the mark of a block goes, as edits; or why it cannot go anywhere.

A hazard gets a block of its own before the step it concerns. Its sentence moves only
when it says the same elsewhere: a sentence with "this" in it stays where it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from firstlight.finding import Edit, Span
from firstlight.lexicon.emoji import needs_variant
from firstlight.lexicon.table import Lexicon
from firstlight.mark.context import is_command
from firstlight.mark.functions import Mark
from firstlight.mark.hazard import hazards
from firstlight.markdown.page import Block, Page, language_of
from firstlight.markdown.sentences import sentences
from firstlight.markdown.slugs import slug

__all__ = ["CannotMarkError", "edits_for", "language_at"]

_HAZARDS = ("danger", "warning")
_IN_PLACE = ("note", "action", "access", "interface")
"""Functions whose word may be the first word of the text, which is made bold then."""
_SYNTAXES = {
    "alert": ("> [!{type}]", "> ", ""),
    "mkdocs": ("!!! {type}\n", "    ", ""),
    "blocks": ("/// {type}", "", "///"),
    "colon": (":::{type}", "", ":::"),
    "myst": (":::{{{type}}}", "", ":::"),
}
"""Form -> its first line, what begins its lines, its last line."""
_TYPES = {"colon": "docusaurus"}
_NOTICES = ("danger", "warning", "key", "note", "tip")

_REFERS = re.compile(
    r"\W*(?:(?:this|that|these|those|it|they|its|such|so|thus|therefore|hence|however|but"
    r"|then|otherwise|instead|also|moreover|furthermore|additionally|and|or|yet|still"
    r"|consequently|as a result|as such|in (?:this|that|such) case|for this reason)\b"
    r"|这(?!里)|此|该|它|其(?!他)|那|因此|所以|但|不过|然而|否则|然后|另外|同时|并且|而且|也|从而"
    r"|于是|上述|以上|为此|当然)",
    re.IGNORECASE,
)
"""How a sentence begins that makes no sense without the one before."""
_POINTS = re.compile(
    r"\b(?:above|below|following|latter|former|previous|aforementioned)\b"
    r"|\bthe (?:command|step|option|script)\b"
    r"|上述|以上|以下|下面|上面|如上|前者|后者|该|此(?!外)|这(?!里)",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"\b(?:it|they|them|this|these|those|its|their)\b", re.IGNORECASE)
_NOUN = re.compile(
    r"\b(?:the|an?|your|all|any|every|each|no|private|data|files)\b|_", re.IGNORECASE
)


class CannotMarkError(Exception):
    """Says why a mark is not written; it never leaves this part."""


def edits_for(
    page: Page, mark: Mark, lexicon: Lexicon, form: str, linked: Iterable[str] = ()
) -> tuple[Edit, ...]:
    """Return the edits that write a mark.

    Args:
        page: The page the mark is of.
        mark: What to write.
        lexicon: Whose symbols and words.
        form: The form of notices of the page; others than notices are symbols always.
        linked: Anchors that links of other pages go to.

    Raises:
        CannotMarkError: when it has no place here.
    """
    if not mark.is_writable:
        raise CannotMarkError(
            "it is part of a notice, quote or table, or marked already"
        )
    if page.blocks[mark.block].kind == "heading":
        return _heading(page, mark, lexicon, linked)
    if mark.function in _HAZARDS:
        return _hazard(page, mark, lexicon, form)
    return _in_place(page, mark, lexicon, form)


def language_at(page: Page, block: Block) -> str:
    """Return the language of a block, or of the page where the block has no words."""
    prose = page.prose[block.text.start : block.text.end]
    bare = prose.replace(b"_", b"").strip()
    return language_of(prose) if bare else page.language


# Headings


def _heading(
    page: Page, mark: Mark, lexicon: Lexicon, linked: Iterable[str]
) -> tuple[Edit, ...]:
    symbol = lexicon.functions[mark.function].symbol
    if needs_variant(symbol):
        raise CannotMarkError(f"{symbol} in a heading has another anchor on every site")
    block = page.blocks[mark.block]
    anchor = slug(page.text(block), "github")
    own = (link.value for link in page.inlines("link"))
    if f"#{anchor}" in own or anchor in linked:
        raise CannotMarkError(
            f"a link goes to #{anchor}, which the symbol would change"
        )
    at = block.text.start
    return (Edit(Span(at, at), f"{symbol} ".encode()),)


# Whole blocks


def _in_place(page: Page, mark: Mark, lexicon: Lexicon, form: str) -> tuple[Edit, ...]:
    block = page.blocks[mark.block]
    if _has_room(page, block) and (built := _syntax(lexicon, mark, form)):
        text = page.data[block.start : block.end]
        return (Edit(block.span, _built(built, text, _newline(page, block), b"")),)
    return _label(page, mark, lexicon, block.text.start)


def _has_room(page: Page, block: Block) -> bool:
    """Whether a block stands at the top of the page, between empty lines."""
    if block.parent >= 0 or page.lines.place(block.start).column != 1:
        return False
    before = page.lines.number(block.start) - 1
    after = page.lines.number(block.end) + 1
    lines = (n for n in (before, after) if 0 < n <= len(page.lines))
    return not any(page.lines.text(n).strip() for n in lines)


def _syntax(lexicon: Lexicon, mark: Mark, form: str) -> tuple[str, str, str] | None:
    if form not in _SYNTAXES or mark.function not in _NOTICES:
        return None
    kind, is_whole = lexicon.type_of(mark.function, _TYPES.get(form, form))
    if not is_whole:
        return None
    head, prefix, tail = _SYNTAXES[form]
    return head.format(type=kind), prefix, tail


def _built(
    syntax: tuple[str, str, str], text: bytes, newline: bytes, indent: bytes
) -> bytes:
    """A notice in a syntax of its own; its lines begin with the indent of its place."""
    head, prefix, tail = (part.encode() for part in syntax)
    lines = [line.strip() for line in text.split(b"\n")]
    whole = [*head.split(b"\n"), *(prefix + line for line in lines)]
    if tail:
        whole.append(tail)
    return (newline + indent).join(whole)


def _label(page: Page, mark: Mark, lexicon: Lexicon, at: int) -> tuple[Edit, ...]:
    """Symbol and bold word before a text, or around its first word."""
    block = page.blocks[mark.block]
    function = lexicon.functions[mark.function]
    if mark.function in _IN_PLACE:
        text = page.prose[at : block.text.end].decode("utf-8", "replace").lower()
        for word in sorted((*function.words, *function.companions), key=len)[::-1]:
            if re.match(re.escape(word) + (r"\b" if word.isascii() else ""), text):
                end = at + len(word.encode())
                front = f"{function.symbol} **".encode()
                return (Edit(Span(at, at), front), Edit(Span(end, end), b"**"))
    return (Edit(Span(at, at), _front(page, mark, lexicon)),)


def _front(page: Page, mark: Mark, lexicon: Lexicon) -> bytes:
    language = language_at(page, page.blocks[mark.block])
    word = lexicon.word(mark.function, language)
    colon = "：" if language == "zh" else ": "
    return f"{lexicon.functions[mark.function].symbol} **{word}**{colon}".encode()


# Hazards


def _hazard(page: Page, mark: Mark, lexicon: Lexicon, form: str) -> tuple[Edit, ...]:
    spans = sentences(page, mark.block)
    first, last = _run(page, mark, spans)
    block = page.blocks[mark.block]
    before, after = page.siblings(mark.block)
    follows = is_command(page, before)
    is_whole = first == 0 and last == len(spans) - 1
    leads = is_command(page, after) or page.text(block).endswith((":", "："))
    if follows or (first > 0):
        return _moved(page, mark, lexicon, form, (first, last))
    if is_whole or not leads or _is_alone(page, mark.block):
        return _in_place(page, mark, lexicon, form)
    return _cut_off(page, mark, lexicon, Span(spans[last].end, spans[last + 1].start))


def _run(page: Page, mark: Mark, spans: list[Span]) -> tuple[int, int]:
    """The sentences of a hazard: that of the mark, and those that go on about it."""
    starts = [span.start for span in spans]
    if mark.span.start not in starts:
        raise CannotMarkError("its sentence has no clear ends")
    first = last = starts.index(mark.span.start)
    told = {hazard.span for hazard in page.once(hazards)}
    while last + 1 < len(spans):
        if spans[last + 1] not in told:
            break
        last += 1
    return first, last


def _text(page: Page, span: Span) -> str:
    return page.prose[span.start : span.end].decode("utf-8", "replace")


def _cut_off(page: Page, mark: Mark, lexicon: Lexicon, gap: Span) -> tuple[Edit, ...]:
    """The hazard leads its paragraph: an empty line after it is enough."""
    if page.data[gap.start : gap.end].strip(b"> \t\r\n"):
        raise CannotMarkError("markup goes on after its sentence")
    block = page.blocks[mark.block]
    indent, newline = _indent(page, block.start), _newline(page, block)
    between = newline + indent.rstrip() + newline + indent
    label = _label(page, mark, lexicon, block.text.start)
    return (*label, Edit(gap, between))


def _moved(
    page: Page, mark: Mark, lexicon: Lexicon, form: str, run: tuple[int, int]
) -> tuple[Edit, ...]:
    """The hazard leaves its paragraph for a block of its own before the step."""
    spans = sentences(page, mark.block)
    span = Span(spans[run[0]].start, spans[run[1]].end)
    _check_movable(page, spans, run)
    if _is_alone(page, mark.block):
        raise CannotMarkError("a list without empty lines has no room for it")
    target = page.blocks[_target(page, mark.block)]
    block = page.blocks[mark.block]
    indent, newline = _indent(page, target.start), _newline(page, block)
    text = page.data[span.start : span.end]
    own = _syntax(lexicon, mark, form) if _has_room(page, target) else None
    if own:
        text = _built(own, text, newline, indent)
    else:
        text = _front(page, mark, lexicon) + text
    text += newline + indent.rstrip() + newline + indent
    return (Edit(Span(target.start, target.start), text), _removal(page, block, run))


def _removal(page: Page, block: Block, run: tuple[int, int]) -> Edit:
    """The edit that takes sentences out of a paragraph, or all of it."""
    number = page.at(block.text.start)
    spans = sentences(page, number)
    if run[0] == 0 and run[1] == len(spans) - 1:
        end = block.end
        rest = page.data[end : end + 4]
        line_ends = len(rest) - len(rest.lstrip(b"\r\n"))
        start = page.lines.start(page.lines.number(block.start))
        return Edit(Span(start, end + line_ends), b"")
    if run[1] == len(spans) - 1:
        return Edit(Span(spans[run[0] - 1].end, spans[run[1]].end), b"")
    return Edit(Span(spans[run[0]].start, spans[run[1] + 1].start), b"")


def _check_movable(page: Page, spans: list[Span], run: tuple[int, int]) -> None:
    first, last = run
    text = _text(page, spans[first])
    noun = _NOUN.search(text)
    pronoun = _PRONOUN.search(text)
    if _REFERS.match(text) or _POINTS.search(text):
        raise CannotMarkError("its sentence refers to what stands before it")
    if pronoun and (noun is None or pronoun.start() < noun.start()):
        raise CannotMarkError(f"“{pronoun[0]}” refers to what stands before it")
    if last + 1 < len(spans) and _REFERS.match(_text(page, spans[last + 1])):
        raise CannotMarkError("the sentence after it refers to it")
    gaps = [Span(spans[n].end, spans[n + 1].start) for n in range(len(spans) - 1)]
    around = [gaps[n] for n in (first - 1, last) if 0 <= n < len(gaps)]
    if any(page.data[gap.start : gap.end].strip(b"> \t\r\n") for gap in around):
        raise CannotMarkError("markup goes on over the end of its sentence")


def _target(page: Page, number: int) -> int:
    """The block before which a hazard belongs: the step, not what follows it."""
    before = page.siblings(number)[0]
    if not is_command(page, before):
        return number
    leading = page.siblings(before)[0]
    if leading >= 0 and page.blocks[leading].kind == "paragraph":
        return leading
    return before


def _is_alone(page: Page, number: int) -> bool:
    """Whether a paragraph is all of a list item: a block more would loosen the list."""
    parent = page.blocks[number].parent
    if parent < 0 or page.blocks[parent].kind != "item":
        return False
    return len(page.children(parent)) == 1


_LIST_MARK = re.compile(rb"[-+*]|\d{1,9}[.)]")


def _indent(page: Page, offset: int) -> bytes:
    """What begins the lines of a block that starts at an offset."""
    start = page.lines.start(page.lines.number(offset))
    return _LIST_MARK.sub(lambda mark: b" " * len(mark[0]), page.data[start:offset])


def _newline(page: Page, block: Block) -> bytes:
    at = page.data.find(b"\n", block.start)
    at = at if at >= 0 else page.data.find(b"\n")
    return b"\r\n" if at > 0 and page.data[at - 1 : at] == b"\r" else b"\n"
