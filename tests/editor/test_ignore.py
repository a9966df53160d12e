"""The comment hides its finding, stands near it, and leaves the page what it was."""

from __future__ import annotations

import pytest

from editor.open_pages import marked
from firstlight.editor.ignore import ignoring
from firstlight.markdown.parse import parse
from firstlight.markdown.source import edited

COMMENT = "<!-- firstlight: ignore x.y -->"


def ignored(text: str) -> str:
    """Return a page with the comment for a finding at its ``‸``."""
    source, span = marked(text)
    page = parse(source.encode())
    edit = ignoring(page, "x.y", span)
    assert edit is not None
    return edited(page.data, [edit]).decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A\n\nSome ‸text.\n", f"# A\n\n{COMMENT}\nSome text.\n"),
        ("‸# A\r\n\r\nB\r\n", f"{COMMENT}\r\n# A\r\n\r\nB\r\n"),
        ("- 一\n- ‸二\n- 三\n", f"- 一\n- 二 {COMMENT}\n- 三\n"),
        ("| a |\n|---|\n| ‸b |\n", f"| a |\n|---|\n| b {COMMENT} |\n"),
        ("> [!NOTE]\n> ‸text\n", f"{COMMENT}\n> [!NOTE]\n> text\n"),
        ("> ‸quote\n> more\n", f"{COMMENT}\n> quote\n> more\n"),
        (
            "1. A\n\n   ```sh\n   ‸ls\n   ```\n",
            f"1. A\n\n   {COMMENT}\n   ```sh\n   ls\n   ```\n",
        ),
        (
            "---\ntitle: a\n---\n‸",
            "---\ntitle: a\n---\n<!-- firstlight: ignore-file x.y -->\n\n",
        ),
    ],
    ids=["text", "heading", "item", "cell", "notice", "quote", "fence", "page"],
)
def test_the_comment_stands_where_it_belongs(text: str, expected: str) -> None:
    assert ignored(text) == expected
