"""Drift: the difference between two tables of packages, with what to do about it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstlight.workspace.drift import LISTING, compare, parse

TABLES = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123"))


@given(locked=TABLES, found=TABLES)
def test_what_is_told_leads_from_one_to_the_other(
    locked: dict[str, str], found: dict[str, str]
) -> None:
    reached = dict(locked)
    for each in compare(locked, found):
        assert each.locked != each.found
        if each.found:
            reached[each.name] = each.found
        else:
            del reached[each.name]
    assert reached == found
    assert compare(locked, locked) == ()


@given(locked=TABLES, found=TABLES)
def test_the_other_way_round_the_same_packages_differ(
    locked: dict[str, str], found: dict[str, str]
) -> None:
    there, back = compare(locked, found), compare(found, locked)
    assert [(e.name, e.locked, e.found) for e in there] == [
        (e.name, e.found, e.locked) for e in back
    ]
    assert [each.name for each in there] == sorted(each.name for each in there)


def test_each_difference_has_words_and_a_command() -> None:
    found = compare({"a": "1", "b": "1"}, {"b": "2", "c": "3"})
    undone = "makes it permanent, `firstlight restart` undoes it"
    assert [(each.line, each.hint({"a"})) for each in found] == [
        ("a 1 was removed by hand", f"`firstlight remove a` {undone}"),
        ("b is 2, the lock says 1", f"`firstlight add 'b==2'` {undone}"),
        ("c 3 was installed by hand", f"`firstlight add 'c==3'` {undone}"),
    ]


def test_what_only_others_need_is_not_offered_for_removal() -> None:
    (only,) = compare({"numpy": "2.1"}, {})
    assert only.hint({"torch"}) == "`firstlight restart` brings it back"


def test_torch_has_a_field_of_its_own() -> None:
    (only,) = compare({"torch": "2.7.1+cu126"}, {"torch": "2.8.0+cu128"})
    assert only.hint(()).startswith('torch = "2.8.0" in the spec makes')


@pytest.mark.parametrize(
    ("locked", "spelled"),
    [("1.0b1", "1.0-beta1"), ("2024.7.4", "2024.07.04"), ("1.0", "1.0.0"), ("x", "x")],
)
def test_another_spelling_is_no_drift(locked: str, spelled: str) -> None:
    assert compare({"a": locked}, {"a": spelled}) == ()


@pytest.mark.parametrize("found", ["2.7.1+cpu", "2.7.1.post1", "odd version"])
def test_another_build_is_drift(found: str) -> None:
    (only,) = compare({"torch": "2.7.1+cu126"}, {"torch": found})
    assert only.line == f"torch is {found}, the lock says 2.7.1+cu126"


# What is asked inside


def listed(folder: Path, *path: Path) -> dict[str, str]:
    """What Python tells of itself when it is asked in a folder."""
    done = subprocess.run(
        [sys.executable, *LISTING[1:]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return parse(done.stdout)


def install(folder: Path, name: str, version: str) -> None:
    """What an installer leaves of a package."""
    info = folder / f"{name}-{version or 0}.dist-info"
    info.mkdir(parents=True)
    text = "Metadata-Version: 2.1\n"
    text += f"Name: {name}\n" if name else ""
    text += f"Version: {version}\n" if version else ""
    (info / "METADATA").write_text(text)


def test_the_listing_is_what_python_can_import(tmp_path: Path) -> None:
    assert listed(tmp_path)["pytest"] == pytest.__version__


def test_of_two_the_one_that_is_imported_counts(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    install(first, "Odd_Name", "1.5")
    install(second, "odd.name", "2.0")
    assert listed(tmp_path, first, second)["odd-name"] == "1.5"
    assert listed(tmp_path, second, first)["odd-name"] == "2.0"


def test_the_project_is_not_asked_about_itself(tmp_path: Path) -> None:
    """It is the folder where the question is asked, and may have a json.py."""
    (tmp_path / "json.py").write_text("raise SystemExit('mine')")
    install(tmp_path, "my_project", "1.0")
    found = listed(tmp_path)
    assert "my-project" not in found
    assert "pytest" in found


def test_what_is_half_removed_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    install(folder, "", "1.0")
    install(folder, "nothing", "")
    install(folder, "whole", "1.0")
    found = listed(tmp_path, folder)
    assert found["whole"] == "1.0"
    assert "nothing" not in found


def test_names_are_compared_as_the_index_does() -> None:
    assert parse(json.dumps([["Jupyter_Server", "2"]])) == {"jupyter-server": "2"}


@pytest.mark.parametrize(
    "text",
    [
        *("", "Traceback", '{"a": 1', "null", "3", '"ab"', '{"ab": 1}'),
        *("[1]", '["ab"]', '[["a"]]', '[["a", "1", "2"]]'),
    ],
)
def test_something_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)
