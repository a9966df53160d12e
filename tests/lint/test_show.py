"""Findings as people read them."""

from __future__ import annotations

from firstlight.finding import Role
from firstlight.lint.show import concise_line, finding_lines, statistics
from firstlight.lint.terminal import Style
from lint.placed import place

PLAIN = Style(symbols=True, width=60)


def test_a_finding_shows_its_line_with_carets_below_wide_characters() -> None:
    one = place("# 标题 🎉 完成\n", "🎉", hint="leave it out", new="")
    assert list(finding_lines(one, PLAIN)) == [
        "docs/a.md:1:6 ⚠️ Warning symbols.feeling: it is wrong",
        "    1 │ # 标题 🎉 完成",
        "      │        ^^",
        "  hint: leave it out",
        "  fix: Write it so (--fix)",
    ]


def test_a_fix_that_says_what_the_hint_says_is_told_once() -> None:
    one = place("a 🎉", "🎉", hint="Write it so", new="")
    assert list(finding_lines(one, PLAIN))[3:] == ["  fix: Write it so (--fix)"]


def test_a_fix_that_needs_judgement_says_so() -> None:
    *_, last = finding_lines(place("abc", "b", new="x", safe=False), PLAIN)
    assert last == "  fix: Write it so (needs your judgement: --unsafe-fixes)"


def test_a_long_chinese_line_fits_the_terminal() -> None:
    one = place("很" * 60 + "⚠" + "长" * 60, "⚠")
    _, line, carets = finding_lines(one, PLAIN)
    assert line.startswith("    1 │ …很")
    assert line.endswith("长…")
    before = line.partition("⚠")[0]
    assert carets.index("^") == len(before) + before.count("很")


def test_what_goes_over_several_lines_is_marked_to_the_end_of_the_first() -> None:
    _, _, carets = finding_lines(place("a bcd\nef\n", "bcd\nef"), PLAIN)
    assert carets.endswith("│   ^^^")


def test_an_empty_place_has_one_caret_and_an_empty_line_none() -> None:
    assert list(finding_lines(place("ab", ""), PLAIN))[-1].endswith("│ ^")
    assert len(list(finding_lines(place("\n", ""), PLAIN))) == 1


def test_where_symbols_cannot_be_shown_words_are() -> None:
    head, line, _ = finding_lines(place("ab", "b"), Style(symbols=False))
    assert head.startswith("docs/a.md:1:2 Warning ")
    assert line == "    1 | ab"


def test_a_page_cannot_steer_the_terminal() -> None:
    one = place("\x1b[31mred", "red", message="\x1b[2Jred", path="\x1b.md")
    assert "\x1b" not in "".join(finding_lines(one, PLAIN)) + concise_line(one)


def test_colours_are_those_of_the_role() -> None:
    head, _, carets = finding_lines(
        place("ab", "b", role=Role.FAILURE), Style(colour=True)
    )
    assert "\x1b[1;31m❌ Error\x1b[0m" in head
    assert carets.endswith("\x1b[1;31m^\x1b[0m")


def test_one_line_for_editors() -> None:
    one = place("a\nbc\n", "c", cell=2, path="a.ipynb", new="x", safe=False)
    assert concise_line(one) == (
        "a.ipynb:cell 2:2:2: warning symbols.feeling: it is wrong [unsafe fix]"
    )
    assert concise_line(place("a", "a", new="")).endswith("it is wrong [fix]")


def test_statistics_begin_with_the_most_frequent() -> None:
    often = place("a", "a", new="")
    seldom = place("a", "a", code="steps.long", role=Role.NOTE)
    assert list(statistics([seldom, often, often], PLAIN)) == [
        "     2  ⚠️ Warning  symbols.feeling  --fix mends 2",
        "     1  ℹ️ Note     steps.long",
    ]
    assert list(statistics([], PLAIN)) == []
