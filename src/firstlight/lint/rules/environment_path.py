"""A home folder that the image does not have. What is put there is lost, or refused."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lint.environment import Environment, is_about_image, is_hedged
from firstlight.lint.rule import Given, Rule
from firstlight.lint.shell import Command, Word, scripts
from firstlight.markdown.page import Page
from firstlight.markdown.sentences import sentences

__all__ = ["RULE", "check"]

_HOME = re.compile(r"(?<![\w.~-])(?:/home/[a-z_][\w-]*|/root)(?![\w-]|\.\w)")
_ENGINES = frozenset(("docker", "podman", "nerdctl"))
_REMOTE = frozenset(("ssh", "scp", "sftp", "rsync"))


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield homes of other images in what is said of this one, or run in it."""
    environment = given.environment
    if environment is None:
        return
    data = page.data
    if b"/home/" not in data and b"/root" not in data:
        return
    found = [*_commands(page, environment), *_said(page, environment)]
    yield from sorted(found, key=lambda finding: finding.span or Span(0, 0))


def _commands(page: Page, environment: Environment) -> Iterator[Finding]:
    for script in page.once(scripts):
        for command in script.commands:
            for word in _words_inside(command, environment):
                inside = word.text.rpartition(":/")
                text = f"/{inside[2]}" if inside[1] else word.text
                yield from _homes(text, Span(word.start, word.end), environment)


def _words_inside(command: Command, environment: Environment) -> list[Word]:
    """The words of a command that name paths inside a workspace of this image."""
    words = command.arguments
    if command.program in _REMOTE:
        return [word for word in words if "localhost:/" in word.text]
    is_ours = environment.image and any(
        word.text.startswith(environment.image) for word in words
    )
    if command.program not in _ENGINES or not is_ours:
        return []
    return [word for word in words if ":/" in word.text or word.text[:1] == "/"]


def _said(page: Page, environment: Environment) -> Iterator[Finding]:
    for number in page.numbers("paragraph"):
        text = page.blocks[number].text
        source = page.data[text.start : text.end]
        if b"/home/" not in source and b"/root" not in source:
            continue
        for span in sentences(page, number):
            sentence = page.read(span)
            if is_about_image(sentence, "") and not is_hedged(sentence):
                yield from _homes(sentence, span, environment)


def _homes(text: str, span: Span, environment: Environment) -> Iterator[Finding]:
    for found in _HOME.finditer(text):
        if found[0] != environment.home:
            yield Finding(
                code=RULE.code,
                role=RULE.role,
                message=f"{found[0]} is no home here: that of {environment.user} is "
                f"{environment.home}",
                hint=f"write {environment.home}, or {environment.workspace} for the "
                "project",
                span=span,
            )
            return


RULE = Rule(code="environment.path", check=check, role=Role.WARNING)
