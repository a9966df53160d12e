"""The facts of a page say what other pages need to know, and survive the cache."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.lint.facts import LONGEST_COMMAND, Facts
from lint.project import facts

PAGE = """\
Before all headings, see [the guide](guide.md#start) and [out](https://example.org/a).

# Title of `it`

> [!WARNING]
> It fails.

⚠️ **警告**：会丢失数据。

1. Install it.
2. Run it.

```bash
# A comment.
$ pip install  "torch"  # and another
1 package installed
$ cd a && make -j2
```

## More

- bullet

![picture](img/a.png) <a href="more.md">more</a> <img src='{{ logo }}'>

<p><a href="html.md?a&amp;b">x</a></p> <!-- <a href="old.md"> -->

All files will be permanently deleted and cannot be recovered.
"""


def test_a_page_is_sections_in_order() -> None:
    found = facts(PAGE).sections
    assert [(one.level, one.title, one.line) for one in found] == [
        (0, "", 1),
        (1, "Title of it", 3),
        (2, "More", 20),
    ]
    data = PAGE.encode()
    assert data[slice(*found[1].span)] == b"# Title of `it`"
    assert [one.shape for one in found] == ["p", "nplf", "lphp"]


def test_the_title_is_the_first_heading() -> None:
    assert facts(PAGE).title == "Title of it"
    assert facts("text only").title == ""


def test_notices_and_spoken_ones_are_marks() -> None:
    marks = facts(PAGE).sections[1].marks
    assert [(one.function, one.form, one.label, one.line) for one in marks] == [
        ("warning", "alert", "warning", 5),
        ("warning", "symbol", "警告", 8),
    ]


def test_numbered_lists_are_steps_and_bullets_are_none() -> None:
    first, second = facts(PAGE).sections[1:]
    assert [(one.items, one.line) for one in first.steps] == [(2, 10)]
    assert second.steps == []


def test_commands_have_no_prompt_comment_quotes_or_output() -> None:
    found = facts(PAGE).sections[1].commands
    assert [(one.text, one.line) for one in found] == [
        ("pip install torch", 15),
        ("cd a", 17),
        ("make -j2", 17),
    ]


def test_lines_of_fences_without_a_language_are_listings() -> None:
    (section,) = facts("```\n$ make  all\n\nok\n```\n\n```json\n{}\n```\n").sections
    assert [(one.text, one.line) for one in section.listings] == [
        ("make all", 2),
        ("ok", 4),
    ]
    assert section.commands == []


def test_an_alias_is_a_mark_of_what_its_word_says() -> None:
    source = "> ❗ **Note**: a\n\n❗ b\n\n🔧 Friendly: c\n\n**Do not** d\n\n🔴 e\n"
    (section,) = facts(source).sections
    assert [(one.function, one.line) for one in section.marks] == [
        ("note", 1),
        ("danger", 9),
    ]


def test_a_long_command_is_cut() -> None:
    (section,) = facts("```sh\n" + "word " * 100 + "\n```\n").sections
    assert len(section.commands[0].text) == LONGEST_COMMAND


def test_a_sentence_of_harm_is_a_peril() -> None:
    (peril,) = facts(PAGE).sections[2].perils
    assert peril.severity == "danger"
    assert peril.cue
    assert peril.line == 28


def test_links_into_the_project_are_kept_and_others_are_not() -> None:
    assert [(one.kind, one.to) for one in facts(PAGE).links] == [
        ("link", "guide.md#start"),
        ("image", "img/a.png"),
        ("html", "more.md"),
        ("html", "html.md?a&b"),
    ]


def test_a_symbol_is_kept_with_the_word_that_stands_with_it() -> None:
    found = facts("💡 **Tip**: one\n\n- ✅ 支持\n\n| ⚠️ Note here |\n|--|\n").symbols
    assert [(one.symbol, one.word, one.function) for one in found] == [
        ("💡", "Tip", "tip"),
        ("✅", "支持", "success"),
    ]


def test_anchors_are_those_of_each_target() -> None:
    found = facts("# 安装 it\n", "github", "mkdocs").anchors
    assert found["github"] == {"安装-it"}
    assert found["mkdocs"] == {"it"}


def test_the_language_is_that_of_the_text() -> None:
    assert facts("English text").language == "en"
    assert facts("中文内容").language == "zh"


@given(
    st.lists(
        st.sampled_from(
            [
                "# a\n",
                "1. b\n",
                "⚠️ **警告**：c\n",
                "```sh\nls\n```\n",
                "[d](e.md)\n",
                "> [!TIP]\n",
            ]
        )
    )
)
@settings(deadline=None, max_examples=50)
def test_facts_survive_the_cache(parts: list[str]) -> None:
    made = facts("\n".join(parts))
    again = Facts.from_plain(json.loads(json.dumps(made.plain())))
    assert again.plain() == made.plain()
    for name in ("language", "title", "anchors", "links", "symbols", "sections"):
        assert getattr(again, name) == getattr(made, name)
