"""Directives are read out of comments, with the block that they concern."""

from __future__ import annotations

import pytest

from firstlight.markdown.comments import Directive, directives
from firstlight.markdown.page import Page
from firstlight.markdown.parse import parse


def read(
    source: str, path: str = "a.md"
) -> list[tuple[str, tuple[str, ...], str, str]]:
    """Verb, names, reason and concerned block of each directive."""
    page = parse(source.encode(), path)
    return [
        (each.verb, each.names, each.reason, concerned(page, each))
        for each in page.once(directives)
    ]


def concerned(page: Page, directive: Directive) -> str:
    """The source of the block that a directive concerns."""
    return "" if directive.block < 0 else page.cut(page.blocks[directive.block])


@pytest.mark.parametrize(
    ("comment", "verb", "names", "reason"),
    [
        ("<!-- firstlight: ignore a.b -->", "ignore", ("a.b",), ""),
        ("<!--firstlight:ignore a.b,c.d-->", "ignore", ("a.b", "c.d"), ""),
        ("<!-- firstlight: ignore a.b、c，d -->", "ignore", ("a.b", "c", "d"), ""),
        ("<!-- firstlight: ignore a.b: a quote -->", "ignore", ("a.b",), "a quote"),
        ("<!-- firstlight: ignore a.b：引文 -->", "ignore", ("a.b",), "引文"),
        ("<!-- firstlight: ignore a.b -- why -->", "ignore", ("a.b",), "why"),
        ("<!-- firstlight: ignore a.b — why -->", "ignore", ("a.b",), "why"),
        ("<!-- firstlight: skip: needs: a GPU -->", "skip", (), "needs: a GPU"),
        ("<!-- firstlight: ignore-file -->", "ignore-file", (), ""),
        ("<!-- firstlight: expect exit 1 -->", "expect", ("exit", "1"), ""),
        (
            "<!--\nfirstlight: ignore\na.b: in\nlines\n-->",
            "ignore",
            ("a.b",),
            "in lines",
        ),
        ("<!-- firstlight: -->", "", (), ""),
    ],
)
def test_a_directive_is_read(
    comment: str, verb: str, names: tuple[str, ...], reason: str
) -> None:
    assert read(f"{comment}\n\nNext.\n") == [(verb, names, reason, "Next.")]


@pytest.mark.parametrize(
    ("source", "block"),
    [
        ("{}\n# Title\n\ntext\n", "# Title"),
        ("{}\n\n- a\n- b\n", "- a\n- b"),
        ("{}\n!!! note\n    a\n\nb\n", "!!! note\n    a"),
        ("- {}\n\n  a\n\nb\n", "a"),
        ("> {}\n> ```sh\n> a\n> ```\n", "```sh\n> a\n> ```"),
        ("a {}\nb\n\nc\n", "a {}\nb"),
        ("# a {}\n", "# a {}"),
        ("| a |\n|---|\n| b {} |\n| c |\n", "| b {} |"),
        ("a\n\n{}\n", ""),
    ],
)
def test_a_directive_concerns_what_follows_or_holds_it(source: str, block: str) -> None:
    comment = "<!-- firstlight: ignore -->"
    found = read(source.replace("{}", comment))
    assert [each[3] for each in found] == [block.replace("{}", comment)]


@pytest.mark.parametrize(
    "source",
    [
        "`<!-- firstlight: ignore -->`\n",
        "```html\n<!-- firstlight: ignore -->\n```\n",
        "    <!-- firstlight: ignore -->\n",
        "<!-- not firstlight: ignore -->\n",
        "firstlight: ignore\n",
        "{/* firstlight: ignore */}\n",
        "",
    ],
)
def test_what_is_no_comment_says_nothing(source: str) -> None:
    assert read(source) == []


def test_several_directives_come_in_order() -> None:
    source = "a <!-- firstlight: one -->\n\n<!-- firstlight: two -->\n\nb\n"
    assert [each[0] for each in read(source)] == ["one", "two"]
    twice = "<!-- firstlight: one --> <!-- firstlight: two -->\nb\n"
    assert [(each[0], each[3]) for each in read(twice)] == [("one", "b"), ("two", "b")]


def test_the_span_is_the_comment() -> None:
    page = parse("# 标题 <!-- firstlight: ignore a.b: 因为 -->\r\n".encode())
    span = page.once(directives)[0].span
    assert page.cut(span) == "<!-- firstlight: ignore a.b: 因为 -->"


def test_mdx_has_comments_of_its_own() -> None:
    first = "{/* firstlight: ignore a.b: why */}"
    source = first + "\n\nNext.\n\nHere {/* firstlight: skip */}\n"
    assert read(source, "a.mdx") == [
        ("ignore", ("a.b",), "why", "Next."),
        ("skip", (), "", "Here {/* firstlight: skip */}"),
    ]
    code = "`{/* firstlight: skip */}`\n\n```js\n{/* firstlight: skip */}\n```\n"
    assert read(code, "a.mdx") == []
