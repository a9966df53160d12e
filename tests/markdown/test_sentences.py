"""Sentences end where a reader of English or Chinese says they do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.markdown.parse import parse
from firstlight.markdown.sentences import sentences, split


def cut(text: str) -> list[str]:
    data = text.encode()
    return [data[start:end].decode() for start, end in split(data)]


def of_page(text: str) -> list[str]:
    page = parse(text.encode())
    return [
        page.cut(span)
        for number in range(len(page.blocks))
        for span in sentences(page, number)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Install it. Then run it.", ["Install it.", "Then run it."]),
        ("Use Python 3.11. It works.", ["Use Python 3.11.", "It works."]),
        ("Use a tool, e.g. Docker.", ["Use a tool, e.g. Docker."]),
        (
            "See Fig. 3. The answer is no. Go.",
            ["See Fig. 3.", "The answer is no.", "Go."],
        ),
        ("By J. Smith. Plan b. Then go.", ["By J. Smith.", "Plan b.", "Then go."]),
        ("Really?! Yes... and so on.", ["Really?!", "Yes... and so on."]),
        ("It is done (at last). Go on", ["It is done (at last).", "Go on"]),
        ("1. Install it", ["1. Install it"]),
        ("Edit a.txt or b.md now", ["Edit a.txt or b.md now"]),
        ("请勿删除。数据会丢失！", ["请勿删除。", "数据会丢失！"]),
        ("他说：“好。”然后走了；再见", ["他说：“好。”", "然后走了；", "再见"]),
        ("版本是 3.11，升级到 3.12。", ["版本是 3.11，升级到 3.12。"]),
        ("安装完成.然后运行!好", ["安装完成.", "然后运行!", "好"]),
        ("Use v2.0. 然后运行。", ["Use v2.0.", "然后运行。"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_a_text_is_split_as_people_read_it(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


def test_markup_belongs_to_the_sentence_it_stands_around() -> None:
    text = "`rm` deletes. **Never do it.** See [A. B.](u.md) and *go*. **请勿删除**。好"
    assert of_page(text) == [
        "`rm` deletes.",
        "**Never do it.**",
        "See [A. B.](u.md) and *go*.",
        "**请勿删除**。",
        "好",
    ]


def test_a_hard_break_ends_a_sentence_and_a_line_end_does_not() -> None:
    assert of_page("One  \ntwo\\\nthree<br>four\nfive") == [
        "One",
        "two",
        "three",
        "four\nfive",
    ]


def test_markers_of_quotes_and_items_are_part_of_no_sentence_at_its_ends() -> None:
    found = of_page("> - One here.\n>   Two\n>   there. Three\n\n# Head. Line\n")
    assert found == ["One here.", "Two\n>   there.", "Three", "Head.", "Line"]


def test_only_what_holds_text_has_sentences() -> None:
    page = parse(b"```\nOne. Two.\n```\n\n> Quote. More.\n\n| A. B. |\n|---|\n| c |\n")
    kinds = {
        page.blocks[number].kind: len(sentences(page, number))
        for number in range(len(page.blocks))
    }
    assert kinds["fence"] == kinds["quote"] == kinds["table"] == 0
    assert kinds["paragraph"] == 2


def test_asking_again_gives_the_same_list() -> None:
    page = parse(b"One. Two.")
    assert sentences(page, 0) is sentences(page, 0)


@given(st.text(alphabet="aB1. !?。；”)\n_中e.g"))
@settings(deadline=None)
def test_sentences_lie_in_order_and_lose_nothing_but_spaces(text: str) -> None:
    data = text.encode()
    spans = split(data)
    assert spans == sorted(spans)
    ends = [0, *(end for _, end in spans)]
    starts = [*(start for start, _ in spans), len(data)]
    for end, start in zip(ends, starts, strict=True):
        assert end <= start
        assert not data[end:start].strip()
