"""What a rule's page says of it, taken apart."""

from __future__ import annotations

import pytest

from firstlight.lint import guide as module
from firstlight.lint.guide import guide
from firstlight.lint.rule import ENGINE
from firstlight.lint.rules import codes

PAGE = """\
# topic.rule

Off by default. Symbols such as `!!! b` hurt. They cost time;
put them elsewhere.

中文：默认关闭。这样的符号
有害。请换一个位置。

**Fix**: {fix}

## Found

**Fix**: no fix this, since it is an example.
"""


@pytest.fixture
def page(tmp_path, monkeypatch):
    """Write the page of a rule that is fixed so."""

    def write(fix):
        path = tmp_path / "topic_rule.md"
        path.write_text(PAGE.format(fix=fix), encoding="utf-8")
        monkeypatch.setattr(module, "page_of", lambda code: path)
        return guide("topic.rule")

    return write


def test_a_page_has_both_languages_and_a_summary_of_each(page) -> None:
    told = page("none.")
    assert told.english.endswith("They cost time; put them elsewhere.")
    assert told.chinese == "默认关闭。这样的符号有害。请换一个位置。"
    assert told.summary == "Symbols such as `!!! b` hurt."
    assert told.chinese_summary == "这样的符号有害。"
    assert "## Found" in told.text


@pytest.mark.parametrize(
    ("fix", "kind"),
    [
        ("safe, removes the symbol.", "safe"),
        ("adds the label. Safe: the text stays.", "safe"),
        ("removes it. Safe, except in headings.", "partly"),
        ("adds it; in a heading it is unsafe, else safe.", "partly"),
        ("writes the label. Unsafe: read it first.", "unsafe"),
        ("None: only a person can say whether it is safe.", "none"),
        ("none; write the digits.", "none"),
    ],
)
def test_how_it_is_mended_in_one_word(page, fix: str, kind: str) -> None:
    assert page(fix).fix_kind == kind


def test_every_rule_says_what_it_is_about_in_both_languages() -> None:
    for code in (*codes(), *ENGINE):
        told = guide(code)
        assert told.summary.endswith((".", "!", "?")), code
        assert told.chinese_summary.strip("。"), code


def test_an_unknown_rule_has_no_page() -> None:
    with pytest.raises(KeyError):
        guide("no.rule")
