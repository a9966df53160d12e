"""A download that runs at once, and worse: as root, or from nobody knows where."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Span
from firstlight.lint.rule import Given, Rule
from firstlight.lint.sections import is_warned, section
from firstlight.lint.shell import Command, scripts
from firstlight.markdown.page import Page

__all__ = ["RULE"]

_LOADS = frozenset(("curl", "wget", "fetch", "http", "xh"))
_RUNS = frozenset(
    (
        *("sh", "bash", "zsh", "dash", "ksh", "fish", "python", "python3", "perl"),
        *("ruby", "node", "php", "source", "."),
    )
)
_INSIDE = re.compile(r"(?:\$\(|`)\s*(?:curl|wget)\b")


_PLAIN = re.compile(r"(?:^|[\s'\"])http://(?!localhost|127\.)")
_UNCHECKED = re.compile(
    r"(?:^|\s)(?:--insecure|--no-check-certificate|-[a-zA-Z]*k[a-zA-Z]*)(?=\s|$)"
)
_SHORT = re.compile(
    r"(?:^|//|[\s'\"])(?:git\.io|bit\.ly|goo\.gl|t\.cn|tinyurl\.com|is\.gd|dwz\.cn)/"
)


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find what a shell reads straight from the network, where that is a risk.

    That a project has one read its own installer so, over a safe connection and as
    the reader, is common, and its authors know.
    """
    for script in page.once(scripts):
        if b"curl" not in script.code and b"wget" not in script.code:
            continue
        for start, end, runner in _found(script.commands):
            source = page.data[start:end].decode("utf-8", "replace")
            risk = _risk(source, runner)
            around = section(page, start)
            if risk and not is_warned(page, start, until=around.end):
                yield Finding(
                    code=RULE.code,
                    role=RULE.role,
                    message=f"`{runner.program}` runs at once what {risk}",
                    hint="download to a file, check it or its hash, then run it",
                    span=Span(start, end),
                )


def _risk(source: str, runner: Command) -> str:
    """What makes a download that runs at once a risk, empty if nothing does."""
    if runner.is_root:
        return "was just downloaded, and as root"
    if _PLAIN.search(source):
        return "comes over http, where others can change it"
    if _UNCHECKED.search(source):
        return "comes from a server that nobody checks"
    if _SHORT.search(source):
        return "a short address leads to, wherever that is"
    return ""


def _found(commands: list[Command]) -> Iterator[tuple[int, int, Command]]:
    """The bytes of each download with what runs it, and that."""
    loading, before = -1, None
    for command in commands:
        program = command.program
        if program in _LOADS:
            loading = command.start
            if command.joined == "<(" and before and before.program in _RUNS:
                yield command.start, command.end, before
        elif not command.joined.startswith("|"):
            loading = -1
        if _is_loaded(command):
            yield command.start, command.end, command
        elif loading >= 0 and program in _RUNS and not _has_own_program(command):
            yield loading, command.end, command
        before = command


def _is_loaded(command: Command) -> bool:
    """Whether it is ``sh -c "$(curl …)"``."""
    return command.program in {*_RUNS, "eval"} and any(
        _INSIDE.search(word.text) for word in command.arguments
    )


def _has_own_program(command: Command) -> bool:
    """Whether what comes through the pipe is data: ``python -m json.tool``, a script.

    ``bash -s -- --yes`` reads its program from the pipe all the same.
    """
    if command.has("-s", "-"):
        return False
    first = next((w.text for w in command.arguments), "")
    return first[:2] in {"-c", "-m", "-e", "-n", "-p", "-r"} or (
        first != "" and not first.startswith("-")
    )


RULE = Rule(code="steps.piped-download", check=check)
