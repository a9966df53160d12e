"""Lines and columns are those of the protocol, in each unit that editors count in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstlight.editor.text import ENCODINGS, Position, Text
from firstlight.finding import Span

ANY = st.text(st.sampled_from("ab中é🎉\ufe0f\r\n\u2028\x0c \ufeff"), max_size=30)


@pytest.mark.parametrize(
    ("encoding", "column"), [("utf-8", 4 + 3 + 3), ("utf-16", 4), ("utf-32", 3)]
)
def test_columns_count_the_units_of_the_editor(encoding: str, column: int) -> None:
    text = Text.of("first\r\n🎉中️x", encoding)
    at = text.data.index(b"x")
    assert text.position(at) == Position(1, column)
    assert text.offset(1, column) == at


def test_lines_end_where_the_protocol_says() -> None:
    text = Text.of("a\rb\nc\r\nd\u2028e\x0cf", "utf-16")
    assert text.position(text.data.index(b"f")) == Position(3, 4)


def test_what_is_outside_moves_to_the_nearest_end() -> None:
    text = Text.of("ab\ncd", "utf-16")
    assert text.offset(0, 99) == 2
    assert text.offset(9, 0) == 5


def test_between_the_halves_of_a_character_is_before_it() -> None:
    assert Text.of("a🎉b", "utf-16").offset(0, 2) == 1


def test_halves_of_characters_become_question_marks() -> None:
    text = Text.of("a\ud83cb", "utf-16")
    assert text.data == b"a?b"
    assert text.position(2) == Position(0, 2)


def test_a_replaced_text_leaves_the_old_one_alone() -> None:
    text = Text.of("one two", "utf-16")
    new, edit = text.replaced(Span(4, 7), "三")
    assert (text.data, new.data) == (b"one two", "one 三".encode())
    assert edit.text == "三".encode()


@given(ANY, st.sampled_from(sorted(ENCODINGS)))
def test_every_character_has_its_own_place_and_is_found_there(
    text: str, encoding: str
) -> None:
    whole = Text.of(text, encoding)
    at = 0
    for character in text:
        position = whole.position(at)
        back = whole.offset(*position)
        # Only the LF of a CR LF is nowhere of its own.
        assert back == at or whole.data[at - 1 : at + 1] == b"\r\n"
        at += len(character.encode())
    assert whole.offset(*whole.position(at)) in (at, at - 1)
