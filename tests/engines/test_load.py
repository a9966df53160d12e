"""An image is handed to Docker and to Podman, whatever the store's folder is called."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest
from engine_tools import Built, Project, Tool

pytestmark = [pytest.mark.slow, pytest.mark.engine]


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


def _names(engine: Tool) -> set[str]:
    return set(engine.run("images", "--format", "{{.Repository}}").split())


def test_build_hands_the_image_to_an_engine(
    engine: Tool, project: Project, small_image: Built, tmp_path: Path
) -> None:
    """Podman refuses names that it makes from a path like this store's."""
    assert project.store.name == "Store_"
    kind = Path(engine.words[0]).name
    mine = project.copy(tmp_path / "mine", store=project.store)
    before = _names(engine)
    said = mine.run("build", "-o", kind, "--json", environ=engine.environ)
    image = json.loads(said)
    found = engine.run("inspect", "-f", "{{.Id}}", f"{image['name']}:latest").strip()
    assert image["image_id"] == f"sha256:{found.removeprefix('sha256:')}"
    assert image["image_id"] == small_image.image_id
    own = {image["name"], f"localhost/{image['name']}"}
    assert _names(engine) - before <= own


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


PULL = """\
import json, sys
from contextlib import contextmanager
from pathlib import Path
from firstlight.engine.docker import DOCKER
from firstlight.lock.text import parse_lock
from firstlight.pack.known import find
from firstlight.progress import Progress, Task
from firstlight.store import Store

class Counting(Task):
    moved = 0
    def advance(self, size):
        Counting.moved += size

class Listening(Progress):
    @contextmanager
    def task(self, kind, name, total=None):
        yield Counting()

path, store = Path(sys.argv[1]), Store.open(Path(sys.argv[2]))
lock = parse_lock(path.read_text(), str(path))
image = find(lock, "linux/amd64", store)
DOCKER.load(image, store, Listening())
sizes = [layer.size for layer in image.layers]
print(json.dumps({"id": image.id, "moved": Counting.moved, "size": sum(sizes)}))
"""


def test_docker_pulls_only_what_it_lacks(
    docker: Tool, project: Project, small_image: Built, workspace: Path, tmp_path: Path
) -> None:
    changed = Project.make(tmp_path / "changed", store=project.store, einops="0.7.0")
    mine = project.copy(tmp_path / "mine", store=project.store)
    mine.run("build")
    changed.run("build")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    script = tmp_path / "docker"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(docker.words)} "$@"\n')
    script.chmod(0o755)
    docker.attempt("image", "rm", "-f", small_image.image_id)

    def load(one: Project) -> dict[str, int | str]:
        tool = Tool(words=(str(one.python), "-c", PULL), environ={"PATH": path})
        said = tool.run(one.folder / "firstlight.lock", one.store)
        found: dict[str, int | str] = json.loads(said.splitlines()[-1])
        assert (
            docker.run("inspect", "-f", "{{.Id}}", found["id"]).strip() == found["id"]
        )
        return found

    load(mine)
    changed_one, again = load(changed), load(changed)
    # The layer of einops holds the other small packages of its group too.
    assert 0 < changed_one["moved"] * 5 < changed_one["size"]
    assert again["moved"] == 0
