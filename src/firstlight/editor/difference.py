"""The fewest edits from one text to another: what did not change stays untouched.

An editor keeps cursors, folds and breakpoints only where no edit goes over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from firstlight.finding import Edit, Span

__all__ = ["differences"]


def differences(before: bytes, after: bytes) -> list[Edit]:
    """Return the edits that turn one text into another, sorted, whole characters."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    old_starts, new_starts = _starts(old), _starts(new)
    matcher = SequenceMatcher(
        None, old[head : len(old) - tail], new[head : len(new) - tail]
    )
    edits = []
    for tag, i, j, m, n in matcher.get_opcodes():
        if tag != "equal":
            span = Span(old_starts[head + i], old_starts[head + j])
            text = after[new_starts[head + m] : new_starts[head + n]]
            edits.append(_trimmed(before, span, text))
    return edits


def _starts(lines: Sequence[bytes]) -> list[int]:
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    return starts


def _alike(one: Sequence[object], two: Sequence[object]) -> int:
    """How many items two sequences have in common at their start."""
    pairs = enumerate(zip(one, two, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(two)))


def _trimmed(before: bytes, span: Span, text: bytes) -> Edit:
    """The edit without the characters at its ends that stay as they are."""
    old = before[span.start : span.end].decode("utf-8", "surrogateescape")
    new = text.decode("utf-8", "surrogateescape")
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    start = span.start + _size(old[:head])
    end = span.end - _size(old[len(old) - tail :])
    return Edit(Span(start, end), _bytes(new[head : len(new) - tail]))


def _size(text: str) -> int:
    return len(_bytes(text))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
