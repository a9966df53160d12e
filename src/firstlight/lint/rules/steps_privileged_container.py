"""A container that may do what the host may. Readers do not know what they allow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from firstlight.finding import Finding, Span
from firstlight.lint.rule import Given, Rule
from firstlight.lint.sections import is_warned, says, section
from firstlight.lint.shell import Command, Word, scripts
from firstlight.markdown.page import Page

__all__ = ["RULE"]

_ENGINES = frozenset(("docker", "podman", "nerdctl"))
_TRIGGERS = (
    *(b"--privileged", b".sock", b"--pid", b"/:/", b"--cap-add", b"unconfined"),
    b"=/,",
)


class _Way(NamedTuple):
    """A way to open a container: options, what of their values counts, what it does.

    `words` show that the section speaks of it.
    """

    options: tuple[str, ...]
    value: re.Pattern[str]
    harm: str
    words: str


# The worst comes first. ``--network host`` is not among them: pages of servers and of
# accelerators write it too often for a word about it to help anyone.
_WAYS = (
    _Way(
        ("--privileged",),
        re.compile(r"(?!false)"),
        "gives the container all rights of the host",
        "privileged|特权",
    ),
    _Way(
        ("-v", "--volume", "--mount"),
        re.compile(r".*docker\.sock"),
        "lets the container control the host's engine",
        ".sock|socket|套接字",
    ),
    _Way(
        ("-v", "--volume", "--mount"),
        re.compile(r"/:|.*\b(?:source|src)=/(?:,|$)"),
        "shows the container all files of the host",
        "file system|filesystem|root directory|根目录|文件系统",
    ),
    _Way(
        ("--pid",),
        re.compile(r"host$"),
        "lets the container see and signal processes of the host",
        "pid|process|进程",
    ),
    _Way(
        ("--cap-add",),
        re.compile(r"(?i)(?:cap_)?(?:all|sys_admin)$"),
        "gives the container nearly all rights of the host",
        "capabilit|cap_|cap-add|权限",
    ),
    _Way(
        ("--security-opt",),
        re.compile(r".*unconfined$"),
        "turns a protection of the host off",
        "seccomp|apparmor|security-opt|安全",
    ),
)


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find options that take the walls of a container down, unexplained."""
    found: set[str] = set()
    asked: set[tuple[Span, _Way]] = set()
    for word, way in _opened(page):
        around = section(page, word.start)
        if way.harm in found or (around, way) in asked:
            continue
        asked.add((around, way))
        if not _is_explained(page, around, way):
            found.add(way.harm)
            yield _finding(word, way)


def _opened(page: Page) -> Iterator[tuple[Word, _Way]]:
    """The worst way of each command: who allows that allows the others too."""
    for script in page.once(scripts):
        if any(word in script.code for word in _TRIGGERS):
            for command in script.commands:
                if command.program in _ENGINES and command.has("run", "create"):
                    yield from islice(_ways(command), 1)


def _ways(command: Command) -> Iterator[tuple[Word, _Way]]:
    for way in _WAYS:
        for word, value in command.values(*way.options):
            if way.value.match(value):
                yield word, way


def _is_explained(page: Page, around: Span, way: _Way) -> bool:
    words = way.words.split("|")
    is_said = says(page, around, words) or _is_commented(page, around, words)
    return is_said or is_warned(page, around.start, until=around.end)


def _is_commented(page: Page, around: Span, words: list[str]) -> bool:
    """Whether a comment among the commands of the section speaks of it."""
    return any(
        word.encode() in line.partition(b"# ")[2]
        for script in page.once(scripts)
        if around.start <= script.start < around.end
        for line in script.code.lower().splitlines()
        for word in words
    )


def _finding(word: Word, way: _Way) -> Finding:
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"`{word.text}` {way.harm}, and the page is silent",
        hint="say why it is needed and what it allows, or leave it out",
        span=Span(word.start, word.end),
    )


RULE = Rule(code="steps.privileged-container", check=check)
