"""A secret among the arguments. Other users and the shell's history can read it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Span
from firstlight.lint.rule import Given, Rule
from firstlight.lint.sections import is_warned, section
from firstlight.lint.shell import Command, Word, scripts
from firstlight.markdown.page import Page

__all__ = ["RULE"]

_NAME = (
    r"(?:[\w-]*[_-])?(?:password|passwd|passphrase|secret|api[_-]?key|pwd)"
    # A language model has tokens that are no secrets: these are.
    r"|(?:[\w-]*[_-])?(?:access|api|auth|bearer|bot|ci|gh|github|gitlab|hf|hub"
    r"|private|refresh|sas|service|session|user)[_-]?token|token"
)
_OPTION = re.compile(rf"--?({_NAME})(?:=(.*))?", re.I)
_VARIABLE = re.compile(rf"({_NAME})=(.+)", re.I)
_IN_ADDRESS = re.compile(r"\w+://[^/\s:@$<{]+:([^/\s@]+)@(?!localhost\b|127\.0\.0\.1)")
_TRIGGERS = (b"pass", b"secret", b"token", b"key", b"pwd", b"@", b"-p")
_NO_SECRET = re.compile(
    r"[$%{@/-]|\./|\w+=|(?:env|file):|(?:true|false|none|auto|empty|dummy|\d{1,4})$",
    re.I,
)
"""Variables, files, names of secrets, and words that open nothing."""
_TAKES = frozenset(("docker", "podman", "nerdctl"))
_SHORT: dict[str, tuple[str, ...]] = {
    "docker": ("login",),
    "podman": ("login",),
    "sshpass": (),
    "redis-cli": (),
    "ldapsearch": (),
}
_SHORT_NAME = {"redis-cli": "-a", "ldapsearch": "-w"}
_LOCAL = re.compile(r"(?:\w+://)?(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0)\b")
"""A server of one's own asks for a key only because the client has to send one."""
_JOINED = frozenset(("mysql", "mysqldump", "mysqladmin", "mariadb"))


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find passwords and tokens that are to be typed as arguments."""
    seen: set[str] = set()
    for script in page.once(scripts):
        code = script.code.lower()
        if not any(word in code for word in _TRIGGERS):
            continue
        for command in filter(_is_command, script.commands):
            found = next(_secrets(command), None)
            around = section(page, command.start)
            if not found or found[1] in seen:
                continue
            seen.add(found[1])
            if not is_warned(page, command.start, until=around.end):
                yield _finding(*found)


def _is_command(command: Command) -> bool:
    """Whether it is one, and neither the help of a program nor a line of settings."""
    first = command.arguments[0].text if command.arguments else ""
    is_text = command.program[:1] == "-" or command.program.endswith(":")
    # A token to join a cluster is made for that once, and soon no longer valid.
    return not is_text and first != "=" and not command.has("join")


def _finding(word: Word, name: str) -> Finding:
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"`{name}` puts a secret where the shell's history keeps it",
        hint="read it from a file, the standard input or a variable that is set unseen",
        span=Span(word.start, word.end),
    )


def _secrets(command: Command) -> Iterator[tuple[Word, str]]:
    is_engine = command.program in _TAKES
    is_local = any(_LOCAL.match(word.text) for word in command.arguments)
    for word, after in command.followed():
        found = _OPTION.fullmatch(word.text)
        # ``docker … --secret`` names a secret that the engine keeps.
        if found and not (is_engine and found[1].lower() == "secret"):
            # The clients of MySQL take no value behind a space: they ask for it.
            asked = "" if command.program in _JOINED else after
            value = found[2] if found[2] is not None else asked
            if _is_secret(value) and not (is_local and "key" in found[1].lower()):
                yield word, word.text.partition("=")[0]
        address = _IN_ADDRESS.match(word.text)
        if address and _is_secret(address[1]):
            yield word, "user:password@host"
    yield from _short(command)
    yield from _variables(command)


def _short(command: Command) -> Iterator[tuple[Word, str]]:
    """Options of one letter that take a password: ``docker login -p``."""
    subcommands = _SHORT.get(command.program)
    if subcommands is not None and (not subcommands or command.has(*subcommands)):
        option = _SHORT_NAME.get(command.program, "-p")
        for word, value in command.values(option):
            if _is_secret(value):
                yield word, option
    if command.program in _JOINED:
        for word in command.arguments:
            if word.text.startswith("-p") and _is_secret(word.text[2:]):
                yield word, "-p"


def _variables(command: Command) -> Iterator[tuple[Word, str]]:
    """Variables given to a container: ``-e PASSWORD=…``."""
    if command.program in _TAKES:
        for word, value in command.values("-e", "--env"):
            found = _VARIABLE.fullmatch(value)
            if found and _is_secret(found[2]):
                yield word, f"-e {found[1]}"


def _is_secret(value: str) -> bool:
    return value != "" and not _NO_SECRET.match(value)


RULE = Rule(code="steps.secret-on-command-line", check=check)
