"""A heading with nothing under it. Readers come for an answer and find none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from firstlight.finding import Finding
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Block, Page

__all__ = ["RULE"]


_SAYS_ALL = re.compile(
    r"(?i)\A\[?v?\d+(?:\.\d+)+|\A\d+[.、)]|unreleased|未发布|\d{4}[-/年]\d\d?|[.。]\Z"
    r"|\A(?:禁止|不要|避免|必须|尽量|不得)"
    r"|\A(?:do not|don't|avoid|always|never) "
)
_TELLS = re.compile(
    r"(?i)[，；]|, |\b(?:cancell?ed|next version|call for|none|n/a|to do)\b|取消|:::"
    r"|\A(?:changelog|更新日志|you |targeted|status)"
    r"|\A[^\s()]*[a-z][^\s()]*\([^()]*\)\Z"
    r"|\A(?:jan|feb|mar|apr|may|june?|july?|aug|sep|oct|nov|dec)\w* \d"
    r"|\A(?=\S*[.:_<])[^\s，。]+\Z|\A(?-i:[a-z])[\w-]*\Z"
    r"|\A(?:use|prefer|keep|write|put|name|make|do|run|add)(?: \S+){3}"
)
"""What an empty section may be called: a sentence, a date, a name, a word for it."""
_LEFT_OPEN = ("changelog", "changes", "release", "history", "template", "news")
"""Pages whose sections wait for what is to come."""
_LIST = 3
"""So many headings in a row with nothing under them are a list."""
_LONGEST = 70
_SMALLEST = 6
"""Headings of this level are used as small print."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find headings that the next of their level, or the end, follows at once."""
    name = page.path.rpartition("/")[2].lower()
    if name.startswith(_LEFT_OPEN) or "template" in name:
        return
    for run in _empty(page):
        for block in run if len(run) < _LIST else ():
            if block.value > 1 and _is_alone(page, block):
                yield Finding(
                    code=RULE.code,
                    role=RULE.role,
                    message=f"nothing stands under “{_short(page.text(block))}”",
                    hint="write the section, or remove its heading",
                    span=block.span,
                )


def _empty(page: Page) -> Iterator[list[Block]]:
    """The headings with nothing under them, those together that follow each other."""
    top = [page.blocks[number] for number in page.children(-1)]
    # The first heading is the title of the page, whatever its level.
    first = next((at for at, each in enumerate(top) if each.kind == "heading"), 0)
    run: list[Block] = []
    for block, after in pairwise((*top[first + 1 :], None)):
        if block is None or block.kind != "heading" or not _is_end(page, block, after):
            yield run
            run = []
        else:
            run.append(block)
    yield run


def _is_end(page: Page, block: Block, after: Block | None) -> bool:
    if after is None:
        return not page.data[block.end :].strip()
    is_next = after.kind == "heading" and after.value <= block.value
    # Two ways to call a function may share what is said of them.
    name, is_call, _ = page.text(block).partition("(")
    if is_next and is_call and page.text(after).startswith(name + "("):
        return False
    return is_next and not page.data[block.end : after.start].strip()


def _is_alone(page: Page, block: Block) -> bool:
    """Whether the heading only announces.

    One that is a link, a step, a sentence or the name of a release says all there is.
    """
    text = page.text(block)
    if not text or len(text) > _LONGEST or _SAYS_ALL.search(text):
        return False
    if _TELLS.search(text):
        return False
    source = page.data[block.start : block.end]
    is_link = b"](" in source or b"<a " in source
    return block.value != _SMALLEST and not is_link


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


RULE = Rule(code="structure.empty-section", check=check)
