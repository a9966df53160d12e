"""A prompt in a block of commands. Who copies the block runs `$` and gets an error."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Edit, Finding, Fix, Keeps, Span
from firstlight.lint.rule import Given, Rule
from firstlight.lint.shell import Script, scripts
from firstlight.markdown.page import Page

__all__ = ["RULE"]

_WITH_PROMPTS = frozenset(
    (
        *("console", "shell-session", "shellsession", "terminal", "bash-session"),
        *("sh-session",),
    )
)
"""Languages in which prompts and output are expected, and shown apart."""


_COPY_WITHOUT = frozenset(("vitepress",))
"""Sites whose button for copying leaves prompts out."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find prompts in fences whose language has none."""
    if given.targets <= _COPY_WITHOUT:
        return
    for script in page.once(scripts):
        if script.prompts and script.language not in _WITH_PROMPTS:
            yield _finding(page, script)


def _finding(page: Page, script: Script) -> Finding:
    spans = [Span(script.start + a, script.start + b) for a, b in script.prompts]
    prompt = page.data[spans[0].start : spans[0].end].decode("utf-8", "replace").strip()
    if script.outputs:
        hint = "output follows, so call it `console`, or give the output its own block"
        fix = _renamed(page, script)
    else:
        hint = "leave the prompts out"
        edits = tuple(Edit(span, b"") for span in spans)
        fix = Fix(title="remove the prompts", edits=edits)
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"`{prompt}` is copied with the commands, and no shell knows it",
        hint=hint,
        span=spans[0],
        fix=fix,
    )


def _renamed(page: Page, script: Script) -> Fix:
    """The language as ``console``: only a person knows whether that was meant."""
    block = page.blocks[script.block]
    end = page.data.index(b"\n", block.start)
    opening = page.data[block.start : end].lower()
    at = block.start + opening.index(script.language.encode())
    span = Span(at, at + len(script.language))
    return Fix(title="call it `console`", edits=(Edit(span, b"console"),), safe=False)


RULE = Rule(code="steps.prompt-character", check=check, keeps=Keeps.CODE)
