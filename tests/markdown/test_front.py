"""Front matter is read as far as rules ask for it."""

from __future__ import annotations

import pytest

from firstlight.markdown.front import Entry, entries
from firstlight.markdown.parse import parse


def read(source: str) -> dict[str, str]:
    """The values of the front matter."""
    return {
        key: entry.value for key, entry in parse(source.encode()).once(entries).items()
    }


def test_plain_values_are_read() -> None:
    source = (
        "---\ntitle: 标题: one\ndescription: \"a: 'b' # c\"\n'quoted': 'x'\n"
        "draft: true # not yet\nempty:\ntags: [a, b]\nlist:\n  - nested: no\n"
        "text: |\n  more: no\n# comment: no\nurl: https://a.example/#b\n---\n\n# T\n"
    )
    assert read(source) == {
        "title": "标题: one",
        "description": "a: 'b' # c",
        "quoted": "x",
        "draft": "true",
        "empty": "",
        "tags": "",
        "list": "",
        "text": "",
        "url": "https://a.example/#b",
    }


def test_an_entry_knows_its_bytes() -> None:
    page = parse("\ufeff---\r\na: 1\r\n标题: 二  \r\n---\r\n".encode())
    assert page.once(entries)["a"] == Entry(
        "1", page.blocks[0].span._replace(start=8, end=12)
    )
    assert page.cut(page.once(entries)["标题"].span) == "标题: 二"


@pytest.mark.parametrize(
    "source",
    [
        "",
        "# T\n",
        "a: b\n",
        "text\n\n---\na: b\n---\n",
        "```yaml\n---\na: b\n---\n```\n",
    ],
)
def test_a_page_without_front_matter_has_no_entries(source: str) -> None:
    assert read(source) == {}


def test_a_quote_without_an_end_has_no_value() -> None:
    assert read('---\na: "b\n---\n') == {"a": ""}
