"""What mounts are laid upon in the project and the home folder is the person's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from firstlight.engine.base import HOME, WORKSPACE, Mount
from firstlight.workspace.place import Place, place_of


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """The place of a project whose files belong to somebody, as root sees it."""
    project = tmp_path / "project"
    project.mkdir()
    if os.geteuid() == 0:
        os.chown(project, 4321, 4321)
    found = place_of(project, state=tmp_path / "state")
    found.make()
    return found


def make(place: Place, *targets: str, source: Path) -> None:
    place.make_points(
        [
            Mount(source=place.project, target=WORKSPACE, writable=True),
            Mount(source=place.home, target=HOME, writable=True),
            *(Mount(source=source, target=target) for target in targets),
        ]
    )


def test_folders_and_files_are_made_for_the_owner(place: Place, tmp_path: Path) -> None:
    make(place, "/workspace/a/b", "/home/user/.cache/hf", source=tmp_path)
    file = tmp_path / "file"
    file.touch()
    make(place, "/home/user/.config/x.toml", source=file)
    made = [
        *(place.project / "a", place.project / "a/b", place.home / ".cache"),
        *(place.home / ".cache/hf", place.home / ".config/x.toml"),
    ]
    assert {path.stat().st_uid for path in made} == {place.owner[0]}
    assert [path.is_dir() for path in made] == [True, True, True, True, False]


def test_what_is_there_and_elsewhere_is_left_alone(
    place: Place, tmp_path: Path
) -> None:
    (place.project / "data").mkdir()
    (place.project / "data/file").write_text("kept")
    make(place, "/data", "/workspaces/x", "/workspace/data/file", source=tmp_path)
    assert [path.name for path in place.project.rglob("*")] == ["data", "file"]
    assert (place.project / "data/file").read_text() == "kept"
    assert not any(place.home.iterdir())


def test_nothing_is_made_where_a_link_leads(place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (place.project / "link").symlink_to(outside)
    make(place, "/workspace/link/made", source=tmp_path)
    assert not any(outside.iterdir())


def test_what_cannot_be_made_is_for_the_engine_to_say(
    place: Place, tmp_path: Path
) -> None:
    (place.project / "file").touch()
    make(place, "/workspace/file/below", "/workspace/after", source=tmp_path)
    assert (place.project / "after").is_dir()
