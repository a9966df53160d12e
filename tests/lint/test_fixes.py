"""Fixes are made until none is left, and never change what they must keep."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as some

from firstlight.finding import Edit, Finding, Fix, Keeps, Role, Span
from firstlight.lint.fixes import fix_source
from firstlight.lint.rule import Rule
from firstlight.lint.sources import open_source
from lint.small_rules import BAD, LONG, plan, rule
from lint.test_sources import notebook, sources

STAR = rule("test.star", r"(?m)^star", "- star", keeps=Keeps.TEXT)
PLUS = rule("test.plus", r"(?m)^plus", "+ plus", keeps=Keeps.HTML)


def fixed(data, *rules, unsafe=False, path="a.md"):
    return fix_source(open_source(path, data), plan(*rules), unsafe=unsafe)


def codes(done):
    return [found.code for found in done.checked.found]


def test_a_fix_is_made_and_counted():
    done = fixed(b"a  b  c\n\nd  e\n", LONG)
    assert done.source.data == b"a b c\n\nd e\n"
    assert done.made == {"test.long": 3}
    assert codes(done) == []


def test_what_is_no_text_of_the_fix_stays_byte_for_byte():
    data = b"\xef\xbb\xbfa  b\r\n\r\n```\r\na  b\r\n```\r\n\r\nlast  one"
    assert fixed(data, LONG).source.data == data.replace(
        b"a  b\r\n\r\n", b"a b\r\n\r\n"
    ).replace(b"last  one", b"last one")


def test_a_fix_that_may_change_meaning_is_made_only_when_asked():
    risky = rule("test.risky", r"(?<=\w)  +(?=\w)", " ", safe=False)
    assert fixed(b"a  b\n", risky).source.data == b"a  b\n"
    assert codes(fixed(b"a  b\n", risky)) == ["test.risky"]
    assert fixed(b"a  b\n", risky, unsafe=True).source.data == b"a b\n"


def test_a_fix_that_changes_what_readers_see_is_withheld_and_told():
    done = fixed(b"bad  thing\n", BAD, LONG)
    assert done.source.data == b"bad thing\n"
    assert done.made == {"test.long": 1}
    assert codes(done) == ["test.bad", "lint.fix-withheld"]


def test_of_many_fixes_only_the_harmful_are_withheld():
    text = b"".join(b"%d  x\n\n" % n for n in range(20)) + b"bad\n\nplus\n"
    done = fixed(text, LONG, BAD, PLUS)
    assert done.made == {"test.long": 20}
    assert codes(done).count("lint.fix-withheld") == 2


def test_a_fix_that_may_change_little_does_not_hide_behind_one_that_may_change_much():
    done = fixed(b"plus\n\nstar\n", PLUS, STAR)
    assert done.source.data == b"plus\n\n- star\n"
    assert codes(done) == ["test.plus", "lint.fix-withheld"]


def test_fixes_that_touch_wait_for_each_other():
    one = rule("test.one", "  x", " x")
    two = rule("test.two", "x  y", "x y")
    done = fixed(b"a  x  y\n", one, two)
    assert done.source.data == b"a x y\n"
    assert done.made == {"test.one": 1, "test.two": 1}


def test_rules_that_undo_each_other_are_told():
    one = rule("test.one", "(?<=a) (?=b)", "  ")
    done = fixed(b"a b\n", one, LONG)
    assert "lint.fix-conflict" in codes(done)
    (told,) = [f for f in done.checked.found if f.code == "lint.fix-conflict"]
    assert told.message.startswith("fixes undo each other: test.")


def test_a_rule_that_never_ends_is_stopped():
    endless = Rule(
        code="test.endless",
        check=lambda page, given: [
            Finding(
                code="test.endless",
                role=Role.NOTE,
                message="m",
                span=Span(1, 1),
                fix=Fix("more", (Edit(Span(1, 1), b" "),)),
            )
        ],
        keeps=Keeps.TEXT,
    )
    done = fixed(b"a b\n", endless)
    assert done.made["test.endless"] == 20
    assert "lint.fix-conflict" in codes(done)


def test_edits_of_one_fix_are_made_together_or_not_at_all():
    def check(page, given):
        at = page.data.find(b"pair")
        if at >= 0:
            edits = (Edit(Span(at + 4, at + 6), b" "), Edit(Span(at - 2, at), b" "))
            yield Finding(
                code="test.pair",
                role=Role.NOTE,
                message="m",
                span=Span(at, at + 4),
                fix=Fix("both", edits),
            )

    pair = Rule(code="test.pair", check=check, keeps=Keeps.TEXT)
    assert fixed(b"a  pair  b\n", pair).source.data == b"a pair b\n"
    # One of its edits touches another fix, so both of them wait.
    done = fixed(b"a  pair  b\n", LONG, pair)
    assert done.source.data == b"a pair b\n"
    assert done.made["test.long"] == 2 or done.made["test.pair"] == 1


def test_only_cells_of_a_notebook_change():
    data = notebook("a  b", None, "c  d\n\nlast")
    done = fixed(data, LONG, path="n.ipynb")
    assert sources(done.source.data) == ["a b", "c d\n\nlast"]
    was, now = json.loads(data), json.loads(done.source.data)
    assert [c for c in was["cells"] if c["cell_type"] == "code"] == [
        c for c in now["cells"] if c["cell_type"] == "code"
    ]


PIECES = some.sampled_from(
    [
        *(
            "a  b",
            "bad",
            "star",
            "plus",
            "\n",
            "\n\n",
            "```\nbad  x\n```\n",
            "> ",
            "- ",
        ),
        *("**bad**", "  ", "中文  字", "<b>bad  x</b>", "| a  b |\n|---|\n", "\r\n"),
    ]
)


@given(some.lists(PIECES, max_size=12).map("".join), some.booleans())
def test_fixing_twice_is_fixing_once(text, unsafe):
    rules = (BAD, LONG, STAR, PLUS)
    once = fixed(text.encode(), *rules, unsafe=unsafe).source.data
    assert fixed(once, *rules, unsafe=unsafe).source.data == once
