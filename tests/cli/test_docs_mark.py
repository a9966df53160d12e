"""``firstlight docs mark``: what it says, asks, writes, and ends with."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.started import Ended
from firstlight.cli import main

PAGE = """\
# Volumes

The volume holds all. Removing the volume permanently deletes all files. List it first.

Text.

We recommend a copy.
"""
MARKED = """\
# Volumes

🔴 **Danger**: Removing the volume permanently deletes all files.

The volume holds all. List it first.

Text.

💡 **Tip**: We recommend a copy.
"""

Run = Callable[..., Ended]


@pytest.fixture
def docs(
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> Run:
    """Run ``firstlight docs mark`` in a project with one page, ``docs/a.md``."""
    (project / "docs").mkdir()
    (project / "docs" / "a.md").write_text(PAGE, encoding="utf-8")
    monkeypatch.chdir(project)
    monkeypatch.setenv("FIRSTLIGHT_STORE", str(tmp_path / "store"))

    def run(*arguments: str, stdin: str = "") -> Ended:
        stream = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        monkeypatch.setattr("sys.stdin", stream)
        code = main([*arguments[:-1], "docs", "mark", *arguments[-1].split()])
        out, err = (each.decode() for each in capfdbinary.readouterr())
        return Ended(code, out, err)

    return run


def page(project: Path) -> str:
    """The page as it is now."""
    return (project / "docs" / "a.md").read_text(encoding="utf-8")


def test_each_proposal_has_place_mark_text_and_reason(docs: Run, project: Path) -> None:
    done = docs("")
    assert done.code == 0
    first, because, *_ = done.out.splitlines()
    assert first.startswith("docs/a.md:3:23: ")
    assert "Danger (0.95) Removing the volume permanently" in first
    assert because == "  because: permanently deletes, act, for good"
    assert "2 marks can be written in 1 page" in done.err
    assert page(project) == PAGE


def test_marks_are_written_once(docs: Run, project: Path) -> None:
    assert "2 marks written in 1 page" in docs("--write").err
    assert page(project) == MARKED
    assert docs("--write").err == "✅ Done: 1 page, no mark written\n"
    assert page(project) == MARKED


def test_a_diff_writes_nothing_and_ends_with_1(docs: Run, project: Path) -> None:
    done = docs("--write --diff docs/a.md")
    assert done.code == 1
    assert "+💡 **Tip**: We recommend a copy.\n" in done.out
    assert page(project) == PAGE
    docs("--write")
    assert docs("--diff").code == 0


@pytest.mark.parametrize(
    ("answers", "marks"),
    [("y\nn\n", "🔴"), ("n\ny\n", "💡"), ("a\n", "🔴💡"), ("q\n", ""), ("n\nq\n", "")],
)
def test_each_mark_can_be_asked_for(
    docs: Run, project: Path, answers: str, marks: str
) -> None:
    done = docs("--interactive", stdin=answers)
    assert done.code == 0
    assert "".join(mark for mark in "🔴💡" if mark in page(project)) == marks
    assert done.err.count("write it?") == answers.count("\n")


def test_the_end_of_the_input_ends_the_questions(docs: Run, project: Path) -> None:
    done = docs("--interactive", stdin="y\n")
    assert done.code == 0
    assert "🔴" in page(project)
    assert "💡" not in page(project)


def test_a_damaged_notebook_stands_in_nobodys_way(docs: Run, project: Path) -> None:
    (project / "docs" / "a.ipynb").write_text("{")
    done = docs("--write")
    assert done.code == 1
    assert "docs/a.ipynb: cannot be read: it is not the JSON of a notebook" in done.err
    assert page(project) == MARKED


def test_the_place_of_a_mark_in_a_notebook_is_told_by_cell(
    docs: Run, project: Path
) -> None:
    sources = ("# Title\n\nText.\n", "Text.\n\nWe recommend a copy.")
    cells = [{"cell_type": "markdown", "metadata": {}, "source": s} for s in sources]
    value = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (project / "docs" / "n.ipynb").write_text(json.dumps(value))
    assert docs("docs/n.ipynb").out.startswith("docs/n.ipynb:cell 2:3:1: ")


def test_json_tells_programs_all_of_it(docs: Run, project: Path) -> None:
    value = json.loads(docs("--json", "--write").out)
    assert value["written"] == 2
    (told,) = value["pages"]
    assert told["path"] == "docs/a.md"
    danger, tip = told["marks"]
    assert (danger["function"], danger["line"], danger["column"]) == ("danger", 3, 23)
    assert (tip["symbol"], tip["word"], tip["confidence"]) == ("💡", "Tip", 0.9)


def test_standard_input_goes_marked_to_standard_output(docs: Run) -> None:
    assert docs("--write -", stdin=PAGE).out == MARKED


def test_less_sure_marks_are_shown_when_asked_for(docs: Run, project: Path) -> None:
    text = "Install the driver:\n\n```sh\nmake\n```\n"
    (project / "docs" / "a.md").write_text(text)
    assert docs("").out == ""
    assert "Do this (0.75)" in docs("--min-confidence 0.7").out


def test_why_a_hazard_is_not_written_is_said(docs: Run, project: Path) -> None:
    text = "One. This permanently deletes all files and cannot be undone.\n"
    (project / "docs" / "a.md").write_text(text)
    done = docs("--write")
    assert "  not written: its sentence refers to what stands before it\n" in done.out
    assert page(project) == text


def test_a_heading_that_another_page_links_to_keeps_its_anchor(
    docs: Run, project: Path
) -> None:
    text = "# T\n\n## Performance\n\nText.\n"
    (project / "docs" / "a.md").write_text(text)
    (project / "docs" / "b.md").write_text("# B\n\nSee [it](a.md#performance).\n")
    docs("--write docs/a.md")
    assert page(project) == text
    (project / "docs" / "b.md").unlink()
    docs("--write docs/a.md")
    assert "## 📈 Performance" in page(project)


def test_the_projects_own_symbols_are_written(docs: Run, project: Path) -> None:
    settings = '[docs.symbols.tip]\nsymbol = "🧭"\nenglish = "Advice"\n'
    (project / "firstlight.toml").write_text(settings, encoding="utf-8")
    docs("--write")
    assert "🧭 **Advice**: We recommend a copy." in page(project)


def test_cells_of_notebooks_are_marked_and_nothing_else(
    docs: Run, project: Path
) -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": "We recommend a copy."},
        {
            "cell_type": "code",
            "metadata": {},
            "source": "# We recommend a copy.",
            "outputs": [],
            "execution_count": None,
        },
    ]
    value = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path = project / "docs" / "n.ipynb"
    path.write_text(json.dumps(value, indent=1))
    assert docs("--write docs/n.ipynb").code == 0
    after = json.loads(path.read_text())["cells"]
    assert after[0]["source"] == "💡 **Tip**: We recommend a copy."
    assert after[1] == cells[1]


@pytest.mark.parametrize(
    "arguments",
    [
        *("missing.md", "- docs/a.md", "--interactive -", "--min-confidence 2"),
        "--stdin-filename a.md docs",
    ],
)
def test_a_wrong_command_line_is_a_message(docs: Run, arguments: str) -> None:
    done = docs(arguments)
    assert done.code != 0
    assert "Traceback" not in done.err
    assert done.err
