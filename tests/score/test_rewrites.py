"""What an editor does so that a page can be scanned raises its score."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstlight.score.summary import scores
from score.measured import measured
from score.rewrites import REWRITES, Rewrite

WORDS = tuple(
    f"{first}{second}"
    for first in ("copper", "silver", "amber", "granite", "cotton", "walnut", "marble")
    for second in ("gate", "stone", "field", "house", "bridge", "mill", "tower", "lamp")
)


@pytest.mark.parametrize("rewrite", REWRITES, ids=[each.name for each in REWRITES])
def test_a_rewrite_raises_its_part_and_never_lowers_the_whole(rewrite: Rewrite) -> None:
    before, after = measured(rewrite.before), measured(rewrite.after)
    assert before.score is not None
    assert after.score is not None
    assert after.score >= before.score
    first = scores(before.vector)[rewrite.part]
    second = scores(after.vector)[rewrite.part]
    assert first is not None
    assert second is None or second > first


@pytest.mark.parametrize("rewrite", REWRITES, ids=[each.name for each in REWRITES])
def test_what_a_rewrite_mends_was_proposed(rewrite: Rewrite) -> None:
    assert rewrite.part in {each.part for each in measured(rewrite.before).mendings}


def _sentence(start: int, length: int) -> str:
    words = [WORDS[(start + at) % len(WORDS)] for at in range(length)]
    return " ".join(words).capitalize() + "."


@st.composite
def pages(draw: st.DrawFn) -> list[list[str]]:
    """Paragraphs of sentences, of which no two begin alike."""
    sizes = draw(st.lists(st.integers(1, 8), min_size=1, max_size=5))
    lengths = iter(draw(st.lists(st.integers(4, 30), min_size=sum(sizes))))
    starts = iter(range(len(WORDS)))
    return [
        [_sentence(next(starts), next(lengths)) for _ in range(size)] for size in sizes
    ]


def _source(paragraphs: list[list[str]]) -> str:
    return "\n\n".join(" ".join(sentences) for sentences in paragraphs) + "\n"


@given(pages(), st.data())
def test_splitting_a_paragraph_never_lowers_the_score(
    page: list[list[str]], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(page) - 1))
    cut = data.draw(st.integers(0, len(page[at])))
    pieces = [piece for piece in (page[at][:cut], page[at][cut:]) if piece]
    before = measured(_source(page)).score
    after = measured(_source([*page[:at], *pieces, *page[at + 1 :]])).score
    assert before is not None
    assert after is not None
    assert after >= before - 1e-9


@given(pages(), st.data())
def test_a_heading_never_lowers_the_score(
    page: list[list[str]], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(page)))
    before = measured(_source(page)).score
    after = measured(_source([*page[:at], ["# Overview of it all"], *page[at:]])).score
    assert before is not None
    assert after is not None
    assert after >= before - 1e-9
