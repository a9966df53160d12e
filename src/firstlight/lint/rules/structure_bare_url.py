"""An address that is only text. Sites show it dead, or link the words behind it too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Edit, Finding, Fix, Keeps, Span
from firstlight.lint.measure import is_legal
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE"]

_ADDRESS = re.compile(
    rb"https?://[A-Za-z0-9\[][^\s<>\x00\x80-\xff\"'`|*]{0,2000}", re.I
)
_LINKING = frozenset(
    (
        *("github", "jupyter", "vscode", "docusaurus", "vitepress"),
        *("mkdocs", "zensical"),
    )
)
"""Sites that make links of bare addresses, up to the next space.

MkDocs and Zensical do so with an extension that many have, and no page tells.
"""
_READ_ELSEWHERE = ("readme", "changelog", "history", "contributing")
"""Pages that are read where the project is kept, whatever its site does."""
_VIDEO = re.compile(rb"https://github\.com/[\w./-]*assets/")
"""GitHub shows these as a player, but only where they are bare."""
_OPTION_LENGTH = 24
_OPTION = re.compile(rb"\s--?[a-z][\w-]*[ =]\Z|(?:^|\n)[ \t]*:[a-z-]+:[ \t]*\Z")
"""An argument of a command that nobody put into a code block, or of a directive."""
_LOCAL = re.compile(rb"https?://(?:localhost|127\.|0\.0\.0\.0|192\.168\.|10\.)", re.I)
"""Nobody follows these from a page."""
_CHINESE = re.compile(rb"\xe3\x80[\x81-\x91]|[\xe4-\xe9][\x80-\xbf]|\xef\xbc")
_GOES_ON = re.compile(rb"(?:[\xe4-\xe9][\x80-\xbf]{2})+[%/._=&?#-]")
"""A name in Chinese inside an address."""
_NO_ANGLES = frozenset(("docusaurus",))
"""Sites that read ``<https://…>`` as broken markup."""
_OPEN = b"/#=?&%+_-"
_TAIL = b".,;:!?_~'\")]"


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find addresses in the text that are dead somewhere, or swallow what follows."""
    if b"://" not in page.prose or is_legal(page.path):
        return
    name = page.path.rpartition("/")[2].lower()
    is_linked = given.targets <= _LINKING or name.startswith(_READ_ELSEWHERE)
    for found in _ADDRESS.finditer(page.prose):
        address = _trimmed(found[0])
        if b"${" in address or address.endswith(b"{"):
            continue  # A template, for the reader to fill in.
        end = found.start() + len(address)
        swallows = _swallows(page, address, end)
        is_dead = not is_linked and not _LOCAL.match(address)
        if (swallows or is_dead) and _is_free(page, found.start()):
            yield _finding(page, Span(found.start(), end), given, swallows)


def _swallows(page: Page, address: bytes, end: int) -> bool:
    """Whether Chinese text follows at once, and is no part of the address."""
    if address[-1:] in _OPEN or not _CHINESE.match(page.data, end):
        return False
    return not _GOES_ON.match(page.data, end)


def _trimmed(address: bytes) -> bytes:
    """An address without the punctuation of the sentence around it."""
    while address[-1:] in _TAIL and not _closes(address):
        address = address[:-1]
    return address


def _closes(address: bytes) -> bool:
    """Whether a bracket at the end closes one inside."""
    return address.endswith(b")") and address.count(b"(") >= address.count(b")")


def _is_free(page: Page, offset: int) -> bool:
    """Whether it stands in running text, where a link may stand."""
    at = page.at(offset)
    before = page.data[max(0, offset - _OPTION_LENGTH) : offset]
    if _VIDEO.match(page.data, offset) or _OPTION.search(before):
        return False
    line = page.data.rfind(b"\n", 0, offset) + 1
    if page.data.startswith(b"% ", line):
        return False  # A comment of MyST.
    if at < 0 or page.blocks[at].kind not in ("paragraph", "cell", "heading"):
        return False
    return page.data[offset - 1 : offset] not in (b"<", b"(", b"[", b'"', b"'", b"=")


def _finding(page: Page, span: Span, given: Given, swallows: bool) -> Finding:
    address = page.data[span.start : span.end]
    angles = b"<" + address + b">"
    if given.targets & _NO_ANGLES:
        angles = b"[" + address + b"](" + address + b")"
    why = "takes the text behind it into the link" if swallows else "is no link here"
    shown = address.decode()
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"{shown if len(shown) <= 50 else shown[:49] + '…'} {why}",
        hint="put it in angle brackets, or link the words that name it",
        span=span,
        fix=Fix(title="make it a link", edits=(Edit(span, angles),)),
    )


RULE = Rule(code="structure.bare-url", check=check, keeps=Keeps.TEXT)
