"""Whatever page it is: findings are true, and nothing that is written does harm."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from firstlight.finding import Keeps
from firstlight.lint.sources import Source, open_source
from lint.laws import Broken, all_rules, default_rules, of_findings, of_fixes
from lint.laws_of_writing import of_conversion, of_marks
from lint.renderers import RENDERERS, changed
from markdown.sources import behind, holders, pages

LINES = (
    "🎉 Release 2 is out.",
    "⚠ Do not delete `data`, because all files will be lost.",
    "⚠️ **Warning**: the run crashes. 😂",
    "🔴 危险：此操作不可逆，会永久删除全部数据。",
    "**注意：**请勿关闭窗口，否则数据会丢失。",
    "注意：先备份。",
    "Note: this permanently deletes every file.",
    "Warning: see <https://example.com/a_b>.",
    "See https://example.com/x(1), then :warning: and :tada:.",
    "## 🛠️ 安装 Install ✅",
    "# Title 🚀",
    "### 标题 ⚙️ {#id}",
    "**Bold as a heading**",
    "* 🔧 One\n* 🔧 Two\n* 💡 Three",
    "1. Run `sudo rm -rf /`.\n2. 打开 http://127.0.0.1:8888 。\n\n   Then stop.",
    "| a | ✅ |\n|---|:-:|\n| x ❌ | ❌ |\n| ✔️ | |",
    "```\n$ pip install x\n$ ls\n```",
    "```bash\nroot@host:~# rm -rf data\n# comment\n```",
    "~~~\n🎉 注意：**a：**b\n~~~",
    "    $ indented",
    "> [!WARNING]\n> Mind the gap.",
    "> [!NOTE] Title\n> Text.",
    "> **Note**\n> Old.",
    "> 💡 **提示**：可以跳过。",
    '!!! danger "标题"\n\n    Body ⚠ here.\n\n    - item',
    "!!! note\n    Right after.",
    "??? tip\n    Folded 👍🏽.",
    "::: warning\nVite 🔥\n:::",
    ":::danger[T]\n\n文本\n\n:::",
    "```{caution} T\n:class: x\n\nMyST\n```",
    "/// note | Slash\nText.\n///",
    "<div>⚠ html</div>",
    "<!-- firstlight: ignore symbols -->",
    "Math $a_b$ and ![](x.png) and [click here](y.md) 👩‍🚀 𝄞 1️⃣ ❤",
    "[^1]: A footnote ⚠.",
    "[ref]: /url",
    "Text goes on  \nover a hard break 🎉",
    "a\tb ⚠️⚠️ 🚀🚀",
    "全角１２３,半角。。。还有...",
    "---",
    "\\*escaped\\* &amp; &#x26A0;",
    "",
)


@some.composite
def _blocks(draw: some.DrawFn) -> str:
    """A block, in lists and quotes up to two deep."""
    block = draw(some.sampled_from(LINES))
    for _ in range(draw(some.integers(0, 2))):
        block = behind(draw(some.sampled_from(sorted(holders))), block)
    return block


@some.composite
def _documents(draw: some.DrawFn) -> bytes:
    """A page made of blocks that rules have something to say about."""
    blocks = draw(some.lists(_blocks(), max_size=7))
    between = draw(some.lists(some.sampled_from(("\n", "\n\n")), min_size=7))
    text = "".join(map("".join, zip(blocks, between, strict=False)))
    text = draw(some.sampled_from(("", "---\ntitle: ⚠\n---\n", "\n"))) + text
    text = text.removesuffix("\n") if draw(some.booleans()) else text
    text = text.replace("\n", draw(some.sampled_from(("\n", "\n", "\r\n"))))
    return draw(some.sampled_from((b"", b"", b"\xef\xbb\xbf"))) + text.encode()


ANY = _documents() | pages
"""Pages that look like pages, and those that do not."""
laws = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def _as_cell(data: bytes) -> str:
    return data.decode().removeprefix("\ufeff")


def source(data: bytes) -> Source:
    return open_source("page.md", data)


def notebook(*cells: str) -> Source:
    """A notebook of Markdown cells, with a cell of code after each."""
    code = {"cell_type": "code", "source": "1 + 1", "outputs": [], "metadata": {}}
    texts = [{"cell_type": "markdown", "source": each} for each in cells]
    every = [cell for text in texts for cell in (text, code)]
    book = {"cells": every, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}
    return open_source("n.ipynb", json.dumps(book).encode())


@pytest.mark.parametrize(
    ("before", "after", "keeps"),
    [
        ("a b\n", "a c\n", Keeps.CODE),
        ("a\n\nb\n", "b\n\na\n", Keeps.LETTERS),
        ("**a** b\n", "a b\n", Keeps.HTML_BUT_SYMBOLS),
        ("```\na\n```\n", "    b\n", Keeps.TEXT),
        ("| a |\n|---|\n| b |\n", "| a |\n|---|\n| c |\n", Keeps.TEXT_BUT_SYMBOLS),
        ("!!! note\n    a\n", "!!! note\n    b\n", Keeps.CODE),
    ],
)
def test_both_renderers_see_harm(before: str, after: str, keeps: Keeps) -> None:
    assert changed(before.encode(), after.encode(), [keeps]) == list(RENDERERS)


def test_fixes_together_are_judged_by_the_weakest_promise() -> None:
    before, after = b"## A\n\n1, 2\n", "### A\n\n1，2\n".encode()
    assert changed(before, after, [Keeps.TEXT]) == list(RENDERERS)
    assert changed(before, after, [Keeps.LETTERS]) == list(RENDERERS)
    assert changed(before, after, [Keeps.TEXT, Keeps.LETTERS]) == []


@laws
@given(ANY)
def test_what_is_found_is_where_it_is_said_to_be(data: bytes) -> None:
    assert of_findings(source(data), all_rules())[1] == []


@laws
@given(ANY)
def test_safe_fixes_are_made_once_and_change_no_meaning(data: bytes) -> None:
    assert of_fixes(source(data), default_rules())[1] == []


@laws
@given(ANY)
def test_all_fixes_together_come_to_an_end(data: bytes) -> None:
    assert of_fixes(source(data), all_rules(), unsafe=True)[1] == []


@laws
@given(ANY)
def test_marks_are_written_once_and_lose_no_word(data: bytes) -> None:
    assert of_marks(source(data))[1] == []


@settings(laws, max_examples=30)
@given(ANY)
def test_notices_say_the_same_in_every_syntax(data: bytes) -> None:
    assert of_conversion(data)[1] == []


@settings(laws, max_examples=30)
@given(some.lists(_documents().map(_as_cell), max_size=3))
def test_of_notebooks_only_the_text_changes(cells: list[str]) -> None:
    book = notebook(*cells)
    assert of_findings(book, all_rules())[1] == []
    assert of_fixes(book, all_rules(), unsafe=True)[1] == []
    assert of_marks(book)[1] == []


@pytest.mark.parametrize("data", [b"", b"\n", b"\xef\xbb\xbf", b"\0", b"a\xff b\n"])
def test_laws_hold_for_pages_of_next_to_nothing(data: bytes) -> None:
    page = source(data)
    broken: list[Broken] = [
        *of_findings(page, all_rules())[1],
        *of_fixes(page, all_rules(), unsafe=True)[1],
        *of_marks(page)[1],
        *of_conversion(data)[1],
    ]
    assert broken == []
