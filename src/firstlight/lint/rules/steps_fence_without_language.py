"""Code in a block that names no language. Nobody sees at once what it is for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from firstlight.finding import Edit, Finding, Fix, Keeps, Role, Span
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Block, Page

__all__ = ["RULE", "guess"]

_PROMPT = re.compile(rb"[ \t>]*(?:\([\w.-]+\) |[\w.-]+@[\w.-]+:[^\s$#]*)?\$ \S")
_PYTHON_SESSION = re.compile(rb"[ \t>]*>>> \S")
_FIRST_LINES = (
    (re.compile(rb"#!\s*/\S*/(?:env )?(?:ba|z|da|k)?sh\b"), "bash"),
    (re.compile(rb"#!\s*/\S*/(?:env )?python"), "python"),
    (re.compile(rb"diff --git a/"), "diff"),
    (re.compile(rb"<\?xml "), "xml"),
    (re.compile(rb"(?i)<!doctype html"), "html"),
    (re.compile(rb"from [\w.]+ import [\w*(]"), "python"),
    (re.compile(rb"import [\w.]+ as \w+$"), "python"),
    (re.compile(rb"import (?:torch|numpy|os|sys|json|re|time|argparse)$"), "python"),
    (re.compile(rb"(?:async )?def \w+\(.*\)(?: -> .+)?:$"), "python"),
    (re.compile(rb"class \w+\([\w., ]*\):$"), "python"),
    (re.compile(rb"@(?:misc|article|inproceedings|software|book)\s*\{"), "bibtex"),
    (re.compile(rb"package main$"), "go"),
    (re.compile(rb"fn main\(\) \{"), "rust"),
    (re.compile(rb"apiVersion: \S+$"), "yaml"),
    (re.compile(rb"CREATE TABLE \S+ ?\(?$"), "sql"),
    (re.compile(rb"SELECT .+ FROM .+;$"), "sql"),
    (re.compile(rb"(?:graph|flowchart) (?:TD|TB|LR|RL|BT)\b"), "mermaid"),
    (re.compile(rb"sequenceDiagram\s*$"), "mermaid"),
)
_DOCKERFILE = re.compile(rb"(?m)^(?:RUN|COPY|CMD|ENTRYPOINT|WORKDIR) \S")
_FROM = re.compile(rb"(?:FROM|ARG) \S+")
_COMMAND = re.compile(
    rb"(?:\w+=\S* )*(?:sudo (?:-\w+ )*)?"
    rb"(?:pip3? (?:install|uninstall|download) "
    rb"|git (?:clone|checkout|pull|add|commit|push|submodule|fetch|remote) "
    rb"|apt(?:-get)? (?:update|install)|brew install |yum install "
    rb"|npm (?:install|i|run|ci|start|test)\b|npx \S|yarn (?:add|install)\b"
    rb"|pnpm (?:add|install|i)\b|cargo (?:build|run|test|install|add) ?"
    rb"|docker (?:run|build|pull|push|exec|compose|ps|images)\b"
    rb"|conda (?:create|install|activate) |uv (?:pip|sync|add|run)\b"
    rb"|kubectl (?:get|apply|create|describe|delete|logs|exec) "
    rb"|helm (?:install|repo|upgrade|pull) |aws [a-z][\w-]+ \S|go (?:build|run|get) "
    rb"|curl -|wget |source [\w./~]|cd [\w./~$-]+$|mkdir (?:-p )?[\w./~$-]+$"
    rb"|python3? (?:-m \w|[\w./-]+\.py\b)|(?:ba)?sh [\w./-]+\.sh\b|torchrun \S"
    rb"|chmod [+\w]+ \S|export \w+=\S)"
)
_CONTINUES = re.compile(rb"\\[ \t]*\r?\n")
_LARGEST = 20_000

_SYNOPSIS = re.compile(rb"\[(?:\.\.\.|flags|options|command|args)\]", re.I)
"""How a command is called is grammar, and no shell runs it."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find fences without an info string whose language is beyond doubt.

    What is output, a tree of files or an example of anything else needs no name.
    """
    for block in page.of("fence"):
        if not block.value.strip() and block.text.end > block.text.start:
            language = guess(page.data[block.text.start : block.text.end])
            if language:
                yield _finding(page, block, language)


def _finding(page: Page, block: Block, language: str) -> Finding:
    at = _mark_end(page, block)
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"this code block is {language} and does not say so",
        hint=f"write `{language}` after the marks that open it",
        span=Span(block.start, at),
        fix=Fix(
            title=f"name `{language}`", edits=(Edit(Span(at, at), language.encode()),)
        ),
    )


def _mark_end(page: Page, block: Block) -> int:
    """Where the opening backticks or tildes end."""
    data, at = page.data, block.start
    mark = data[at : at + 1]
    while data[at : at + 1] == mark:
        at += 1
    return at


def guess(code: bytes) -> str:
    """Return the language of a piece of code where there is no doubt, else nothing."""
    if len(code) > _LARGEST:
        return ""
    lines = [line for line in code.splitlines() if line.strip(b" \t>")]
    if not lines:
        return ""
    first = lines[0].strip()
    if _PYTHON_SESSION.match(lines[0]):
        return "pycon"
    if _PROMPT.match(lines[0]):
        return "console"
    for pattern, language in _FIRST_LINES:
        if pattern.match(first):
            return language
    return _whole(code, lines)


def _whole(code: bytes, lines: list[bytes]) -> str:
    """What only the whole shows."""
    if _FROM.match(lines[0]) and _DOCKERFILE.search(code):
        return "dockerfile"
    if lines[0].lstrip()[:1] == b"{" and _is_json(code):
        return "json"
    # A comment says nothing about the language, and what continues is no command.
    joined = _CONTINUES.sub(b" ", code).splitlines() if b"\\" in code else lines
    stripped = (each.strip(b" \t\r\n>") for each in joined)
    commands = [each for each in stripped if each and each[:1] != b"#"]
    if _SYNOPSIS.search(code):
        return ""
    if commands and all(_COMMAND.match(each) for each in commands):
        return "bash"
    return ""


def _is_json(code: bytes) -> bool:
    try:
        return len(json.loads(code)) > 0
    except (ValueError, RecursionError, TypeError):
        return False


RULE = Rule(
    code="steps.fence-without-language",
    check=check,
    role=Role.NOTE,
    keeps=Keeps.TEXT,
)
