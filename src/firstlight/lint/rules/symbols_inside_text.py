"""A symbol in running text. It marks nothing there, and stops the eye for nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lexicon.symbols import TYPOGRAPHY, bare
from firstlight.lint.markers import Run, runs
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_ANSWERS = ("success", "failure")
_SPEAKS_OF_IT = re.compile(
    r"(?:\b(?:an?|the|this|that|these|those|with|by|as|of|and|or|to|is|are|use|uses"
    r"|click|press|tap|select|hit|see|marked|symbol|emoji|icon|reaction|using|mean|means)"
    r"|击|选|点|按|带有?|标[有记为注]?|为|用|以|是|的|和|或|与|图标|符号|表情|个|出现|显示)\s*$",
    re.IGNORECASE,
)
_IS_SPOKEN_OF = re.compile(
    r"\s*(?:icons?|buttons?|emojis?|symbols?|signs?|menu|reactions?|marks?|badges?|means?"
    r"|indicates?|and|or|is|are|=|图标|按钮|符号|表情|标[记识志]|表示|代表|为|是|的|和|或|与)",
    re.IGNORECASE,
)

_NAME = re.compile(rb" ?[A-Z]")
"""A name that begins with its logo: ``🧨 Diffusers``."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield symbols between the words of a paragraph."""
    for run in page.once(runs):
        if run.place != "inside" or page.blocks[run.block].kind != "paragraph":
            continue
        symbol = run.symbols[0].text
        if given.lexicon.has_feeling(symbol) or bare(symbol) in TYPOGRAPHY:
            continue
        # Yes and no side by side in a sentence compare two things.
        name = given.lexicon.function_of(symbol)
        if name in _ANSWERS or not _is_running(page, run):
            continue
        if not name and _NAME.match(page.data, run.end):
            continue
        yield Finding(
            code=RULE.code,
            role=RULE.role,
            message=f"{run.symbols[0].text} stands inside running text",
            hint="begin a block of its own with it, or write the word only",
            span=Span(run.start, run.end),
        )


def _is_running(page: Page, run: Run) -> bool:
    """Whether words go on before and after, and do not speak of the symbol itself."""
    text = page.blocks[run.block].text
    if page.data[run.start - 1 : run.start] == b"[":
        return False
    before = _read(page, max(text.start, run.start - 60), run.start)
    after = _read(page, run.end, min(text.end, run.end + 40))
    is_word = before[-1:].isalnum() or before[-1:] in tuple(".。!！?？")
    if not is_word or not after[:1].isalpha():
        return False
    return not _SPEAKS_OF_IT.search(before) and not _IS_SPOKEN_OF.match(after)


def _read(page: Page, start: int, end: int) -> str:
    shown = page.shown[start:end].replace(b"\0", b"").replace(b"\n", b" ")
    return shown.decode("utf-8", "ignore").strip()


RULE = Rule(code="symbols.inside-text", check=check, role=Role.NOTE)
