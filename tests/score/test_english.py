"""Syllables and grades, against words and texts that a person counted."""

from __future__ import annotations

import pytest

from firstlight.markdown.sentences import split
from firstlight.score.english import grade, spoken_in, syllables, words

COUNTED = {
    1: "the a file files type types used based need code where whole are build call "
    "called failed speed does goes load port run step tools use page scale caps closed "
    "yes you byte one done don't can't it's which through queue key keys path paths",
    2: "image table tables value values module caches uses user layer layout beyond "
    "array server number doesn't isn't couldn't create react being seeing going client "
    "quiet careful useless something therefore baseline namespace filename timeout "
    "workspace lifetime people yaml model docker deployed option versions warning "
    "command statement language kernel before installed",
    3: "images container various previous period radio medium actual manual usual "
    "virtual enabled another however copying deploying filesystem components processes "
    "services creating updated deleted management completely deployment implement "
    "element media audio easier carrier gradient remember permanent understand "
    "parallel determine following example examples several general efficient",
    4: "variable variables material scenario modifying experience geometry continuous "
    "directory directories configuring information automatic available environment "
    "parameter operating dependency installation society alternative mechanism",
    5: "identifier configuration individual repository evaluation documentation",
}
"""Syllables -> words that have so many."""

PAGES = (
    (
        "The server reads its settings once. "
        "If a port is taken, it tries the next one.",
        (2, 16, 19),
    ),
    (
        "You can change the limits in the project file. Every page is measured again "
        "when its content or the settings change.",
        (2, 21, 29),
    ),
    (
        "Configuration of individual repositories requires administrator permissions.",
        (1, 7, 26),
    ),
)
"""A text, and its sentences, words and syllables as counted by hand."""


@pytest.mark.parametrize(
    ("word", "number"),
    [(word, number) for number, several in COUNTED.items() for word in several.split()],
)
def test_a_word_has_the_syllables_that_a_person_counts(word: str, number: int) -> None:
    assert syllables(word.encode()) == number


@pytest.mark.parametrize(("text", "counts"), PAGES)
def test_a_text_has_the_counts_of_a_person(
    text: str, counts: tuple[int, int, int]
) -> None:
    found = words(text.encode())
    assert (len(split(text.encode())), len(found), spoken_in(found)) == counts


def test_the_grade_is_that_of_the_published_formula() -> None:
    # Ten words with fifteen syllables in one sentence: 3.9 + 17.7 - 15.59.
    assert grade(1, 10, 15) == pytest.approx(6.01)
    assert grade(2, 10, 15) == pytest.approx(4.06)


@pytest.mark.parametrize(
    ("word", "number"), [("ssh", 3), ("x", 1), ("re-run", 2), ("read-only", 3)]
)
def test_a_word_without_vowels_is_spelled_and_hyphens_part(
    word: str, number: int
) -> None:
    assert syllables(word.encode()) == number


def test_numbers_and_addresses_are_no_words() -> None:
    text = "Open https://example.org/guide or port 8888 - it’s up, see www.example.org."
    assert words(text.encode()) == [b"open", b"or", b"port", b"it's", b"up", b"see"]
