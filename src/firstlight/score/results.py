"""Whether a reader learns what to see after a command."""

from __future__ import annotations

from bisect import bisect_left

from firstlight.finding import Span
from firstlight.lint.rule import Given
from firstlight.lint.shell import Command, Script, fence_language, scripts
from firstlight.markdown import cues
from firstlight.markdown.notices import spoken
from firstlight.markdown.page import Page
from firstlight.score.part import Counts, Measured, Part, Problem, falling

__all__ = ["PART"]

_ENOUGH = 0.5
"""Not every command needs a word about its result."""
_SILENT = frozenset(
    (
        *("cd", "mkdir", "export", "source", ".", "cp", "mv", "rm", "touch", "chmod"),
        *("chown", "ln", "set", "unset", "alias", "tar", "unzip", "wget", "exit"),
    )
)
_INSTALLERS = frozenset(
    (
        *("pip", "pip3", "uv", "conda", "mamba", "poetry", "pipx", "apt", "apt-get"),
        *("dnf", "yum", "apk", "brew", "npm", "pnpm", "yarn", "cargo", "go", "gem"),
        *("git", "choco", "winget", "pacman", "zypper", "snap"),
    )
)
_INSTALLS = ("install", "add", "update", "upgrade", "clone", "checkout", "pull", "i")
_OUTPUT = frozenset(("", "text", "txt", "output", "log", "json", "yaml", "csv", "out"))


def measure(page: Page, given: Given) -> Measured:
    """Count the commands that have something to show, and those answered."""
    total = answered = 0
    problems = []
    for script in page.once(scripts):
        if all(map(_is_silent, script.commands)):
            continue
        total += 1
        if _is_answered(page, script):
            answered += 1
        else:
            span = page.blocks[script.block].span
            action = "say after this command what one should see"
            problems.append(Problem(span, action, (0.0, 1.0)))
    return Measured((total, answered), problems)


def _is_silent(command: Command) -> bool:
    """Whether a command has nothing to show that a reader waits for."""
    if command.program in _SILENT:
        return True
    return command.program in _INSTALLERS and command.has(*_INSTALLS)


def _is_answered(page: Page, script: Script) -> bool:
    """Whether the output is in the fence, in the block after it, or told there."""
    if script.outputs:
        return True
    after = page.siblings(script.block)[1]
    if after < 0 or page.blocks[after].kind == "heading":
        return False
    block = page.blocks[after]
    if block.kind in ("table", "indented"):
        return True
    if block.kind == "fence":
        return fence_language(block.value) in _OUTPUT
    notice = block.value if block.kind == "notice" else page.once(spoken).get(after)
    if notice is not None and notice.function == "success":
        return True
    return _has_picture(page, after) or _has_result(page, block.span)


def _has_picture(page: Page, number: int) -> bool:
    return any(run.block == number for run in page.inlines("image"))


def _has_result(page: Page, span: Span) -> bool:
    known = page.once(cues.of).get("result", [])
    at = bisect_left(known, span.start, key=lambda cue: cue.start)
    return at < len(known) and known[at].start < span.end


def score(counts: Counts) -> float | None:
    """Return how many of the commands are answered, against those that should be."""
    total, answered = counts
    return falling(answered / total, good=_ENOUGH, bad=0) if total else None


def tell(counts: Counts) -> str:
    """Say how many commands are answered."""
    total, answered = counts
    return f"{answered:.0f} of {total:.0f} commands are followed by their result"


PART = Part(
    name="results",
    about="Who does not know what to see cannot tell whether a command worked.",
    good=f"{_ENOUGH:.0%} or more; what installs or changes folder is not counted",
    formula=f"100 × answered / commands / {_ENOUGH}, at most 100",
    counted=("commands", "answered"),
    measure=measure,
    score=score,
    tell=tell,
)
