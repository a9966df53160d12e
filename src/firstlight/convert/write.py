"""The content of a notice in one syntax or another, as the lines of a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from firstlight.convert.read import Content
from firstlight.lexicon.table import Lexicon

__all__ = ["SYMBOLS", "SYNTAXES", "Syntax", "is_text", "written"]


@dataclass(frozen=True, slots=True)
class Syntax:
    """A way to write notices: the forms it is read as, and what writes it.

    `types` is the syntax whose types the lexicon knows, empty where words are written.
    `is_nested` tells whether it is understood inside lists, quotes and other notices,
    after the bytes that stand before it on its line; where it is not, a symbol and its
    word are. `banned` must not be in a title.
    """

    name: str
    form: str
    types: str
    write: Callable[[Content, Lexicon, str, int], list[bytes]]
    is_nested: Callable[[bytes], bool] = lambda prefix: True
    banned: str = ""

    def has(self, function: str, lexicon: Lexicon) -> bool:
        """Whether the syntax has a type for a function."""
        return not self.types or lexicon.type_of(function, self.types)[1]


def written(
    content: Content, syntax: Syntax, lexicon: Lexicon, language: str, depth: int
) -> bytes:
    """Return the bytes that take the place of the notice's span.

    Args:
        content: The notice.
        syntax: How to write it.
        lexicon: Whose words and types are written.
        language: Of the word that goes with a symbol: ``en`` or ``zh``.
        depth: How deep notices are nested in this one, for the length of its fence.
    """
    lines = syntax.write(content, lexicon, language, depth)
    blank = content.prefix.rstrip()
    rest = (content.prefix + line if line else blank for line in lines[1:])
    return content.end.join((lines[0], *rest))


def is_text(lines: Sequence[bytes]) -> bool:
    """Whether the first line is text of a paragraph, which may follow a word."""
    line = lines[0]
    if len(lines) > 1 and _UNDERLINE.match(lines[1]):
        return False
    return not (_BLOCK.match(line) or line.startswith((b"    ", b"\t")))


def _quoted(lines: list[bytes]) -> list[bytes]:
    return [b"> " + line if line else b">" for line in lines]


def _titled(title: str, lines: tuple[bytes, ...]) -> list[bytes]:
    """The lines with the title as a bold paragraph before them."""
    if not title:
        return list(lines)
    return [f"**{title}**".encode(), *((b"", *lines) if lines else ())]


def _symbols(
    content: Content, lexicon: Lexicon, language: str, depth: int
) -> list[bytes]:
    function = lexicon.functions[content.function]
    word = lexicon.word(content.function, language)
    colon = "：" if language == "zh" else ": "
    title = f"{colon}{content.title}" if content.title else ""
    head = f"{function.symbol} **{word}{title}**".encode()
    lines = list(content.lines)
    if content.title or not lines or not is_text(lines):
        return _quoted([head, b"", *lines] if lines else [head])
    return _quoted([head + colon.encode() + lines[0], *lines[1:]])


_BLOCK = re.compile(
    rb"\s*(?:[-+*](?:\s|$)|\d{1,9}[.)](?:\s|$)|>|#{1,6}(?:\s|$)|`{3}|~{3}|:{3}|/{3}|<|\||"
    rb"!!!|\?\?\?|\$\$|\[[^\]]+\]:)"
)
_UNDERLINE = re.compile(rb"\s*(?:=+|-+|\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t:|-]*)?)\s*$")


def _alert(
    content: Content, lexicon: Lexicon, language: str, depth: int
) -> list[bytes]:
    kind = lexicon.type_of(content.function, "alert")[0]
    return _quoted([f"[!{kind}]".encode(), *_titled(content.title, content.lines)])


def _mkdocs(
    content: Content, lexicon: Lexicon, language: str, depth: int
) -> list[bytes]:
    kind, title = lexicon.type_of(content.function, "mkdocs")[0], content.title
    head = f'!!! {kind} "{title}"' if title else f"!!! {kind}"
    body = [b"    " + line if line else b"" for line in content.lines]
    # Some readers take a first line right after the head, and some a list as its text.
    return [head.encode(), b"", *body] if body else [head.encode()]


def _fence(mark: str, content: Content, depth: int) -> str:
    """A fence that is longer than every fence inside."""
    pattern = re.compile(rb"[ \t>]*(\%s{3,})" % mark.encode())
    inside = [len(found[1]) for line in content.lines if (found := pattern.match(line))]
    return mark * max(3 + depth, *(length + 1 for length in inside), 3)


def _closable(lines: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The lines, and an empty one after HTML, which would take in a fence."""
    last = len(lines)
    while last and lines[last - 1]:
        last -= 1
    is_html = last < len(lines) and lines[last].lstrip().startswith(b"<")
    return (*lines, b"") if is_html else lines


def _docusaurus(
    content: Content, lexicon: Lexicon, language: str, depth: int
) -> list[bytes]:
    kind, title = lexicon.type_of(content.function, "docusaurus")[0], content.title
    fence = _fence(":", content, depth)
    head = f"{fence}{kind}[{title}]" if title else f"{fence}{kind}"
    # Formatters join text to the fences where no empty line keeps them apart.
    return [head.encode(), b"", *content.lines, b"", fence.encode()]


def _vitepress(
    content: Content, lexicon: Lexicon, language: str, depth: int
) -> list[bytes]:
    kind, title = lexicon.type_of(content.function, "vitepress")[0], content.title
    fence = _fence(":", content, depth)
    head = f"{fence} {kind} {title}".rstrip()
    return [head.encode(), *_closable(content.lines), fence.encode()]


def _myst(content: Content, lexicon: Lexicon, language: str, depth: int) -> list[bytes]:
    kind, title = lexicon.type_of(content.function, "myst")[0], content.title
    fence = _fence("`", content, depth)
    head = [f"{fence}{{{kind}}}"]
    if title:
        # Only the general directive of Docutils takes a title.
        head = [f"{fence}{{admonition}} {title}", f":class: {kind}", ""]
    return [
        *(line.encode() for line in head),
        *_closable(content.lines),
        fence.encode(),
    ]


def _in_fours(prefix: bytes) -> bool:
    """Python-Markdown sees nested blocks only at multiples of four columns."""
    return not prefix.strip() and len(prefix.expandtabs(4)) % 4 == 0


SYMBOLS = Syntax("symbols", "symbol", "", _symbols, banned="*")
"""What lives everywhere, for notices that a syntax has no way to write."""

SYNTAXES = {
    syntax.name: syntax
    for syntax in (
        Syntax("github", "alert", "alert", _alert, lambda _: False, "*"),
        Syntax("mkdocs", "mkdocs", "mkdocs", _mkdocs, _in_fours, '"*'),
        Syntax("myst", "myst", "myst", _myst, banned="*"),
        Syntax("docusaurus", "colon", "docusaurus", _docusaurus, banned="[]{}*"),
        Syntax("vitepress", "colon", "vitepress", _vitepress, banned="{}*"),
        SYMBOLS,
    )
}
"""What `--to` takes."""
