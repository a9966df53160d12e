"""Bold that stays asterisks: punctuation inside, a Chinese character right outside."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from firstlight.finding import Edit, Finding, Fix, Keeps, Role, Span
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Page

__all__ = ["RULE", "check"]

_MARK = re.compile(rb"\*\*(?!\*)")
_FIRST_HAN = "\u2e80"
_NO_MARK = (b"\\", b"*")
"""What before two asterisks makes them something else."""
_MOVES = frozenset(":：,，.。;；、!！?？…—～~")
"""Punctuation that means the same outside of the bold."""
_LENIENT = frozenset(("mkdocs", "zensical"))
"""Where Python-Markdown renders: it asks only for two asterisks, and two more."""
_PAIRS = dict(zip('“‘「『（(《【〈"', '”’」』）)》】〉"', strict=True))


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield bold that the parser left as text."""
    if b"**" not in page.prose or given.targets <= _LENIENT:
        return
    left: dict[int, list[int]] = {}
    for mark in _MARK.finditer(page.prose):
        if page.data[mark.start() - 1 : mark.start()] not in _NO_MARK:
            left.setdefault(page.at(mark.start()), []).append(mark.start())
    left.pop(-1, None)
    bold = page.once(_bold)
    for number, marks in left.items():
        read = frozenset(bold.get(number, ()))
        every = sorted((*marks, *(at for pair in read for at in pair)))
        # As its author meant them: one begins, the next one ends.
        for pair in zip(every[::2], every[1::2], strict=False):
            if pair not in read:
                yield from _judged(page, Span(pair[0], pair[1] + 2))


def _bold(page: Page) -> dict[int, list[tuple[int, int]]]:
    """Where what the parser did read as bold begins and ends, by block."""
    found: dict[int, list[tuple[int, int]]] = {}
    for run in page.inlines("strong"):
        if page.data[run.start : run.start + 2] == b"**":
            found.setdefault(run.block, []).append((run.start, run.end - 2))
    return found


def _judged(page: Page, span: Span) -> Iterator[Finding]:
    before = _around(page, span.start - 8, span.start)[-1:]
    after = _around(page, span.end, span.end + 8)[:1]
    inner = page.cut(Span(span.start + 2, span.end - 2))
    if inner and "**" not in inner and _is_dead(before, inner, after):
        yield Finding(
            code=RULE.code,
            role=RULE.role,
            message=f"**{_short(inner)}** is not bold: {_reason(inner, after)}",
            hint="put the punctuation outside of the bold",
            span=span,
            fix=_fix(span, inner, before, after),
        )


def _around(page: Page, start: int, end: int) -> str:
    return page.data[max(start, 0) : end].decode("utf-8", "ignore")


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS" if character else False


def _is_open(character: str) -> bool:
    """Whether bold can end before a character, or begin after it, as it pleases."""
    return not character or character.isspace() or _is_punctuation(character)


def _is_dead(before: str, inner: str, after: str) -> bool:
    """Whether the rule of CommonMark for flanking is why this is not bold."""
    if inner != inner.strip() or max(before + inner + after) < _FIRST_HAN:
        return False
    is_shut = _is_punctuation(inner[-1]) and not _is_open(after)
    return is_shut or (_is_punctuation(inner[0]) and not _is_open(before))


def _reason(inner: str, after: str) -> str:
    if _is_punctuation(inner[-1]) and not _is_open(after):
        return f"{inner[-1]} before the closing **"
    return f"{inner[0]} after the opening **"


def _short(inner: str) -> str:
    return inner if len(inner) <= 24 else f"{inner[:23]}…"


def _fix(span: Span, inner: str, before: str, after: str) -> Fix | None:
    head, core, tail = _parts(inner)
    if not core or _is_punctuation(core[0]) or _is_punctuation(core[-1]):
        return _with_space(span, inner, before, after)
    edit = Edit(span, f"{head}**{core}**{tail}".encode())
    return Fix("move the punctuation out of the bold", (edit,))


def _parts(inner: str) -> tuple[str, str, str]:
    """What goes before the bold, what stays bold, and what goes after it."""
    core = inner.rstrip("".join(_MOVES))
    tail = inner[len(core) :]
    closer = _PAIRS.get(core[:1], "")
    if len(core) > 2 and closer and core.endswith(closer):
        between = core[1:-1]
        if core[0] not in between and closer not in between:
            return core[0], between, closer + tail
    return "", core, tail


def _with_space(span: Span, inner: str, before: str, after: str) -> Fix:
    """Where nothing can go out, a space makes it bold; it is seen, so a person says."""
    edits = []
    if _is_punctuation(inner[0]) and not _is_open(before):
        edits.append(Edit(Span(span.start, span.start), b" "))
    if _is_punctuation(inner[-1]) and not _is_open(after):
        edits.append(Edit(Span(span.end, span.end), b" "))
    return Fix("put a space beside the bold", tuple(edits), safe=False)


RULE = Rule(
    code="notices.dead-emphasis",
    check=check,
    role=Role.WARNING,
    # A space beside bold is one that the text did not have.
    keeps=Keeps.TEXT_BUT_SYMBOLS,
)
