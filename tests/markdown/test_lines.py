"""Lines and columns agree with counting by hand, for people and for editors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstlight.markdown.lines import Lines, Place

texts = st.text(st.sampled_from("aé警𝄞⚠\ufe0f \t\r\n"), max_size=60)
BOM = "\ufeff"


def counted(text: str, offset: int) -> tuple[int, int, int]:
    """The line from 1 and its code points and UTF-16 units before an offset."""
    before = text.encode()[:offset].decode()
    line = before[before.rfind("\n") + 1 :].removeprefix(BOM)
    return before.count("\n") + 1, len(line), len(line.encode("utf-16-le")) // 2


def offsets(text: str) -> list[int]:
    """Where the characters of a text begin in UTF-8, and its end."""
    return [len(text[:at].encode()) for at in range(len(text) + 1)]


@given(texts, st.sampled_from(["", BOM]))
def test_places_are_counted_in_code_points_and_utf_16(text: str, bom: str) -> None:
    lines = Lines((bom + text).encode())
    for offset in offsets(bom + text):
        if offset < len(bom.encode()):
            continue
        line, points, units = counted(bom + text, offset)
        assert lines.number(offset) == line
        assert lines.place(offset) == Place(line, points + 1)
        assert lines.editor(offset) == (line - 1, units)


@given(texts)
def test_an_offset_comes_back_from_the_place_an_editor_names(text: str) -> None:
    lines = Lines(text.encode())
    for offset in offsets(text):
        line, column = lines.editor(offset)
        back = lines.offset(line, column)
        # Editors cannot name what is behind the end of a line.
        assert back == min(offset, lines.end(line + 1))


@given(texts)
def test_lines_are_those_of_the_text(text: str) -> None:
    lines = Lines(text.encode())
    expected = [line.removesuffix("\r") for line in text.split("\n")]
    # Only a line that ends has an end to remove.
    expected[-1] = text.split("\n")[-1]
    assert [lines.text(number + 1) for number in range(len(lines))] == expected


@pytest.mark.parametrize("character", ["a", "é", "警", "𝄞"])
def test_long_lines_are_counted_as_short_ones(character: str) -> None:
    text = f"x\n{character * 9000}⚠️\ny"
    lines = Lines(text.encode())
    units = 2 if character == "𝄞" else 1
    width = len(character.encode())
    for count in (0, 1, 2047, 2048, 2049, 5000, 9000):
        offset = 2 + count * width
        assert lines.place(offset) == Place(2, count + 1)
        assert lines.editor(offset) == (1, count * units)
        assert lines.offset(1, count * units) == offset


def test_a_byte_order_mark_has_no_column() -> None:
    lines = Lines(f"{BOM}ab\nc".encode())
    assert lines.place(0) == lines.place(3) == Place(1, 1)
    assert lines.text(1) == "ab"
    assert lines.offset(0, 0) == 3


def test_what_lies_outside_goes_to_the_nearest_end() -> None:
    lines = Lines(b"ab\r\nc")
    assert lines.offset(0, 99) == 2
    assert lines.offset(99, 0) == 5


def test_a_column_inside_a_pair_goes_behind_it() -> None:
    assert Lines("𝄞a".encode()).offset(0, 1) == 4
