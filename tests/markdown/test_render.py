"""What a fix must keep is compared, what it may change is not, by two renderers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from firstlight.finding import Keeps
from firstlight.lexicon.table import DEFAULT
from firstlight.markdown.render import html, same
from firstlight.markdown.render import kept as kept_of
from markdown.sources import pages

SYMBOLS = {Keeps.HTML_BUT_SYMBOLS, Keeps.TEXT_BUT_SYMBOLS, Keeps.CODE}
PICTURES = {*SYMBOLS, Keeps.LETTERS}
TEXTS = {Keeps.TEXT, Keeps.TEXT_BUT_SYMBOLS, Keeps.CODE}
TEXT_BUT = {Keeps.TEXT_BUT_SYMBOLS, Keeps.CODE}
ALL = set(Keeps)


def kept(before: str, after: str) -> set[Keeps]:
    """Under which promises a change would pass."""
    return {each for each in Keeps if same(before.encode(), after.encode(), each)}


CHANGES = [
    # Source, source after a change, the promises it keeps.
    ("a  \n", "a\n", ALL),
    ("# A #\n\n\n\nb\n", "A\n===\nb\n", ALL),
    ("* a\n* b\n", "- a\n- b\n", ALL),
    ("a\nb\n", "a b\n", ALL),
    ("a\n", "<!-- firstlight: ignore -->\na\n", ALL),
    ("`` a ``\n", "`a`\n", ALL),
    ("🎉 Release\n", "Release\n", PICTURES),
    ("完成🎉了\n", "完成了\n", PICTURES),
    ("a :warning: b\n", "a ⚠️ b\n", SYMBOLS),
    ("a ⚠ b\n", "a ⚠️ b\n", PICTURES),
    ("a ↔ b ‼ c\n", "a ↔️ b ‼️ c\n", PICTURES),
    ("| a |\n|---|\n| ✅ |\n", "| a |\n|---|\n| ✅ Yes |\n", SYMBOLS),
    ("| a |\n|---|\n| ✗ |\n", "| a |\n|---|\n| ❌ 不支持 |\n", SYMBOLS),
    ("⚠️ a\n", "⚠️ **Warning**: a\n", SYMBOLS),
    ("Warning: a\n", "⚠️ **Warning**: a\n", SYMBOLS),
    ("## Warning\n", "## ⚠️ Warning\n", PICTURES),
    ("**注意：**请勿删除\n", "**注意**：请勿删除\n", TEXTS),
    ("> a\n", "a\n", TEXTS),
    ("- a\n- b\n", "- a\n\n- b\n", TEXTS),
    ("[a](b)\n", "[a](c)\n", TEXTS),
    ("# A\n", "# A {#a}\n", TEXTS),
    ("```\na\n```\n", "```bash\na\n```\n", TEXTS),
    ('!!! tip "T"\n    a\n', "> [!TIP]\n> **T**\n>\n> a\n", TEXTS),
    ("> [!NOTE] T\n> a\n", "> [!NOTE]\n> **T**\n> a\n", TEXTS),
    ("!!! note\n    a\n", ":::note\na\n:::\n", TEXTS),
    (":::note\na\n:::\nb\n", ":::note\na\n\nb\n:::\n", TEXTS),
    ("> **Warning**\n> a\n", "> [!WARNING]\n> a\n", TEXT_BUT),
    ("⚠️ **警告**：甲\n", "!!! warning\n    甲\n", TEXT_BUT),
    ("> **_注意：_** 甲\n", "> [!NOTE]\n> 甲\n", TEXT_BUT),
    ("Note: a\n", '!!! note "Note"\n    a\n', TEXT_BUT),
    ("```\n$ a\n```\n", "```\na\n```\n", {Keeps.CODE}),
    ("```\nuser@host:~# a\n```\n", "```\na\n```\n", {Keeps.CODE}),
    ("```\n>>> a\n... b\n```\n", "```\na\nb\n```\n", {Keeps.CODE}),
    ("请看,这里。。。\n", "请看，这里……\n", {Keeps.LETTERS}),
    ("第１２章 （一）\n", "第12章(一)\n", {Keeps.LETTERS}),
    # What no fix may do.
    ("a b\n", "a c\n", set()),
    ("a\n\nb\n", "b\n\na\n", set()),
    ("a\n", "a `b`\n", set()),
    ("`🎉 a`\n", "`a`\n", set()),
    ("```\n🎉 a\n```\n", "```\na\n```\n", set()),
    ("```py\nif a:\n    b\n```\n", "```py\nif a:\nb\n```\n", set()),
    ("```\na\n```\n", "```\na $\n```\n", set()),
    ("Note that a\n", "that a\n", set()),
    ("注意事项很多\n", "事项很多\n", set()),
    ("The warning: a\n", "The : a\n", set()),
    ('!!! tip "T"\n    a\n', "!!! tip\n    a\n", set()),
    ("a\n\n🎉 b\n", "a\n", set()),
]


@pytest.mark.parametrize(("before", "after", "promises"), CHANGES)
def test_a_change_passes_for_what_it_keeps(
    before: str, after: str, promises: set[Keeps]
) -> None:
    assert kept(before, after) == promises
    assert kept(after, before) == promises


@pytest.mark.parametrize(("before", "after", "promises"), CHANGES)
def test_promises_hold_wherever_the_change_is(
    before: str, after: str, promises: set[Keeps]
) -> None:
    around = "# 标题\n\nBefore `x`.\n\n{}\nAfter.\n"
    assert kept(around.format(before), around.format(after)) == promises


def test_a_byte_order_mark_and_line_ends_change_nothing() -> None:
    source = b"---\na: b\n---\n\n# T\n\n!!! note\n    a\n"
    assert html(b"\xef\xbb\xbf" + source) == html(source)
    assert same(source, source.replace(b"\n", b"\r\n"), Keeps.HTML)


def test_a_project_says_which_words_are_labels() -> None:
    own = DEFAULT.extended({"warning": {"words": ["achtung"]}})
    before, after = b"Achtung: a", "⚠️ **Achtung**: a".encode()
    assert not same(before, after, Keeps.HTML_BUT_SYMBOLS)
    assert same(before, after, Keeps.HTML_BUT_SYMBOLS, own)


@settings(max_examples=60, deadline=None)
@given(pages)
def test_a_page_keeps_everything_of_itself(data: bytes) -> None:
    for each in Keeps:
        assert same(data, data, each)


@settings(max_examples=60, deadline=None)
@given(pages, pages)
def test_who_keeps_more_keeps_less(one: bytes, two: bytes) -> None:
    found = {each for each in Keeps if same(one, two, each)}
    weaker = [
        (Keeps.HTML, Keeps.HTML_BUT_SYMBOLS),
        (Keeps.HTML, Keeps.TEXT),
        (Keeps.HTML, Keeps.LETTERS),
        (Keeps.TEXT_BUT_SYMBOLS, Keeps.CODE),
    ]
    for strong, weak in weaker:
        assert strong not in found or weak in found


# The second renderer: it knows no notices and no math, so the pages have none.

_OTHER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_PLAIN = st.lists(
    st.tuples(
        st.sampled_from(
            (
                *("# A", "a **b** c", "> d", "- e", "1. f", "`g`", "---"),
                *("| a | b |\n|---|---|\n| c | d |", "[i](j)", "![k](l)", "*m*"),
                *("注意：甲", "🎉 乙", "~~n~~", "```py\no\n```", "p\\\nq"),
            )
        ),
        st.sampled_from(("\n", "\n\n")),
    ),
    max_size=10,
).map(lambda parts: "".join(a + b for a, b in parts))


@settings(max_examples=80, deadline=None)
@given(_PLAIN)
def test_another_renderer_sees_the_same_page(source: str) -> None:
    source = "# T\n\n" + source  # What could begin it is front matter to one only.
    theirs = _OTHER.render(source)
    ours = html(source.encode())
    plain = re.compile(r"\s+|</?(?:thead|tbody)>")
    swap = {"<del>": "<s>", "</del>": "</s>"}
    for one, two in swap.items():
        ours = ours.replace(one, two)
    assert plain.sub("", ours) == plain.sub("", theirs)


_KNOWN_ELSEWHERE = [
    (before, after)
    for before, after, promises in CHANGES
    if Keeps.TEXT in promises
    and not re.search(r"!!!|:::|\[!|\{#|：\*\*", before + after)
]


@pytest.mark.parametrize(("before", "after"), _KNOWN_ELSEWHERE)
def test_what_keeps_the_text_keeps_it_elsewhere(before: str, after: str) -> None:
    def text(source: str) -> list[str]:
        return re.sub(r"<!--.*?-->|<[^>]*>", " ", _OTHER.render(source)).split()

    assert text(before) == text(after)


@settings(max_examples=150, deadline=None)
@given(pages, pages, pages, pages, st.sampled_from(Keeps))
def test_only_what_differs_is_compared(
    first: bytes, one: bytes, two: bytes, last: bytes, keeps: Keeps
) -> None:
    before, after = (b"\n\n".join((first, each, last)) for each in (one, two))
    whole = kept_of(html(before), keeps) == kept_of(html(after), keeps)
    assert same(before, after, keeps) == whole
