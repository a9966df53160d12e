"""What a reader does not see, or what is no text, changes no score."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from score.measured import measured
from score.rewrites import REWRITES

PAGES = [page for each in REWRITES for page in (each.before, each.after)]
FENCE = re.compile(r"(?ms)^( *)```(python|text|json)\n.*?^ *```$")

PAGE = dedent(
    """\
    # Start a run

    Write the settings into a file:

    ```python
    {code}
    ```

    Then start the run and look at the first lines of its log.
    """
)


@pytest.mark.parametrize("page", PAGES, ids=range(len(PAGES)))
def test_line_ends_change_nothing(page: str) -> None:
    crlf = page.encode().replace(b"\n", b"\r\n")
    assert measured(crlf).vector == measured(page).vector


@given(st.sampled_from([page for page in PAGES if page.isascii()]), st.data())
def test_where_lines_break_changes_nothing(page: str, data: st.DataObject) -> None:
    blocks = page.split("\n\n")
    texts = [at for at, block in enumerate(blocks) if re.match(r"[A-Z]", block)]
    if texts:
        at = data.draw(st.sampled_from(texts))
        words = blocks[at].split()
        gaps = data.draw(
            st.lists(
                st.sampled_from(" \n"),
                min_size=len(words) - 1,
                max_size=len(words) - 1,
            )
        )
        blocks[at] = "".join(
            word + gap for word, gap in zip(words, [*gaps, ""], strict=True)
        )
    assert measured("\n\n".join(blocks)).vector == measured(page).vector


@given(st.text("abc =()#🎉删除", min_size=1), st.text("xyz\n 的", min_size=1))
def test_what_code_says_changes_nothing(first: str, second: str) -> None:
    pages = [PAGE.format(code=code.strip()) for code in (first, second)]
    assert measured(pages[0]).vector == measured(pages[1]).vector


def test_a_byte_order_mark_changes_nothing() -> None:
    page = PAGES[0].encode()
    assert measured(b"\xef\xbb\xbf" + page).vector == measured(page).vector
