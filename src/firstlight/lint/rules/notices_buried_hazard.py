"""A hazard in the middle of a paragraph. Whoever skims the page does not see it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Role
from firstlight.lint.markers import runs
from firstlight.lint.notices import holder_of
from firstlight.lint.rule import Given, Rule
from firstlight.mark.hazard import Hazard, hazards
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_SURE = 0.95
_BAD = ("danger", "warning")
_ORDER = "prohibition"
"""What must speak for a warning: explanations of how things fail have no order."""
_FOR_AGENTS = re.compile(
    r"(?:\A|/)(?:(?:AGENTS|CLAUDE|GEMINI|SKILL)\.md\Z|(?:prompts?|agents|\.\w+)/)"
)
"""Pages that are orders to a program from their first word to the last."""
_SHORTCODE = re.compile(rb"\{\{[<%]")
_ABLE = re.compile(r"\bmay not be able\b|(?:不会|你)想")
"""What sounds like an order and is none."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield hazards with text before them in a paragraph that nothing marks."""
    if _FOR_AGENTS.search(page.path):
        return
    for hazard in page.once(hazards):
        if not _is_sure(page, hazard):
            continue
        if _is_first(page, hazard) or _is_marked(page, hazard):
            continue
        symbol = given.lexicon.functions[hazard.severity].symbol
        cue = max(hazard.cues, key=len, default=hazard.reason)
        yield Finding(
            code=RULE.code,
            role=RULE.role,
            message=f"“{cue}” is a {hazard.severity} in the middle of a paragraph",
            hint=f"give it a block of its own, before the step it concerns: {symbol}",
            span=hazard.span,
        )


def _is_sure(page: Page, hazard: Hazard) -> bool:
    if hazard.severity not in _BAD or hazard.confidence < _SURE:
        return False
    if hazard.severity == "warning" and _ORDER not in hazard.reason.split(", "):
        return False
    return not _ABLE.search(page.read(hazard.span))


def _is_first(page: Page, hazard: Hazard) -> bool:
    text = page.blocks[hazard.block].text
    return not page.prose[text.start : hazard.span.start].strip()


def _is_marked(page: Page, hazard: Hazard) -> bool:
    if holder_of(page, hazard.block) is not None:
        return True
    block = page.blocks[hazard.block]
    if _SHORTCODE.search(page.data, block.start, block.end):
        return True  # A notice of Hugo, or of Jekyll.
    return hazard.block in page.once(_marked)


def _marked(page: Page) -> frozenset[int]:
    return frozenset(run.block for run in page.once(runs) if run.is_marker)


RULE = Rule(code="notices.buried-hazard", check=check, role=Role.WARNING)
