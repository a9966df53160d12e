"""Workflow commands of GitHub Actions."""

from __future__ import annotations

from firstlight.finding import Role
from firstlight.lint.github import workflow_commands
from lint.placed import place


def test_a_finding_names_its_place_in_units_of_github() -> None:
    one = place("🔧🔧 here\n", "here", hint="leave it out")
    assert list(workflow_commands([one], "sub/")) == [
        "::warning file=sub/docs/a.md,title=symbols.feeling,line=1,endLine=1,"
        "col=6,endColumn=10::it is wrong [symbols.feeling]%0Aleave it out"
    ]


def test_what_would_end_a_property_or_the_line_is_escaped() -> None:
    one = place("x", "x", path="a,b:c%.md", message="50%\r\ndone")
    (line,) = workflow_commands([one])
    assert "file=a%2Cb%3Ac%25.md," in line
    assert line.endswith("::50%25%0D%0Adone [symbols.feeling]")


def test_several_lines_have_no_columns() -> None:
    (line,) = workflow_commands([place("ab\ncd", "b\nc")])
    assert ",line=1,endLine=2::" in line


def test_a_cell_is_told_in_words() -> None:
    (line,) = workflow_commands([place("a\nb", "b", cell=3, path="a.ipynb")])
    assert ",line=1::cell 3, line 2: it is wrong" in line


def test_the_worst_come_first_since_github_shows_only_ten_of_a_kind() -> None:
    roles = (Role.NOTE, Role.FAILURE, Role.WARNING)
    lines = workflow_commands([place("a", "a", role=role) for role in roles])
    kinds = [line.split()[0] for line in lines]
    assert kinds == ["::error", "::warning", "::notice"]
