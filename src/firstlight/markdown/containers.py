"""Notices that CommonMark does not know, and a view of the page in which it does.

The markers are replaced, byte for byte, by what means the same to a CommonMark parser:
``!!! note`` by the bullet of a list item (whose content is indented by four as well),
the fences of ``///``, ``:::`` and MyST's directives by empty lines. The view has the
length of the source, so that every offset in it is one of the source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from firstlight.finding import Span
from firstlight.lexicon.table import Lexicon
from firstlight.markdown.page import Block, Inline, Notice
from firstlight.markdown.search import Pieces

__all__ = ["View", "nested", "view_of"]

_TRIGGERS = Pieces(b"!!!", b"???", b":::", b"///", b"```{", b"~~~{", b"``` {")
_MARKS = Pieces(b"!!!", b"???", b":::", b"///", b"```", b"~~~")
_LINE = re.compile(
    rb"([ \t]*+(?:(?:>|(?:[-+*]|\d{1,9}[.)])(?=[ \t]))[ \t]*+)*+)"
    rb"(`{3,}|~{3,}|:{3,}|/{3,}|!!!|\?\?\?\+?)([^\r\n]*)"
)
_HEADER = re.compile(
    rb'[ \t]*([A-Za-z][\w-]*)((?:[ \t]+[A-Za-z][\w-]*)*)(?:[ \t]+"([^"\r\n]*)")?[ \t]*$'
)
_DIRECTIVE = re.compile(rb"[ \t]*\{([A-Za-z][\w:-]*)\}[ \t]*([^\r\n]*?)[ \t]*$")
_COLON = re.compile(
    rb"[ \t]*([A-Za-z][\w-]*)(?:\[([^\]\r\n]*)\])?(?:\{[^}\r\n]*\})?"
    rb"(?:[ \t]+([^\r\n]*?))?[ \t]*$"
)
_SLASHES = re.compile(rb"[ \t]+([A-Za-z][\w-]*)(?:[ \t]*\|[ \t]*([^\r\n]*?))?[ \t]*$")
_OPTIONS = re.compile(rb"(?:[ \t>]*(?::[\w-]+:|[ ]{4}[\w-]+:)[^\r\n]*\r?\n)+")
_OPTION = re.compile(rb"[ \t>]*([^\s>][^\r\n]*)")
_NEXT = re.compile(rb"[ \t]*\r?\n(?:[ \t>]*\r?\n)*([ \t>]*)[^\s>]")
_GENERIC = ("admonition", "dropdown")
_BLANK = bytes(byte if byte in b"\r\n" else 32 for byte in range(256))
_LEAVES = frozenset(("cell", "paragraph", "heading", "rule", "html", "fence"))
_BULLETS = (b"+", b"*", b"-")


@dataclass(slots=True)
class View:
    """What the CommonMark parser is given, and the notices to put back.

    `notices` are those made of indentation, by the offset of their marker, where the
    parser sees a list item; `stand_ins` the offsets where it sees an empty heading;
    `fenced` those between two fences, with the end of the second.
    """

    data: bytes
    notices: dict[int, Notice] = field(default_factory=dict)
    stand_ins: frozenset[int] = frozenset()
    fenced: tuple[tuple[Notice, int], ...] = ()


def view_of(data: bytes, lexicon: Lexicon) -> View:
    """Return the view of a source; the source itself where it needs none."""
    if not _TRIGGERS.places(data):
        return View(data)
    return _Scan(data, lexicon).view()


class _Open(NamedTuple):
    """A fence that waits for its end: of code, or of a notice."""

    mark: bytes
    head: Span
    notice: tuple[str, str, str] | None = None
    """Form, type and title; nothing for code."""


class _Scan:
    """One pass over the lines that may begin or end a container."""

    def __init__(self, data: bytes, lexicon: Lexicon) -> None:
        self.data = data
        self.lexicon = lexicon
        self.out = bytearray(data)
        self.first = 3 if data.startswith(b"\xef\xbb\xbf") else 0
        self.bullet = _unused_bullet(data)
        self.notices: dict[int, Notice] = {}
        self.stand_ins: set[int] = set()
        self.fenced: list[tuple[Notice, int]] = []
        self.stack: list[_Open] = []

    def view(self) -> View:
        """Scan and return the view; only lines with a mark are looked at."""
        line_end = -1
        for _, offset, _ in _MARKS.places(self.data):
            if offset > line_end:
                start = self.data.rfind(b"\n", 0, offset) + 1 or self.first
                line_end = self.data.find(b"\n", offset) % (len(self.data) + 1)
                found = _LINE.match(self.data, start)
                if found is not None:
                    self.line(found)
        return View(
            bytes(self.out),
            self.notices,
            frozenset(self.stand_ins),
            tuple(self.fenced),
        )

    def line(self, found: re.Match[bytes]) -> None:
        """Take one line that begins with a mark."""
        if self.is_end(found):
            return
        if self.stack and self.stack[-1].notice is None:
            return  # Inside code, nothing else is a marker.
        mark = found[2]
        if mark[:1] in b"!?":
            self.indented(found)
            return
        notice = _reader(mark)(found[3], self.lexicon)
        if notice is not None or mark[:1] in b"`~":
            self.stack.append(_Open(mark, _head(found), notice))

    def is_end(self, found: re.Match[bytes]) -> bool:
        """Close the innermost fence that this line ends, if it ends one."""
        mark = found[2]
        if found[3].strip() or mark[:1] in b"!?":
            return False
        for depth in range(len(self.stack) - 1, -1, -1):
            each = self.stack[depth]
            if each.mark[0] == mark[0] and len(mark) >= len(each.mark):
                del self.stack[depth:]
                self.close(each, _head(found))
                return True
            if each.notice is None:
                return False
        return False

    def close(self, opened: _Open, end: Span) -> None:
        """Turn both fences of a notice into lines that end every block before them."""
        if opened.notice is None:
            return
        form, kind, title = opened.notice
        start = opened.head.end
        line_end = self.data.find(b"\n", start) + 1
        options = _OPTIONS.match(self.data, line_end)
        if options is not None and form != "colon":
            last = min(options.end(), end.start)
            for option in _OPTION.finditer(self.data, options.start(), last):
                self.blank(*option.span(1))  # Quotes around it go on.
        for fence in (opened.head, end):
            self.blank(fence.start, fence.end)
            self.out[fence.start : fence.start + 3] = b"***"
            self.stand_ins.add(fence.start)
        function = self.lexicon.function_of_word(kind, form)
        notice = Notice(
            form, kind, function, title, opened.head, Span(line_end, end.start)
        )
        self.fenced.append((notice, end.end))

    def blank(self, start: int, end: int) -> None:
        """Write spaces, and leave line ends."""
        self.out[start:end] = self.data[start:end].translate(_BLANK)

    def indented(self, found: re.Match[bytes]) -> None:
        """Turn the head of an indented notice into the bullet of a list item."""
        header = _HEADER.match(found[3])
        if header is None:
            return
        head = _head(found)
        title = header[3]
        column = len(found[1].expandtabs(4)) + 4
        if title is None and not _has_body(self.data, head.end, column):
            return
        self.blank(head.start, head.end)
        self.out[head.start : head.start + 5] = self.bullet + b"   #"
        self.stand_ins.add(head.start + 4)
        form = "mkdocs" if found[2] == b"!!!" else "details"
        kind = header[1].decode().lower()
        self.notices[head.start] = Notice(
            form=form,
            type=kind,
            function=self.lexicon.function_of_word(kind, form),
            title=(title or b"").decode("utf-8", "replace"),
            head=head,
            body=Span(head.end, head.end),
            indent=4,
        )


def _unused_bullet(data: bytes) -> bytes:
    """A bullet that no list of the page has, so that no list takes a notice in."""
    used = set(re.findall(rb"(?m)^[ \t>]*([-+*])[ \t]", data))
    return next((each for each in _BULLETS if each not in used), b"+")


def _head(found: re.Match[bytes]) -> Span:
    """The bytes of the mark and what follows on its line."""
    return Span(found.start(2), found.start(3) + len(found[3].rstrip()))


def _has_body(data: bytes, end: int, column: int) -> bool:
    """Whether the next line with text is indented up to a column or more."""
    after = _NEXT.match(data, end)
    return after is not None and len(after[1].expandtabs(4)) >= column


def _reader(
    mark: bytes,
) -> Callable[[bytes, Lexicon], tuple[str, str, str] | None]:
    return {58: _colon, 47: _slashes}.get(mark[0], _directive)


def _directive(rest: bytes, lexicon: Lexicon) -> tuple[str, str, str] | None:
    found = _DIRECTIVE.match(rest)
    if found is None:
        return None
    kind = found[1].decode().lower()
    is_known = kind in _GENERIC or lexicon.function_of_word(kind, "myst")
    title = found[2].decode("utf-8", "replace")
    return ("myst", kind, title) if is_known else None


def _colon(rest: bytes, lexicon: Lexicon) -> tuple[str, str, str] | None:
    if rest.lstrip().startswith(b"{"):
        return _directive(rest, lexicon)
    found = _COLON.match(rest)
    if found is None:
        return None
    title = found[2] if found[2] is not None else found[3] or b""
    return "colon", found[1].decode().lower(), title.decode("utf-8", "replace")


def _slashes(rest: bytes, lexicon: Lexicon) -> tuple[str, str, str] | None:
    found = _SLASHES.match(rest)
    if found is None:
        return None
    title = (found[2] or b"").decode("utf-8", "replace")
    return "blocks", found[1].decode().lower(), title


def nested(
    blocks: Sequence[Block],
    notices: Iterable[tuple[Notice, int]],
    inlines: dict[str, list[Inline]],
) -> list[Block]:
    """Return the blocks with notices put around those that they hold.

    The numbers of the blocks change, also those in `inlines`.
    """
    every = [*blocks, *(_block(notice, end) for notice, end in notices)]
    order = sorted(
        range(len(every)), key=lambda old: (every[old].start, -every[old].end, old)
    )
    numbers = {old: new for new, old in enumerate(order)}
    result: list[Block] = []
    around: list[int] = []
    for old in order:
        block = every[old]
        while around and not _holds(result[around[-1]], block):
            around.pop()
        result.append(block._replace(parent=around[-1] if around else -1))
        around.append(len(result) - 1)
    for runs in inlines.values():
        runs[:] = [run._replace(block=numbers[run.block]) for run in runs]
    return result


def _block(notice: Notice, end: int) -> Block:
    return Block("notice", notice.head.start, end, -1, notice, Span(end, end))


def _holds(outer: Block, inner: Block) -> bool:
    return outer.kind not in _LEAVES and inner.end <= outer.end
