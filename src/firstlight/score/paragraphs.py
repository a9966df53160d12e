"""How long paragraphs are: up to where they are read, and from where on walls.

The bounds are those of the score, not of a project, so that projects can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from firstlight.lint.rule import Given
from firstlight.markdown.page import Page
from firstlight.score.part import Counts, Measured, Part, Problem, falling
from firstlight.score.texts import Text, texts

__all__ = ["PART"]

_WALL = {"words": 150, "characters": 260}
"""From so many on a paragraph is a wall."""
_SHORT = 0.3
"""Of a wall: up to there a paragraph is read."""


def measure(page: Page, given: Given) -> Measured:
    """Count the text in sizes of a wall, and how much of it is good."""
    sizes = {"words": [0, 0], "characters": [0, 0]}
    length = fitting = 0.0
    long: list[tuple[int, Text, float]] = []
    for number, text in page.once(texts).items():
        size = text.length / _WALL[text.unit]
        length += size
        fitting += size * _fit(size)
        sizes[text.unit][0] += text.length
        sizes[text.unit][1] += 1
        if size > _SHORT:
            long.append((number, text, size))
    counts = (length, fitting, *sizes["words"], *sizes["characters"])
    return Measured(counts, _problems(page, long))


def _fit(size: float) -> float:
    return falling(size, good=_SHORT, bad=1) / 100


def _problems(page: Page, long: list[tuple[int, Text, float]]) -> Iterator[Problem]:
    for number, text, size in long:
        pieces = ceil(size / _SHORT)
        gain = size * (_fit(size / pieces) - _fit(size))
        more = [0, pieces - 1] if text.unit == "words" else [0, 0]
        rest = [0, 0] if text.unit == "words" else [0, pieces - 1]
        action = (
            f"make {pieces} paragraphs or a list of these {text.length} {text.unit}"
        )
        yield Problem(page.blocks[number].text, action, (0.0, gain, *more, *rest))


def score(counts: Counts) -> float | None:
    """Return how much of the text stands in paragraphs that are short."""
    length, fitting = counts[:2]
    return 100 * fitting / length if length else None


def tell(counts: Counts) -> str:
    """Say how long paragraphs are on average."""
    _, _, words, english, characters, chinese = counts
    sizes = ((words, english, "words"), (characters, chinese, "characters"))
    means = [f"{size / number:.0f} {unit}" for size, number, unit in sizes if number]
    return f"{' and '.join(means)} on average"


PART = Part(
    name="paragraphs",
    about="What stands in the middle of a long paragraph is not read.",
    good=" or ".join(f"≤ {_SHORT * size:.0f} {unit}" for unit, size in _WALL.items()),
    formula="mean over the text of 100 where its paragraph is good, 0 from "
    + " or ".join(f"{size} {unit}" for unit, size in _WALL.items())
    + " on",
    counted=("length", "fitting", "words", "english", "characters", "chinese"),
    measure=measure,
    score=score,
    tell=tell,
)
