"""Where symbols stand on a page, and what goes with them when they go."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.lint.fixes import fix_source
from firstlight.lint.markers import is_flag, is_free, removal, runs, word_function
from firstlight.lint.plan import plan_of
from firstlight.lint.rules import load
from firstlight.lint.settings import settings_of
from firstlight.lint.sources import open_source
from firstlight.markdown.page import Page
from firstlight.markdown.parse import parse
from firstlight.markdown.source import edited


def page_of(text: str) -> Page:
    return parse(text.encode())


def places(text: str) -> list[tuple[str, str]]:
    return [
        ("".join(symbol.text for symbol in run.symbols), run.place)
        for run in page_of(text).once(runs)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("✅ a", [("✅", "start")]),
        ("**✅ a**", [("✅", "start")]),
        ("a ✅ b", [("✅", "inside")]),
        ("a ✅", [("✅", "end")]),
        ("a\n✅ b", [("✅", "line")]),
        ("- ✅", [("✅", "alone")]),
        ("✅ 💡 a", [("✅💡", "start")]),
        ("✅ a 💡", [("✅", "start"), ("💡", "end")]),
        ("`a` ✅ b", [("✅", "inside")]),
        ("✅ `a`", [("✅", "start")]),
        ("[✅](x)", [("✅", "alone")]),
        ("| a |\n| - |\n| ✅ |", [("✅", "alone")]),
        ("`✅`\n\n<b title='✅'>\n\n    ✅", []),
    ],
)
def test_a_place_is_told_by_what_is_shown_around(
    text: str, expected: list[tuple[str, str]]
) -> None:
    assert places(text) == expected


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("⚠️ **Warning**: a", "bold", "warning"),
        ("⚠️ 注意：a", "bold", "note"),
        ("🔧 Open", "", "interface"),
        ("🔧 Open", "bold", ""),
        ("🔧 Open the page", "", ""),
        ("🔧", "", ""),
    ],
)
def test_the_word_after_a_symbol_has_a_function(
    text: str, form: str, expected: str
) -> None:
    page = page_of(text)
    (run,) = page.once(runs)
    assert word_function(page, run, page.lexicon, form) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("🎉 Out", "Out"),
        ("Out 🎉", "Out"),
        ("Out 🎉!", "Out!"),
        ("已发布 🎉。", "已发布。"),
        ("**Out 🎉**, a", "**Out**, a"),
        ("a 🎉*b*", "a *b*"),
        ("a 🎉 b", "a b"),
        ("a🎉b", "ab"),
        ("[🎉 a](x)", "[a](x)"),
        ("a 🎉  \nb", "a  \nb"),
    ],
)
def test_a_symbol_goes_with_one_space(before: str, after: str) -> None:
    page = page_of(before)
    (run,) = page.once(runs)
    edit = removal(page, run.start, run.end)
    assert edit is not None
    assert edited(page.data, [edit]).decode() == after


@pytest.mark.parametrize(
    "text", ["🎉", "**🎉**", "🎉 # a", "🎉 - a", "🎉 1. a", "🎉 > a"]
)
def test_a_symbol_stays_where_its_place_would_be_read_otherwise(text: str) -> None:
    page = page_of(text)
    (run,) = page.once(runs)
    assert removal(page, run.start, run.end) is None


def test_a_heading_is_free_when_no_link_to_it_can_break() -> None:
    page = page_of("# a\n\n## b\n\n## c {#d}\n\ne")
    assert [is_free(page, number) for number in range(4)] == [True, False, True, True]


def test_a_flag_is_told_from_other_symbols() -> None:
    assert is_flag("🇨🇳")
    assert is_flag("🏴󠁧󠁢󠁳󠁣󠁴󠁿")
    assert not is_flag("🔧")


PIECES = st.sampled_from(
    [
        *("🎉", "🔥🔥", "✅", "⚠", "☝🏽", "✔", ":tada:", ":warning:"),
        *("word", "字", "。", ", ", " ", "  ", "`code`", "[a](b)", "![a](b)"),
        *("\n", "\r\n", "\n\n", "- ", "1. ", "> ", "## ", "**word** "),
        *("| ", "\n| - | - |\n", "```\n", "!!! note\n    ", "<b>", "[^1]"),
    ]
)
CODES = ("feeling", "presentation", "shortcode", "variant", "alias")
PLAN = plan_of(
    settings_of({"select": [f"symbols.{code}" for code in CODES]}),
    rules=load([f"symbols.{code}" for code in CODES]),
    environment=None,
)


@given(st.lists(PIECES, max_size=14).map("".join))
@settings(max_examples=100, deadline=None)
def test_safe_fixes_of_symbols_are_kept_and_leave_nothing_to_fix(text: str) -> None:
    done = fix_source(open_source("a.md", text.encode()), PLAN)
    assert [f for f in done.checked.found if f.code.startswith("lint.")] == []
    assert not any(f.fix and f.fix.safe for f in done.checked.found)
