"""A service that answers strangers. Whoever reaches the port may run code or read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lint.rule import Given, Rule
from firstlight.lint.sections import is_warned, says, section
from firstlight.lint.shell import Command, Script, Word, scripts
from firstlight.markdown.page import Page

__all__ = ["RULE"]

_TRIGGERS = (b"-p", b"0.0.0.0", b"token", b"password", b"--allow-root")
_ENGINES = frozenset(("docker", "podman", "nerdctl"))
_PORTS = {
    "2375": "the engine's control",
    "2379": "etcd",
    "3306": "MySQL",
    "5432": "PostgreSQL",
    "6006": "TensorBoard",
    "6379": "Redis",
    "8265": "Ray's dashboard",
    "9200": "Elasticsearch",
    "11211": "Memcached",
    "27017": "MongoDB",
}
"""Ports inside a container -> what answers there, and by default asks for no password.

So Jupyter, which makes a token, and SSH are not among them.
"""
_GUARDED = re.compile(
    r"(?!.*allow_empty|.*allow_no_password|.*trust)"
    r".*(?:password|passwd|requirepass|token|auth|security\.enabled=true)",
    re.I,
)
"""An argument that sets a password, or turns the asking on."""
_PUBLISHED = re.compile(r"(?:0\.0\.0\.0:)?[\w${}<>-]+:(\d+)(?:/tcp)?")
_EMPTY = re.compile(r"--(?:\w+\.)*(?:token|password)=(?:u?''|u?\"\")?")
_TELLS = (
    *("token", "password", "127.0.0.1", "localhost", "firewall", "tunnel"),
    *("private network", "authenticat", "令牌", "密码", "口令", "防火墙", "隧道"),
    *("内网", "认证", "鉴权", "身份验证"),
)


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find ports and services that are open with no word about who may enter."""
    seen: set[str] = set()
    for script in page.once(scripts):
        if any(word in script.code for word in _TRIGGERS):
            yield from _in_script(page, script, seen)


def _in_script(page: Page, script: Script, seen: set[str]) -> Iterator[Finding]:
    for command in script.commands:
        for word, role, message in _opened(command):
            if message in seen:
                continue
            seen.add(message)
            around = section(page, word.start)
            is_told = role != Role.FAILURE and says(page, around, _TELLS)
            if not is_told and not is_warned(page, word.start, until=around.end):
                yield Finding(
                    code=RULE.code,
                    role=role,
                    message=message,
                    hint="bind it to 127.0.0.1, or say who can reach it and what "
                    "protects it",
                    span=Span(word.start, word.end),
                )


def _opened(command: Command) -> Iterator[tuple[Word, Role, str]]:
    if _is_jupyter(command):
        yield from _jupyter(command)
    is_run = command.program in _ENGINES and command.has("run", "create")
    if is_run and not command.has("compose") and not _is_guarded(command):
        for word, value in command.values("-p", "--publish"):
            found = _PUBLISHED.fullmatch(value)
            if found and found[1] in _PORTS:
                name = _PORTS[found[1]]
                yield word, RULE.role, f"`{value}` opens {name} to the whole network"


def _is_guarded(command: Command) -> bool:
    return any(_GUARDED.match(word.text) for word in command.arguments)


def _is_jupyter(command: Command) -> bool:
    return command.program.startswith("jupyter") or any(
        word.text in {"jupyter", "jupyter-lab", "jupyter-notebook"}
        for word in command.arguments
    )


def _jupyter(command: Command) -> Iterator[tuple[Word, Role, str]]:
    for word in command.arguments:
        if _EMPTY.fullmatch(word.text):
            message = f"`{word.text}` lets everyone in who reaches the port"
            yield word, Role.FAILURE, message
        elif word.text == "--allow-root":
            yield word, RULE.role, "`--allow-root` gives whoever gets in all rights"
    for word, value in command.values("--ip", "--host", "--ServerApp.ip"):
        if value in {"0.0.0.0", "*", "::"}:
            message = f"`{word.text}` lets every machine of the network reach Jupyter"
            yield word, RULE.role, message


RULE = Rule(code="steps.open-port", check=check)
