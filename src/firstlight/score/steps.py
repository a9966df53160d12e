"""Whether procedures are numbered, one action a step, its command in a fence."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Span
from firstlight.lint.actions import opening
from firstlight.lint.rule import Given
from firstlight.lint.rules import steps_several_actions as several_actions
from firstlight.lint.rules import steps_unnumbered_procedure as unnumbered
from firstlight.lint.shell import scripts
from firstlight.markdown.page import Page
from firstlight.score.part import Counts, Measured, Part, Problem, broken

__all__ = ["PART"]

_ENOUGH = 2
"""Steps of a procedure, at least."""
_LESS = 0.5
"""What a step loses by several actions, and by a command that is in no fence."""
_RUNS = frozenset(("run", "execute", "运行", "执行"))


def measure(page: Page, given: Given) -> Measured:
    """Count the steps of all procedures, and what they are worth."""
    total = points = 0.0
    problems: list[Problem] = []
    crowded = {found.span for found in broken(page, given, several_actions.RULE)}
    for item in _numbered(page):
        text = page.blocks[item].text
        total += 1
        points += 1
        for action in _faults(page, item, text in crowded):
            points -= _LESS
            problems.append(Problem(text, action, (0.0, _LESS)))
    for found in broken(page, given, unnumbered.RULE):
        assert found.span is not None
        number = _size(page, found.span)
        total += number
        action = f"number these {number} steps"
        problems.append(Problem(found.span, action, (0.0, float(number))))
    return Measured((total, points), problems)


def _numbered(page: Page) -> Iterator[int]:
    """Yield the text of each step of numbered lists that tell what to do."""
    for number in page.numbers("list"):
        if page.blocks[number].value is None:
            continue
        items = [page.children(item)[:1] for item in page.children(number)]
        first = [n for several in items for n in several]
        first = [n for n in first if page.blocks[n].kind == "paragraph"]
        orders = sum(opening(page, each) != "" for each in first)
        if len(first) >= _ENOUGH and orders * 2 >= len(first):
            yield from first


def _faults(page: Page, text: int, is_crowded: bool) -> Iterator[str]:
    if is_crowded:
        yield "make a step of each of these actions"
    if opening(page, text) in _RUNS and _has_inline_command(page, text):
        yield "put this command into a fenced block"


def _has_inline_command(page: Page, text: int) -> bool:
    """Whether a step has a command with arguments in a code span, and no code block."""
    parent = page.blocks[text].parent
    beside = (page.blocks[each].kind for each in page.children(parent))
    if not {"fence", "indented"}.isdisjoint(beside):
        return False
    return any(" " in code.strip() for code in page.once(_codes).get(text, ()))


def _codes(page: Page) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for run in page.inlines("code"):
        found.setdefault(run.block, []).append(run.value)
    return found


def _size(page: Page, span: Span) -> int:
    """How many steps an unnumbered procedure has: items of a list, or commands."""
    at = next(
        number
        for number in (*page.numbers("item"), *page.numbers("paragraph"))
        if page.blocks[number].start == span.start
    )
    if page.blocks[at].kind == "item":
        return len(page.children(page.blocks[at].parent))
    fences = (page.blocks[script.block] for script in page.once(scripts))
    return sum(span.start <= fence.start < span.end for fence in fences)


def score(counts: Counts) -> float | None:
    """Return what the steps are worth on average."""
    total, points = counts
    return 100 * points / total if total else None


def tell(counts: Counts) -> str:
    """Say how many steps there are, and what they are worth."""
    total, points = counts
    return f"{total:.0f} steps, worth {points:g}"


PART = Part(
    name="steps",
    about="Numbers say that an order matters, and let a reader find back.",
    good="numbered, one action each, its command in a fenced block",
    formula="100 × worth / steps; worth 1 a step, ½ less for several actions, "
    "½ less for a command in running text, 0 without a number",
    counted=("steps", "worth"),
    measure=measure,
    score=score,
    tell=tell,
)
