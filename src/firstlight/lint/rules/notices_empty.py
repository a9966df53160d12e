"""A notice without content. Its text stands outside of it, or was never written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_SITES = frozenset(("mkdocs", "zensical"))
_MARKER = re.compile(
    rb"(?:!!!|\?\?\?\+?)[ \t]+([A-Za-z]+)(?:[ \t]+\"[^\"\r\n]*\")?[ \t]*(?=[\r\n]|\Z)"
)
_ANY_CONTAINER = "colon"
"""The form in which things that are no notices are written too."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield notices that hold nothing and have no title that says it all."""
    for number in page.numbers("notice"):
        notice = page.blocks[number].value
        if page.children(number) or notice.title:
            continue
        if notice.form == _ANY_CONTAINER and not notice.function:
            continue
        yield _finding(notice.type, _hint(notice.form), notice.head)
    if given.targets & _SITES and (b"!!!" in page.prose or b"???" in page.prose):
        yield from _not_indented(page)


def _not_indented(page: Page) -> Iterator[Finding]:
    """Markers of MkDocs with nothing indented below: they are text, and so is it."""
    for block in page.of("paragraph"):
        found = _MARKER.match(page.data, block.text.start, block.text.end)
        if found and page.lexicon.function_of_word(found[1].decode(), "mkdocs"):
            span = Span(found.start(), found.end())
            yield _finding(found[1].decode(), _hint("mkdocs"), span)


def _finding(kind: str, hint: str, span: Span) -> Finding:
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"this notice ({kind}) is empty",
        hint=hint,
        span=span,
    )


def _hint(form: str) -> str:
    if form in ("mkdocs", "details"):
        return "indent its text by four spaces, or remove it"
    return "write what it should say, or remove it"


RULE = Rule(code="notices.empty", check=check, role=Role.WARNING)
