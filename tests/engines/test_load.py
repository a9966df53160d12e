"""An image is handed to Docker and to Podman, whatever the store's folder is called."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest
from engine_tools import Built, Project, Tool


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Tool:
    """A real engine, which `PATH` finds first under its usual name."""
    tool = request.getfixturevalue(request.param)
    assert isinstance(tool, Tool)
    script = tmp_path / request.param
    script.write_text(f'#!/bin/sh\nexec {shlex.join(tool.words)} "$@"\n')
    script.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    return Tool(words=(str(script),), environ={"PATH": path})


def test_build_hands_the_image_to_an_engine(
    engine: Tool, project: Project, small_image: Built, tmp_path: Path
) -> None:
    """Podman refuses names that it makes from a path like this store's."""
    assert project.store.name == "Store_"
    kind = Path(engine.words[0]).name
    mine = project.copy(tmp_path / "mine", store=project.store)
    said = mine.run("build", "-o", kind, "--json", environ=engine.environ)
    image = json.loads(said)
    found = engine.run("inspect", "-f", "{{.Id}}", f"{image['name']}:latest").strip()
    assert image["image_id"] == f"sha256:{found.removeprefix('sha256:')}"
    assert image["image_id"] == small_image.image_id


def test_an_engine_that_fails_is_named(
    project: Project, small_image: Built, tmp_path: Path
) -> None:
    """The engine's own words are in the message, and what to look at next."""
    script = tmp_path / "docker"
    script.write_text("#!/bin/sh\necho 'cannot connect to the daemon' >&2\nexit 1\n")
    script.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = project.attempt("build", "-o", "docker", environ={"PATH": path})
    assert small_image.image_id
    assert done.returncode == 8
    assert "cannot connect to the daemon" in done.stderr
    assert "docker info" in done.stderr
