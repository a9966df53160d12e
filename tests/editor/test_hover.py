"""Hovering says what a symbol means, and why something was found."""

from __future__ import annotations

from editor.open_pages import marked, opened, session
from firstlight.editor.hover import about_finding, about_place
from firstlight.markdown.parse import parse


def told(text: str) -> str:
    """Return what is said of the ``‸`` in a page, nothing for nothing."""
    source, span = marked(text)
    found = about_place(parse(source.encode()), span.start)
    return found.text if found else ""


def test_a_symbol_has_words_meaning_and_alert() -> None:
    text = told("‸⚠️ **Warning**: stop.\n")
    assert text.startswith("⚠️ **Warning** · 警告\n\nA failure, a wrong result")
    assert "`[!WARNING]`" in text


def test_a_chinese_page_is_answered_in_chinese() -> None:
    assert told("‸✅ **预期结果**：成功。\n").startswith(
        "✅ **预期结果** · Expected result\n\n应当看到"
    )


def test_an_alias_names_the_symbol_to_write() -> None:
    assert told("‸🚨 **Danger**: no.\n").endswith("Write 🔴 instead.")


def test_a_symbol_without_function_has_its_name() -> None:
    assert "no function" in told("‸🍕 Dinner.\n")


def test_the_marker_of_a_notice_means_its_function() -> None:
    assert told("> [!CAU‸TION]\n> text\n").startswith("🔴 **Danger**")
    assert told("!!! war‸ning\n    text\n").startswith("⚠️ **Warning**")


def test_text_and_code_mean_nothing() -> None:
    assert told("Some ‸text.\n") == told("```\n‸⚠️\n```\n") == ""


def test_a_finding_is_explained_in_the_language_of_the_page() -> None:
    editor = session()
    document = opened("# A\n\n🎉 B\n")
    found = editor.findings(document)[0].found
    english, chinese = about_finding(found, "en"), about_finding(found, "zh")
    assert "**symbols.feeling**: 🎉 has feeling" in english
    assert "how a writer felt" in english
    assert "作者的心情" in chinese
    assert english.endswith("symbols_feeling.md)")
