"""What a reader has read when a step comes: its section, and what warned before it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from firstlight.finding import Span
from firstlight.markdown import cues
from firstlight.markdown.notices import spoken
from firstlight.markdown.page import Page

__all__ = ["is_warned", "says", "section", "sections"]

_WARNS = frozenset(("danger", "warning", "security", "key"))
_HARMS = ("loss", "irreversible", "exposure", "hardware")


class _Sections(NamedTuple):
    """The headings of a page: where each begins, its level, its end, its parent."""

    starts: list[int]
    ends: list[int]
    parents: list[int]


def sections(page: Page) -> _Sections:
    """Return the sections of a page; the first is what stands before all headings."""
    starts, ends, parents = [0], [], [-1]
    open_levels = [(0, 0)]
    for number, block in enumerate(page.of("heading"), 1):
        while open_levels[-1][0] >= block.value:
            open_levels.pop()
        starts.append(block.start)
        ends.append(block.start)
        parents.append(open_levels[-1][1])
        open_levels.append((block.value, number))
    ends.append(len(page.data))
    return _Sections(starts, ends, parents)


def section(page: Page, offset: int) -> Span:
    """Return from the heading before an offset to the next one, whatever its level."""
    known = page.once(sections)
    at = max(bisect_right(known.starts, offset) - 1, 0)
    return Span(known.starts[at], known.ends[at])


def is_warned(page: Page, offset: int, *, until: int | None = None) -> bool:
    """Whether a warning stands before an offset where its reader has seen it.

    That is in the same section, or in what the sections around it begin with. A
    sentence that names the harm counts too: that it is no notice is another matter.

    Args:
        until: Count what stands up to here too, not only up to the offset.
    """
    warnings = page.once(_warnings)
    if not warnings:
        return False
    known = page.once(sections)
    at = max(bisect_right(known.starts, offset) - 1, 0)
    end = max(offset, until or 0)
    while at >= 0:
        end = min(end, known.ends[at])
        first = bisect_left(warnings, known.starts[at])
        if first < len(warnings) and warnings[first] < end:
            return True
        at, end = known.parents[at], len(page.data)
    return False


def _warnings(page: Page) -> list[int]:
    """Where everything begins that warns."""
    return sorted((*_notices(page), *_harms(page)))


def _notices(page: Page) -> Iterator[int]:
    for block in page.of("notice"):
        if block.value.function in _WARNS:
            yield block.start
    for number, notice in page.once(spoken).items():
        if notice.function in _WARNS:
            yield page.blocks[number].start


def _harms(page: Page) -> Iterator[int]:
    found = page.once(cues.harms)
    for kind in _HARMS:
        yield from (c.start for c in found.get(kind, ()) if c.weight == "strong")


def says(page: Page, span: Span, words: Iterable[str]) -> bool:
    """Whether a person reads one of these lower-case words in a span.

    Code spans count, code blocks do not.
    """
    text = page.shown[span.start : span.end].lower()
    return any(word.encode() in text for word in words)
