"""Several titles on one page. Search and tables of contents show only one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Block, Page

__all__ = ["RULE"]


_RELEASE = re.compile(r"\[?v?\d+\.\d+")
"""Where each release has a title, a program wrote the page."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find a second heading of level 1; the rest are named with it."""
    titles = [h for h in page.of("heading") if h.value == 1 and h.parent < 0]
    if len(titles) > 1:
        titles = [each for each in titles if _is_title(page, each)]
    if len(titles) > 1:
        yield Finding(
            code=RULE.code,
            role=RULE.role,
            message=f"the page has {len(titles)} headings of level 1",
            hint="keep one as the title, and make the others level 2",
            span=titles[1].span,
        )


def _is_title(page: Page, heading: Block) -> bool:
    """Whether it is one, and neither a release nor a formula with a line of ``=``."""
    if b"\\" in page.data[heading.start : heading.end]:
        return False
    return not _RELEASE.match(page.text(heading))


RULE = Rule(code="structure.several-titles", check=check)
