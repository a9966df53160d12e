"""One step with several actions. Readers do the first and lose their place."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lint.actions import CLICKS, Action, actions, opening
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE"]

_MANY = 3
"""Opening something and setting a value in it is one move, and so are three clicks."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find items of numbered lists whose text tells of three things to do."""
    for number in page.numbers("list"):
        if page.blocks[number].value is None:
            continue
        for item in page.children(number):
            for inner in page.children(item)[:1]:
                # What begins otherwise describes; only what commands is a step.
                if opening(page, inner) and not _has_label(page, inner):
                    yield from _in_text(page, page.blocks[inner].text)


def _has_label(page: Page, number: int) -> bool:
    """Whether the text begins with bold words, which name what it is about."""
    start = page.blocks[number].text.start
    return page.data[start : start + 2] in (b"**", b"__")


def _in_text(page: Page, text: Span) -> Iterator[Finding]:
    found = actions(page, text)
    others = {action.word for action in found if action.word not in CLICKS}
    clicks = sum(action.word in CLICKS for action in found)
    # What is done again belongs to the same action.
    if len(others) >= _MANY or len(others) + clicks > _MANY:
        yield Finding(
            code=RULE.code,
            role=RULE.role,
            message=f"this step has {len(others) + clicks} actions: {_names(found)}",
            hint="make a step of each, so that readers can tell where they are",
            span=text,
        )


def _names(found: list[Action]) -> str:
    names = list(dict.fromkeys(action.word for action in found))
    return ", ".join(names[:5]) + (", …" if len(names) > len(names[:5]) else "")


RULE = Rule(code="steps.several-actions", check=check, role=Role.NOTE, on=False)
