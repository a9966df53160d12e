"""Steps without numbers. Readers cannot tell an order from a choice, nor find back."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lexicon.cues import find
from firstlight.lint.actions import opening
from firstlight.lint.rule import Given, Rule
from firstlight.lint.shell import scripts
from firstlight.markdown.page import Page

__all__ = ["RULE"]

_ENOUGH = 3
_LATER = ("then ", "next,", "next ", "finally", "然后", "接着", "接下来", "最后", "再")
_HINT = "number the steps, or say at each when it comes: first, then, at last"


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find what is done in order and not numbered."""
    shell = {script.block for script in page.once(scripts)}
    if len(shell) >= _ENOUGH:
        yield from _runs(page, shell)
    for number in page.numbers("list"):
        items = page.children(number)
        is_long = page.blocks[number].value is None and len(items) >= _ENOUGH
        if is_long and _is_procedure(page, items, shell):
            yield _finding(page, items[0], items[-1], len(items))


def _runs(page: Page, shell: set[int]) -> Iterator[Finding]:
    """Text and command by turns, each text a command to do something else."""
    run: list[int] = []
    verbs: list[str] = []
    for number in [*sorted(shell), -1]:
        text = page.siblings(number)[0] if number >= 0 else -1
        verb = _step(page, text, number) if text >= 0 else ""
        follows = bool(run) and page.siblings(run[-1])[1] == text
        if not verb or not follows:
            yield from _checked(page, run, verbs)
            run, verbs = [], []
        if verb:
            run.append(number)
            verbs.append(verb)


def _step(page: Page, text: int, fence: int) -> str:
    block = page.blocks[text]
    is_step = block.kind == "paragraph" and not page.is_inside(fence, "item")
    return opening(page, text) if is_step else ""


def _checked(page: Page, run: list[int], verbs: list[str]) -> Iterator[Finding]:
    # The same verb again is another way to do it, not the next step.
    if len(run) >= _ENOUGH and len(set(verbs)) == len(verbs):
        first = page.siblings(run[0])[0]
        if not _has_order(
            page, Span(page.blocks[first].start, page.blocks[run[-1]].end)
        ):
            yield _finding(page, first, run[-1], len(run))


def _is_procedure(page: Page, items: list[int], shell: set[int]) -> bool:
    verbs = []
    commands = 0
    for item in items:
        inner = page.children(item)
        verb = opening(page, inner[0]) if inner else ""
        if not verb:
            return False
        verbs.append(verb)
        commands += not shell.isdisjoint(inner)
    if len(set(verbs)) < _ENOUGH:
        return False
    return commands >= _ENOUGH or any(_begins_later(page, at) for at in items[1:])


def _begins_later(page: Page, item: int) -> bool:
    """Whether an item begins with "then", and not only has it somewhere."""
    text = page.text(page.blocks[page.children(item)[0]]).lower()
    return text.startswith(_LATER)


def _has_order(page: Page, span: Span) -> bool:
    return bool(find(page.prose[span.start : span.end], page.lexicon, ("order",)))


def _finding(page: Page, first: int, last: int, count: int) -> Finding:
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"these {count} steps have an order, and no numbers",
        hint=_HINT,
        span=Span(page.blocks[first].start, page.blocks[last].end),
    )


RULE = Rule(code="steps.unnumbered-procedure", check=check, role=Role.NOTE, on=False)
