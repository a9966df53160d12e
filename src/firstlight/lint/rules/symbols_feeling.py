"""A symbol with feeling instead of function. Readers cannot act on it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Fix, Keeps, Role, Span
from firstlight.lexicon.symbols import Symbol
from firstlight.lint.markers import Run, is_free, removal, runs
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE", "check", "is_change"]

_ABOUT = re.compile("emoji|emoticon|reaction|表情|点赞".encode())
_NAME = re.compile(rb" ?(?:[A-Z`\[]|\*\*[A-Z])|[a-z0-9*]|</a>")
"""What follows the symbol of Hugging Face in the names of its libraries and models."""
_BRAND = "🤗"
_COMPANY = re.compile(rb"(?i)hugging ?face|hf\.co/|transformers|accelerate")
_LISTS_CHANGES = ("changelog", "changes", "release", "history", "news")
"""Pages where a symbol before an item tells the kind of change, as of commits."""
_NEAR = 600
"""Bytes around a symbol in which a text may say that it is about symbols."""
_AND = re.compile(r"[,，、/]\s*\Z")
_BEFORE = re.compile(
    r"(?:带有?|标[有记注]?为?|[以用]|\bmarked(?: with| by)?|\bwith)\s*\Z", re.I
)
_AFTER = re.compile(r"\s*(?:的|标|,|\.|，|。|are\b|is\b|have\b|need\b|were\b)")
_MEANS = re.compile(
    r"\s*(?:means?\b|indicates?\b|stands? for\b|icons?\b|symbols?\b|="
    r"|表示|代表|图标|标[记识志])"
)
"""How a page says what a symbol stands for there: “带🔥的参数”, “🔥 means”."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield each group of symbols that only show a feeling."""
    found = [each for run in page.once(runs) for each in _groups(page, run, given)]
    explained = _explained(page, found)
    for run, group in found:
        if not any(symbol.text in explained for symbol in group):
            yield _finding(page, run, group)


def _groups(page: Page, run: Run, given: Given) -> Iterator[tuple[Run, list[Symbol]]]:
    if page.blocks[run.block].kind == "cell" and _is_value(page, run):
        return
    if is_change(page, run):
        return
    group: list[Symbol] = []
    for symbol in run.symbols:
        if given.lexicon.has_feeling(symbol.text) and not _is_named(page, symbol):
            group.append(symbol)
        elif group:
            yield run, group
            group = []
    if group:
        yield run, group


def is_change(page: Page, run: Run) -> bool:
    """Whether symbols begin an item in a list of changes."""
    if run.place != "start" or not page.is_inside(run.block, "item"):
        return False
    return page.path.rpartition("/")[2].lower().startswith(_LISTS_CHANGES)


def _is_value(page: Page, run: Run) -> bool:
    """Whether a symbol is what a cell has to say: by itself, or one of several tags."""
    # Of one by itself, `symbols.alone` tells.
    before = page.prose[max(run.start - 6, 0) : run.start].decode("utf-8", "ignore")
    return run.place == "alone" or bool(_AND.search(before))


def _is_named(page: Page, symbol: Symbol) -> bool:
    """Whether the text is about the symbol, or a name begins with it."""
    around = page.prose[max(symbol.start - _NEAR, 0) : symbol.end + _NEAR]
    if _ABOUT.search(around.lower()):
        return True
    return symbol.text == _BRAND and (
        bool(_NAME.match(page.data, symbol.end)) or page.once(_is_of_brand)
    )


def _is_of_brand(page: Page) -> bool:
    """Whether a page is about Hugging Face, of which the symbol is the name there."""
    return _COMPANY.search(page.data) is not None


def _explained(page: Page, found: list[tuple[Run, list[Symbol]]]) -> set[str]:
    """Symbols of which the page says what they stand for: they say that there."""
    explained: set[str] = set()
    for _, group in found:
        start, end = group[0].start, group[-1].end
        after = page.prose[end : end + 30].decode("utf-8", "ignore")
        before = page.prose[max(start - 30, 0) : start].decode("utf-8", "ignore")
        if _MEANS.match(after) or (_BEFORE.search(before) and _AFTER.match(after)):
            explained.update(symbol.text for symbol in group)
    return explained


def _finding(page: Page, run: Run, group: list[Symbol]) -> Finding:
    names = list(dict.fromkeys(symbol.text for symbol in group))
    verb = "has" if len(names) == 1 else "have"
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"{' '.join(names[:4])} {verb} feeling, not function",
        hint="say it in words, or leave it out",
        span=Span(group[0].start, group[-1].end),
        fix=_fix(page, run, group),
    )


def _fix(page: Page, run: Run, group: list[Symbol]) -> Fix | None:
    if run.place == "alone" and len(group) == len(run.symbols):
        return None
    edit = removal(page, group[0].start, group[-1].end)
    if edit is None:
        return None
    return Fix("remove the symbol", (edit,), safe=is_free(page, run.block))


RULE = Rule(
    code="symbols.feeling",
    check=check,
    role=Role.WARNING,
    keeps=Keeps.HTML_BUT_SYMBOLS,
)
