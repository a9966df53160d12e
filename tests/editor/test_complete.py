"""What is typed where a block begins becomes a symbol with its word."""

from __future__ import annotations

import time

import pytest

from editor.open_pages import marked
from firstlight.editor.complete import Completion, completions
from firstlight.editor.text import Text
from firstlight.markdown.parse import parse


def offered(text: str, form: str = "") -> list[Completion]:
    """Return what is offered at the ``‸`` of a page."""
    source, span = marked(text)
    line = Text.of(source, "utf-16").line_before(span.start)
    return completions(parse(source.encode()), span.start, line, form)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (":warn‸", "⚠️ **Warning**: "),
        ("# 标题 一二三\n\n:warn‸", "⚠️ **警告**："),
        ("警‸", "⚠️ **警告**："),
        ("Conf‸", "🔧 **Configure**: "),
        ("安装‸", "🔧 **安装**："),
        (":white_check‸", "✅ **Expected result**: "),
        ("- a\n- :tip‸", "💡 **Tip**: "),
        ("1. > :dang‸", "🔴 **Danger**: "),
        ("## :tip‸", "💡 Tip"),
        ("| a | b |\n|---|---|\n| x | :fails‸ |", "❌ Fails"),
    ],
)
def test_symbol_and_word_in_the_language_of_the_page(text: str, expected: str) -> None:
    assert offered(text)[0].text == expected


@pytest.mark.parametrize(
    "text",
    [
        "```sh\n:warn‸\n```",
        "some text :warn‸",
        "see http:‸",
        "Xylophone‸",
        "<!-- :warn‸ -->",
        "## :warn‸",
    ],
    ids=["code", "inside a text", "address", "no word", "comment", "heading"],
)
def test_nothing_where_no_block_begins_or_no_symbol_may_stand(text: str) -> None:
    assert offered(text) == []


def test_all_functions_where_nothing_is_typed() -> None:
    assert len(offered("text\n\n‸")) == 14


def test_the_form_of_the_project_is_written() -> None:
    assert offered(":caut‸", "alert")[0].text == "> [!WARNING]\n> "
    assert offered(":warn‸", "bold")[0].text == "**Warning**: "
    assert offered("- :warn‸", "alert")[0].text == "⚠️ **Warning**: "


def test_a_long_row_costs_no_more_than_its_length() -> None:
    row = "| a |\n|---|\n" + "|" + " a |" * 20_000 + " :warn‸"
    started = time.perf_counter()
    assert offered(row)
    assert time.perf_counter() - started < 2
