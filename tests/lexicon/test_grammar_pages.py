"""The pages and lists that are written from tables are what is written today."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


def test_the_pages_of_the_grammar_are_current() -> None:
    made = runpy.run_path(str(DOCS / "generate_grammar.py"))
    for language, path in made["PAGES"].items():
        there = path.read_text(encoding="utf-8")
        assert there == made["page"](language), "run `python docs/generate_grammar.py`"


@pytest.mark.parametrize("name", ["grammar.md", "grammar.zh.md"])
def test_the_legend_shows_every_function(name: str) -> None:
    from firstlight.lexicon.table import DEFAULT

    text = (DOCS / name).read_text(encoding="utf-8")
    for function in DEFAULT.functions.values():
        assert f"| {function.symbol} **" in text
        assert f"`{function.name}`" in text


def test_the_list_of_emoji_is_current() -> None:
    made = runpy.run_path(str(DOCS / "generate_emoji.py"))
    there = made["LIST"].read_text(encoding="utf-8")
    assert there == made["text"](), "run `python docs/generate_emoji.py`"
