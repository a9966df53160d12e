"""A tag or digest that is not the lock's. Readers get an image that is not this one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lint.environment import Environment, agree
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_BEFORE = re.compile(rb"[\w./-]")
_AFTER = re.compile(
    rb"(?::([A-Za-z0-9_][\w.-]*[A-Za-z0-9_]))?(?:@(sha256:[0-9a-f]{64}))?"
)
_LOCKED = re.compile(r"(?:.+-)?py3\.\d+-[a-z]+-[0-9a-f]{8}")
"""How a tag looks that is made from a lock; others are the project's own to move."""

_INSIDE = (
    ("PyTorch", "torch", re.compile(r"torch(\d+(?:\.\d+)*)-")),
    ("CUDA", "cuda", re.compile(r"-cu(\d\d)(\d)-")),
    ("Python", "python", re.compile(r"\bpy(3\.\d+)-")),
)
_SHOWN = 40


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield names of the project's image that its lock contradicts."""
    environment = given.environment
    if environment is None or not environment.image:
        return
    name = environment.image.encode()
    at = page.data.find(name)
    while at >= 0:
        end = at + len(name)
        found = _AFTER.match(page.data, end)
        if found and found[0] and not _BEFORE.match(page.data, max(0, at - 1), at):
            yield from _name(environment, found)
        at = page.data.find(name, end)


def _name(environment: Environment, found: re.Match[bytes]) -> Iterator[Finding]:
    tag, digest = ((part or b"").decode() for part in found.groups())
    if _LOCKED.fullmatch(tag):
        yield from _tag(environment, tag, Span(*found.span(1)))
    if digest and environment.digests and digest not in environment.digests:
        message = f"{digest[:19]}… is not the digest of the lock's image"
        yield _finding(message, f"write {environment.digests[-1]}", found.span(2))


def _tag(environment: Environment, tag: str, span: Span) -> Iterator[Finding]:
    if environment.tags:
        if tag not in environment.tags:
            message = f"{_short(tag)} is not the tag of the lock's image"
            yield _finding(message, f"write {environment.tags[0]}", span)
        return
    for name, said, known in _parts(tag, dict(environment.versions)):
        if known and not agree(said, known):
            message = f"{_short(tag)} has {name} {said}, the spec asks for {known}"
            yield _finding(message, "write the tag of the image that is meant", span)
            return


def _parts(tag: str, versions: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """What a tag says is inside, and what the spec says."""
    for label, name, pattern in _INSIDE:
        if found := pattern.search(tag):
            yield label, ".".join(filter(None, found.groups())), versions.get(name, "")


def _short(tag: str) -> str:
    return tag if len(tag) <= _SHOWN else f"{tag[: _SHOWN - 1]}…"


def _finding(message: str, hint: str, span: tuple[int, int]) -> Finding:
    return Finding(
        code=RULE.code, role=RULE.role, message=message, hint=hint, span=Span(*span)
    )


RULE = Rule(code="environment.image", check=check, role=Role.FAILURE)
