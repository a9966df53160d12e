"""The notices of a page, and how one is written in another form."""

from __future__ import annotations

import pytest

from firstlight.lexicon.table import DEFAULT
from firstlight.lint.notices import (
    form_of,
    holder_of,
    notices,
    retyped,
    rewritten,
)
from firstlight.lint.rule import Given
from firstlight.markdown.page import Page
from firstlight.markdown.parse import parse
from firstlight.markdown.source import edited


def page_of(text: str) -> Page:
    return parse(text.encode())


def first(page: Page, form: str) -> str | None:
    """The page with its first notice rewritten."""
    (number, notice), *_ = page.once(notices)
    edits = rewritten(page, number, notice, form)
    return None if edits is None else edited(page.data, edits).decode()


def test_all_forms_of_notices_are_found_in_their_order() -> None:
    text = "Note: a\n\n> [!TIP]\n> b\n\n⚠️ **Warning**: c\n\n✅ d\n\n!!! note\n    e\n"
    forms = [notice.form for _, notice in page_of(text).once(notices)]
    assert forms == ["plain", "alert", "symbol", "mkdocs"]


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("a", "", "symbol"),
        ("> [!TIP]\n> b", "", "alert"),
        ("> [!TIP]\n> b", "symbol", "symbol"),
        ("!!! note\n    a\n\nb\n\n??? note\n    c", "", "mkdocs"),
        ("Note: a", "", "symbol"),
    ],
)
def test_the_form_is_that_of_the_settings_then_of_the_page(
    text: str, form: str, expected: str
) -> None:
    assert form_of(page_of(text), Given(lexicon=DEFAULT, form=form)) == expected


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("Note: a", "symbol", "ℹ️ **Note**: a"),
        ("**注意：** a", "symbol", "ℹ️ **注意：** a"),
        ("Note: a\nb", "alert", "> [!NOTE]\n> a\n> b"),
        ("Note: a\r\nb\r\n", "alert", "> [!NOTE]\r\n> a\r\n> b\r\n"),
        ("> **Note**\n> a", "alert", "> [!NOTE]\n> a"),
        ("> Note: a\n> b", "alert", "> [!NOTE]\n> a\n> b"),
        ("Danger: a", "alert", "> [!CAUTION]\n> a"),
        ("警告：a\nb", "mkdocs", "!!! warning\n\n    a\n    b"),
        ("# a\nNote: b", "alert", None),
        ("Note: a\n- b", "alert", None),
        ("- Note: a", "alert", None),
        ("- Note: a", "symbol", "- ℹ️ **Note**: a"),
        ("> Note: a", "mkdocs", None),
        ("  Note: a", "mkdocs", None),
        ("Note: a", "colon", None),
    ],
)
def test_a_word_becomes_a_notice_where_there_is_room(
    text: str, form: str, expected: str | None
) -> None:
    assert first(page_of(text), form) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("> [!NOTE]\n> a", "> [!CAUTION]\n> a"),
        ("> [!note]\n> a", "> [!CAUTION]\n> a"),
        ('!!! tip "b"\n    a', '!!! danger "b"\n    a'),
        (":::tip\na\n:::", ":::danger\na\n:::"),
        ("```{note}\na\n```", "```{danger}\na\n```"),
        ("💡 **Tip**: a", "🔴 **Danger**: a"),
        ("> ℹ️ **注意**：a", "> 🔴 **危险**：a"),
        ("Note: a", None),
    ],
)
def test_a_notice_gets_another_function_in_its_own_form(
    text: str, expected: str | None
) -> None:
    page = page_of(text)
    ((_, notice),) = page.once(notices)
    edits = retyped(page, notice, "danger")
    assert (None if edits is None else edited(page.data, edits).decode()) == expected


def test_the_innermost_notice_holds_a_block() -> None:
    page = page_of("> [!TIP]\n> - ⚠️ **Warning**: a\n> - b\n\nc")
    held = {
        page.text(page.blocks[number]): holder_of(page, number)
        for number in page.numbers("paragraph")
    }
    kinds = {
        text.split()[-1]: found and found[1].function for text, found in held.items()
    }
    assert kinds == {"a": "warning", "b": "tip", "c": None}
