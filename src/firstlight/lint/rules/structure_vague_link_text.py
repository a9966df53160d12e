"""A link that says only "here". Out of its sentence nobody knows where it leads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Role
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE"]

_VAGUE = frozenset(
    (
        *("here", "click here", "this", "this link", "link", "click", "this page"),
        *(
            "more",
            "read more",
            "right here",
            "click this link",
            "over here",
            "see here",
        ),
        *("这里", "点击这里", "这儿", "点这里", "此处", "点击此处", "链接", "此链接"),
        *(
            "点我",
            "点击",
            "这个链接",
            "该链接",
            "点击链接",
            "点此",
            "单击此处",
            "看这里",
        ),
        *("见此", "了解更多", "查看更多", "查看详情", "戳这里", "戳我"),
        *("learn more", "more info", "more information", "find out more"),
    )
)
_NAMES = re.compile(r"[/#?]")
_LONGEST = 32
"""More bytes than any of these has."""
_AROUND = " .。,，:：!！>»→[]（）()"


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find links whose whole text is a word for "here"."""
    for link in page.inlines("link"):
        if link.text.end - link.text.start > _LONGEST:
            continue
        text = page.text(link).strip(_AROUND).lower()
        if text in _VAGUE and not _is_name(text, link.value.lower()):
            yield Finding(
                code=RULE.code,
                role=RULE.role,
                message=f"the link text “{text}” does not say where it leads",
                hint="link the words that name the target",
                span=link.span,
            )


def _is_name(text: str, to: str) -> bool:
    """Whether the target has this name: a section, or a library called click."""
    return text in _NAMES.split(to) or to.startswith("#" + text.replace(" ", "-"))


RULE = Rule(code="structure.vague-link-text", check=check, role=Role.NOTE)
