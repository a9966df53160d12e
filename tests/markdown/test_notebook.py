"""Notebooks are read by cell and written so that nothing else changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.errors import UsageError
from firstlight.markdown.notebook import Cell, Notebook


def notebook(*cells: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A notebook of format 4 with these cells."""
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, **more}


def cell(
    source: str | list[str], kind: str = "markdown", **more: Any
) -> dict[str, Any]:
    """A cell."""
    return {"cell_type": kind, "metadata": {}, "source": source, **more}


def dump(value: Any, **how: Any) -> bytes:
    """Write JSON as Jupyter does, unless said otherwise."""
    how = {"indent": 1, "ensure_ascii": False, **how}
    return (json.dumps(value, **how) + "\n").encode()


FILE = """{
 "cells": [
  {
   "cell_type": "markdown",
   "id": "ab12",
   "metadata": {},
   "source": [
    "# \\u6807\\u9898\\n",
    "\\n",
    "A \\"quoted\\" \\/ line \\u26a0\\ufe0f\\n",
    "last"
   ]
  },
  {"cell_type": "code", "source": "print(1)", "outputs": [{"text": ["# no page"]}]},
  { "source" : "one\\nstring\\t\\u4e2d" , "cell_type":"markdown" }
 ],
 "metadata": {"cells": ["not these"]},
 "nbformat": 4, "nbformat_minor": 5
}
"""


def test_markdown_cells_are_sources() -> None:
    assert Notebook.read(FILE.encode()).cells == (
        Cell(0, '# 标题\n\nA "quoted" / line ⚠️\nlast'.encode(), "ab12"),
        Cell(2, "one\nstring\t中".encode(), ""),
    )


def test_an_edited_line_is_all_that_changes() -> None:
    book = Notebook.read(FILE.encode())
    source = book.cells[0].source.replace(b"last", "⚠️ 末".encode())
    expected = FILE.replace('"last"', '"\\u26a0\\ufe0f \\u672b"')
    assert book.with_sources({0: source}).decode() == expected


def test_what_an_edit_leaves_of_a_line_is_spelled_as_before() -> None:
    book = Notebook.read(FILE.encode())
    source = book.cells[0].source.replace(b"line", b"row")
    expected = FILE.replace("\\/ line \\u26a0", "\\/ row \\u26a0")
    assert book.with_sources({0: source}).decode() == expected


def test_a_line_that_comes_or_goes_leaves_the_others() -> None:
    book = Notebook.read(FILE.encode())
    shorter = book.cells[0].source.replace(b"\n\nA", b"\nA")
    gone = FILE.replace('    "\\n",\n', "")
    assert book.with_sources({0: shorter}).decode() == gone
    longer = book.cells[0].source.replace(b"\n\nA", b"\n\nnew\n\nA")
    come = FILE.replace('    "\\n",\n', '    "\\n",\n    "new\\n",\n    "\\n",\n')
    assert book.with_sources({0: longer}).decode() == come


def test_a_source_in_one_string_stays_one() -> None:
    book = Notebook.read(FILE.encode())
    source = book.cells[1].source.replace(b"one", b"1\n2")
    expected = FILE.replace('"one\\nstring', '"1\\n2\\nstring')
    assert book.with_sources({2: source}).decode() == expected


def test_several_cells_are_written_at_once() -> None:
    book = Notebook.read(FILE.encode())
    expected = FILE.replace('"last"', '"end"').replace('"one', '"two')
    sources = {
        2: book.cells[1].source.replace(b"one", b"two"),
        0: book.cells[0].source.replace(b"last", b"end"),
    }
    assert book.with_sources(sources).decode() == expected


@pytest.mark.parametrize(
    ("spelled", "expected"),
    [
        ('["中"]', '["中国"]'),
        ('["\\u4e2d"]', '["\\u4e2d\\u56fd"]'),
        ('["\\\\u4e2d"]', '["\\\\u4e2d国"]'),
    ],
)
def test_new_text_is_spelled_as_the_file_spells(spelled: str, expected: str) -> None:
    file = '{"nbformat":4,"cells":[{"cell_type":"markdown","source":%s}]}'
    book = Notebook.read((file % spelled).encode())
    source = book.cells[0].source + "国".encode()
    assert book.with_sources({0: source}).decode() == file % expected


@pytest.mark.parametrize(
    ("before", "source", "after"),
    [
        ("[]", "a\nb", '["a\\n", "b"]'),
        ('["a"]', "", "[]"),
        ('["a"]', "a\nb", '["a\\n","b"]'),
        ('[ "a" ]', "a\nb", '[ "a\\n", "b" ]'),
        ('[\n  "a"\n ]', "a\nb", '[\n  "a\\n",\n  "b"\n ]'),
        ('["a\\nb\\n", "c"]', "a\nb\nd", '["a\\nb\\n", "d"]'),
        ('""', "a\nb", '"a\\nb"'),
        ('"a"', "", '""'),
    ],
)
def test_lists_are_laid_out_as_they_were(before: str, source: str, after: str) -> None:
    file = '{"cells":[{"cell_type":"markdown","source":%s}],"nbformat":4}'
    book = Notebook.read((file % before).encode())
    assert book.with_sources({0: source.encode()}).decode() == file % after


def test_line_ends_and_a_byte_order_mark_stay() -> None:
    data = b"\xef\xbb\xbf" + FILE.replace("\n", "\r\n").encode()
    book = Notebook.read(data)
    assert book.with_sources({}) == data
    edited = book.with_sources({2: b"x"})
    assert edited.count(b"\r\n") == data.count(b"\r\n")


def test_of_two_fields_with_one_name_the_last_counts() -> None:
    data = (
        b'{"nbformat":4,"cells":[{"source":"a","cell_type":"markdown","source":"b"}]}'
    )
    book = Notebook.read(data)
    assert [each.source for each in book.cells] == [b"b"]
    assert book.with_sources({0: b"c"}) == data.replace(b'"b"', b'"c"')


@pytest.mark.parametrize("source", ["null", "1", '["a", 1]', '{"a": "b"}', '"\\ud83d"'])
def test_a_source_that_is_no_text_is_left_out(source: str) -> None:
    file = '{"nbformat":4,"cells":[{"cell_type":"markdown","source":%s}]}'
    assert Notebook.read((file % source).encode()).cells == ()


def test_format_3_is_read_and_not_written() -> None:
    sheet = {"cells": [cell("print(1)", "code"), cell(["# a\n", "b"])]}
    data = dump({"metadata": {}, "nbformat": 3, "worksheets": [sheet]})
    book = Notebook.read(data, "old.ipynb")
    assert book.cells == (Cell(1, b"# a\nb"),)
    assert book.with_sources({1: b"# a\nb"}) == data
    assert book.finding is not None
    assert book.finding.where == "old.ipynb"
    with pytest.raises(UsageError, match="format 3") as raised:
        book.with_sources({1: b"c"})
    assert "nbconvert" in raised.value.hint


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not the JSON of a notebook"),
        (b"[]", "not the JSON of a notebook"),
        (b"{", "not the JSON of a notebook"),
        (b'{"cells": [}', "not the JSON of a notebook"),
        (b'{"cells": {}}', "not the JSON of a notebook"),
        (b'{"cells": [1]}', "not the JSON of a notebook"),
        (b'{"cells" [1]}', "not the JSON of a notebook"),
        (b'{"nbformat": 4, "cells": []} x', "not the JSON of a notebook"),
        (b'{"nbformat": 4, "cells": [] "a": 1}', "not the JSON of a notebook"),
        (b"<<<<<<< HEAD\n{}", "not the JSON of a notebook"),
        (b'{"a": ' + b"[" * 100_000, "not the JSON of a notebook"),
        (b'{"nbformat": 4}', "no cells"),
        (b'{"cells": []}', "no cells"),
        (b'{"cells": [], "nbformat": "4"}', "no cells"),
        (b'{"a": "\xff"}', "byte 7 is not UTF-8"),
    ],
)
def test_what_is_no_notebook_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(UsageError, match=rf"book\.ipynb cannot be read: .*{why}"):
        Notebook.read(data, "book.ipynb")


# Laws

_lines = st.text(st.sampled_from('ab \t"\\/\n警⚠𝄞\x01é'), max_size=20)
_sources = st.one_of(_lines, st.lists(_lines, max_size=4))
_cells = st.builds(
    cell,
    _sources,
    st.sampled_from(["markdown", "code", "raw"]),
    id=st.text("abc", max_size=3),
    outputs=st.just([{"source": ["x"], "cell_type": "markdown"}]),
)
_how = st.fixed_dictionaries(
    {
        "indent": st.sampled_from([None, 0, 1, 4, "\t"]),
        "ensure_ascii": st.booleans(),
        "sort_keys": st.booleans(),
    }
)


@settings(deadline=None)
@given(st.lists(_cells, max_size=4), _how)
def test_sources_are_those_of_the_json(
    cells: list[dict[str, Any]], how: dict[str, Any]
) -> None:
    book = Notebook.read(dump(notebook(*cells), **how))
    assert [(each.number, each.source.decode()) for each in book.cells] == [
        (number, "".join(each["source"]))
        for number, each in enumerate(cells)
        if each["cell_type"] == "markdown"
    ]


@settings(deadline=None)
@given(st.lists(_cells, max_size=3), _how)
def test_unchanged_sources_give_the_same_bytes(
    cells: list[dict[str, Any]], how: dict[str, Any]
) -> None:
    data = dump(notebook(*cells), **how)
    book = Notebook.read(data)
    assert book.with_sources({each.number: each.source for each in book.cells}) == data


@settings(deadline=None)
@given(st.lists(_cells, min_size=1, max_size=3), _how, st.data())
def test_edited_sources_are_read_back_and_all_else_is_as_it_was(
    cells: list[dict[str, Any]], how: dict[str, Any], draw: st.DataObject
) -> None:
    before = Notebook.read(dump(notebook(*cells), **how))
    sources = {each.number: draw.draw(_lines).encode() for each in before.cells}
    data = before.with_sources(sources)
    after = Notebook.read(data)
    assert {each.number: each.source for each in after.cells} == sources
    loaded = json.loads(data)["cells"]
    for number, each in enumerate(loaded):
        if number in sources:
            assert "".join(each["source"]).encode() == sources[number]
            assert isinstance(each["source"], type(cells[number]["source"]))
            each["source"] = cells[number]["source"]
    assert loaded == cells
