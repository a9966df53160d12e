"""A changed package runs as it is now, not as Python compiled it before."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_tools import Project, Tool

pytestmark = [pytest.mark.slow, pytest.mark.engine]

VERSION = ("python", "-c", "import einops; print(einops.__version__)")


def test_a_changed_package_runs_as_it_is_now(
    docker: Tool, project: Project, tmp_path: Path
) -> None:
    """The two versions differ in a file of the same size; the home folder is kept."""
    environ = {"DOCKER_HOST": docker.words[-1], "XDG_STATE_HOME": str(tmp_path)}
    folder = tmp_path / "project"
    for version in ("0.8.0", "0.8.1", "0.8.0"):
        changed = Project.make(folder, store=project.store, einops=version)
        changed.run("lock")
        for engine in ("docker", "sandbox"):
            words = ("-q", "run", "--engine", engine, "--gpus", "none", "--")
            told = changed.run(*words, *VERSION, environ=environ)
            assert told == f"{version}\n", engine


def test_engines_share_what_was_compiled(
    docker: Tool, project: Project, tmp_path: Path
) -> None:
    """Python's time stamps of the sources are the same under each."""
    environ = {"DOCKER_HOST": docker.words[-1], "XDG_STATE_HOME": str(tmp_path)}
    written = {}
    for engine in ("sandbox", "docker"):
        words = ("-q", "run", "--engine", engine, "--gpus", "none", "--")
        project.run(*words, *VERSION, environ=environ)
        (found,) = tmp_path.rglob("einops/__init__.cpython-*.pyc")
        written[engine] = found.stat().st_mtime_ns
    assert written["sandbox"] == written["docker"]
    script = "import shutil; shutil.make_archive('/tmp/x', 'zip', '/opt/venv/bin')"
    project.run(*words, "python", "-c", script, environ=environ)
