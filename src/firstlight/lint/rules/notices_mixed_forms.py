"""Notices in several forms on a page. They look unlike each other, or like text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from firstlight.finding import Finding, Role
from firstlight.lint.notices import SEVERITIES, notices
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Notice, Page

__all__ = ["RULE", "check"]

_FORMS = ("alert", "mkdocs", "blocks", "colon", "myst", "symbol")
"""Forms to choose from. A fold is another thing, and a word without symbol no form."""
_SYNTAXES = {
    "alert": "github",
    "mkdocs": "mkdocs",
    "myst": "myst",
    "symbol": "symbols",
    "colon": "docusaurus or vitepress",
}
"""Form -> what `firstlight docs convert --to` calls it, where it writes that."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield the first notice of each form that is not the one of the page."""
    found = [notice for number, notice in page.once(notices) if _counts(page, number)]
    counts = Counter(notice.form for notice in found)
    usual = given.form or (counts.most_common(1)[0][0] if counts else "")
    told: set[str] = set()
    for notice in found:
        if notice.form != usual and notice.form not in told:
            told.add(notice.form)
            yield _finding(notice, counts[notice.form], usual, bool(given.form))


def _counts(page: Page, number: int) -> bool:
    notice = page.once(_by_number)[number]
    if notice.function not in SEVERITIES or notice.form not in _FORMS:
        return False
    # In lists, symbol and word are all that GitHub shows: no second form.
    return notice.form != "symbol" or page.blocks[number].parent < 0


def _by_number(page: Page) -> dict[int, Notice]:
    return dict(page.once(notices))


def _finding(notice: Notice, count: int, usual: str, is_set: bool) -> Finding:
    whose = "project" if is_set else "page"
    times = f" ({count} notices)" if count > 1 else ""
    syntax = _SYNTAXES.get(usual)
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"form “{notice.form}”{times}, where the {whose} uses “{usual}”",
        hint=f"firstlight docs convert --to {syntax}"
        if syntax
        else "choose one of them",
        span=notice.head,
    )


RULE = Rule(code="notices.mixed-forms", check=check, role=Role.NOTE)
