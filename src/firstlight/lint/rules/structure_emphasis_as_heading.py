"""A bold line in the place of a heading. No outline, search or link knows of it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

from firstlight.finding import Edit, Finding, Fix, Keeps, Role, Span
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.notices import spoken
from firstlight.markdown.page import Inline, Page

__all__ = ["RULE"]

_LONGEST = 60
_ENDS = (
    ".",
    "．",
    ":",
    "：",
    "。",
    "!",
    "！",
    "?",
    "？",
    ",",
    "，",
    "；",
    ";",
    "）",
    ")",
)
_FOLLOWS = ("paragraph", "list")
"""What stands above code or a table is rather its caption."""
_NUMBERED = re.compile(
    r"(?i)\A(?:\d{1,2}(?:\.\d{1,2})*[.、)]?\s|[（(]?[一二三四五六七八九十]{1,2}[）)、]"
    r"|step \d|part \d|步骤|第[一二三四五六七八九十\d]{1,2}[步章节部])"
)
_TITLE = re.compile(r"[^\W\d_]+(?:[ -]\S+){1,7}|(?=.*[\u4e00-\u9fff])[\w ]{4,14}")
"""A few words, or a few characters of Chinese; less is a label, more a sentence."""
_NO_TITLE = re.compile(r"[\w-]\.[a-z]{1,6}\b|[/\\=]|\w: ")
"""Names of files, and a label with what belongs to it."""
_SENTENCE = re.compile(
    r"，|以下|如下|上述|均为|不会|请|的时候|待续|提示|注意|\b(?:is|are|will|END|[Nn]otes?|[Ss]pecific)\b"
)
"""What says something, or ends something, names no section."""
_SAME = 3
"""So often on a page, the same words are a label."""
_LISTS_CHANGES = ("changelog", "changes", "release", "history", "whatsnew", "news")
_DEEPEST = 6


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find paragraphs at the top that are one short bold run with text after them."""
    if page.path.rpartition("/")[2].lower().startswith(_LISTS_CHANGES):
        return
    alone: dict[int, Inline] = {}
    for run in page.inlines("strong"):
        block = page.blocks[run.block]
        is_whole = run.start == block.start and run.end == block.end
        if is_whole and block.kind == "paragraph" and block.parent < 0:
            alone[run.block] = run
    # A bold link is a link.
    linked = {run.block for kind in ("link", "image") for run in page.inlines(kind)}
    headings = page.of("heading") if alone else []
    starts = [heading.start for heading in headings]
    often = Counter(page.text(run) for run in alone.values())
    for number, run in alone.items():
        text = page.text(run)
        if number in linked or often[text] >= _SAME or "END " + text in often:
            continue
        if _is_heading(page, number, run):
            at = bisect_left(starts, run.start) - 1
            yield _finding(page, run, headings[at].value if at >= 0 else 1)


def _is_heading(page: Page, number: int, run: Inline) -> bool:
    text = page.text(run)
    if len(text) > _LONGEST or text.endswith(_ENDS) or _NO_TITLE.search(text):
        return False
    if _SENTENCE.search(text):
        return False
    if not _NUMBERED.match(text) and not _TITLE.fullmatch(text):
        return False
    if b"\n" in page.data[run.start : run.end] or number in page.once(spoken):
        return False
    before, after = page.siblings(number)
    if before < 0 or after < 0:
        return False
    above = page.blocks[before]
    if above.kind == "html" or (above.kind == "heading" and above.value == 1):
        return False  # The title of a box, or a line below the title of the page.
    return page.blocks[after].kind in _FOLLOWS


def _finding(page: Page, run: Inline, level: int) -> Finding:
    marks = b"#" * min(level + 1, _DEEPEST) + b" "
    edits = (
        Edit(Span(run.start, run.text.start), marks),
        Edit(Span(run.text.end, run.end), b""),
    )
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"“{page.text(run)}” looks like a heading and is none",
        hint="make it a heading, or begin the paragraph after it with these words",
        span=run.span,
        fix=Fix(title="make it a heading", edits=edits, safe=False),
    )


RULE = Rule(
    code="structure.emphasis-as-heading",
    check=check,
    role=Role.NOTE,
    keeps=Keeps.TEXT,
)
