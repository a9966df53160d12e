"""Where a block stands: its section, what comes before it, the cues that are in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping

from firstlight.finding import Span
from firstlight.lexicon.cues import Cue
from firstlight.markdown import cues
from firstlight.markdown.page import Page
from firstlight.markdown.sentences import sentences

__all__ = [
    "RISKY",
    "by_block",
    "heading_of",
    "is_command",
    "is_of_changes",
    "sentence_at",
]

_SHELLS = frozenset(
    ("sh", "bash", "shell", "zsh", "console", "terminal", "shell-session")
)
_OF_CHANGES = re.compile(
    r"change-?log|changes|history|release[-_ ]?notes?|releases|what'?s[- ]new|news"
    r"|bug ?fix|fixed|更新(?:日志|记录|说明)|变更(?:日志|记录)|版本(?:历史|说明|记录)"
    r"|发布(?:说明|日志|记录)|修复|新增|新特性|\bv?\d+\.\d+(?:\.\d+)?\b(?=\W*(?:\(|$|[-–]))",
    re.IGNORECASE,
)
RISKY = re.compile(
    rb"\brm\s+-\w*[rf]|\b(?:volume|image|container|system|builder)\s+(?:rm|prune)\b"
    rb"|\bprune\b|\bmkfs|\bdd\s+if=|\bwipefs\b|\bshred\b|\bpurge\b"
    rb"|\bdrop\s+(?:table|database|schema)\b|\btruncate\s+table\b|\bdelete\s+from\b"
    rb"|\bgit\s+(?:push\s+.*(?:--force|-f\b)|reset\s+--hard|clean\s+-\w*f)"
    rb"|\b(?:delete|destroy|reset|uninstall)\b",
    re.IGNORECASE,
)
"""Commands after which something may be gone."""


def by_block(page: Page) -> Mapping[int, Mapping[str, list[Cue]]]:
    """Return the cues of each leaf block by kind; ask with `Page.once`."""
    found: dict[int, dict[str, list[Cue]]] = {}
    for kind, several in page.once(cues.of).items():
        for cue in several:
            number = page.at(cue.start)
            if number >= 0:
                found.setdefault(number, {}).setdefault(kind, []).append(cue)
    return found


def sentence_at(page: Page, block: int, offset: int) -> Span:
    """Return the sentence of a block that an offset is in, or the whole block."""
    spans = sentences(page, block)
    at = bisect_right(spans, offset, key=lambda span: span.start) - 1
    return spans[at] if at >= 0 else page.blocks[block].text


def heading_of(page: Page, number: int) -> int:
    """Return the number of the heading whose section a block is in, or -1."""
    headings = page.numbers("heading")
    at = bisect_right(headings, number) - 1
    return headings[at] if at >= 0 else -1


def is_of_changes(page: Page, number: int) -> bool:
    """Whether a block tells of past versions: there nothing threatens a reader now."""
    if page.once(_page_is_of_changes):
        return True
    heading = heading_of(page, number)
    return heading >= 0 and page.once(_changes).get(heading, False)


def _page_is_of_changes(page: Page) -> bool:
    name = page.path.rsplit("/", 1)[-1]
    return _OF_CHANGES.match(name) is not None


def _changes(page: Page) -> dict[int, bool]:
    """Heading -> whether it or one above it is about changes."""
    found: dict[int, bool] = {}
    open_at = 7
    for number in page.numbers("heading"):
        block = page.blocks[number]
        if block.value <= open_at:
            open_at = block.value if _OF_CHANGES.search(page.text(block)) else 7
        found[number] = open_at < 7
    return found


def is_command(page: Page, number: int) -> bool:
    """Whether a block is a fence of shell commands."""
    if number < 0 or page.blocks[number].kind != "fence":
        return False
    info: str = page.blocks[number].value or ""
    return (re.split(r"[\s,{]", info.strip(), maxsplit=1)[0] or "sh").lower() in _SHELLS
