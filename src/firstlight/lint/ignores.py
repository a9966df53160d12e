"""Comments by which a page says that a finding is meant to be there.

``<!-- firstlight: ignore symbols.feeling, steps -->`` hides findings of the block that
follows, or that it stands in; ``ignore-file`` hides them in the whole page,
``ignore-start`` up to ``ignore-end``. Without names, every finding is hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from firstlight.fields import did_you_mean
from firstlight.finding import Finding, Role, Span
from firstlight.lint.plan import covers
from firstlight.lint.rule import ENGINE
from firstlight.lint.rules import codes
from firstlight.markdown.comments import directives

if TYPE_CHECKING:
    from firstlight.markdown.comments import Directive
    from firstlight.markdown.page import Page

__all__ = ["Ignore", "hide", "ignores", "unknown", "unused"]


class Ignore(NamedTuple):
    """What one word of a comment hides: findings that begin from `start` to `end`.

    `name` is a code or topic, empty for all; `comment` are the bytes of the comment.
    """

    name: str
    start: int
    end: int
    comment: Span

    def hides(self, finding: Finding) -> bool:
        """Whether it hides a finding; the engine's own only when it is named."""
        if not self.start <= _at(finding) < self.end:
            return False
        if not self.name:
            return finding.code not in ENGINE
        return covers((self.name,), finding.code)


def ignores(page: Page) -> list[Ignore]:
    """Return what the comments of a page hide."""
    found: list[Ignore] = []
    opened: dict[str, Ignore] = {}
    for each in page.once(directives):
        names = each.names
        if each.verb == "ignore-end":
            ended = [opened.pop(name) for name in names or (*opened,) if name in opened]
            found += [mark._replace(end=each.span.start) for mark in ended]
            continue
        marks = {name: _mark(page, each, name) for name in names or ("",)}
        if each.verb == "ignore-start":
            opened = {**marks, **opened}
        elif each.verb in ("ignore", "ignore-file"):
            found += marks.values()
    return sorted((*found, *opened.values()), key=lambda mark: mark.comment)


def _mark(page: Page, directive: Directive, name: str) -> Ignore:
    after, comment = len(page.data) + 1, directive.span
    if directive.verb == "ignore-file":
        return Ignore(name, 0, after, comment)
    if directive.verb == "ignore-start":
        return Ignore(name, comment.end, after, comment)
    # Its own line, and the block: a row has its comment in one of its cells.
    line = page.lines.number(comment.start)
    start, end = page.lines.start(line), page.lines.end(line)
    if directive.block >= 0:
        block = page.blocks[directive.block]
        start, end = min(start, block.start), max(end, block.end)
    return Ignore(name, start, end + 1, comment)


def hide(
    findings: Iterable[Finding], marks: list[Ignore]
) -> tuple[list[Finding], set[Ignore]]:
    """Return the findings that are left, and which of the marks have hidden some."""
    if not marks:
        return list(findings), set()
    left: list[Finding] = []
    used: set[Ignore] = set()
    waiting = sorted(marks, key=_start, reverse=True)
    near: list[Ignore] = []
    for finding in sorted(findings, key=_at):
        at = _at(finding)
        while waiting and waiting[-1].start <= at:
            near.append(waiting.pop())
        near = [mark for mark in near if at < mark.end]
        hiding = {mark for mark in near if mark.hides(finding)}
        used |= hiding
        if not hiding:
            left.append(finding)
    return left, used


def _start(mark: Ignore) -> int:
    return mark.start


def _at(finding: Finding) -> int:
    return finding.span.start if finding.span else 0


def unknown(marks: Iterable[Ignore], running: Iterable[str]) -> Iterator[Finding]:
    """Yield a finding for each name that is no rule and no topic, running or not."""
    known = (*codes(), *ENGINE, *running)
    topics = sorted({code.partition(".")[0] for code in known})
    for mark in marks:
        if mark.name and not any(covers((mark.name,), code) for code in known):
            yield Finding(
                code="lint.unknown-ignore",
                role=Role.WARNING,
                message=f'there is no rule or topic "{mark.name}" to ignore',
                hint=did_you_mean(mark.name, (*known, *topics)),
                span=mark.comment,
            )


def unused(mark: Ignore) -> Finding:
    """Return the note that a mark hides nothing."""
    named = f'"ignore {mark.name}"' if mark.name else '"ignore"'
    return Finding(
        code="lint.unused-ignore",
        role=Role.NOTE,
        message=f"{named} hides nothing",
        hint="remove the comment, or the name from it",
        span=mark.comment,
    )
