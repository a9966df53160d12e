"""A procedure that ends with a command. Readers do not learn whether it worked."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Finding, Role
from firstlight.lexicon.cues import find
from firstlight.lint.rule import Given, Rule
from firstlight.lint.shell import Command, Script, scripts
from firstlight.markdown.page import Page

__all__ = ["RULE"]

_ENOUGH = 2
_WITH_OUTPUT = frozenset(("console", "shell-session", "shellsession", "terminal"))
_SHOWS = frozenset(
    ("ls", "cat", "echo", "curl", "nvidia-smi", "ps", "pytest", "test", "which")
)
_SHOWING_WORDS = (
    *("--version", "-version", "-V", "version", "status", "ps", "list", "ls", "logs"),
    *("verify", "check", "test", "get", "describe", "info"),
)


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find numbered procedures whose last command is the last word."""
    known = page.once(scripts)
    if len(known) < _ENOUGH:
        return
    by_list: dict[int, list[Script]] = {}
    for script in known:
        number = _procedure(page, script.block)
        if number >= 0:
            by_list.setdefault(number, []).append(script)
    for number, found in by_list.items():
        last = found[-1]
        if len(found) >= _ENOUGH and not _has_result(page, number, last):
            block = page.blocks[last.block]
            yield Finding(
                code=RULE.code,
                role=RULE.role,
                message="the procedure ends with a command, and not with its result",
                hint="say after it what one should see",
                span=block.span,
            )


def _procedure(page: Page, number: int) -> int:
    """The outermost numbered list that a block is a step of, or -1."""
    found, at = -1, page.blocks[number].parent
    while at >= 0:
        block = page.blocks[at]
        if block.kind == "list" and block.value is not None:
            found = at
        at = block.parent
    return found


def _has_result(page: Page, number: int, script: Script) -> bool:
    if script.outputs or script.language in _WITH_OUTPUT:
        return True
    commands = script.commands
    if commands and _shows(commands[-1]):
        return True
    end = page.blocks[script.block].end
    after = page.siblings(number)[1]
    until = page.blocks[after].end if after >= 0 else page.blocks[number].end
    if page.prose[end : page.blocks[number].end].strip():
        return True
    if after >= 0 and page.blocks[after].kind in ("fence", "notice", "table", "quote"):
        return True
    return bool(find(page.prose[end:until], page.lexicon, ("result",)))


def _shows(command: Command) -> bool:
    """Whether the command itself asks how things are."""
    return command.program in _SHOWS or command.has(*_SHOWING_WORDS)


RULE = Rule(code="steps.command-without-result", check=check, role=Role.NOTE, on=False)
