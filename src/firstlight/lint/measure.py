"""How long a text is: in words where it is English, in characters where Chinese."""

from __future__ import annotations

from firstlight.finding import Span
from firstlight.lint.sections import section
from firstlight.markdown.notices import spoken
from firstlight.markdown.page import Page, language_of

__all__ = ["is_legal", "is_quoted", "length"]

_HAN = bytes(range(0xE4, 0xEA))
_MARKS = b"_.,;:!?()[]{}\"'*/|<>=+&%#@^~`-\\"
_NO_WORD = bytes(range(0x80, 0xC3)) + _MARKS
_NO_LATIN = bytes(range(0x80, 0x100)) + _MARKS
_SPACES = bytes.maketrans(_NO_LATIN, b" " * len(_NO_LATIN))


_LEGAL = (
    *("license", "licence", "copying", "notice", "code_of_conduct", "terms"),
    *(
        "code-of-conduct",
        "coc.",
        "privacy",
        "acceptable_use",
        "acceptable-use",
        "legal",
    ),
)
_ABSTRACT = (
    *(b"abstract", b"licen", b"contributor", b"credit", b"acknowledg"),
    *("摘要".encode(), "许可".encode(), "贡献者".encode(), "致谢".encode()),
)
_ANNOUNCES = (b"abstract", "摘要".encode())
_ITALICS = (b"*", b"_")
_MARKUP = 6


def is_legal(path: str) -> bool:
    """Whether the name of a page says that nobody may change its words."""
    return path.rpartition("/")[2].lower().startswith(_LEGAL)


def is_quoted(page: Page, number: int) -> bool:
    """Whether the words of a paragraph are another's: a quotation, an abstract.

    What is set in italics as a whole is quoted; what has many bars or tags is a table
    or a program, and no sentence.
    """
    text = page.blocks[number].text
    marks = page.data.count(b"|", *text) + page.data.count(b"</", *text)
    if marks >= _MARKUP or text in _italics(page, text):
        return True
    parent = page.blocks[number].parent
    while parent >= 0:
        if page.blocks[parent].kind == "quote" and parent not in page.once(spoken):
            return True
        parent = page.blocks[parent].parent
    before = page.siblings(number)[0]
    if before >= 0 and page.blocks[before].kind == "paragraph":
        said = page.prose[page.blocks[before].start : page.blocks[before].end].lower()
        if any(word in said for word in _ANNOUNCES):
            return True
    start = section(page, page.blocks[number].start).start
    heading = page.shown[start : page.lines.end(page.lines.number(start))]
    return heading.strip(b"\0 #*\r\n").lower().startswith(_ABSTRACT)


def _italics(page: Page, text: Span) -> list[Span]:
    if page.data[text.start : text.start + 1] not in _ITALICS:
        return []
    return [run.span for run in page.inlines("emphasis")]


def length(prose: bytes) -> tuple[int, str]:
    """Return a length and its unit, ``words`` or ``characters``.

    Numbers are words; in Chinese a Latin word counts as two characters, which is
    about the room that it takes. Code is no text.
    """
    if prose.isascii() or language_of(prose) != "zh":
        # A word joined by a hyphen, stop or apostrophe is one word.
        return len(prose.translate(None, _NO_WORD).split()), "words"
    characters = len(prose) - len(prose.translate(None, _HAN))
    return characters + 2 * len(prose.translate(_SPACES).split()), "characters"
