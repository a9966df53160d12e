"""A notice of a page as a value: what it is, its title, and the lines of its text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from firstlight.finding import Span
from firstlight.markdown.notices import spoken
from firstlight.markdown.page import Notice, Page

__all__ = ["Content", "is_bold", "notices", "read", "without"]

_ATTRIBUTES = re.compile(rb"\{[^}\r\n]*[#.=][^}\r\n]*\}")
_MODIFIERS = re.compile(rb"(?:!!!|\?\?\?\+?)[ \t]*[\w-]+[ \t]+[\w-]")
_VERSIONS = frozenset(
    ("versionadded", "versionchanged", "deprecated", "versionremoved")
)
_OPTION = re.compile(rb"[ \t]*:([\w-]+):[ \t]*([^\r\n]*)")
_OTHER_OPTION = re.compile(
    rb"(?:[ \t]*:class:[^\r\n]*\r?\n)*[ \t]*:"
    rb"(?:class:[^\r\n]*\bdropdown\b|(?!class)[\w-]+:)"
)
_MARKER = re.compile(rb"[-+*]|\d{1,9}[.)]|\[[ xX]\]")
_TITLE = re.compile(rb"\*\*(?=\S)((?:[^*`]|`[^`]*`)+)(?<=\S)\*\*[ \t]*")
_BULLETS = re.compile(rb"\A[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)+")
_INDENTED = re.compile(rb"\A[ ]{1,3}(?=[A-Za-z\x80-\xff])")
"""Before a paragraph, where it means nothing."""
_COLONS = ":："


@dataclass(frozen=True, slots=True)
class Content:
    """A notice without its syntax.

    `title` is its own title, empty when the word of the function is all. `lines` are
    those of the text, without line ends and the prefixes of what is around them.
    `span` are the bytes of all of it, `first` what stands before its head on the line
    and `prefix` what continues that on further lines, `end` its line end.
    """

    function: str
    title: str
    lines: tuple[bytes, ...]
    span: Span
    first: bytes
    prefix: bytes
    end: bytes


def notices(page: Page) -> list[tuple[int, Notice]]:
    """Return the notices of a page, with the numbers of their blocks, in its order.

    Those that are only spoken count when a symbol or a quote sets them off.
    """
    found = [(number, page.blocks[number].value) for number in page.numbers("notice")]
    for number, notice in page.once(spoken).items():
        is_quote = page.blocks[number].kind == "quote"
        is_worded = notice.form == "symbol" and notice.type
        if is_worded or (notice.form in ("dead", "bold") and is_quote):
            found.append((number, notice))
    return sorted(each for each in found if not _is_repeated(page, *each))


def _is_repeated(page: Page, number: int, notice: Notice) -> bool:
    """Whether it begins a notice, and says once more what that is."""
    parent = page.blocks[number].parent
    if parent < 0 or page.blocks[parent].kind != "notice":
        return False
    around: Notice = page.blocks[parent].value
    is_same = notice.form == "symbol" and around.function == notice.function
    return is_same and page.children(parent)[0] == number


def read(page: Page, number: int, notice: Notice) -> Content | str:
    """Return the content of a notice, or why it must stay as it is."""
    reason = _reason(page, notice)
    if reason:
        return reason
    block = page.blocks[number]
    start = block.start
    line = page.lines.start(page.lines.number(start))
    first = page.data[line:start]
    prefix = _MARKER.sub(lambda found: b" " * len(found[0]), first)
    if prefix != first:  # After a marker, a tab has not its full width.
        prefix = prefix.expandtabs(4)
    function, title = _meaning(page, notice)
    if not function:
        return f'"{notice.type or page.cut(notice.head)}" is no word of the grammar'
    lines = _lines(page, notice, prefix, block.kind == "quote")
    if notice.form == "myst":
        function, lines = _options(page, function, lines)
    if lines:  # Writers put the symbol into other notices too; one is enough.
        symbol = page.lexicon.functions[function].symbol
        first_line = _INDENTED.sub(b"", lines[0])
        lines[0] = first_line.removeprefix(f"{symbol} ".encode())
    if not title:
        title, lines = _lifted(lines)
    end = block.end
    while page.data[end : end + 1] in (b" ", b"\t"):
        end += 1
    return Content(
        function=function,
        title=title.rstrip(_COLONS + " "),
        lines=tuple(lines),
        span=Span(start, end),
        first=first,
        prefix=prefix,
        end=_line_end(page, line, end),
    )


def _line_end(page: Page, start: int, end: int) -> bytes:
    """How the lines of a notice end; those of the page, where it has only one."""
    around = page.data[start : end + 2]
    if b"\n" not in around:
        around = page.data
    return b"\r\n" if b"\r\n" in around else b"\n"


def _reason(page: Page, notice: Notice) -> str:
    head = page.data[notice.head.start : notice.head.end]
    if notice.form == "details":
        return "it can be folded, which other syntaxes cannot say"
    if notice.form == "mkdocs" and _MODIFIERS.match(head):
        return "its head has modifiers, which other syntaxes cannot say"
    if notice.form in ("colon", "blocks") and _ATTRIBUTES.search(head):
        return "its head has attributes, which other syntaxes cannot say"
    if notice.type in _VERSIONS:
        return "it names a version, which other syntaxes cannot say"
    body = page.data[notice.body.start : notice.body.end]
    if notice.form == "myst" and _OTHER_OPTION.match(body):
        return "it has options, which other syntaxes cannot say"
    return ""


def _meaning(page: Page, notice: Notice) -> tuple[str, str]:
    """The function and the title: what is after the colon in ``**Warning: Title**``."""
    function, title = notice.function, notice.title
    if notice.form == "myst" and notice.type == "admonition":
        return "note", title
    if notice.form == "symbol" and notice.type:
        word, _, rest = re.sub(f"[{_COLONS}]", ":", notice.type, count=1).partition(":")
        if not page.lexicon.is_word_of(word.strip(), function):
            return "", ""
        cut = page.cut(notice.head).strip("*_ " + _COLONS)
        title = cut[len(cut) - len(rest.strip()) :].strip() if rest.strip() else ""
    if notice.form == "dead":  # A backslash only breaks the line.
        title = title.removesuffix("\\").rstrip()
    return function, title


def _lines(page: Page, notice: Notice, prefix: bytes, is_quote: bool) -> list[bytes]:
    """The lines of the text, without prefixes, and without empty ones at both ends."""
    body = page.data[notice.body.start : notice.body.end]
    # The width of a tab depends on its place, which is another one afterwards.
    lines = [
        _BULLETS.sub(lambda found: found[0].expandtabs(4), each.removesuffix(b"\r"))
        for each in body.split(b"\n")
    ]
    begins_line = page.data[notice.body.start - 1 : notice.body.start] == b"\n"
    before = prefix + b" " * notice.indent
    stripped = [
        line if number == 0 and not begins_line else without(line, before)
        for number, line in enumerate(lines)
    ]
    if is_quote or notice.form == "alert":
        keep = 0 if begins_line else 1
        stripped[keep:] = [
            re.sub(rb"^[ ]{0,3}> ?", b"", each) for each in stripped[keep:]
        ]
    while stripped and not stripped[0].strip():
        del stripped[0]
    while stripped and not stripped[-1].strip():
        del stripped[-1]
    stripped[-1:] = [each.rstrip(b" \t") for each in stripped[-1:]]
    return [each if each.strip() else b"" for each in stripped]


def without(line: bytes, prefix: bytes) -> bytes:
    """Return a line without a prefix, or without what it has of that."""
    if line.startswith(prefix):
        return line[len(prefix) :]
    at = 0
    for each in prefix.expandtabs(4):
        line = _spaced(line, at)
        if each == _QUOTE:
            marker = len(line) - len(line[at:].lstrip(b" "))
            if line[marker : marker + 1] != b">":
                return line[marker:]  # A line that goes on without its marker.
            at = marker + 1
        elif line[at : at + 1] == b" ":
            at += 1
    return line[at:]


_QUOTE = ord(">")


def _spaced(line: bytes, at: int) -> bytes:
    """The line with spaces for a tab at a place before which there is none."""
    if line[at : at + 1] != b"\t":
        return line
    return line[:at] + b" " * (4 - at % 4) + line[at + 1 :]


def _options(page: Page, function: str, lines: list[bytes]) -> tuple[str, list[bytes]]:
    """Take the options of a MyST directive; a class says the function."""
    at = 0
    while at < len(lines) and (found := _OPTION.match(lines[at])):
        if found[1] == b"class":
            names = found[2].decode("utf-8", "replace").split()
            said = (page.lexicon.function_of_word(name, "myst") for name in names)
            function = next(filter(None, said), function)
        at += 1
    while at < len(lines) and not lines[at]:
        at += 1
    return function, lines[at:]


def is_bold(title: str) -> bool:
    """Whether a title can be written in bold, and read back."""
    is_closed = _TITLE.fullmatch(f"**{title}**".encode()) is not None
    return is_closed and title == title.strip(f"_{_COLONS} ")


def _lifted(lines: list[bytes]) -> tuple[str, list[bytes]]:
    """Take a first paragraph that is all bold as the title: alerts have no other."""
    if not lines or not (found := _TITLE.fullmatch(lines[0])):
        return "", lines
    if len(lines) > 1 and lines[1]:
        return "", lines
    return found[1].decode("utf-8", "replace"), lines[2:]
