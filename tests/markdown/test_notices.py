"""Notices of every syntax are found, with their exact head and body, and no others."""

from __future__ import annotations

import pytest

from firstlight.markdown.notices import spoken
from firstlight.markdown.page import Notice, Page
from firstlight.markdown.parse import parse
from markdown.sources import behind, holders, violations


def notices(page: Page) -> list[Notice]:
    """The notices of a page that have a syntax of their own."""
    return [block.value for block in page.of("notice")]


def inside(page: Page) -> list[list[str]]:
    """The text of what each notice holds right inside."""
    return [
        [page.text(page.blocks[child]) for child in page.children(number)]
        for number in page.numbers("notice")
    ]


# Source -> form, type, function, title, and the source of the head.
SYNTAXES = {
    "alert": (
        "> [!WARNING]\n> Body.",
        ("alert", "warning", "warning", "", "> [!WARNING]"),
    ),
    "alert in small letters": (
        "> [!caution]\n> Body.",
        ("alert", "caution", "danger", "", "> [!caution]"),
    ),
    "mkdocs": (
        "!!! warning\n    Body.",
        ("mkdocs", "warning", "warning", "", "!!! warning"),
    ),
    "mkdocs with a title": (
        '!!! tip "A **title** 标题"\n    Body.',
        ("mkdocs", "tip", "tip", "A **title** 标题", '!!! tip "A **title** 标题"'),
    ),
    "mkdocs with classes": (
        '!!! danger inline end "T"\n    Body.',
        ("mkdocs", "danger", "danger", "T", '!!! danger inline end "T"'),
    ),
    "mkdocs after an empty line": (
        "!!! note\n\n    Body.",
        ("mkdocs", "note", "note", "", "!!! note"),
    ),
    "details": (
        '??? note "T"\n    Body.',
        ("details", "note", "note", "T", '??? note "T"'),
    ),
    "open details": (
        "???+ warning\n    Body.",
        ("details", "warning", "warning", "", "???+ warning"),
    ),
    "blocks": (
        "/// warning | T\nBody.\n///",
        ("blocks", "warning", "warning", "T", "/// warning | T"),
    ),
    "docusaurus": (
        ":::danger[T]\nBody.\n:::",
        ("colon", "danger", "danger", "T", ":::danger[T]"),
    ),
    "vitepress": (
        "::: warning T\nBody.\n:::",
        ("colon", "warning", "warning", "T", "::: warning T"),
    ),
    "myst with a fence": (
        "```{warning}\nBody.\n```",
        ("myst", "warning", "warning", "", "```{warning}"),
    ),
    "myst with colons": (
        ":::{tip}\nBody.\n:::",
        ("myst", "tip", "tip", "", ":::{tip}"),
    ),
}


@pytest.mark.parametrize("holder", holders)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", SYNTAXES)
def test_a_notice_is_read(name: str, end: str, holder: str) -> None:
    source, (form, kind, function, title, head) = SYNTAXES[name]
    text = behind(holder, f"Before.\n\n{source}\n\nAfter.\n").replace("\n", end)
    page = parse(text.encode())
    found = notices(page)
    assert [(n.form, n.type, n.function, n.title) for n in found] == [
        (form, kind, function, title)
    ]
    assert page.cut(found[0].head) == head
    assert "Body." in page.cut(found[0].body)
    assert "After." not in page.cut(found[0].body)
    assert inside(page) == [["Body."]]
    assert violations(page) == []


@pytest.mark.parametrize("name", SYNTAXES)
def test_the_marker_of_a_notice_is_no_prose(name: str) -> None:
    source, _ = SYNTAXES[name]
    assert parse(source.encode()).prose.split() == [b"Body."]


@pytest.mark.parametrize("name", SYNTAXES)
def test_a_notice_reaches_from_its_head_to_its_end(name: str) -> None:
    source, _ = SYNTAXES[name]
    page = parse(f"Before.\n\n{source}\n\nAfter.\n".encode())
    assert page.cut(page.of("notice")[0]) == source


def test_notices_hold_blocks() -> None:
    page = parse(b"!!! note\n    a\n\n    - b\n\n    ```py\n    c\n    ```\n\nd\n")
    holds = page.children(page.numbers("notice")[0])
    assert [page.blocks[n].kind for n in holds] == ["paragraph", "list", "fence"]
    assert page.cut(page.of("fence")[0].text).strip() == "c"
    assert page.of("notice")[0].value.indent == 4


@pytest.mark.parametrize(
    ("source", "types"),
    [
        ("!!! note\n    a\n\n    !!! tip\n        b\n", ["note", "tip"]),
        ("!!! note\n    a\n!!! tip\n    b\n", ["note", "tip"]),
        ("::::note\n:::tip\nb\n:::\n::::\n", ["note", "tip"]),
        (":::note\na\n:::\n:::tip\nb\n:::\n", ["note", "tip"]),
        ("//// note\n/// tip\nb\n///\n////\n", ["note", "tip"]),
        ("````{note}\n```{tip}\nb\n```\n````\n", ["note", "tip"]),
        ("> [!NOTE]\n> a\n\n> [!TIP]\n> b\n", ["note", "tip"]),
        ("!!! note\n    :::tip\n    b\n    :::\n", ["note", "tip"]),
        ("- a\n\n    !!! note\n        b\n\n- c\n", ["note"]),
    ],
)
def test_notices_may_be_nested_or_neighbours(source: str, types: list[str]) -> None:
    page = parse(source.encode())
    assert [notice.type for notice in notices(page)] == types
    assert violations(page) == []


def test_a_nested_notice_is_in_the_outer_one() -> None:
    page = parse(b"::::note\na\n\n:::tip\nb\n:::\n\nc\n::::\n")
    assert inside(page) == [["a", "", "c"], ["b"]]


@pytest.mark.parametrize(
    "source",
    [
        "```\n!!! note\n    a\n```\n",
        "```md\n:::warning\na\n:::\n```\n",
        "    !!! note\n        a\n",
        "    :::note\n    a\n    :::\n",
        "<!--\n:::warning\na\n:::\n-->\n",
        "<!--\n!!! note\n    a\n-->\n",
        "!!! note\n",
        "!!! note\nnot indented\n",
        "Wow!!! note this\n",
        ":::warning\nnever closed\n",
        "::: path.to.module\n",
        "> ```{warning}\n\n```\n",
        "```{code-block} python\na\n```\n",
        "```{figure} a.png\n```\n",
        "> [!WARNING] Title\n> a\n",
        "> \\[!NOTE]\n> a\n",
    ],
)
def test_what_only_looks_like_a_notice_is_none(source: str) -> None:
    page = parse(source.encode())
    assert notices(page) == []
    assert violations(page) == []


SPOKEN = {
    "⚠️ **Warning**: a": ("symbol", "warning", "warning", "⚠️ **Warning**:"),
    "⚠️ **警告**：甲": ("symbol", "警告", "warning", "⚠️ **警告**："),
    "> 💡 **Tip**: a": ("symbol", "tip", "tip", "💡 **Tip**:"),
    "**Note**: a": ("bold", "note", "note", "**Note**:"),
    "**注意**：甲": ("bold", "注意", "note", "**注意**："),
    "**注意：**请勿": ("bold", "注意", "note", "**注意：**"),
    "> **Warning**\n> a": ("bold", "warning", "warning", "**Warning**"),
    "Warning: a": ("plain", "warning", "warning", "Warning:"),
    "注意：甲": ("plain", "注意", "note", "注意："),
    "> [!WARNING] Title\n> a": ("dead", "warning", "warning", "[!WARNING] Title"),
    "> \\[!NOTE]\n> a": ("dead", "note", "note", "\\[!NOTE]"),
}


@pytest.mark.parametrize("source", SPOKEN)
@pytest.mark.parametrize("holder", ["nothing", "a list", "a numbered list"])
def test_a_spoken_notice_is_read(source: str, holder: str) -> None:
    page = parse(behind(holder, source).encode())
    found = list(page.once(spoken).values())
    assert [(n.form, n.type, n.function, page.cut(n.head)) for n in found] == [
        SPOKEN[source]
    ]


@pytest.mark.parametrize(
    "source",
    [
        "Note that this is ordinary.",
        "Open the file: it is here.",
        "注意事项很多。",
        "The warning: a",
        "**Bold** words",
        "`Note`: a",
        "# Warning: a",
    ],
)
def test_ordinary_text_speaks_no_notice(source: str) -> None:
    assert parse(source.encode()).once(spoken) == {}


def test_a_byte_order_mark_hides_no_notice() -> None:
    page = parse(b"\xef\xbb\xbf!!! note\n\n    Body.\n")
    assert [notice.form for notice in notices(page)] == ["mkdocs"]
    assert page.of("notice")[0].start == 3
    assert inside(page) == [["Body."]]


def test_a_fence_is_found_behind_markers_with_space_between() -> None:
    page = parse(b"> - > - ```{tip}\n>   >   Body.\n>   >   ```\n>   >\n>   >   c\n")
    assert inside(page) == [["Body."]]


def test_options_leave_the_quote_around_them_as_it_is() -> None:
    page = parse(b"> ```{admonition} T\n> :class: tip\n>\n> Body.\n> ```\n")
    assert [block.kind for block in page.blocks] == ["quote", "notice", "paragraph"]
    assert inside(page) == [["Body."]]


def test_a_quote_that_speaks_is_the_notice_itself() -> None:
    page = parse("> ⚠️ **Warning**: a\n>\n> b\n\nc\n".encode())
    assert list(page.once(spoken)) == page.numbers("quote")
