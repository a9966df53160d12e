"""What a reader has read before a step, and what warned there."""

from __future__ import annotations

import pytest

from firstlight.finding import Span
from firstlight.lint.measure import is_legal, length
from firstlight.lint.sections import is_warned, says, section
from firstlight.markdown.parse import parse

PAGE = """# Title

Intro.

> [!WARNING]
> Take care.

## One

Text `CODE` here.

## Two

### Deep

STEP

> [!CAUTION]
> Too late.
"""


def test_a_section_goes_from_its_heading_to_the_next() -> None:
    page = parse(PAGE.encode())
    around = section(page, PAGE.index("Text"))
    assert page.data[around.start : around.end].startswith(b"## One")
    assert around.end == PAGE.index("## Two")
    assert section(parse(b"no heading"), 3) == Span(0, 10)


def test_a_warning_of_the_chapter_counts_for_its_sections() -> None:
    page = parse(PAGE.encode())
    assert is_warned(page, PAGE.index("STEP"))


@pytest.mark.parametrize(
    ("text", "is_before"),
    [
        ("# A\n\nSTEP\n\n> [!WARNING]\n> x\n", False),
        ("# A\n\n⚠️ **Warning**: x\n\nSTEP\n", True),
        ("# A\n\n> [!WARNING]\n> x\n\n# B\n\nSTEP\n", False),
        ("# A\n\n> [!TIP]\n> x\n\nSTEP\n", False),
        ("# A\n\n数据将被删除，无法恢复。\n\nSTEP\n", True),
    ],
)
def test_a_warning_counts_only_where_the_reader_has_seen_it(
    text: str, is_before: bool
) -> None:
    page = parse(text.encode())
    at = page.data.index(b"STEP")
    assert is_warned(page, at) == is_before


def test_what_comes_up_to_an_end_counts_where_asked() -> None:
    page = parse(b"# A\n\nSTEP\n\n> [!WARNING]\n> x\n")
    assert is_warned(page, 5, until=section(page, 5).end)


def test_code_spans_are_read_and_blocks_are_not() -> None:
    page = parse(PAGE.encode() + b"\n```sh\nhidden\n```\n")
    whole = Span(0, len(page.data))
    assert says(page, whole, ["code"])
    assert not says(page, whole, ["hidden"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Two words.", (2, "words")),
        ("a well-known 3.12 - thing", (4, "words")),
        ("____ is code", (2, "words")),
        ("安装驱动。", (4, "characters")),
        ("安装 torch 和驱动", (7, "characters")),
        ("", (0, "words")),
    ],
)
def test_length_is_in_words_or_characters(text: str, expected: tuple[int, str]) -> None:
    assert length(text.encode()) == expected


def test_licences_are_known_by_their_name() -> None:
    assert is_legal("docs/LICENSE.zh.md")
    assert not is_legal("licenses/about.md")
