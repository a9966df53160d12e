"""Blocks and runs are cut out of the source exactly, wherever they stand."""

from __future__ import annotations

import pytest

from firstlight.markdown.page import Page
from firstlight.markdown.parse import parse
from markdown.sources import behind, holders


def texts(page: Page, kind: str) -> list[str]:
    """What blocks of a kind hold, by their source."""
    return [page.cut(block.text) for block in page.of(kind)]


def shape(source: str) -> list[tuple[str, int]]:
    """The blocks of a source with their depth."""
    page = parse(source.encode())
    return [
        (block.kind, len(list(page.around(number))))
        for number, block in enumerate(page.blocks)
    ]


PAGE = """# Title 标题 ⚠️

Some *text* with **strong 粗体**, `code`, ~~gone~~ and [a *link*](to/it "t").

```python title="a"
x = 1
```

| left | right |
|:-----|------:|
| `a\\|b` | 𝄞 |

![alt *text*](p.png) and $x_1$, <b>HTML</b>, <https://a.example>.

<div>
block
</div>

- [ ] open
- [x] done
  1. inner

---

[^1]: A note.
"""


@pytest.mark.parametrize("holder", holders)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blocks_are_what_they_claim(holder: str, end: str) -> None:
    page = parse(behind(holder, PAGE).replace("\n", end).encode())
    assert texts(page, "heading") == ["Title 标题 ⚠️"]
    assert texts(page, "cell") == ["left", "right", "`a\\|b`", "𝄞"]
    fence = page.of("fence")[0]
    assert fence.value == 'python title="a"'
    assert "x = 1" in page.cut(fence.text)
    assert "```" not in page.cut(fence.text)
    assert [block.value for block in page.of("heading")] == [1]
    assert page.of("table")[0].value == ("left", "right")
    assert [block.value for block in page.of("row")] == [True, False]
    assert [block.value for block in page.of("item")][-3:] == [False, True, None]
    assert page.cut(page.of("html")[0]).startswith("<div>")
    assert page.of("footnote")[0].value == "1"


@pytest.mark.parametrize("holder", holders)
def test_runs_are_what_they_claim(holder: str) -> None:
    page = parse(behind(holder, PAGE).encode())
    cut = {
        kind: [(page.cut(run), page.cut(run.text)) for run in page.inlines(kind)]
        for kind in ("emphasis", "strong", "strike", "link", "image", "math", "html")
    }
    assert cut == {
        "emphasis": [("*text*", "text"), ("*link*", "link"), ("*text*", "text")],
        "strong": [("**strong 粗体**", "strong 粗体")],
        "strike": [("~~gone~~", "gone")],
        "link": [
            ('[a *link*](to/it "t")', "a *link*"),
            ("<https://a.example>", "https://a.example"),
        ],
        "image": [("![alt *text*](p.png)", "alt *text*")],
        "math": [("$x_1$", "x_1")],
        "html": [("<b>", "<b>"), ("</b>", "</b>")],
    }
    assert [run.value for run in page.inlines("code")] == ["code", "a|b"]
    assert [run.value for run in page.inlines("link")] == ["to/it", "https://a.example"]


def test_prose_is_what_a_person_reads_in_its_place() -> None:
    source = "# A **b**\n\nSee `x` at [y](z) ![w](v) $q$ <b>c</b> &amp; \\*.\n"
    page = parse(source.encode())
    assert page.prose.split() == b"A b See _ at y _ c &amp; *.".split()
    shown = page.shown.replace(b"\0", b"")
    assert shown.split() == b"A b See x at y q c &amp; *.".split()
    assert page.prose.index(b"See") == page.data.index(b"See")


def test_text_of_a_block_has_no_markup() -> None:
    page = parse(b"> - a **b**\n>   `c` [d](e)\n")
    assert [page.text(block) for block in page.of("paragraph")] == ["a b c d"]


def test_code_is_no_prose() -> None:
    page = parse(b"    indented\n\n```\nfenced\n```\n\n<pre>\nhtml\n</pre>\n")
    assert page.prose.split() == []
    assert [page.cut(b.text) for b in page.of("indented")] == ["indented"]


def test_text_of_tight_items_is_a_paragraph() -> None:
    assert shape("- a\n- b\n\n  c\n") == shape("- a\n\n- b\n\n  c\n")
    assert shape("- a\n  - b\n") == [
        *(("list", 0), ("item", 1), ("paragraph", 2)),
        *(("list", 2), ("item", 3), ("paragraph", 4)),
    ]


@pytest.mark.parametrize(
    ("source", "kinds"),
    [
        ("a\n===\n", ["heading"]),
        ("a\nb\n---\n", ["heading"]),
        ("- a\n\n---\n", ["list", "item", "paragraph", "rule"]),
        ("#no heading\n", ["paragraph"]),
        ("####### seven\n", ["paragraph"]),
        ("# a #\n", ["heading"]),
        ("\\# a\n", ["paragraph"]),
        ("    # a\n", ["indented"]),
        ("> a\nb\n", ["quote", "paragraph"]),
        ("> a\n\nb\n", ["quote", "paragraph", "paragraph"]),
        ("1) a\n1. b\n", [*("list", "item", "paragraph")] * 2),
        ("a\n1. b\n", ["paragraph", "list", "item", "paragraph"]),
        ("a\n2. b\n", ["paragraph"]),
        ("```\n# a\n", ["fence"]),
        ("````\n```\n````\n", ["fence"]),
        ("~~~ a\n~~~\n", ["fence"]),
        ("<!-- a\n\nb -->\n\nc\n", ["html", "paragraph"]),
        ("<b>a</b>\n", ["paragraph"]),
        ("---\na: b\n---\n\nc\n", ["front", "paragraph"]),
        ("a | b\n--|--\n", ["table", "row", "cell", "cell"]),
        ("[a]: b\n", []),
        ("", []),
    ],
)
def test_blocks_are_those_of_commonmark(source: str, kinds: list[str]) -> None:
    page = parse(source.encode())
    # A definition of a link is nothing that is shown.
    assert [b.kind for b in page.blocks if b.kind != "definition"] == kinds


@pytest.mark.parametrize(
    ("source", "kind", "cut"),
    [
        ("**a** b", "strong", ["a"]),
        ("__a__ b", "strong", ["a"]),
        ("** a **", "strong", []),
        ("a_b_c", "emphasis", []),
        ("a*b*c", "emphasis", ["b"]),
        ("***a***", "strong", ["a"]),
        ("**注意：**请勿", "strong", []),
        ("**注意**：请勿", "strong", ["注意"]),
        ("``a ` b``", "code", ["a ` b"]),
        ("`a", "code", []),
        ("\\`a`", "code", []),
        ("[a][b]\n\n[b]: c", "link", ["a"]),
        ("[a]\n\n[a]: c", "link", ["a"]),
        ("[a](<b c>)", "link", ["a"]),
        ("[a]( b", "link", []),
        ("![a](b)", "image", ["a"]),
        ("[![a](b)](c)", "link", ["![a](b)"]),
    ],
)
def test_runs_are_those_of_commonmark(source: str, kind: str, cut: list[str]) -> None:
    page = parse(source.encode())
    assert [page.cut(run.text) for run in page.inlines(kind)] == cut


def test_a_byte_order_mark_hides_nothing() -> None:
    page = parse(b"\xef\xbb\xbf---\na: b\n---\n\n# T\n")
    assert [block.kind for block in page.blocks] == ["front", "heading"]
    assert page.of("front")[0].start == 3
    assert texts(page, "heading") == ["T"]


def test_an_own_id_is_not_in_the_text_of_its_heading() -> None:
    page = parse(b"## A `b` {#own .class}\n")
    assert texts(page, "heading") == ["A `b`"]
    assert page.cut(page.of("heading")[0]) == "## A `b` {#own .class}"


def test_questions_about_neighbours() -> None:
    page = parse(b"# A\n\n> b\n>\n> - c\n\nd\n")
    kinds = [block.kind for block in page.blocks]
    assert [kinds[n] for n in page.children(-1)] == ["heading", "quote", "paragraph"]
    quote = page.numbers("quote")[0]
    assert page.siblings(quote) == (0, len(kinds) - 1)
    assert page.siblings(0) == (-1, quote)
    inner = page.at(page.data.index(b"c"))
    assert [block.kind for block in page.around(inner)] == ["item", "list", "quote"]
    assert page.is_inside(inner, "quote")
    assert not page.is_inside(quote, "quote")
    assert page.at(page.data.index(b"#")) == 0
    assert page.at(4) == -1


def test_a_question_is_asked_once() -> None:
    page, asked = parse(b"a"), []

    def ask(of: Page) -> int:
        asked.append(of)
        return len(of.data)

    assert page.once(ask) == page.once(ask) == 1
    assert asked == [page]


@pytest.mark.parametrize(
    ("source", "language"),
    [
        ("Plain English.", "en"),
        ("纯中文的段落。", "zh"),
        ("运行 `pip install a-very-long-name` 安装。", "zh"),
        ("Use the 标 sign in text of such a length.", "en"),
        ("", "en"),
    ],
)
def test_the_language_is_that_of_the_prose(source: str, language: str) -> None:
    assert parse(source.encode()).language == language
