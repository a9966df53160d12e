"""A picture without a text. Who cannot see or load it misses what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Span
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE"]

_IMAGE = re.compile(rb"<img\b([^<>]*)>", re.I)
_NAMED = re.compile(rb"\b(?:alt|aria-label|aria-hidden|role)\b", re.I)
_HINT = "say what the picture shows or tells, not that it is one"


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find images whose alternative text is empty or not there.

    ``alt=""`` in HTML says that the picture is decoration, and is no finding.
    """
    for image in page.inlines("image"):
        # ``#name`` puts something of the page or the project here, with its own text.
        is_picture = not image.value.startswith("#")
        if is_picture and not page.data[image.text.start : image.text.end].strip():
            yield _finding(image.span, image.value)
    spans = [piece.span for piece in page.of("html")]
    spans += [piece.span for piece in page.inlines("html")]
    for span in spans:
        for found in _IMAGE.finditer(page.data, *span):
            if not _NAMED.search(found[1]):
                yield _finding(Span(found.start(), found.end()), "")


def _finding(span: Span, destination: str) -> Finding:
    name = destination.partition("?")[0].rstrip("/").rpartition("/")[2]
    shown = f"the picture {name}" if 0 < len(name) <= 60 else "this picture"
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"{shown} has no alternative text",
        hint=_HINT,
        span=span,
    )


RULE = Rule(code="structure.missing-alt-text", check=check)
