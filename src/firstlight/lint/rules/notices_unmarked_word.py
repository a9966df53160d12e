"""A notice with its word only. The eye passes over it like over any other paragraph."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Finding, Fix, Keeps, Role
from firstlight.lint.notices import SEVERITIES, form_of, has_own_line, rewritten
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.notices import spoken
from firstlight.markdown.page import Notice, Page

__all__ = ["RULE", "check"]

_MILD = ("note", "tip")
_REFERENCES = ("see also", "seealso", "参见", "另请参阅")
_CHANGES = ("breaking change", "deprecated", "已弃用", "已废弃")
"""Labels of a list of changes, not notices for who reads it."""
_FIELDS = ("说明", "备注", "建议", "技巧")
"""Without bold, these are the names of fields as often as notices."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield paragraphs and quotes that begin with ``Note:`` and no sign."""
    if given.form == "bold":
        return
    for number, notice in page.once(spoken).items():
        if notice.form not in ("bold", "plain") or notice.function not in SEVERITIES:
            continue
        if _is_other(notice) or not _is_announced(page, number, notice):
            continue
        if _is_wrapped(page, number):
            continue
        word = page.cut(notice.head).strip(" *_:：")
        symbol = given.lexicon.functions[notice.function].symbol
        yield Finding(
            code=RULE.code,
            role=Role.NOTE if notice.function in _MILD else RULE.role,
            message=f"“{word}” has no symbol",
            hint=f"write {symbol} **{word}**, or the notice form of the page",
            span=notice.head,
            fix=_fix(page, number, notice, given),
        )


def _is_other(notice: Notice) -> bool:
    if notice.type in _REFERENCES or notice.type in _CHANGES:
        return True
    return notice.form == "plain" and notice.type in _FIELDS


def _is_announced(page: Page, number: int, notice: Notice) -> bool:
    """Whether the word announces: with a colon, or as the first line of a quote."""
    block = page.blocks[number]
    if not page.data[notice.head.end : block.end].strip(b"> \t\r\n"):
        return False
    if page.cut(notice.head).rstrip("*_ ").endswith((":", "：")):
        return True
    return block.kind == "quote" and has_own_line(page, notice)


def _is_wrapped(page: Page, number: int) -> bool:
    """Whether a component is around a paragraph: it shows what it is there for."""
    before, after = page.siblings(number)
    if before < 0 or after < 0:
        return False
    opens, closes = page.blocks[before].start, page.blocks[after].start
    name = page.data[opens + 1 : opens + 2]
    return name.isupper() and page.data[closes : closes + 3] == b"</" + name


def _fix(page: Page, number: int, notice: Notice, given: Given) -> Fix | None:
    form = form_of(page, given)
    edits = rewritten(page, number, notice, form)
    if edits is None:
        # A form that has no place here: symbol and word are understood everywhere.
        form, edits = "symbol", rewritten(page, number, notice, "symbol")
    if edits is None:
        return None
    block = page.blocks[number]
    safe = block.parent < 0 and block.kind in ("paragraph", "quote")
    return Fix(
        "add the symbol" if form == "symbol" else f"make it a {form}", edits, safe
    )


RULE = Rule(
    code="notices.unmarked-word",
    check=check,
    role=Role.WARNING,
    keeps=Keeps.TEXT_BUT_SYMBOLS,
)
