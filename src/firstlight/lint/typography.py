"""What the rules of Chinese typography share: one finding for each place in the text.

They look at the prose of a page only, so never at code, URLs, formulas or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from firstlight.finding import Edit, Finding, Fix, Span
from firstlight.lint.markers import is_free
from firstlight.lint.rule import Rule
from firstlight.markdown.page import Page

__all__ = ["HAN", "chinese", "replaced"]

HAN = rb"[\xe4-\xe9][\x80-\xbf][\x80-\xbf]"
"""A Chinese character in UTF-8, or nearly: U+4000 to U+9FFF."""

_NEAR = 6


def chinese(page: Page, pattern: re.Pattern[bytes]) -> Iterator[re.Match[bytes]]:
    """Yield what a pattern finds in the prose of a page with Chinese text."""
    if page.language == "zh" or b"\xe7\x9a\x84" in page.prose:  # 的
        yield from pattern.finditer(page.prose)


def replaced(
    page: Page,
    rule: Rule,
    places: Iterable[tuple[Span, str]],
    message: Callable[[str, str], str],
) -> Iterator[Finding]:
    """Yield a finding for each place and the text that belongs there.

    It has a fix when the rule says what its fixes keep.

    Args:
        message: Says what is wrong, of the text that is there and the one that belongs
            there.
    """
    for span, text in places:
        number = page.at(span.start)
        if number >= 0:
            yield Finding(
                code=rule.code,
                role=rule.role,
                message=message(page.cut(span), text),
                hint=f"write “{_context(page, span, text)}”",
                span=span,
                fix=_fix(page, number, span, text) if rule.keeps else None,
            )


def _fix(page: Page, number: int, span: Span, text: str) -> Fix:
    title = f"write {text}" if text.strip() else "add a space"
    # The text of a heading is its anchor: links to it would break.
    safe = is_free(page, number)
    return Fix(title, (Edit(span, text.encode()),), safe)


def _context(page: Page, span: Span, text: str) -> str:
    """The new text with a little of what is around it."""
    before = page.data[max(0, span.start - 24) : span.start].decode("utf-8", "ignore")
    after = page.data[span.end : span.end + 24].decode("utf-8", "ignore")
    before = before.rpartition("\n")[2][-_NEAR:].lstrip("\ufffd")
    return f"{before}{text}{after.partition(chr(10))[0][:_NEAR]}".strip()
