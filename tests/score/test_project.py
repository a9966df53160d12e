"""A project is scored as if its pages were one, whoever does the work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from firstlight.errors import UsageError
from firstlight.lint.settings import Settings, settings_of
from firstlight.score.page import gain
from firstlight.score.part import added
from firstlight.score.project import Scores, changes, score
from firstlight.score.summary import PARTS, WEIGHTS, scores
from score.measured import measured
from score.rewrites import REWRITES

SPLIT = REWRITES[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with a page for each rewrite, and a notebook."""
    for number, each in enumerate(REWRITES):
        (tmp_path / f"{number:02}.md").write_text(each.before, encoding="utf-8")
    cells = [
        {"cell_type": "code", "source": ["1 + 1"], "metadata": {}, "outputs": []},
        {"cell_type": "markdown", "source": [SPLIT.before], "metadata": {}},
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "run.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return tmp_path


def all_of(folder: Path, jobs: int = 1) -> Scores:
    return score(folder, ["."], Settings(), jobs=jobs)


def test_the_number_of_processes_changes_nothing(folder: Path) -> None:
    for number in range(40):
        text = "\n\n".join([SPLIT.before] * 12)
        (folder / f"more{number}.md").write_text(text, encoding="utf-8")
    one, two = all_of(folder, 1), all_of(folder, 2)
    assert len(one.pages) == len(REWRITES) + 41
    assert one == two


def test_counts_of_a_project_are_those_of_its_pages(folder: Path) -> None:
    found = all_of(folder)
    total = PARTS["paragraphs"].nothing
    for page in found.pages:
        total = added(total, page.vector["paragraphs"])
    assert found.vector["paragraphs"] == pytest.approx(total)
    weighted = [
        (WEIGHTS[name], each)
        for name, each in scores(found.vector).items()
        if each is not None
    ]
    expected = sum(weight * each for weight, each in weighted) / 100
    assert found.score == pytest.approx(expected)


def test_two_equal_pages_score_as_one() -> None:
    page = measured(SPLIT.before)
    assert Scores((page, page)).score == pytest.approx(page.score)


def test_a_project_without_pages_has_no_score() -> None:
    assert Scores(()).score is None
    assert Scores(()).best(3) == []


def test_changes_are_in_the_order_of_what_they_gain(folder: Path) -> None:
    found = all_of(folder).best(3)
    assert len(found) == 3
    gains = [change.gain for change in found]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] > 0


def test_what_a_change_promises_is_what_its_making_gives() -> None:
    before = measured(SPLIT.before)
    promised = next(
        change
        for change in changes([before], before.vector, 3)
        if change.mending.part == "paragraphs"
    )
    assert promised.mending.action.startswith("make 3 paragraphs")
    after = measured(SPLIT.after)
    assert before.score is not None
    assert after.score is not None
    assert after.score - before.score == pytest.approx(promised.gain, abs=1)


def test_a_gain_is_the_difference_of_two_scores() -> None:
    vector = measured(SPLIT.before).vector
    assert gain(vector, "paragraphs", PARTS["paragraphs"].nothing) == 0
    half = (0.0, (vector["paragraphs"][0] - vector["paragraphs"][1]) / 2, 0, 0, 0, 0)
    missing = 100 - (scores(vector)["paragraphs"] or 0)
    weights = sum(WEIGHTS[n] for n, each in scores(vector).items() if each is not None)
    expected = WEIGHTS["paragraphs"] * missing / 2 / weights
    assert gain(vector, "paragraphs", half) == pytest.approx(expected)


def test_places_in_a_notebook_name_the_cell(folder: Path) -> None:
    page = next(p for p in all_of(folder).pages if p.path == "run.ipynb")
    where = {change.where for change in changes([page], page.vector, 3)}
    assert "run.ipynb:cell 2:3" in where


def test_pages_are_those_of_the_settings(folder: Path) -> None:
    (folder / "docs").mkdir()
    (folder / "docs" / "a.md").write_text("Text.\n", encoding="utf-8")
    found = score(folder, (), settings_of({"paths": ["docs/*.md"]}))
    assert [page.path for page in found.pages] == ["docs/a.md"]


def test_limits_are_those_of_the_settings(folder: Path) -> None:
    strict = settings_of({"limits": {"marks-allowed": 0, "blocks-per-mark": 5}})
    found = score(folder, [f"{len(REWRITES) - 1:02}.md"], strict)
    assert found.vector["marks"] == (5, 5, 1, 4)


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        score(tmp_path, ["missing.md"], Settings())


def test_what_cannot_be_read_is_told_and_left_out(folder: Path) -> None:
    (folder / "bad.ipynb").write_text("{", encoding="utf-8")
    (folder / "gone.md").symlink_to(folder / "nowhere.md")
    found = score(folder, ["00.md", "bad.ipynb"], Settings())
    assert [page.path for page in found.pages] == ["00.md"]
    assert [each.where for each in found.unread] == ["bad.ipynb"]
    assert "cannot be read" in found.unread[0].message
