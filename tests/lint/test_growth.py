"""The cost of a page grows with its length, whatever it is made of."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from firstlight.convert.pages import convert
from firstlight.convert.write import SYNTAXES
from firstlight.lexicon.table import DEFAULT
from firstlight.lint.check_page import check_source
from firstlight.lint.fixes import fix_source
from firstlight.lint.plan import plan_of
from firstlight.lint.rules import codes
from firstlight.lint.settings import Settings
from firstlight.lint.sources import open_source
from firstlight.mark.write import marked
from lint.odd_pages import ODD

PATH = "docs/page.md"
PLAN = plan_of(Settings(select=tuple({code.partition(".")[0] for code in codes()})))
LONGER = 4
"""Times the length; what grows with its square takes 16 times as long."""
MOST = 8.0
LEAST = 0.02
"""Seconds that are too short to compare."""
TRIES = 4


def lint(page: bytes) -> None:
    """Ask every rule there is, on by default or not."""
    source = open_source(PATH, page)
    found = check_source(source, PLAN, with_facts=True).found
    assert not [each for each in found if each.code == "lint.rule-failed"]


def fix(page: bytes) -> None:
    """Make every fix, and prove that each keeps what it must."""
    fix_source(open_source(PATH, page), PLAN, unsafe=True)


def mark(page: bytes) -> None:
    """Write the marks that blocks lack."""
    marked(page, DEFAULT, path=PATH)


def to_mkdocs(page: bytes) -> None:
    """Convert every notice."""
    convert(page, SYNTAXES["mkdocs"], path=PATH)


def seconds(work: Callable[[bytes], None], page: bytes) -> float:
    """Return the time that the processor worked."""
    started = time.process_time()
    work(page)
    return time.process_time() - started


def grows(work: Callable[[bytes], None], page: str, size: int) -> float:
    """Return how many times the time a page of several times the length takes."""
    short, long = (ODD[page](n).encode() for n in (size, size * LONGER))
    best_short = best_long = float("inf")
    for _ in range(TRIES):
        best_short = min(best_short, seconds(work, short))
        best_long = min(best_long, seconds(work, long))
        if best_long < LEAST + MOST * best_short:
            return best_long / (best_short + LEAST)
    return best_long / best_short


@pytest.mark.parametrize("page", ODD)
def test_to_lint_takes_time_by_length(page: str) -> None:
    assert grows(lint, page, 500) < MOST


@pytest.mark.parametrize("page", ODD)
def test_to_mend_takes_time_by_length(page: str) -> None:
    assert grows(fix, page, 80) < MOST


@pytest.mark.parametrize("page", ODD)
@pytest.mark.parametrize("work", [mark, to_mkdocs])
def test_to_write_takes_time_by_length(
    page: str, work: Callable[[bytes], None]
) -> None:
    assert grows(work, page, 120) < MOST


def test_the_test_would_see_what_grows_with_the_square() -> None:
    def square(page: bytes) -> None:
        for _ in range(0, len(page), 32):
            page.count(b"\0")

    assert grows(square, "paragraphs", 1000) > MOST
