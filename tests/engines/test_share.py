"""Pushed to a real registry, pulled by real engines, and the other way round."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from engine_tools import Project, Tool

pytestmark = [pytest.mark.slow, pytest.mark.engine]

SPEC = """\
name = "shared"
python = "3.11"
packages = ["einops=={einops}"]
profile = "serve"

[target]
platforms = ["linux/amd64", "linux/arm64"]

[share]
image = "REGISTRY/team/shared"
"""
RUN = ("--", "python", "-c", "import einops; print(einops.__version__)")


def tell(project: Project, *arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project.run("--json", *arguments))
    return found


@pytest.fixture(scope="module")
def shared(registry: str, project: Project, workspace: Path) -> Project:
    """A project for two platforms, locked and built; the store has its packages."""
    spec = SPEC.replace("REGISTRY", registry)
    made = Project.make(
        workspace / "shared", store=project.store, einops="0.8.0", spec=spec
    )
    made.run("lock")
    return made


@pytest.fixture(scope="module")
def pushed(shared: Project) -> dict[str, Any]:
    """What the first push said."""
    return tell(shared, "push", "--tag", "gzip")


@pytest.fixture(scope="module")
def by_zstd(shared: Project, pushed: dict[str, Any]) -> dict[str, Any]:
    """What a push of the same image with zstd said."""
    place = pushed["reference"].partition("@")[0]
    line = ("push", "--no-attest", "--compression", "zstd", f"{place}-zstd:zstd")
    return tell(shared, *line)


def image_id(pushed: dict[str, Any], platform: str) -> str:
    (row,) = [row for row in pushed["platforms"] if row["platform"] == platform]
    return str(row["image_id"])


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> Tool:
    tool = request.getfixturevalue(request.param)
    assert isinstance(tool, Tool)
    return tool


def pull_words(engine: Tool) -> tuple[str, ...]:
    """Docker takes plain HTTP from loopback by itself."""
    is_docker = Path(engine.words[0]).name == "docker"
    return ("pull", "-q") if is_docker else ("pull", "-q", "--tls-verify=false")


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_engines_pull_the_same_image(
    engine: Tool, pushed: dict[str, Any], by_zstd: dict[str, Any], compression: str
) -> None:
    """Docker 20.10 knows no zstd in layers; 23 and later do."""
    told = pushed if compression == "gzip" else by_zstd
    reference = told["reference"]
    done = engine.attempt(*pull_words(engine), reference)
    if compression == "zstd" and _is_old_docker(engine):
        assert done.returncode != 0
        return
    assert done.returncode == 0, done.stderr
    found = engine.run("image", "inspect", "-f", "{{.Id}}", reference).strip()
    assert found.removeprefix("sha256:") == image_id(told, "linux/amd64")[7:]
    engine.attempt("rmi", "-f", found)


def _is_old_docker(engine: Tool) -> bool:
    if Path(engine.words[0]).name != "docker":
        return False
    version = engine.run("version", "-f", "{{.Server.Version}}")
    return int(version.partition(".")[0]) < 23


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_the_index_leads_to_each_platform(
    skopeo: Tool, pushed: dict[str, Any], by_zstd: dict[str, Any], architecture: str
) -> None:
    words = ("--override-arch", architecture, "inspect", "--tls-verify=false")
    for told in (pushed, by_zstd):
        source = f"docker://{told['reference']}"
        shown = json.loads(skopeo.run(*words, source))
        assert (shown["Os"], shown["Architecture"]) == ("linux", architecture)
        config = skopeo.run(*words, "--config", "--raw", source).encode()
        wanted = image_id(told, f"linux/{architecture}")
        assert f"sha256:{hashlib.sha256(config).hexdigest()}" == wanted


def test_a_second_push_sends_nothing(shared: Project, pushed: dict[str, Any]) -> None:
    again = tell(shared, "push")
    assert (again["bytes_sent"], again["digest"]) == (0, pushed["digest"])
    other = pushed["reference"].partition("@")[0] + "-other"
    elsewhere = tell(shared, "push", "--no-attest", other)
    assert (elsewhere["bytes_sent"], elsewhere["blobs_uploaded"]) == (0, 0)
    assert elsewhere["digest"] == pushed["digest"]


def test_a_changed_package_sends_its_layer_only(
    shared: Project, pushed: dict[str, Any], tmp_path: Path
) -> None:
    changed = shared.copy(tmp_path / "changed", store=shared.store)
    spec = changed.folder / "firstlight.toml"
    spec.write_text(spec.read_text().replace("0.8.0", "0.7.0"))
    changed.run("lock")
    told = tell(changed, "push", "--no-attest")
    assert told["digest"] != pushed["digest"]
    assert 0 < told["bytes_sent"] * 20 < told["bytes_total"]
    # For each platform a configuration; one layer, which both have.
    assert told["blobs_uploaded"] <= 4


@pytest.fixture
def apart(workspace: Path, tmp_path: Path) -> Project:
    """A folder that is no project, beside an empty store."""
    folder = tmp_path / "apart"
    folder.mkdir()
    return Project(folder=folder, store=tmp_path / "apart-store")


@pytest.mark.parametrize("by", ["docker", "podman", "skopeo"])
def test_what_other_tools_push_is_pulled_and_runs(
    by: str,
    apart: Project,
    registry: str,
    pushed: dict[str, Any],
    request: pytest.FixtureRequest,
) -> None:
    tool = request.getfixturevalue(by)
    source, target = pushed["reference"], f"{registry}/team/by-{by}:1"
    if by == "skopeo":
        plain = ("--src-tls-verify=false", "--dest-tls-verify=false")
        made = (f"docker://{source}", f"docker://{target}")
        tool.run("copy", "-q", *plain, "--format", "v2s2", *made)
    else:
        tool.run(*pull_words(tool), source)
        tool.run("tag", source, target)
        plain = ("--tls-verify=false",) if by == "podman" else ()
        tool.run("push", *plain, target)
    found = tell(apart, "pull", target, "--platform", "linux/amd64")
    assert found["image_id"] == image_id(pushed, "linux/amd64")
    assert apart.run("run", "--image", target, *RUN) == "0.8.0\n"


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_what_was_pulled_of_dockers_kind_runs_under_engines(
    name: str,
    apart: Project,
    registry: str,
    pushed: dict[str, Any],
    skopeo: Tool,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    """A layout, from which Podman reads, takes manifests of OCI's type only."""
    source, target = pushed["reference"], f"{registry}/team/kind:1"
    plain = ("--src-tls-verify=false", "--dest-tls-verify=false", "--format", "v2s2")
    skopeo.run("copy", "-q", *plain, f"docker://{source}", f"docker://{target}")
    tool = request.getfixturevalue(name)
    script = tmp_path / name
    script.write_text(f'#!/bin/sh\nexec {shlex.join(tool.words)} "$@"\n')
    script.chmod(0o755)
    tool.attempt("rmi", "-f", image_id(pushed, "linux/amd64"))
    image = json.loads(apart.run("--json", "pull", target))
    load = Tool(
        words=(str(apart.python), "-c", LOAD),
        environ={
            **apart.environ,
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        },
    )
    load.run(name, image["reference"])
    found = tool.run("image", "inspect", "-f", "{{.Id}}", image["image_id"][7:])
    assert found.strip().removeprefix("sha256:") == image["image_id"][7:]


LOAD = """\
import sys
from pathlib import Path
from firstlight.cli.context import Context
from firstlight.cli.pull import image_of
from firstlight.engine.table import ENGINES
context = Context.make(Path("."), as_json=False, quiet=True)
ENGINES[sys.argv[1]].load(
    image_of(context, sys.argv[2]), context.store, context.progress
)
"""


def test_a_colleague_pulls_instead_of_building(
    shared: Project, by_zstd: dict[str, Any], docker: Tool, tmp_path: Path
) -> None:
    """Sent with zstd it has other digests: it is found by its tag and its ID.

    An old Docker, which knows no zstd, gets the same image all the same.
    """
    theirs = shared.copy(tmp_path / "theirs", store=tmp_path / "theirs-store")
    place = by_zstd["reference"].partition("@")[0]
    spec = theirs.folder / "firstlight.toml"
    lines = spec.read_text().splitlines()[:-1]
    spec.write_text("\n".join([*lines, f'image = "{place}"\n']))
    done = theirs.attempt("run", *RUN)
    assert (done.returncode, done.stdout) == (0, "0.8.0\n"), done.stderr
    assert "pulling the locked image" in done.stderr
    assert "Making layers" not in done.stderr
    done = theirs.attempt("run", *RUN)
    assert (done.returncode, done.stdout) == (0, "0.8.0\n"), done.stderr
    assert "pulling" not in done.stderr
    docker.attempt("rmi", "-f", image_id(by_zstd, "linux/amd64"))
    file = tmp_path / "image.tar"
    theirs.run("build", "-o", f"docker-archive:{file}")
    assert "Loaded image" in docker.run("load", "-i", file)
    docker.run("image", "inspect", image_id(by_zstd, "linux/amd64"))


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("_uploads/*/data", 1),
        ("_layers/sha256/*/link", 1),
        ("_layers/sha256/*/link", 9),
        ("_manifests/revisions/sha256/*/link", 1),
    ],
    ids=["first byte", "first blob", "half", "first manifest"],
)
def test_a_push_that_is_killed_goes_on(
    shared: Project,
    registry: str,
    pushed: dict[str, Any],
    workspace: Path,
    tmp_path: Path,
    pattern: str,
    count: int,
) -> None:
    """No tag leads to something that is not whole, and what is there is not resent."""
    own = shared.copy(tmp_path / "own", store=tmp_path / "own-store")
    Tool(words=("cp", "-al", str(shared.store), str(own.store))).run()
    # What is known of other repositories would let everything be mounted.
    shutil.rmtree(own.store / "facts/places")
    name = f"team/killed-{pattern.partition('/')[0].strip('_')}-{count}"
    folder = workspace / "registry/data/docker/registry/v2/repositories" / name
    line = ("push", "--no-attest", f"{registry}/{name}")
    process = own.start(*line)
    while len(list(folder.glob(pattern))) < count and process.poll() is None:
        time.sleep(0.002)
    process.kill()
    process.communicate()
    assert process.returncode == -9
    assert not list(folder.glob("_manifests/tags/*"))
    blobs = len(list(folder.glob("_layers/sha256/*/link")))
    told = tell(own, *line)
    assert told["digest"] == pushed["digest"]
    assert told["blobs_there"] >= blobs
    assert told["bytes_sent"] <= told["bytes_total"]
    assert tell(own, *line)["bytes_sent"] == 0
