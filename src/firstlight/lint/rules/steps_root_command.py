"""A command run as root where that is a risk. What goes wrong hits the whole system."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Finding, Span
from firstlight.lint.rule import Given, Rule
from firstlight.lint.sections import is_warned, says, section
from firstlight.lint.shell import Command, scripts
from firstlight.markdown.page import Page

__all__ = ["RULE"]

_INSTALLERS = frozenset(
    ("pip", "pip3", "npm", "yarn", "pnpm", "gem", "conda", "mamba", "cargo", "uv")
)
_EDITORS = frozenset(("jupyter", "jupyter-lab", "code", "git", "make", "cmake"))
_TELLS = (
    *("sudo", "root", "administrator", "superuser", "privilege", "管理员"),
    *("超级用户", "根权限", "特权用户"),
)


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find what need not, or had better not, run as root."""
    for script in page.once(scripts):
        if b"sudo " not in script.code:
            continue
        for command in script.commands:
            harm = _harm(command) if command.is_root else ""
            around = section(page, command.start)
            if harm and not _is_explained(page, command.start, around):
                yield Finding(
                    code=RULE.code,
                    role=RULE.role,
                    message=f"`sudo {command.program}` {harm}",
                    hint="leave sudo out, or say before it why root is needed",
                    span=Span(command.start, command.end),
                )


def _is_explained(page: Page, offset: int, around: Span) -> bool:
    return says(page, around, _TELLS) or is_warned(page, offset, until=around.end)


def _harm(command: Command) -> str:
    program = command.program
    if program.startswith("python") and command.has("pip"):
        program = "pip"
    if program in _INSTALLERS and command.has("install", "add", "i", "sync"):
        return "installs into the system, over what its package manager put there"
    if program in _EDITORS and not command.has("install"):
        return "leaves files that only root can change"
    if program == "chmod" and command.has("777", "a+rwx", "666", "0777"):
        return "lets every user of the machine change the files"
    return ""


RULE = Rule(code="steps.root-command", check=check)
