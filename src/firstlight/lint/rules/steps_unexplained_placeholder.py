"""A placeholder that nobody explains. Readers paste it as it is, or guess."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lint.rule import Given, Rule
from firstlight.lint.sections import says, section
from firstlight.lint.shell import Script, scripts
from firstlight.markdown.page import Page

__all__ = ["RULE"]

_PLACEHOLDER = re.compile(
    rb"<(?:your|my|insert|enter|\xe4\xbd\xa0\xe7\x9a\x84|\xe6\x82\xa8\xe7\x9a\x84)"
    rb"[^<>\n|&;()$'\"=]{0,40}>"
    rb"|\b(?:YOUR|MY|INSERT)_[A-Z0-9_]{2,40}\b(?!=)"
    rb"|(?<![\w.-])[xX]{3,40}(?![\w.-])",
    re.I,
)
_PROGRAM = re.compile(r"[A-Za-z.~$][\w.${}~+-]*")
_SETTINGS = ("=", ":", "{", "=>", "-")
"""What comes second in a line of settings, and in no command."""
_TRIGGERS = (b"your", b"my_", b"xxx", b"insert", "你的".encode(), "您的".encode())
_TELLS = (
    *("replace", "substitut", "placeholder", "your ", "where `", "fill in"),
    *("change ", "instead of", "替换", "改为", "换成", "改成", "填写", "填入"),
    *("你的", "您的", "自己的", "占位", "修改", "其中"),
)


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find placeholders in commands that the section says nothing about."""
    seen: set[str] = set()
    for script in page.once(scripts):
        code = script.code.lower()
        if any(word in code for word in _TRIGGERS):
            yield from _in_script(page, script, seen)


def _in_script(page: Page, script: Script, seen: set[str]) -> Iterator[Finding]:
    around = section(page, script.start)
    is_told = None
    for name, span in _placeholders(page, script):
        if name in seen:
            continue
        seen.add(name)
        if is_told is None:
            is_told = says(page, around, _TELLS) or _is_commented(script)
        if not is_told and not _is_named(page, name):
            yield _finding(name, span)


def _placeholders(page: Page, script: Script) -> Iterator[tuple[str, Span]]:
    for command in script.commands:
        is_command = _PROGRAM.fullmatch(command.program) and command.arguments
        if not is_command or command.arguments[0].text in _SETTINGS:
            continue
        for word in command.arguments:
            for found in _PLACEHOLDER.finditer(page.data, word.start, word.end):
                name = found[0].decode("utf-8", "replace")
                if name[0] in "<xX" or name.isupper():
                    yield name, Span(*found.span())


def _is_commented(script: Script) -> bool:
    """Whether a comment among the commands explains."""
    comments = [line for line in script.code.lower().splitlines() if b"#" in line]
    return any(word.encode() in line for line in comments for word in _TELLS)


def _is_named(page: Page, name: str) -> bool:
    """Whether the prose of the page names it, as code or in words."""
    return name.strip("<>").lower().encode() in page.shown.lower()


def _finding(name: str, span: Span) -> Finding:
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"`{name}` is to be replaced, but nothing says by what",
        hint=f"add a sentence before the command: what `{name}` is and where to get it",
        span=span,
    )


RULE = Rule(code="steps.unexplained-placeholder", check=check, role=Role.NOTE, on=False)
