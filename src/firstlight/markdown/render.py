"""Whether two sources say the same once they are rendered.

A fix may only change what it says it changes; so the page is rendered before and after
it, by the parser that reads pages, and compared. What is not compared is in the tables
below, and nothing else is.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from functools import cache
from types import MappingProxyType
from typing import NamedTuple
from unicodedata import normalize

import pyromark

from firstlight.finding import Keeps
from firstlight.lexicon.emoji import from_shortcode
from firstlight.lexicon.symbols import CHECK_MARKS, SYMBOL, TYPOGRAPHY, bare
from firstlight.lexicon.table import DEFAULT, Lexicon
from firstlight.markdown.containers import View, view_of
from firstlight.markdown.page import Notice
from firstlight.markdown.parse import OPTIONS
from firstlight.markdown.source import start_of, text_of

__all__ = ["common", "html", "kept", "same"]


def html(data: bytes, lexicon: Lexicon = DEFAULT) -> str:
    """Return a source as HTML."""
    return pyromark.html(common(data, lexicon), options=OPTIONS)


def common(data: bytes, lexicon: Lexicon = DEFAULT) -> str:
    """Return a source as any renderer of CommonMark understands it.

    A notice that CommonMark does not know is shown by a heading with its form, type
    and title where it begins, and an empty one where its fence ends.
    """
    view = view_of(data, lexicon)
    source = _with_heads(view) if view.stand_ins else view.data
    return text_of(source[start_of(data) :])


_TYPE, _TITLE = "\ue000".encode(), "\ue001".encode()
"""Before the form and type of a notice, and before its title: nobody writes these."""


def _with_heads(view: View) -> bytes:
    """The view with headings that tell where each notice begins and ends."""
    heads = {start + 4: _label(notice) for start, notice in view.notices.items()}
    heads |= {notice.head.start: _label(notice) for notice, _ in view.fenced}
    pieces, at = [], 0
    for start in sorted(view.stand_ins):
        end = view.data.find(b"\n", start)
        pieces += [view.data[at:start], b"###### ", heads.get(start, _TYPE + _TITLE)]
        at = len(view.data) if end < 0 else end
    return b"".join((*pieces, view.data[at:]))


def _label(notice: Notice) -> bytes:
    named = f"{notice.form} {notice.type}".encode()
    return _TYPE + named + _TITLE + notice.title.encode()


def same(before: bytes, after: bytes, keeps: Keeps, lexicon: Lexicon = DEFAULT) -> bool:
    """Whether of a rendered source is left what a fix must keep of it."""
    one, two = html(before, lexicon), html(after, lexicon)
    if one == two:
        return True
    one, two = _differing(one, two)
    return kept(one, keeps, lexicon) == kept(two, keeps, lexicon)


_EDGES = ("\n<p>", "\n<h2>", "\n<h3>", "\n<li>", "\n<tr>", "\n<ul>")
_ELEMENTS = (("<!--", "-->"), ("<pre", "</pre"), ("<code", "</code"))
"""What is compared in another way than the text around it."""


def _differing(one: str, two: str) -> tuple[str, str]:
    """Return the blocks of two pages from the first that differs to the last.

    Most fixes change a word of a long page. Both pages are returned whole where it
    cannot be told what their blocks are in.
    """
    shorter = min(len(one), len(two))
    start = _common(shorter, lambda size: one[:size] == two[:size])
    start = max(one.rfind(edge, 0, start) for edge in _EDGES)
    size = _common(shorter - max(start, 0), lambda size: one[-size:] == two[-size:])
    ends = [at for edge in _EDGES if (at := one.find(edge, len(one) - size)) >= 0]
    if start < 0 or not ends or len(one) - min(ends) > shorter - start:
        return one, two
    left = len(one) - min(ends)
    parts = (one[:start], one[start : len(one) - left], two[start : len(two) - left])
    if any(part.rfind(a) > part.rfind(b) for part in parts for a, b in _ELEMENTS):
        return one, two
    return parts[1], parts[2]


def _common(most: int, is_common: Callable[[int], bool]) -> int:
    """Return the largest size, up to `most`, that is common; smaller ones are too."""
    return bisect_left(range(1, most + 1), True, key=lambda size: not is_common(size))


def kept(
    rendered: str, keeps: Keeps, lexicon: Lexicon = DEFAULT
) -> tuple[bytes, tuple[bytes, ...]]:
    """Return of a rendered page what a fix must keep: the text, and its code."""
    return _PROJECTIONS[keeps](rendered.encode(), lexicon)


class _Shown(NamedTuple):
    """A rendered page without comments; ``_CODE`` stands where its code was."""

    rest: bytes
    code: tuple[bytes, ...]


_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_CODE_ELEMENT = re.compile(
    rb"<(pre|code)(?:\s[^<>]*)?>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE
)
_CODE = "\ue002".encode()
_SPACES = re.compile(rb"\s+")
_BLOCK_TAG = (
    rb"</?(?:address|article|aside|blockquote|body|br|center|dd|details|div|dl|dt|"
    rb"figcaption|figure|footer|h[1-6]|header|hr|li|main|nav|ol|p|section|summary|"
    rb"table|tbody|td|tfoot|th|thead|tr|ul|video)(?:\s[^<>]*)?/?>"
)
_AROUND_BLOCKS = re.compile(rb"\s*(%s)\s*" % _BLOCK_TAG)


def _shown(source: bytes) -> _Shown:
    plain = _COMMENT.sub(b"", source)
    code = tuple(found[0] for found in _CODE_ELEMENT.finditer(plain))
    return _Shown(_CODE_ELEMENT.sub(_CODE, plain), code)


# Projections


def _html(source: bytes, lexicon: Lexicon) -> _Shown:
    """All but comments, and white space where HTML ignores it."""
    rest, code = _shown(source)
    return _Shown(_AROUND_BLOCKS.sub(rb"\1", _SPACES.sub(b" ", rest)).strip(), code)


def _html_but_symbols(source: bytes, lexicon: Lexicon) -> _Shown:
    """The same without signs, and without white space: it goes and comes with them."""
    rest, code = _shown(source)
    return _Shown(_without_signs(rest, lexicon), code)


_TAGS = re.compile(r"(<[^<>]*>)")
_NO_LETTER = re.compile(r"&(?:quot|amp|lt|gt);|[^\w\ue000-\ue003]|_")
_ANY_TAG = re.compile(rb"<[^<>]*>")
_BLOCK = re.compile(_BLOCK_TAG)
_NO_TEXT = re.compile(
    _TYPE
    + rb"[^<]*?"
    + _TITLE  # The form and type of a notice.
    # GitHub's marker of one, where GitHub shows it as text, and with it all renderers.
    + rb"|(?<=>)\[![A-Za-z]+\][+-]?"
)
_DEAD_BOLD = re.compile(rb"\*\*+|__+")
"""Marks of bold text that do not make it bold, as in ``**注意：**请勿``."""


def _text(source: bytes, lexicon: Lexicon) -> _Shown:
    """The text without tags: blocks end words, runs do not."""
    rest, code = _html(source, lexicon)
    rest = _BLOCK.sub(b" ", _NO_TEXT.sub(b"", _DEAD_BOLD.sub(b"", rest)))
    rest = _SPACES.sub(b" ", _ANY_TAG.sub(b"", rest)).strip()
    return _Shown(rest, _texts(code))


def _text_but_symbols(source: bytes, lexicon: Lexicon) -> _Shown:
    """The text without tags, signs and white space."""
    rest, code = _shown(source)
    rest = _NO_TEXT.sub(_TITLE, _DEAD_BOLD.sub(b"", rest))
    rest = _without_signs(rest, lexicon).replace(_TITLE, b"")
    return _Shown(_ANY_TAG.sub(b"", rest), _texts(code))


_PROMPT = re.compile(
    rb"^[ \t]*(?:\([\w.-]+\)[ \t]*)?"
    rb"(?:[\w.-]+@[\w.-]+[^\n$#]*|\[[^\[\]\n]{1,60}\][ ]?)?"
    rb"(?:\$|#|%|&gt;&gt;&gt;|\.\.\.|&gt;)(?:[ \t]+|$)",
    re.MULTILINE,
)


def _code(source: bytes, lexicon: Lexicon) -> _Shown:
    """The same, and without prompts at the start of lines of code."""
    rest, code = _text_but_symbols(source, lexicon)
    return _Shown(rest, tuple(_PROMPT.sub(b"", each) for each in code))


def _letters(source: bytes, lexicon: Lexicon) -> _Shown:
    """Every tag, and of the text no symbols, punctuation or width of characters."""
    rest, code = _html(source, lexicon)
    pieces = _TAGS.split(rest.decode("utf-8", "replace"))
    pieces[::2] = [_NO_LETTER.sub("", normalize("NFKC", text)) for text in pieces[::2]]
    return _Shown("".join(pieces).encode(), code)


def _texts(code: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return tuple(_ANY_TAG.sub(b"", each) for each in code)


_PROJECTIONS: MappingProxyType[Keeps, Callable[[bytes, Lexicon], _Shown]] = (
    MappingProxyType(
        {
            Keeps.HTML: _html,
            Keeps.HTML_BUT_SYMBOLS: _html_but_symbols,
            Keeps.TEXT: _text,
            Keeps.TEXT_BUT_SYMBOLS: _text_but_symbols,
            Keeps.CODE: _code,
            Keeps.LETTERS: _letters,
        }
    )
)
"""What must be kept -> what is compared."""


# Signs: symbols, and the words of the grammar where they stand as labels.

_SIGN = "\ue003".encode()
_SIGNS = re.compile(rb"(?:%s)+" % _SIGN)
_TAG = re.compile(rb"(<[^<>]*>)")
_SHORTCODE = re.compile(rb":[a-z0-9_+-]+:")
_COLON = "(?::|：)".encode()


def _without_signs(rest: bytes, lexicon: Lexicon) -> bytes:
    """Drop white space, symbols everywhere, and words where they are labels.

    A word is a label at the start of a block or after a symbol, when a colon follows
    it, or when it is all that its block or its bold text holds.
    """
    marked = _SHORTCODE.sub(_mark_shortcode, rest)
    symbols = _symbols(lexicon)
    marked = symbols.pattern.sub(symbols.mark, marked)
    pieces = _TAG.split(marked.replace(b"&#x27;", b"'"))
    pieces[::2] = [b"".join(text.split()) for text in pieces[::2]]
    marked = _SIGNS.sub(_SIGN, b"".join(pieces))
    return _labels(lexicon).sub(rb"\1", marked).replace(_SIGN, b"")


def _mark_shortcode(found: re.Match[bytes]) -> bytes:
    # The symbol itself, so that both spellings of it are treated alike.
    return from_shortcode(found[0].decode().strip(":")).encode() or found[0]


class _Symbols:
    """Symbols of a lexicon, also such as are text without U+FE0F elsewhere."""

    def __init__(self, lexicon: Lexicon) -> None:
        every = [s for f in lexicon.functions.values() for s in (f.symbol, *f.aliases)]
        self.own = {bare(symbol) for symbol in every}
        more = sorted((self.own & TYPOGRAPHY) | set(CHECK_MARKS))
        self.pattern = re.compile(
            SYMBOL.pattern + b"".join(b"|" + each.encode() for each in more)
        )

    def mark(self, found: re.Match[bytes]) -> bytes:
        """A sign; the character itself where U+FE0F alone makes it a symbol."""
        symbol = bare(found[0].decode())
        is_text = symbol in TYPOGRAPHY and symbol not in self.own
        return symbol.encode() if is_text else _SIGN


@cache
def _symbols(lexicon: Lexicon) -> _Symbols:
    return _Symbols(lexicon)


@cache
def _labels(lexicon: Lexicon) -> re.Pattern[bytes]:
    words = {
        "".join(word.split())
        for function in lexicon.functions.values()
        for word in (
            *(function.english, function.chinese),
            *function.words,
            *function.companions,
        )
    }
    longest = sorted(words, key=lambda word: (-len(word), word))
    word = b"(?:" + b"|".join(re.escape(each.encode()) for each in longest) + b")"
    start = rb"(\A|%s|%s|%s)" % (_BLOCK_TAG, _TITLE, _SIGN)
    signs = rb"(?:%s)?" % _SIGN
    named = rb"%s%s%s%s?" % (signs, word, signs, _COLON)
    bold = rb"<(strong|em)>(?:<em>)?%s(?:</em>)?</\2>%s?" % (named, _COLON)
    plain = rb"(?:<(?:strong|em)>)?%s%s%s(?:%s|(?=<)|\Z)" % (signs, word, signs, _COLON)
    return re.compile(rb"%s(?:%s|%s)+" % (start, bold, plain), re.IGNORECASE)
