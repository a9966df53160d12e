"""Whatever a page holds, its blocks and runs lie where the model says."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from firstlight.markdown.notices import spoken
from firstlight.markdown.parse import parse
from markdown.sources import behind, holders, pages, violations


@settings(max_examples=300, deadline=None)
@given(pages)
@example(b"")
@example(b"\xef\xbb\xbf")
@example(b"!!! note")
@example(b"- a\n\n  !!! note\n      b\n  c\n")
def test_any_page_keeps_the_laws(data: bytes) -> None:
    assert violations(parse(data)) == []


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_bytes_that_are_no_text_are_read_as_well(data: bytes) -> None:
    page = parse(data)
    assert violations(page) == []
    assert page.data == data


@settings(max_examples=150, deadline=None)
@given(pages)
def test_spoken_notices_lie_in_their_block(data: bytes) -> None:
    page = parse(data)
    for number, notice in spoken(page).items():
        block = page.blocks[number]
        assert block.start <= notice.head.start < notice.head.end <= block.end
        assert notice.head.end <= notice.body.start <= notice.body.end <= block.end


@settings(max_examples=100, deadline=None)
@given(pages)
def test_the_leaf_at_an_offset_holds_it(data: bytes) -> None:
    page = parse(data)
    for offset in range(len(data)):
        number = page.at(offset)
        if number >= 0:
            assert page.blocks[number].start <= offset < page.blocks[number].end


@settings(max_examples=60, deadline=None)
@given(pages.map(lambda data: data.replace(b"\r", b"").replace(b"\0", b"")))
def test_line_ends_do_not_change_what_a_page_is(data: bytes) -> None:
    crlf = parse(data.replace(b"\n", b"\r\n"))
    plain = parse(data)
    assert [(b.kind, b.parent) for b in crlf.blocks] == [
        (b.kind, b.parent) for b in plain.blocks
    ]


@pytest.mark.parametrize("holder", holders)
def test_laws_hold_behind_every_container(holder: str) -> None:
    source = (
        "# T\n\na **b**\nc `d`\n\n```py\nx\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    )
    assert violations(parse(behind(holder, source).encode())) == []
