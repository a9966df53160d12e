"""A file or a notebook is one page, and edits find their way back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from firstlight.errors import UsageError
from firstlight.finding import Edit, Finding, Fix, Role, Span
from firstlight.lint.sources import open_source
from firstlight.markdown.parse import parse


def notebook(*cells):
    """A notebook of Markdown cells, and of code cells where the source is None."""
    return json.dumps(
        {
            "cells": [
                {"cell_type": "code", "source": ["1 + 1"], "outputs": []}
                if source is None
                else {
                    "cell_type": "markdown",
                    "source": source.splitlines(keepends=True),
                }
                for source in cells
            ],
            "nbformat": 4,
            "nbformat_minor": 5,
        },
        indent=1,
    ).encode()


def sources(data):
    cells = json.loads(data)["cells"]
    return ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]


def finding(source, part):
    at = source.text.index(part.encode())
    span = Span(at, at + len(part.encode()))
    return Finding(code="a.b", role=Role.NOTE, message="m", span=span)


def test_a_file_is_its_own_page():
    source = open_source("a.md", b"\xef\xbb\xbfone\r\ntwo\r\n")
    edited = source.edited([Edit(Span(3, 6), b"1"), Edit(Span(8, 11), b"2")])
    assert edited and edited.data == b"\xef\xbb\xbf1\r\n2\r\n"
    assert source.found(finding(source, "two")).line == 2


def test_a_notebook_that_can_only_be_read_has_no_fixes():
    old = b'{"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "markdown", '
    source = open_source("n.ipynb", old + b'"source": "x"}]}]}')
    fix = Fix("f", (Edit(Span(0, 1), b"y"),))
    assert source.found(replace(finding(source, "x"), fix=fix)).fix is None


def test_a_finding_in_a_notebook_is_told_by_cell():
    source = open_source("n.ipynb", notebook(None, "# 标题", None, "x\n\n🔧 here"))
    one = source.found(finding(source, "here"))
    assert (one.cell, one.line, one.column) == (4, 3, 3)
    assert one.where == "n.ipynb:cell 4:3:3"
    assert one.unit_column == 4


def test_edits_of_a_notebook_change_their_cells():
    source = open_source("n.ipynb", notebook("one", None, "two\nthree"))
    spans = [finding(source, word).span for word in ("one", "three")]
    edited = source.edited([Edit(span, "三".encode()) for span in spans if span])
    assert edited and sources(edited.data) == ["三", "two\n三"]


def test_an_edit_between_cells_is_refused():
    source = open_source("n.ipynb", notebook("one", None, "two"))
    between = source.text.index(b"```")
    assert source.edited([Edit(Span(between, between + 1), b"x")]) is None
    assert source.edited([Edit(Span(0, len(source.text)), b"x")]) is None


def test_a_code_cell_is_seen_as_a_fence():
    source = open_source("n.ipynb", notebook("# a", None, "# b"))
    page = parse(source.text)
    assert [b.kind for b in page.blocks] == ["heading", "fence", "heading"]


def test_cells_do_not_flow_into_each_other():
    data = notebook("- a\n- b", "- c", "> d", "> e", "text", "    code")
    page = parse(open_source("n.ipynb", data).text)
    assert len(page.of("list")) == 2
    assert len(page.of("quote")) == 2
    assert len(page.of("indented")) == 1


@pytest.mark.parametrize(
    "left_open", ["```sh\nls", "~~~~\nls", "> ```\n> ls", "<!-- x"]
)
def test_what_a_cell_leaves_open_ends_with_it(left_open):
    source = open_source("n.ipynb", notebook(left_open, "# title", "```\nls\n```\n"))
    page = parse(source.text)
    assert [page.text(block) for block in page.of("heading")] == ["title"]
    assert source.found(finding(source, "title")).cell == 2


def test_a_notebook_without_text_is_an_empty_page():
    source = open_source("n.ipynb", notebook(None))
    assert source.text == b""
    whole = Finding(code="a.b", role=Role.NOTE, message="m")
    assert source.found(whole).where == "n.ipynb:1:1"


def test_what_is_no_notebook_is_told():
    with pytest.raises(UsageError, match=r"bad\.ipynb"):
        open_source("bad.ipynb", b"{")
