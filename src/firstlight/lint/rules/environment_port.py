"""A port where the workspace does not listen. The first connection is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lint.rule import Given, Rule
from firstlight.lint.shell import Command, scripts
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_HERE = ("localhost", "127.0.0.1", "[::1]")
_PORT = re.compile(rb"(\d{2,5})(?!\d)(/[\w?=/.-]*)?")
_JUPYTER_PATHS = (b"/lab", b"/tree", b"/notebooks", b"/?token=", b"/login")
_NEAR = 80
"""Bytes before an address in which its service is named."""

_SECURE = {"ssh": "-p", "scp": "-P", "sftp": "-P"}


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield ports of this machine that the spec gives to no such server."""
    if given.environment is None:
        return
    ports = dict(given.environment.ports)
    found: list[Finding] = []
    if "jupyter" in ports:
        found.extend(_addresses(page, ports["jupyter"]))
    if "ssh" in ports:
        for script in page.once(scripts):
            for command in script.commands:
                found.extend(_secure(command, ports["ssh"]))
    yield from sorted(found, key=lambda finding: finding.span or Span(0, 0))


def _addresses(page: Page, known: int) -> Iterator[Finding]:
    data = page.data
    for host in _HERE:
        start = f"://{host}:".encode()
        at = data.find(start)
        while at >= 0:
            found = _PORT.match(data, at + len(start))
            if found and int(found[1]) != known and _is_jupyter(data, at, found):
                yield _finding("Jupyter", found[1].decode(), known, found.span(1))
            at = data.find(start, at + len(start))


def _is_jupyter(data: bytes, at: int, found: re.Match[bytes]) -> bool:
    """Whether the path of an address, or the word before it, says Jupyter."""
    if (found[2] or b"").startswith(_JUPYTER_PATHS):
        return True
    before = data[max(0, at - _NEAR) : at].lower()
    before = before[before.rfind(b"\n\n") + 1 :]
    word = before.rfind(b"jupyter")
    return word >= 0 and b"://" not in before[word:]


def _secure(command: Command, known: int) -> Iterator[Finding]:
    option = _SECURE.get(command.program)
    if option is None or not any(_is_here(word.text) for word in command.arguments):
        return
    for word, value in command.values(option):
        if value.isdigit() and int(value) != known:
            after = next(w for w in command.arguments if w.start >= word.start)
            span = Span(after.start, _end_of(command, word.start, value))
            yield _finding("SSH", value, known, span)


def _is_here(word: str) -> bool:
    host = word.rpartition("@")[2].partition(":")[0]
    return host in ("localhost", "127.0.0.1")


def _end_of(command: Command, start: int, value: str) -> int:
    """Where the value of an option ends: in its own word, or in the next."""
    words = (w.end for w in command.arguments if w.start >= start and value in w.text)
    return next(words, start)


def _finding(server: str, said: str, known: int, span: tuple[int, int]) -> Finding:
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"{server} at port {said}, but the spec says {known}",
        hint=f"write {known}, or change [workspace.ports]",
        span=Span(*span),
    )


RULE = Rule(code="environment.port", check=check, role=Role.FAILURE)
