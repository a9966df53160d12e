"""``firstlight docs convert``: what it writes, what it only says, and when it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from cli.started import Firstlight

MKDOCS = "# T\n\n!!! warning\n    Mind.\n\n??? note\n    Folded.\n"
GITHUB = "# T\n\n> [!WARNING]\n> Mind.\n\n??? note\n    Folded.\n"


def test_it_writes_pages_and_names_what_it_leaves(
    firstlight: Firstlight, project: Path
) -> None:
    (project / "README.md").write_text(MKDOCS)
    done = firstlight("docs", "convert", "--to", "github")
    assert (project / "README.md").read_text() == GITHUB
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == [
        "ℹ️ Note: README.md:6: left as it is: it can be folded, which other syntaxes "
        "cannot say [convert.left]",
        "✅ Done: 1 notice written anew in 1 page",
    ]


def test_diff_and_check_write_nothing_and_end_with_1(
    firstlight: Firstlight, project: Path
) -> None:
    (project / "README.md").write_text(MKDOCS)
    shown = firstlight("docs", "convert", "--to", "github", "--diff")
    assert "-!!! warning\n-    Mind.\n+> [!WARNING]\n+> Mind.\n" in shown.out
    checked = firstlight("docs", "convert", "--to", "github", "--check")
    assert (shown.code, checked.code) == (1, 1)
    assert (project / "README.md").read_text() == MKDOCS
    (project / "README.md").write_text(GITHUB)
    assert firstlight("docs", "convert", "--to", "github", "--check").code == 0


def test_json_tells_programs_what_changed(
    firstlight: Firstlight, project: Path
) -> None:
    (project / "README.md").write_text(MKDOCS)
    done = firstlight("--json", "docs", "convert", "--to", "github")
    value = json.loads(done.out)
    assert (value["notices"], value["written"]) == (1, True)
    assert value["pages"][0]["path"] == "README.md"
    assert "folded" in value["pages"][0]["left"][0]


def test_cells_of_notebooks_are_converted_and_nothing_else(
    firstlight: Firstlight, project: Path
) -> None:
    cell = {
        "cell_type": "markdown",
        "metadata": {},
        "source": ["> [!TIP]\n", "> 中文 `x`"],
    }
    code = {
        "cell_type": "code",
        "metadata": {},
        "source": ["# > [!TIP]"],
        "outputs": [],
        "execution_count": None,
    }
    before = json.dumps(
        {"cells": [code, cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
        indent=1,
    )
    (project / "n.ipynb").write_text(before)
    assert firstlight("docs", "convert", "--to", "symbols", "n.ipynb").code == 0
    after = (project / "n.ipynb").read_text()
    assert json.loads(after)["cells"][1]["source"] == ["> 💡 **提示**：中文 `x`"]
    assert json.loads(after)["cells"][0] == code


def test_standard_input_goes_to_standard_output(project: Path) -> None:
    words = [sys.executable, "-m", "firstlight", "docs", "convert", "--to", "github"]
    done = subprocess.run(
        [*words, "-"],
        cwd=project,
        input=MKDOCS.encode(),
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode() == GITHUB


def test_a_damaged_notebook_stands_in_nobodys_way(
    firstlight: Firstlight, project: Path
) -> None:
    (project / "README.md").write_text(MKDOCS)
    (project / "a.ipynb").write_text("")
    done = firstlight("docs", "convert", "--to", "github", "a.ipynb", "README.md")
    assert done.code == 1
    assert "Error: a.ipynb: cannot be read: it is not the JSON" in done.err
    assert (project / "README.md").read_text() == GITHUB


def test_a_page_that_cannot_be_written_is_told(
    firstlight: Firstlight, project: Path
) -> None:
    (project / "README.md").write_text(MKDOCS)
    (project / "README.md").chmod(0o444)
    done = firstlight("docs", "convert", "--to", "github")
    assert done.code == 1
    assert "Error: README.md: not written: it is read-only" in done.err
    assert "1 page, no notice written anew" in done.err
    assert (project / "README.md").read_text() == MKDOCS


def test_a_wrong_path_is_a_message(firstlight: Firstlight) -> None:
    done = firstlight("docs", "convert", "--to", "github", "missing.md")
    assert done.code != 0
    assert "missing.md" in done.err
    assert "Traceback" not in done.err
