"""How hard the sentences are: a grade for English, surface measures for Chinese.

Code, links' addresses, tables and headings are no sentences, nor are the words of a
mark; short lines are labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nlargest

from firstlight.finding import Span
from firstlight.lint.rule import Given
from firstlight.markdown.page import Page
from firstlight.markdown.sentences import split
from firstlight.score.chinese import Surface, han, surface
from firstlight.score.english import grade, spoken_in, words
from firstlight.score.part import Counts, Measured, Part, Problem, falling
from firstlight.score.texts import bodies, texts

__all__ = ["PART"]

_LABEL = {"words": 4, "characters": 8}
"""What is shorter is a label, and no sentence."""
_EASY, _HARD = 8, 18
_CHINESE = (
    (3, "characters a sentence", 18, 45),
    (1, "commas a sentence", 0.5, 2.5),
    (1, "chains of 的 in 100 sentences", 0, 10),
    (1, "Latin words in 100 characters", 3, 20),
)
"""Measures of Chinese: weight, name, up to where it is good, from where on bad.

The bounds are such that pages that exist in both languages score alike in both.
"""
_LONG = {"words": 25, "characters": 45}
"""From there on a sentence is worth to be cut."""
_MOST = 3


def measure(page: Page, given: Given) -> Measured:
    """Count sentences, words and syllables, or what stands for them in Chinese."""
    english: list[bytes] = []
    sentences = 0
    chinese = [0] * len(Surface._fields)
    long: list[tuple[float, int, Span, str]] = []
    for span, unit in _spans(page):
        prose = page.prose[span.start : span.end]
        if unit == "characters":
            if han(prose) < _LABEL["characters"]:
                continue
            found = surface(prose)
            chinese = [a + b for a, b in zip(chinese, found, strict=True)]
            if found.characters > _LONG["characters"]:
                long += _long(prose, span.start, "characters")
            continue
        number = words(prose)
        if len(number) >= _LABEL["words"]:
            english += number
            sentences += len(split(prose))
            if len(number) > _LONG["words"]:
                long += _long(prose, span.start, "words")
    counts = (sentences, len(english), spoken_in(english), *chinese)
    return Measured(counts, _problems(long))


def _spans(page: Page) -> Iterator[tuple[Span, str]]:
    """Yield the text of each paragraph, after its mark, and the unit of its length."""
    starts = page.once(bodies)
    for number, (_, unit) in page.once(texts).items():
        text = page.blocks[number].text
        yield Span(starts.get(number, text.start), text.end), unit


def _long(
    prose: bytes, offset: int, unit: str
) -> Iterator[tuple[float, int, Span, str]]:
    """Yield the long sentences: by how much of that, how long, where."""
    limit = _LONG[unit]
    for start, end in split(prose):
        piece = prose[start:end]
        size = len(words(piece)) if unit == "words" else han(piece)
        if size > limit:
            span = Span(offset + start, offset + end)
            yield size / limit, size, span, unit


def _problems(long: list[tuple[float, int, Span, str]]) -> Iterator[Problem]:
    for _, size, span, unit in nlargest(_MOST, long):
        one_more = (1.0, 0.0, 0.0) + (0.0,) * len(Surface._fields)
        if unit == "characters":
            one_more = (0.0, 0.0, 0.0, 1.0, *(0.0,) * (len(Surface._fields) - 1))
        yield Problem(span, f"make two of this sentence of {size} {unit}", one_more)


def score(counts: Counts) -> float | None:
    """Return the scores of both languages, weighted by their sentences."""
    english, chinese = counts[0], counts[3]
    if not english + chinese:
        return None
    total = english * falling(_grade(counts), _EASY, _HARD) if english else 0.0
    if chinese:
        total += chinese * _ease(counts)
    return total / (english + chinese)


def _grade(counts: Counts) -> float:
    return grade(*counts[:3])


def _ease(counts: Counts) -> float:
    """The weighted mean of the measures of Chinese."""
    total = 0.0
    for value, (weight, _, good, bad) in zip(_values(counts), _CHINESE, strict=True):
        total += weight * falling(value, good, bad)
    return total / sum(weight for weight, *_ in _CHINESE)


def _values(counts: Counts) -> tuple[float, ...]:
    """The measures of Chinese, in the order of their table."""
    sentences, characters, commas, chained, latin = counts[3:]
    return (
        characters / sentences,
        commas / sentences,
        100 * chained / sentences,
        100 * latin / max(characters, 1),
    )


def tell(counts: Counts) -> str:
    """Say the grade, and the measures of Chinese."""
    told = [f"Flesch–Kincaid grade {_grade(counts):.1f}"] if counts[0] else []
    if counts[3]:
        named = zip(_values(counts), _CHINESE, strict=True)
        told += [f"{value:.3g} {name}" for value, (_, name, _, _) in named]
    return "; ".join(told)


PART = Part(
    name="readability",
    about="Long sentences and long words tire; a sentence read twice is time lost.",
    good=f"English: Flesch–Kincaid grade ≤ {_EASY}; Chinese: "
    + ", ".join(f"{name} ≤ {good}" for _, name, good, _ in _CHINESE),
    formula=f"English: 100 up to grade {_EASY}, 0 from {_HARD} on, where grade = "
    "0.39 × words / sentences + 11.8 × syllables / words − 15.59; Chinese: mean of "
    + ", ".join(f"{w} × {name} (0 from {bad} on)" for w, name, _, bad in _CHINESE),
    counted=("sentences", "words", "syllables", *(f"zh_{n}" for n in Surface._fields)),
    measure=measure,
    score=score,
    tell=tell,
)
