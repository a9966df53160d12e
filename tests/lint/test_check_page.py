"""One page: findings in order, each once, without those that the page ignores."""

from __future__ import annotations

import pytest

from firstlight.finding import Role
from firstlight.lint.check_page import check, check_source
from firstlight.lint.sources import open_source
from lint.small_rules import BAD, FAILING, LONG, TITLES, plan, rule


def found(text, *rules, **given):
    source = open_source("a.md", text.encode())
    return check_source(source, plan(*rules, **given)).found


def shown(text, *rules):
    return [f"{f.line}:{f.column} {f.code}" for f in found(text, *rules)]


def test_findings_come_in_the_order_of_the_page():
    text = "two  bad\n\nbad\n"
    assert shown(text, BAD, LONG) == ["1:4 test.long", "1:6 test.bad", "3:1 test.bad"]


def test_equal_findings_come_once():
    assert shown("bad\n", BAD, BAD) == ["1:1 test.bad"]


def test_a_rule_that_fails_costs_only_its_own_findings():
    broken, bad = found("bad\n", FAILING, BAD)
    assert (broken.code, broken.role) == ("lint.rule-failed", Role.FAILURE)
    assert "test.failing failed here: ZeroDivisionError: no reason" in broken.message
    assert bad.code == "test.bad"


def test_bytes_that_are_no_text_are_told_and_the_rest_is_checked():
    source = open_source("a.md", b"ok\n\xff bad\n")
    codes = [
        f"{f.line}:{f.column} {f.code}" for f in check_source(source, plan(BAD)).found
    ]
    assert codes == ["2:1 lint.invalid-utf-8", "2:3 test.bad"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<!-- firstlight: ignore test.bad -->\n\nbad\n\nbad\n", ["5:1"]),
        ("<!-- firstlight: ignore test -->\nbad\n", []),
        ("<!-- firstlight: ignore -->\n\n- bad\n- bad\n\nbad\n", ["6:1"]),
        ("bad <!-- firstlight: ignore test.bad -->\nbad\n\nbad\n", ["4:1"]),
        ("bad\n\n<!-- firstlight: ignore-file test.bad -->\n\nbad\n", []),
        (
            "<!-- firstlight: ignore-start test.bad -->\n\nbad\n\n"
            "<!-- firstlight: ignore-end test.bad -->\n\nbad\n",
            ["7:1"],
        ),
        ("<!-- firstlight: ignore-start -->\n\nbad\n\n# x\n\nbad\n", []),
        ("```\n<!-- firstlight: ignore-file -->\n```\n\nbad\n", ["5:1"]),
        ("<!-- firstlight: ignore test.bad: it is one -->\n\nbad\n", []),
    ],
)
def test_a_comment_hides_findings(text, left):
    bad = [f for f in found(text, BAD) if f.code == "test.bad"]
    assert [f"{f.line}:{f.column}" for f in bad] == left


def test_a_comment_that_hides_nothing_is_told():
    text = "<!-- firstlight: ignore lint.unused-baseline -->\n\ngood\n"
    (note,) = found(text, BAD)
    assert (note.code, note.role) == ("lint.unused-ignore", Role.NOTE)
    assert note.message == '"ignore lint.unused-baseline" hides nothing'


def test_a_comment_for_a_rule_that_does_not_run_is_not_unused():
    assert found("<!-- firstlight: ignore symbols -->\n\ngood\n", BAD) == []


def test_a_comment_that_names_no_rule_is_told():
    (wrong,) = found("<!-- firstlight: ignore symbosl -->\n\ngood\n", BAD)
    assert wrong.code == "lint.unknown-ignore"
    assert wrong.hint == 'did you mean "symbols"?'


def test_a_comment_for_a_rule_that_compares_pages_waits_for_it():
    text = b"<!-- firstlight: ignore -->\n\ngood\n"
    source = open_source("a.md", text)
    checked = check_source(source, plan(TITLES), with_facts=True)
    assert checked.found == []
    assert [note.code for _, note in checked.idle] == ["lint.unused-ignore"]


def test_an_editor_asks_for_one_page():
    given = plan(BAD).given
    (one,) = check("一 bad\n".encode(), "a.md", given, [BAD])
    assert (one.path, one.line, one.column) == ("a.md", 1, 3)


def test_the_settings_grade_findings():
    graded = plan(BAD, rule("other.bad", "bad"))
    source = open_source("a.md", b"bad\n")
    roles = {"test": Role.NOTE, "test.bad": Role.FAILURE, "other": Role.NOTE}
    object.__setattr__(graded, "roles", roles)
    found = check_source(source, graded).found
    assert {f.code: f.role for f in found} == {
        "other.bad": Role.NOTE,
        "test.bad": Role.FAILURE,
    }


def test_a_file_may_be_exempt_from_a_topic():
    exempt = plan(BAD)
    object.__setattr__(exempt, "ignored", {"old/**": ("test",)})
    assert check_source(open_source("old/a.md", b"bad\n"), exempt).found == []
    assert check_source(open_source("a.md", b"bad\n"), exempt).found != []
