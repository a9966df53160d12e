"""A version that the image does not have. Who believes it looks for a bug elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lint.environment import (
    Environment,
    agree,
    heading_at,
    is_about_image,
    is_hedged,
    leaf_span,
)
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_NAMES = {"torch": "PyTorch", "cuda": "CUDA", "cudnn": "cuDNN", "nccl": "NCCL"}
_SAID = re.compile(
    rb"(?i)[ \t\0*:=]*(?:\xef\xbc\x9a)?"
    rb"(?:version|\xe7\x89\x88\xe6\x9c\xac)?[ \t\0*:=v]*"
    rb"(\d+(?:\.\d+){1,3}(?:\+(?:cu\d{3}|cpu))?)(?![\w+]|\.\d|-?\d)"
)
_BUILD = re.compile(
    rb"(?m)^[ \t>]*['\"]?(\d+\.\d+\.\d+\+(?:cu\d{3}|cpu))['\"]?[ \t\r]*$"
)
_ASKS = b"torch.__version__"
_PART_OF_WORD = re.compile(rb"[\w./-]")


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield versions said of the image, or printed in it, that it does not have."""
    environment = given.environment
    if environment is None or not environment.versions:
        return
    found = list(_said(page, environment))
    if _ASKS in page.data:
        found.extend(_printed(page, dict(environment.versions).get("torch", "")))
    yield from sorted(found, key=lambda finding: finding.span or Span(0, 0))


def _said(page: Page, environment: Environment) -> Iterator[Finding]:
    lower = page.shown.lower()
    for name, known in environment.versions:
        word = name.encode()
        at = lower.find(word)
        while at >= 0:
            start = at
            if name == "torch" and lower[at - 2 : at] == b"py":
                start = at - 2
            before = lower[max(0, start - 1) : start]
            said = _SAID.match(page.shown, at + len(word))
            if said and not _PART_OF_WORD.match(before):
                version = said[1].decode()
                if not agree(version, known) and _is_claim(page, environment, start):
                    yield _finding(name, version, known, Span(start, said.end(1)))
            at = lower.find(word, at + len(word))


def _is_claim(page: Page, environment: Environment, offset: int) -> bool:
    """Whether it is said, without an if, of the project's image."""
    number = page.at(offset)
    if number < 0 or page.blocks[number].kind in ("fence", "indented", "html"):
        return False
    sentence = _sentence(page, number, offset)
    is_named = bool(environment.image) and environment.image in sentence
    about = is_named or is_about_image(sentence, heading_at(page, number))
    return about and not is_hedged(sentence)


def _sentence(page: Page, number: int, offset: int) -> str:
    from firstlight.markdown.sentences import sentences

    if page.blocks[number].kind == "cell":
        return page.read(leaf_span(page, number))
    for span in sentences(page, number):
        if span.start <= offset < span.end:
            return page.read(span)
    return page.text(page.blocks[number])


def _printed(page: Page, known: str) -> Iterator[Finding]:
    """Builds of torch in the output of commands that print it."""
    fences = page.numbers("fence")
    for place, number in enumerate(fences):
        block = page.blocks[number]
        if not known or _ASKS not in page.data[block.text.start : block.text.end]:
            continue
        shows = [block]
        if place + 1 < len(fences) and fences[place + 1] <= number + 3:
            shows.append(page.blocks[fences[place + 1]])
        for fence in shows:
            for found in _BUILD.finditer(page.data, *fence.text):
                version = found[1].decode()
                if not agree(version, known):
                    yield _finding("torch", version, known, Span(*found.span(1)))


def _finding(name: str, version: str, known: str, span: Span) -> Finding:
    label = _NAMES.get(name, name.capitalize() if name == "python" else name)
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"{label} {version}, but the image has {known}",
        hint=f"write {known}, or lock what the page says",
        span=span,
    )


RULE = Rule(code="environment.version", check=check, role=Role.FAILURE)
