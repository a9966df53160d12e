"""One vocabulary for problems, and for what puts them right."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

__all__ = ["Edit", "Finding", "Fix", "Keeps", "Role", "Span", "plain"]


class Role(StrEnum):
    """What a finding means for the reader; the names of the visual grammar."""

    FAILURE = "failure"
    WARNING = "warning"
    NOTE = "note"
    TIP = "tip"
    SUCCESS = "success"


class Span(NamedTuple):
    """Bytes `start` to `end` (not included) of a source, both from 0."""

    start: int
    end: int


class Edit(NamedTuple):
    """Put `text` in the place of a span; an empty span inserts."""

    span: Span
    text: bytes


class Keeps(StrEnum):
    """What of a rendered page a fix must leave as it was, from most to least.

    `HTML`: every tag and character. `HTML_BUT_SYMBOLS`: every tag, and the text without
    symbols and the words of the visual grammar. `TEXT`: the text, while its structure
    may change (a paragraph becomes a notice). `TEXT_BUT_SYMBOLS`: the text without
    symbols and words of the grammar. `CODE`: as the last, and prompt characters in code
    may go too. `LETTERS`: every tag, and the letters and digits of the text, whatever
    their width, while punctuation and spaces may change.
    """

    HTML = "html"
    HTML_BUT_SYMBOLS = "html-but-symbols"
    TEXT = "text"
    TEXT_BUT_SYMBOLS = "text-but-symbols"
    CODE = "code"
    LETTERS = "letters"


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that put one problem right, all of them or none.

    A fix that is not `safe` may need a person's judgement, and is made only when asked.
    """

    title: str
    edits: tuple[Edit, ...]
    safe: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem (or good news): what, where, and what to do about it.

    `code` is stable and dotted (``spec.unknown-key``); `where` is a file, or a file and
    a field path (``firstlight.toml: target.gpus[0]``); `hint` says what to do next.
    What was found in a page has the `span` of its bytes, and maybe a `fix`.
    """

    code: str
    role: Role
    message: str
    where: str = ""
    hint: str = ""
    span: Span | None = None
    fix: Fix | None = None


def plain(finding: Finding) -> dict[str, Any]:
    """Return a finding that belongs to no page as plain data."""
    names = ("code", "role", "message", "where", "hint")
    return {name: str(getattr(finding, name)) for name in names}
