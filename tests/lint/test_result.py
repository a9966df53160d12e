"""A finding knows its place for people, for editors and for comparison."""

from __future__ import annotations

import json
import marshal

from hypothesis import given
from hypothesis import strategies as some

from firstlight.finding import Edit, Finding, Fix, Role, Span
from firstlight.lint.result import found, pack, unpack
from firstlight.markdown.lines import Lines


def place(text, part, **more):
    data = text.encode()
    start = data.find(part.encode())
    finding = Finding(
        code="a.b",
        role=Role.WARNING,
        message="m",
        span=Span(start, start + len(part.encode())),
        **more,
    )
    return found(finding, "a.md", Lines(data))


def test_columns_count_characters_and_for_editors_their_units():
    one = place("x\n🔧🔧 中文 here\n", "here")
    assert (one.line, one.column, one.end_line, one.end_column) == (2, 7, 2, 11)
    assert (one.unit_column, one.end_unit_column) == (9, 13)
    assert one.excerpt[one.caret :] == "here"
    assert one.where == "a.md:2:7"


def test_a_finding_may_end_on_another_line():
    one = place("one\r\ntwo\r\n", "one\r\ntw")
    assert (one.end_line, one.end_column) == (2, 3)


def test_a_finding_about_the_page_stands_at_its_beginning():
    one = found(
        Finding(code="a.b", role=Role.NOTE, message="m"), "a.md", Lines(b"# x\n")
    )
    assert (one.line, one.column, one.excerpt) == (1, 1, "# x")


def test_a_long_line_is_cut_around_the_finding():
    one = place("中" * 500 + "here" + "文" * 500, "here")
    assert len(one.excerpt) == 120
    assert one.excerpt[one.caret :].startswith("here文")


def test_the_fingerprint_stays_when_lines_move_and_changes_with_the_line():
    one = place("here it is\n", "here")
    assert place("new\n\n  here it is  \n", "here").fingerprint == one.fingerprint
    assert place("here it was\n", "here").fingerprint != one.fingerprint


def test_it_goes_through_json():
    fix = Fix("t", (Edit(Span(0, 1), "中".encode()),), safe=False)
    table = json.loads(json.dumps(place("x", "x", fix=fix).plain()))
    assert table["fix"]["edits"] == [{"span": [0, 1], "text": "中"}]
    assert (table["role"], table["span"]) == ("warning", [0, 1])
    assert "fix" not in place("x", "x").plain()


def test_the_finding_is_given_back_with_its_place():
    one = place("x", "x", hint="do")
    assert one.finding.where == "a.md:1:1"
    assert one.finding.hint == "do"


@given(some.text(min_size=1), some.data())
def test_a_packed_finding_is_unpacked_as_it_was(text, data):
    raw = text.encode(errors="surrogatepass")
    start = data.draw(some.integers(0, len(raw)))
    end = data.draw(some.integers(start, len(raw)))
    edit = Edit(Span(start, end), raw)
    finding = Finding(
        code="a.b",
        role=Role.NOTE,
        message="m",
        span=Span(start, end),
        fix=data.draw(some.sampled_from([None, Fix("t", (edit, edit), safe=True)])),
    )
    one = found(finding, "a.md", Lines(raw), cell=3)
    assert unpack(marshal.loads(marshal.dumps(pack(one)))) == one
