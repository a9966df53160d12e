"""Which files are pages: what the settings name, without what git ignores."""

from __future__ import annotations

import os
import subprocess

import pytest

from firstlight.errors import UsageError
from firstlight.lint.discover import discover
from firstlight.lint.settings import Settings


@pytest.fixture
def project(tmp_path):
    """A folder with pages in many places, outside git."""
    for path in (
        *("README.md", "b.markdown", "notes.txt", "docs/a.md", "docs/n.ipynb"),
        *("docs/deep/er/c.md", "src/x.md", ".hidden/h.md", "docs/.h/h.md"),
        *("docs/node_modules/m.md", "docs/build/out.md"),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("# x\n")
    return tmp_path


def git(folder, *words):
    subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True)


def found(folder, *paths, **settings):
    return discover(folder, Settings(**settings), paths).files


def test_by_default_pages_are_at_the_root_and_in_docs(project):
    assert found(project) == [
        *("README.md", "b.markdown", "docs/a.md", "docs/deep/er/c.md"),
        "docs/n.ipynb",
    ]


def test_settings_name_other_pages_and_leave_some_out(project):
    pages = found(project, paths=("**/*.md",), exclude=("docs/deep", "README.md"))
    assert pages == ["docs/a.md", "src/x.md"]


def test_a_hidden_folder_is_looked_at_when_it_is_named(project):
    assert found(project, paths=(".hidden/*.md",)) == [".hidden/h.md"]


def test_a_file_is_a_page_when_it_is_named(project):
    pages = found(project, "notes.txt", "src/x.md", exclude=("src",))
    assert pages == ["notes.txt", "src/x.md"]


def test_a_folder_stands_for_the_pages_in_it(project):
    assert found(project, "docs/deep") == ["docs/deep/er/c.md"]
    assert found(project, "src/../docs/deep/") == ["docs/deep/er/c.md"]
    assert "src/x.md" in found(project, ".")


def test_what_lies_elsewhere_keeps_its_whole_path(project, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "o.md"
    other.write_text("x")
    assert found(project, str(other)) == [other.as_posix()]


def test_what_does_not_exist_is_told(project):
    with pytest.raises(UsageError, match=r"nothing\.md: there is no such file"):
        found(project, "nothing.md")


def test_what_is_no_file_is_told_and_not_read(project):
    os.mkfifo(project / "pipe.md")
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        found(project, "pipe.md")
    with pytest.raises(UsageError, match="there is no such file"):
        found(project, f"{'x' * 300}.md")


def test_an_empty_name_is_not_the_whole_project(project):
    with pytest.raises(UsageError, match='"" names no file or folder'):
        found(project, "")


def test_git_says_what_is_ignored(project):
    git(project, "init", "-q")
    (project / ".gitignore").write_text("docs/deep/\n*.markdown\n")
    # Git knows that this folder is not filled by a tool.
    assert found(project) == [
        *("README.md", "docs/a.md", "docs/build/out.md", "docs/n.ipynb")
    ]
    assert found(project, "b.markdown") == ["b.markdown"]


def test_what_git_tracks_is_not_ignored(project):
    git(project, "init", "-q")
    (project / ".gitignore").write_text("docs/\n")
    git(project, "add", "-f", "docs/a.md")
    assert found(project) == ["README.md", "b.markdown", "docs/a.md"]


def test_a_project_may_be_a_part_of_a_repository(project):
    git(project, "init", "-q")
    (project / ".gitignore").write_text("er/\n")
    assert found(project / "docs") == ["a.md"]
    watched = discover(project / "docs", Settings()).watched
    assert (project / ".gitignore").as_posix() in watched
    assert (project / ".git" / "index").as_posix() in watched


def test_every_folder_that_was_looked_through_is_watched(project):
    watched = discover(project, Settings()).watched
    assert {"", "docs", "docs/deep", "docs/deep/er"} <= watched
    assert "src" not in watched


def test_a_folder_that_is_not_there_yet_is_watched(tmp_path):
    found = discover(tmp_path, Settings())
    assert found.files == []
    assert "docs" in found.watched


def test_a_link_to_a_folder_is_not_followed(project):
    (project / "docs" / "loop").symlink_to(project)
    assert "docs/loop/README.md" not in found(project)


def test_a_link_to_itself_hides_no_other_page(project):
    (project / "a.md").symlink_to("a.md")
    assert "README.md" in found(project)
    assert "b.markdown" in found(project)
