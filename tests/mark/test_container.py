"""The proof: a plain page becomes what a careful writer made of it by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from firstlight.lexicon.table import DEFAULT
from firstlight.lint.check_page import check
from firstlight.lint.plan import plan_of
from firstlight.lint.settings import Settings
from firstlight.mark.write import marked

DATA = Path(__file__).parent / "data"


def page(name: str) -> bytes:
    """A page of the container, as it lies there."""
    return (DATA / f"container.{name}.md").read_bytes()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_plain_page_becomes_the_one_written_by_hand(language: str) -> None:
    assert marked(page(language), DEFAULT) == page(f"marked.{language}")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_marked_page_has_all_its_marks(language: str) -> None:
    assert marked(page(f"marked.{language}"), DEFAULT) == page(f"marked.{language}")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_marked_page_is_clean_and_a_plain_one_is_not(language: str) -> None:
    plan = plan_of(Settings())
    name = f"container.{language}.md"
    assert check(page(f"marked.{language}"), name, plan.given, plan.rules) == []
    assert check(page(language), name, plan.given, plan.rules) != []
