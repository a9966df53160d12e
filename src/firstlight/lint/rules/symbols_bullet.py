"""Symbols as bullets of a list. Where every item has one, none of them says a thing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Fix, Keeps, Role, Span
from firstlight.lint.markers import Run, removal, runs, word_function
from firstlight.lint.rule import Given, Rule
from firstlight.lint.rules.symbols_feeling import is_change
from firstlight.markdown.page import Page

__all__ = ["RULE", "bullets", "check", "is_explained"]

_LEAST = 3
_SIDES = ("success", "failure", "danger", "warning")
"""What one list shows as right and another one as wrong."""
_EXPLAINS = re.compile(r"\s*(?:[=:：—–-]|means?\b|表示|代表)")


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield lists whose every item begins with a symbol that says nothing."""
    every = page.once(bullets)
    sides = [_side(found, given) for found in every]
    for found, side in zip(every, sides, strict=True):
        is_contrast = bool(side) and any(other not in ("", side) for other in sides)
        if is_contrast or _is_legend(page, found) or _says(page, found, given):
            continue
        if all(is_change(page, run) for run in found):
            continue
        yield _finding(page, found)


def bullets(page: Page) -> list[list[Run]]:
    """Return the lists whose every item begins with a symbol; ask with `Page.once`."""
    lists: dict[int, list[Run]] = {}
    for run in page.once(runs):
        block = page.blocks[run.block]
        if run.place not in ("start", "alone") or block.kind != "paragraph":
            continue
        if _is_first(page, run.block):
            number = page.blocks[block.parent].parent
            lists.setdefault(number, []).append(run)
    return [
        found
        for number, found in lists.items()
        if len(found) == len(page.children(number)) >= _LEAST
    ]


def _side(found: list[Run], given: Given) -> str:
    """The function of a list that has one symbol: what is right, or what is wrong."""
    names = {given.lexicon.function_of(run.symbols[0].text) for run in found}
    name = names.pop() if len(names) == 1 else ""
    return name if name in _SIDES else ""


def _is_first(page: Page, number: int) -> bool:
    """Whether a block is the first thing in an item of a list."""
    item = page.blocks[number].parent
    is_item = item >= 0 and page.blocks[item].kind == "item"
    return is_item and page.children(item)[0] == number


def _is_legend(page: Page, found: list[Run]) -> bool:
    """Whether every symbol is another one, and marks something elsewhere too."""
    names = {run.symbols[0].text for run in found}
    starts = {run.start for run in found}
    others = (run for run in page.once(runs) if run.start not in starts)
    return len(names) == len(found) and names <= {r.symbols[0].text for r in others}


def _says(page: Page, found: list[Run], given: Given) -> bool:
    """Whether the symbols answer, are explained, or come with the word they mean."""
    lexicon = given.lexicon
    names = {lexicon.function_of(run.symbols[0].text) for run in found}
    is_status = len(names) > 1 and "success" in names and names <= {*_SIDES}
    if is_status or all(is_explained(page, run) for run in found):
        return True
    with_word = sum(bool(word_function(page, run, lexicon)) for run in found)
    return with_word * 2 > len(found)


def is_explained(page: Page, run: Run) -> bool:
    """Whether the text after a symbol says what it means: ``🟢 = stable``."""
    return bool(_EXPLAINS.match(page.read(Span(run.end, run.end + 24))))


def _finding(page: Page, found: list[Run]) -> Finding:
    names = list(dict.fromkeys(run.symbols[0].text for run in found))
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"{' '.join(names[:4])} as bullets of a list of {len(found)} items",
        hint="leave the symbols out: the list has bullets of its own",
        span=Span(found[0].start, found[0].end),
        fix=_fix(page, found),
    )


def _fix(page: Page, found: list[Run]) -> Fix | None:
    edits = [removal(page, run.start, run.end) for run in found if run.place == "start"]
    made = tuple(edit for edit in edits if edit is not None)
    if len(made) < len(found):
        return None
    return Fix("remove the symbols", made, safe=False)


RULE = Rule(
    code="symbols.bullet",
    check=check,
    role=Role.NOTE,
    keeps=Keeps.HTML_BUT_SYMBOLS,
)
