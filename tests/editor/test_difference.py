"""The edits make the one text out of the other, and touch nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from firstlight.editor.difference import differences
from firstlight.finding import Edit, Span
from firstlight.markdown.source import edited

PAGE = st.lists(
    st.sampled_from(["a\n", "中文\n", "⚠️ x\r\n", "🔴 x\n", "\n"]), max_size=9
)


def test_only_the_characters_that_change_are_replaced() -> None:
    before, after = "one\n🎉 two\nthree\n", "one\ntwo\nthree\n"
    found = differences(before.encode(), after.encode())
    assert found == [Edit(Span(4, 9), b"")]


def test_characters_are_never_cut() -> None:
    found = differences("🔴 x\n".encode(), "🔵 x\n".encode())
    assert found == [Edit(Span(0, 4), "🔵".encode())]


def test_equal_texts_have_no_differences() -> None:
    assert differences(b"a\nb", b"a\nb") == []


@given(PAGE, PAGE)
def test_the_edits_lead_from_one_text_to_the_other(
    one: list[str], two: list[str]
) -> None:
    before, after = "".join(one).encode(), "".join(two).encode()
    edits = differences(before, after)
    assert edited(before, edits) == after
    assert edits == sorted(edits)
