"""A hazard told after the command it is about. By then the command has run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lint.notices import notices
from firstlight.lint.rule import Given, Rule
from firstlight.mark.hazard import hazards
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_BAD = ("danger", "warning")
_SHELL = (
    "",
    "bash",
    "sh",
    "shell",
    "console",
    "zsh",
    "powershell",
    "bat",
    "cmd",
    "sql",
)
_POINTS_BACK = re.compile(
    r"\b(?:(?:this|these|above) (?:commands?|scripts?|operations?|statements?|steps?)"
    r"|the (?:commands?|scripts?|operations?|statements?|steps?) above"
    r"|this (?:will |can |may )?(?:permanently |irreversibly )?"
    r"(?:deletes?|removes?|erases?|overwrites?|destroys?|wipes?|drops?))\b"
    r"|(?:上述|以上|上面|[该此这])的?[条个些]?(?:命令|操作|脚本|语句|指令|步骤)",
    re.IGNORECASE,
)
_POINTS_AHEAD = re.compile(r"\b(?:below|next|following)\b|下面|下述|以下|接下来", re.I)
_FAR = 400
_SURE = 0.9


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield hazards right after a command that speak of it."""
    for number, told in page.once(_told):
        before = page.siblings(number)[0]
        if before < 0 or page.blocks[before].kind != "fence":
            continue
        if _language(page.blocks[before].value) not in _SHELL:
            continue
        text = page.read(told)
        if _POINTS_BACK.search(text) and not _POINTS_AHEAD.search(text):
            line_end = page.lines.end(page.lines.number(told.start))
            yield Finding(
                code=RULE.code,
                role=RULE.role,
                message="this hazard stands after the command it is about",
                hint="move it before the command",
                span=Span(told.start, min(told.end, line_end)),
            )


def _told(page: Page) -> list[tuple[int, Span]]:
    """Blocks that tell of a hazard, and the words with which they do."""
    found = {}
    for number, notice in page.once(notices):
        block = page.blocks[number]
        if notice.function in _BAD:
            found[number] = Span(block.start, min(block.end, block.start + _FAR))
    for hazard in page.once(hazards):
        # Without a label it has to be the worst, and certain.
        if hazard.severity == "danger" and hazard.confidence >= _SURE:
            found.setdefault(hazard.block, hazard.span)
    return sorted(found.items())


def _language(info: str) -> str:
    return info.strip().partition(" ")[0].lower()


RULE = Rule(code="notices.hazard-after-command", check=check, role=Role.WARNING)
