"""Notices go to every syntax and come back with all that they said."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.convert.pages import convert
from firstlight.convert.read import Content, notices, read
from firstlight.convert.write import SYNTAXES
from firstlight.markdown.parse import parse

PAGE = """\
# Title

{notice}

After.
"""
SAME = {
    "github": "> [!WARNING]\n> **Mind the gap**\n>\n> One.\n>\n> - a\n> - b",
    "mkdocs": '!!! warning "Mind the gap"\n\n    One.\n\n    - a\n    - b',
    "myst": "```{admonition} Mind the gap\n:class: warning\n\nOne.\n\n- a\n- b\n```",
    "docusaurus": ":::warning[Mind the gap]\n\nOne.\n\n- a\n- b\n\n:::",
    "vitepress": "::: warning Mind the gap\nOne.\n\n- a\n- b\n:::",
    "symbols": "> ⚠️ **Warning: Mind the gap**\n>\n> One.\n>\n> - a\n> - b",
}
"""One notice in every syntax."""

SHORT = {
    "github": "> [!CAUTION]\n> 数据会丢失。",
    "mkdocs": "!!! danger\n\n    数据会丢失。",
    "myst": "```{danger}\n数据会丢失。\n```",
    "docusaurus": ":::danger\n\n数据会丢失。\n\n:::",
    "vitepress": "::: danger\n数据会丢失。\n:::",
    "symbols": "> 🔴 **危险**：数据会丢失。",
}


def to(name: str, text: str) -> str:
    return convert(text.encode(), SYNTAXES[name]).data.decode()


def said(text: str) -> list[tuple[str, str, str]]:
    """Function, title and words of each notice."""
    page = parse(text.encode())
    result = []
    for number, notice in notices(page):
        content = read(page, number, notice)
        assert isinstance(content, Content), content
        words = re.sub(rb"[\W_]+", b" ", b" ".join(content.lines)).decode()
        result.append((content.function, content.title, words))
    return result


def left(name: str, text: str) -> list[str]:
    done = convert(text.encode(), SYNTAXES[name], path="page.md")
    return [f"{each.where}: {each.message}" for each in done.left]


@pytest.mark.parametrize("notice", [SAME, SHORT], ids=["titled", "short"])
@pytest.mark.parametrize("target", SYNTAXES)
@pytest.mark.parametrize("source", SYNTAXES)
def test_every_syntax_becomes_every_other(
    source: str, target: str, notice: dict[str, str]
) -> None:
    before = PAGE.format(notice=notice[source])
    assert to(target, before) == PAGE.format(notice=notice[target])


def test_a_notice_of_an_older_page_counts_as_its_word_says() -> None:
    assert to("github", "> **Note**\n> Old.\n") == "> [!NOTE]\n> Old.\n"
    assert to("github", "> **注意：** 旧。\n") == "> [!NOTE]\n> 旧。\n"
    assert to("mkdocs", "> **警告**：小心。\n") == "!!! warning\n\n    小心。\n"


def test_a_title_behind_the_marker_of_an_alert_is_its_title() -> None:
    dead = "> [!TIP] Try this\n> It helps.\n"
    assert to("github", dead) == "> [!TIP]\n> **Try this**\n>\n> It helps.\n"
    assert to("github", "> \\[!NOTE\\]\n> Escaped.\n") == "> [!NOTE]\n> Escaped.\n"


def test_where_the_syntax_is_not_understood_a_symbol_is() -> None:
    inside = "1. Step\n\n   ::: warning\n   Mind.\n   :::\n"
    assert to("github", inside) == "1. Step\n\n   > ⚠️ **Warning**: Mind.\n"
    assert to("mkdocs", inside) == "1. Step\n\n   > ⚠️ **Warning**: Mind.\n"


def test_what_github_has_no_alert_for_keeps_its_symbol() -> None:
    page = '!!! success "Works"\n\n    It prints ok.\n'
    there = to("github", page)
    assert there == "> ✅ **Expected result: Works**\n>\n> It prints ok.\n"
    assert to("mkdocs", there) == page


def test_notices_inside_notices_get_longer_fences_around_them() -> None:
    nested = "> [!NOTE]\n> Outer.\n>\n> > ⚠️ **Warning**: Inner.\n"
    assert to("myst", nested) == (
        "````{note}\nOuter.\n\n```{warning}\nInner.\n```\n````\n"
    )
    assert to("github", to("myst", nested)) == nested


def test_code_in_a_notice_stays_as_it_is_even_with_fences() -> None:
    page = "> [!TIP]\n> ~~~sh\n> ::: x\n>     indented\n> ~~~\n"
    for name in SYNTAXES:
        code = parse(to(name, page).encode()).of("fence")[0]
        assert "    indented" in to(name, page)
        assert code.value == "sh"
    assert to("github", to("mkdocs", page)) == page


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("??? note\n    Folded.\n", "it can be folded"),
        ('!!! note inline end "T"\n    Side.\n', "its head has modifiers"),
        (":::note{.wide}\nx\n:::\n", "its head has attributes"),
        ("```{tip}\n:name: here\n\nx\n```\n", "it has options"),
        ("```{versionchanged} 2.1\nx\n```\n", "it names a version"),
        (":::quiz\nx\n:::\n", '"quiz" is no word of the grammar'),
        ("> **Note**\n", "it is empty"),
        ("::: tip A ` b\nx\n:::\n", "its title has a mark without its second"),
    ],
)
def test_what_cannot_be_said_is_left_and_named(page: str, reason: str) -> None:
    assert to("github", page) == page
    (message,) = left("github", page)
    assert message.startswith(f"page.md:1: left as it is: {reason}")


def test_a_title_that_a_syntax_cannot_hold_is_left() -> None:
    page = '> [!NOTE]\n> **Say "yes"**\n>\n> Please.\n'
    assert to("mkdocs", page) == page
    assert left("mkdocs", page) == [
        'page.md:1: left as it is: its title has one of " *'
    ]


def test_line_ends_marks_and_ends_of_files_are_kept() -> None:
    page = b"\xef\xbb\xbf# T\r\n\r\n!!! note\r\n    One\r\n    two\r\n\r\nEnd"
    done = convert(page, SYNTAXES["github"]).data
    assert done == b"\xef\xbb\xbf# T\r\n\r\n> [!NOTE]\r\n> One\r\n> two\r\n\r\nEnd"


def test_text_beside_a_notice_is_not_taken_in() -> None:
    page = "Before\n::: tip\nx\n:::\nafter\n"
    assert to("github", page) == "Before\n\n> [!TIP]\n> x\n\nafter\n"


def test_code_after_a_notice_is_not_taken_in_by_its_indentation() -> None:
    page = "> [!NOTE]\n> Send this:\n\n    GET / HTTP/1.1\n"
    assert to("mkdocs", page) == page
    reason = "the indented code after it would become part of it"
    assert left("mkdocs", page) == [f"page.md:1: left as it is: {reason}"]
    assert to("github", to("myst", page)) == page


def test_what_becomes_another_text_without_its_quote_is_left() -> None:
    # The table is a sentence here, because its lines have no marker of the quote.
    page = "> [!NOTE]\n> Text.\n| a | b |\n|---|---|\n| c | d |\n\n> [!TIP]\n> Good.\n"
    for name in ("mkdocs", "myst", "vitepress"):
        assert left(name, page) == [
            "page.md:1: left as it is: readers would see another text"
        ]
        assert said(to(name, page)) == said(page)
        assert to(name, page).startswith("> [!NOTE]\n> Text.\n| a | b |")


def test_lines_that_go_on_without_a_marker_or_with_tabs_are_taken_along() -> None:
    assert to("myst", "> [!TIP]\n> One\ntwo\n") == "```{tip}\nOne\ntwo\n```\n"
    tabs = "-\t> [!TIP]\n\t> One.\n\t>\n\t>     code\n"
    there = to("myst", tabs)
    assert there == "-\t```{tip}\n    One.\n\n        code\n    ```\n"
    assert said(there) == said(tabs)


def test_tabs_in_code_stay_tabs() -> None:
    page = "> [!TIP]\n> ```make\n> all:\n> \tcc a.c\n> ```\n"
    for name in SYNTAXES:
        assert "\tcc a.c" in to(name, page)
        assert to("github", to(name, page)) == page


def test_a_symbol_that_says_the_same_again_is_dropped_everywhere() -> None:
    page = "> [!TIP]\n> 💡 Use a copy.\n"
    assert to("mkdocs", page) == "!!! tip\n\n    Use a copy.\n"
    assert to("symbols", page) == "> 💡 **Tip**: Use a copy.\n"
    assert to("mkdocs", to("symbols", page)) == to("mkdocs", page)


def test_a_backslash_after_the_marker_is_no_title() -> None:
    assert to("mkdocs", "> [!TIP]\\\n> Go.\n") == "!!! tip\n\n    Go.\n"


def test_a_second_alert_in_a_quote_stays_text_wherever_the_first_goes() -> None:
    page = "> [!NOTE]\n> One.\n>\n> [!TIP]\n> Two.\n"
    for name in SYNTAXES:
        assert to("github", to(name, page)) == page


def test_the_last_line_of_a_page_ends_like_the_others() -> None:
    page = b"Text.\r\n\r\n> \xe2\x9a\xa0\xef\xb8\x8f **Warning**: Mind."
    done = convert(page, SYNTAXES["github"]).data
    assert done == b"Text.\r\n\r\n> [!WARNING]\r\n> Mind."


def test_a_list_that_begins_a_notice_does_not_become_its_sentence() -> None:
    page = "> [!NOTE]\n> - a\n> - b\n"
    assert to("symbols", page) == "> ℹ️ **Note**\n>\n> - a\n> - b\n"


_WORDS = st.sampled_from(
    ["alpha beta", "请勿删除", "run `ls -l` now", "a **b** c", "x"]
)
_PLAIN = st.sampled_from(["Title", "标题", "Use `x`", "Two words"])
_KINDS = st.sampled_from(["NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION"])
_MORE = st.sampled_from(
    [
        "- a\n- b",
        "1. one\n2. two",
        "```sh\nls ::: /// !!!\n```",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "    indented",
        "<b>html</b>",
        "> quoted",
        "### Heading",
        "[ref]: x.md",
    ]
)


@st.composite
def _alerts(draw: st.DrawFn, depth: int = 0) -> str:
    body = [draw(_WORDS)]
    title = draw(st.none() | _PLAIN)
    if title:
        body = [f"**{title}**", *body]
    body += draw(st.lists(st.one_of(_MORE, _WORDS), max_size=3))
    lines = "\n\n".join(body).split("\n")
    quoted = "\n".join(f"> {line}".rstrip() for line in lines)
    return f"> [!{draw(_KINDS)}]\n{quoted}"


@st.composite
def _pages(draw: st.DrawFn) -> str:
    parts = draw(st.lists(st.one_of(_alerts(), _WORDS, _MORE), min_size=1, max_size=6))
    return "\n\ntext\n\n".join(parts) + "\n"


@settings(max_examples=150, deadline=None)
@given(_pages(), st.sampled_from(list(SYNTAXES)))
def test_there_and_back_loses_nothing(page: str, name: str) -> None:
    there = to(name, page)
    assert said(there) == said(page)
    back = to("github", there)
    assert said(back) == said(page)
    assert to("github", to(name, back)) == back


@settings(max_examples=100, deadline=None)
@given(_pages(), st.sampled_from(list(SYNTAXES)))
def test_to_convert_twice_is_to_convert_once(page: str, name: str) -> None:
    once = to(name, page)
    assert to(name, once) == once
