"""With which words headings, list items and paragraphs begin: those that scan read.

Only what stands side by side is compared: the headings below one heading, the items of
one list, the paragraphs of one section.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from firstlight.lint.rule import Given
from firstlight.markdown.page import Page
from firstlight.score.part import Counts, Measured, Part, Problem, falling
from firstlight.score.texts import bodies

__all__ = ["PART", "opening"]

_BAD = 0.5
"""Half of the openings are known already: nothing can be told by them."""
_BYTES = 160
_FIRST = re.compile(
    r"[\W_]*(?:\d+(?:\.\d+)*[.)、:]?\s+)?(?:(?:the|an?)\s+)?"
    r"(?:(?P<chinese>[㐀-鿿].{0,3})|(?P<one>\w\S*)(?:\s+(?P<two>[^\s—–|]+))?)",
    re.IGNORECASE | re.DOTALL,
)
"""After number and article: four characters, or two words."""
_TEMPLATES = (b"{", b"<", b"[")
"""What a site fills in, or a link that is none."""
_EDGES = ".,;:!?()[]\"'*"


def measure(page: Page, given: Given) -> Measured:
    """Count the openings, and those that were there before in the same company."""
    total = repeated = 0
    problems: list[Problem] = []
    for kind, group in _groups(page):
        found = [(number, opening(page, number)) for number in group]
        found = [(number, words) for number, words in found if words]
        again = len(found) - len({words for _, words in found})
        total += len(found)
        repeated += again
        if again:
            problems += _problems(page, kind, found)
    return Measured((total, repeated), problems)


def opening(page: Page, number: int) -> str:
    """Return the words with which a block begins, in lower case; its mark is none."""
    text = page.blocks[number].text
    start = page.once(bodies).get(number, text.start)
    shown = page.shown[start : min(text.end, start + _BYTES)].replace(b"\0", b"")
    found = _FIRST.match(shown.decode("utf-8", "ignore"))
    if found is None or shown[:1] in _TEMPLATES:
        return ""
    if found["chinese"]:
        return found["chinese"]
    both = (found["one"], found["two"] or "")
    return " ".join(word.strip(_EDGES) for word in both).strip().lower()


def _groups(page: Page) -> Iterator[tuple[str, list[int]]]:
    """Yield what stands side by side, and what it is called."""
    yield from (("headings", group) for group in _headings(page))
    for number in page.numbers("list"):
        items = (page.children(item)[:1] for item in page.children(number))
        first = [each for several in items for each in several]
        yield "items", [n for n in first if page.blocks[n].kind == "paragraph"]
    yield from (("paragraphs", group) for group in _paragraphs(page))


def _headings(page: Page) -> list[list[int]]:
    groups: dict[int, list[int]] = {}
    open_ones: list[tuple[int, int]] = []
    for number in page.numbers("heading"):
        level = page.blocks[number].value
        while open_ones and open_ones[-1][0] >= level:
            open_ones.pop()
        groups.setdefault(open_ones[-1][1] if open_ones else -1, []).append(number)
        open_ones.append((level, number))
    return list(groups.values())


def _paragraphs(page: Page) -> Iterator[list[int]]:
    group: list[int] = []
    for number in page.children(-1):
        kind = page.blocks[number].kind
        if kind == "heading":
            yield group
            group = []
        elif kind == "paragraph":
            group.append(number)
    yield group


def _problems(page: Page, kind: str, found: list[tuple[int, str]]) -> Iterator[Problem]:
    times = Counter(words for _, words in found)
    for words, number in times.items():
        if number > 1:
            first = next(block for block, each in found if each == words)
            action = f"begin these {number} {kind} with different words, not “{words}”"
            yield Problem(page.blocks[first].text, action, (0.0, 1.0 - number))


def score(counts: Counts) -> float | None:
    """Return how distinct the openings are."""
    total, repeated = counts
    return falling(repeated / total, good=0, bad=_BAD) if total else None


def tell(counts: Counts) -> str:
    """Say how many openings repeat another."""
    total, repeated = counts
    return f"{repeated:.0f} of {total:.0f} begin like one beside them"


PART = Part(
    name="openings",
    about="Of headings, list items and paragraphs scanning eyes read the first words.",
    good="no two side by side begin alike (two words, or four characters)",
    formula=f"100 × (1 − repeated / openings / {_BAD}), at least 0",
    counted=("openings", "repeated"),
    measure=measure,
    score=score,
    tell=tell,
)
