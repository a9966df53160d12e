"""Every emoji of Unicode's list is found whole, by its name, in one exact spelling."""

from __future__ import annotations

from itertools import pairwise

import emoji
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstlight.lexicon.emoji import (
    CHECK_MARKS,
    SYMBOL,
    TEXT_DEFAULT,
    TYPOGRAPHY,
    Symbol,
    bare,
    every,
    from_shortcode,
    has_skin_tone,
    is_joined,
    is_qualified,
    known,
    name_of,
    needs_variant,
    qualified,
    shortcodes_of,
    symbols,
    version_of,
)

FACTS = emoji.EMOJI_DATA
EXACT = [each for each, facts in FACTS.items() if facts["status"] in (1, 2)]
LOOSE = [each for each, facts in FACTS.items() if facts["status"] in (3, 4)]
TONES = "🏻🏼🏽🏾🏿"


def found(text: str) -> list[str]:
    """The symbols of a text; their bytes are where they say."""
    data = text.encode()
    places = symbols(data)
    assert all(data[s.start : s.end].decode() == s.text for s in places)
    return [symbol.text for symbol in places]


def test_every_emoji_is_one_symbol_with_its_name() -> None:
    for each in EXACT:
        assert found(f"中{each}a") == [each]
        assert name_of(each) == FACTS[each]["en"].strip(":").replace("_", " ")
        assert version_of(each) == FACTS[each]["E"]
    assert [each.symbol for each in every()] == sorted(EXACT)


def test_every_emoji_has_one_exact_spelling() -> None:
    for each in EXACT:
        assert is_qualified(each)
        assert qualified(bare(each)) == each
    for each in LOOSE:
        assert not is_qualified(each)
        assert qualified(each) in FACTS
        assert name_of(each)


def test_a_loose_spelling_is_one_symbol_unless_it_is_typography() -> None:
    for each in LOOSE:
        assert found(each) == ([] if each in TYPOGRAPHY else [each])


def test_the_tables_of_characters_are_those_of_unicode() -> None:
    assert {each for each in LOOSE if len(each) == 1} == TEXT_DEFAULT
    assert TYPOGRAPHY < TEXT_DEFAULT


@given(st.lists(st.sampled_from(EXACT)), st.sampled_from(["", " ", "中", "_", "\n"]))
def test_symbols_in_a_row_are_found_one_by_one(row: list[str], between: str) -> None:
    # A tone joins what is before it, and two halves of flags join each other.
    row = [each for each in row if each not in TONES]
    assert found(between.join(row)) == row


@given(st.text())
def test_what_is_found_is_in_the_text_and_never_overlaps(text: str) -> None:
    places = symbols(text.encode())
    for before, after in pairwise(places):
        assert before.end <= after.start
    assert all(SYMBOL.fullmatch(each.text.encode()) for each in places)


@given(st.text(st.characters(max_codepoint=0x2FF), max_size=40))
def test_letters_hold_no_symbols(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "© 2026 firstlight™ ®",
        "A ↔ B ➡ C ▶ D ◀ E",
        "▪ one ◻ two ♀ ♂ ♠♥ ✳ ‼ ⁉ 〰 ㊗",
        "1. # * 0",
        "✓ ✗ ✘ ★ ☆ ● ■ → × ①",
        "，。、；：？！“”——……《》「」",
        "├── └── │ ─",
    ],
)
def test_typography_holds_no_symbols(text: str) -> None:
    assert found(text) == []


def test_typography_with_a_selector_is_a_symbol() -> None:
    row = ["↔️", "©️", "▶️", "‼️", "㊗️", "1️⃣", "#⃣"]
    assert found("A " + " B ".join(row)) == row
    assert found("↔\ufe0e") == []


def test_pictures_count_without_a_selector() -> None:
    assert found("⚠ 警告 ✔ ℹ ☠ 🛠 🖥") == ["⚠", "✔", "ℹ", "☠", "🛠", "🖥"]


def test_selectors_belong_to_the_symbol_before_them() -> None:
    for spelled in ("✅\ufe0f", "⚠\ufe0e", "⚠\ufe0f\ufe0f"):
        assert found(f"{spelled} x") == [spelled]
    assert qualified("✅\ufe0f") == "✅"
    assert qualified("⚠\ufe0e") == "⚠️"


def test_tones_joiners_and_flags_are_one_symbol() -> None:
    whole = ["👩🏽‍💻", "👨‍👩‍👧‍👦", "❤️‍🔥", "🏳️‍🌈", "🇨🇳", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇦"]
    assert found(" ".join(whole)) == whole
    assert found("🇨🇳🇩🇪") == ["🇨🇳", "🇩🇪"]
    assert has_skin_tone("👍🏽")
    assert not has_skin_tone("👍")
    assert is_joined("👩‍💻")
    assert not is_joined("⚠️")


def test_what_unicode_does_not_list_has_no_name() -> None:
    unlisted = "🏴‍🔒"
    assert found(unlisted) == [unlisted]
    assert known(unlisted) is None
    assert (name_of(unlisted), version_of(unlisted)) == ("", 0.0)
    assert shortcodes_of(unlisted) == ()
    assert qualified(unlisted) == unlisted


def test_shortcodes_of_both_lists_lead_to_the_symbol() -> None:
    assert from_shortcode("warning") == "⚠️"
    assert from_shortcode("white_check_mark") == "✅"
    assert from_shortcode("check_mark_button") == "✅"
    assert from_shortcode("light_bulb") == from_shortcode("bulb") == "💡"
    assert from_shortcode("+1") == "👍"
    assert from_shortcode("30") == from_shortcode("") == from_shortcode("Warning") == ""
    assert shortcodes_of("✅")[0] == "white_check_mark"


def test_where_the_lists_differ_a_shortcode_is_what_github_shows() -> None:
    assert from_shortcode("satellite") == "📡"
    assert from_shortcode("pencil") == "📝"
    assert from_shortcode("beetle") == "🪲"


def test_every_emoji_is_reached_by_its_first_shortcode() -> None:
    reached = {from_shortcode(each.shortcodes[0]) for each in every()}
    lost = {each.symbol for each in every()} - reached
    assert not {each for each in lost if not has_skin_tone(each)}


def test_needing_a_selector_is_told_of_any_spelling() -> None:
    assert needs_variant("⚠")
    assert needs_variant("1⃣")
    assert not needs_variant("✅\ufe0f")


def test_check_marks_are_no_symbols() -> None:
    assert all(found(mark) == [] for mark in CHECK_MARKS)


def test_the_bytes_before_a_symbol_are_counted() -> None:
    assert symbols("中文 ⚠️ x".encode()) == [Symbol(7, 13, "⚠️")]
