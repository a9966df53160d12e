"""Each page belongs to the nearest settings, which are read again when they change."""

from __future__ import annotations

from pathlib import Path

import pytest

from editor.open_pages import codes, session
from firstlight.editor.project import Project, folder_of
from firstlight.finding import Finding
from firstlight.lint.baseline import write_baseline
from firstlight.lint.environment import Environment


def project(folder: Path, **options: object) -> Project:
    """Return the project of a folder, of which no spec is known."""
    return Project(folder, lambda folder, warn: None, is_whole=False, **options)  # type: ignore[arg-type]


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    """A folder in whose ``inner`` are settings."""
    (tmp_path / "inner" / "docs").mkdir(parents=True)
    (tmp_path / "inner" / "firstlight.toml").write_text('[docs]\nform = "alert"\n')
    return tmp_path


def test_the_nearest_settings_count(nested: Path) -> None:
    inner = nested / "inner"
    assert folder_of(inner / "docs" / "a.md", [nested]) == inner
    assert folder_of(inner / "docs" / "a.md", [inner / "docs"]) == inner


def test_without_settings_the_innermost_folder_of_the_editor_counts(
    tmp_path: Path,
) -> None:
    file = tmp_path / "a" / "b" / "c.md"
    assert folder_of(file, [tmp_path, tmp_path / "a"]) == tmp_path / "a"
    assert folder_of(file, []) == file.parent


def test_settings_are_read_again_only_when_they_change(nested: Path) -> None:
    found = project(nested / "inner")
    assert found.plan.given.form == "alert"
    assert not found.refresh()
    (nested / "inner" / "firstlight.toml").write_text('[docs]\nform = "mkdocs"\n')
    assert found.refresh()
    assert found.plan.given.form == "mkdocs"


def test_wrong_settings_are_told_and_the_last_good_ones_hold(nested: Path) -> None:
    found = project(nested / "inner")
    (nested / "inner" / "firstlight.toml").write_text('[docs]\nform = "alter"\n')
    assert found.refresh()
    assert [each.where for each in found.problems] == ["firstlight.toml: docs.form"]
    assert found.plan.given.form == "alert"
    (nested / "inner" / "firstlight.toml").write_text("[docs\n")
    assert found.refresh()
    assert "not valid TOML" in found.problems[0].message


def test_targets_of_the_editor_count_where_there_are_no_settings(nested: Path) -> None:
    targets = ("mkdocs", "no such place")
    assert project(nested, targets=targets).plan.given.targets == {"mkdocs"}
    assert project(nested / "inner", targets=targets).plan.given.targets == {"github"}


def test_the_image_of_the_project_is_known_to_its_rules(nested: Path) -> None:
    def find(folder: Path, warn: object) -> Environment:
        return Environment(name=folder.name)

    found = Project(nested / "inner", find, is_whole=True)
    assert found.plan.given.environment == Environment(name="inner")
    assert Project(nested, find, is_whole=True).environment is None


def test_what_is_wrong_with_the_spec_is_told(nested: Path) -> None:
    def find(folder: Path, warn: object) -> None:
        assert callable(warn)
        warn(Finding(code="docs.environment", role="warning", message="stale"))  # type: ignore[arg-type]

    assert Project(nested / "inner", find, is_whole=True).problems[0].message == "stale"


def test_excluded_pages_and_the_baseline_are_respected(tmp_path: Path) -> None:
    settings = tmp_path / "firstlight.toml"
    settings.write_text(
        '[docs]\nexclude = ["old"]\nper-file-ignores = {"b.md" = ["symbols"]}\n'
    )
    editor = session(tmp_path)
    pages = {
        name: editor.open(f"u:{name}", tmp_path / name, 1, "# A\n\n🎉 B\n")
        for name in ("a.md", "b.md", "old/c.md")
    }
    found = {name: codes(editor, page) for name, page in pages.items()}
    assert found == {"a.md": ["symbols.feeling"], "b.md": [], "old/c.md": []}
    shown = editor.findings(pages["a.md"])
    write_baseline(tmp_path / "base.json", [each.found for each in shown])
    settings.write_text('[docs]\nbaseline = "base.json"\n')
    assert editor.refresh()
    assert codes(editor, pages["a.md"]) == []
