"""Foreign text in a terminal: how wide it is, and that it does no harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from firstlight.lint.terminal import Style, cells, visible, widths, window

LINES = some.text(
    some.sampled_from("ab 中文，。🎉⚠️👩‍💻1️⃣é\u0301\t")
    | some.characters(codec="utf-8", exclude_characters="\n"),
    max_size=60,
)


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("plain", 5),
        ("中文", 4),
        ("，。", 4),
        ("🎉", 2),
        ("⚠", 1),
        ("⚠️", 2),
        ("👩‍💻", 2),
        ("👍🏽", 2),
        ("e\u0301", 1),
        ("🫨", 2),
        ("🇨🇳", 2),
        ("1️⃣", 2),
    ],
)
def test_width_of_what_people_write(text: str, width: int) -> None:
    assert cells(text) == width


@pytest.mark.parametrize(
    "text",
    ["\x1b[2J", "\x07", "\r", "\x9b1m", "a\u202eb", "\u2066", "\u2028", "\ud800"],
)
def test_what_would_steer_the_terminal_becomes_a_mark(text: str) -> None:
    shown = visible(text)
    assert len(shown) == len(text)
    assert "\ufffd" in shown
    assert shown.isprintable()


def test_what_people_need_stays() -> None:
    text = "中文 ⚠️ 👩‍💻 é — “x”"
    assert visible(text) == text
    assert visible("a\tb\u3000c") == "a b c"


def test_a_short_line_is_not_cut() -> None:
    assert window("中文 here", 3, 7, 20) == ("中文 here", 3, 7)


def test_a_long_line_is_cut_on_both_sides_of_what_was_found() -> None:
    text = "前" * 50 + "here" + "后" * 50
    piece, start, end = window(text, 50, 54, 30)
    assert piece[start:end] == "here"
    assert piece[0] == piece[-1] == "…"
    assert cells(piece) <= 30


def test_what_was_found_begins_the_piece_when_it_is_longer_than_the_room() -> None:
    piece, start, end = window("x" * 100, 20, 90, 30)
    assert end <= len(piece)
    assert end > start
    assert cells(piece) <= 30


@given(text=LINES, start=some.integers(0, 59), room=some.integers(10, 80))
def test_a_piece_fits_and_begins_where_it_says(
    text: str, start: int, room: int
) -> None:
    start = min(start, len(text))
    end = min(start + 3, len(text))
    piece, first, last = window(text, start, end, room)
    assert cells(piece) <= room + 1  # A presentation selector may follow the cut.
    assert 0 <= first <= last <= len(piece)
    assert text[start:end].startswith(piece[first:last])


@given(text=LINES)
def test_every_character_has_a_width_and_is_seen(text: str) -> None:
    assert len(widths(text)) == len(text) == len(visible(text))


def test_colour_only_where_it_is_wanted() -> None:
    assert Style(colour=True).paint("warning", "x") == "\x1b[1;33mx\x1b[0m"
    assert Style().paint("warning", "x") == "x"
