"""One person, one small image with PyTorch and JupyterLab, and the three engines.

Everything happens in a network of the tests' own and as an ordinary user, who may talk
to a Docker daemon and has rootless Podman.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from engine_tools import Project, Tool, daemon
from workspaces.desk import PERSON, Desk
from workspaces.network import own_network

ENGINES = ("sandbox", "docker", "podman")
SPEC = """\
name = "lab"
python = "3.11"
torch = "2.13.0"
cuda = "cpu"
packages = ["jupyterlab", "einops==0.8.0", "numpy==2.2.6"]
"""
INDEX = """
[[index]]
url = "links"
find-links = true
"""
# crun 1.8 refuses hybrid cgroups; a container may not raise its limits.
CONTAINERS = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/running"
"""
# An ordinary user may open /dev/net/tun on most machines, and has a line in the table
# of users, without which ssh and newuidmap refuse to work; here they get both.
OWN_FILES = """\
mount --make-rprivate / &&
{ [ -e "$0/tun" ] || mknod -m 666 "$0/tun" c 10 200; } &&
mount --bind "$0/tun" /dev/net/tun && mount --bind "$0/passwd" /etc/passwd && exec "$@"
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these take seconds and need engines."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session")
def lab_project(workspace: Path) -> Project:
    """The project, locked and built by root; its wheels come from the real index."""
    folder = workspace / "lab"
    links = folder / "links"
    links.mkdir(parents=True)
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(links)]
    done = subprocess.run([*pip, "torch==2.13.0+cpu"], check=False, capture_output=True)
    spec = SPEC if done.returncode else SPEC + INDEX
    project = Project.make(folder, einops="", spec=spec, store=workspace / "lab-store")
    project.run("build")
    return project


@pytest.fixture(scope="session")
def person(
    workspace: Path, lab_project: Project, ordinary_python: Path
) -> Iterator[Desk]:
    """The person, with a key, at a copy of the project whose store is theirs."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user and make networks")
    home = workspace / "person"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    (home / "run").mkdir(mode=0o700)
    key = home / ".ssh/id_ed25519"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "person", "-f"]
    subprocess.run([*words, str(key)], check=True)
    shutil.copytree(lab_project.folder, home / "lab")
    lab_project.store.rename(home / "store")
    (home / "containers.conf").write_text(CONTAINERS)
    (home / "storage.conf").write_text(STORAGE.format(folder=home))
    subprocess.run(["chown", "-R", f"{PERSON}:{PERSON}", str(home)], check=True)
    identity = ("--reuid", str(PERSON), "--regid", str(PERSON), "--clear-groups")
    _write_table_of_users(workspace / "passwd", home)
    # For every engine: each asks Podman, whose first process decides what all see.
    own_files = ("unshare", "-m", "sh", "-c", OWN_FILES, str(workspace))
    desk = Desk(
        engine="sandbox",
        folder=home / "lab",
        home=home,
        python=ordinary_python,
        prefix=(*own_files, "setpriv", *identity),
        environ={
            "FIRSTLIGHT_STORE": str(home / "store"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_RUNTIME_DIR": str(home / "run"),
            "SSH_AUTH_SOCK": "",
            "CONTAINERS_CONF": str(home / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(home / "storage.conf"),
        },
    )
    yield desk
    # Whoever asks Podman anything starts a process that keeps its namespaces.
    desk.as_person("podman", "system", "migrate")


def _write_table_of_users(file: Path, home: Path) -> None:
    lines = Path("/etc/passwd").read_text().splitlines(keepends=True)
    others = [line for line in lines if line.split(":")[2] != str(PERSON)]
    file.write_text("".join(others) + f"person:x:{PERSON}:{PERSON}::{home}:/bin/sh\n")


@pytest.fixture(scope="module")
def network(
    need: Callable[[str], str], person: Desk, ordinary_python: Path
) -> Iterator[None]:
    """The tests' own network; what must be fetched was fetched before."""
    for program in ("ip", "ssh", "podman", "dockerd"):
        need(program)
    with own_network():
        yield


@pytest.fixture(scope="module")
def bridged(
    network: None,
    need: Callable[[str], str],
    workspace: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Tool]:
    """A Docker daemon with its usual bridge, in the tests' own network.

    Its data is kept between modules, so that the image is pulled once.
    """
    client, server = need("docker"), need("dockerd")
    folder, data = workspace / f"bridged-{os.urandom(2).hex()}", workspace / "bridged"
    folder.mkdir()
    tool = Tool(words=(client,), environ={"DOCKER_HOST": f"unix://{folder}/sock"})
    words = [server, "--data-root", data, "--exec-root", folder / "exec"]
    words += ["-H", f"unix://{folder}/sock", "--pidfile", folder / "pid"]
    with daemon(words, folder / "log", lambda: tool.attempt("info").returncode == 0):
        (folder / "sock").chmod(0o666)
        yield tool
        running = tool.run("ps", "-aq").split()
        if running:
            tool.run("rm", "-f", *running)
    for mounted in (folder / "exec" / "netns").glob("*"):
        Tool(words=("umount", str(mounted))).attempt()
    Tool(words=("umount", str(data))).attempt()


@pytest.fixture(scope="module")
def rootless(network: None, person: Desk) -> Iterator[Desk]:
    """The person with rootless Podman."""
    for table in (Path("/etc/subuid"), Path("/etc/subgid")):
        lines = table.read_text() if table.exists() else ""
        if f"\n{PERSON}:" not in f"\n{lines}":
            table.write_text(f"{lines}{PERSON}:700000:65536\n")
    desk = replace(person, engine="podman")
    yield desk
    desk.as_person("podman", "rm", "-af")
    # Its process that keeps the namespaces would stay in the network of before.
    desk.as_person("podman", "system", "migrate")


@pytest.fixture(scope="module", params=ENGINES)
def desk(request: pytest.FixtureRequest, network: None, person: Desk) -> Desk:
    """The person at one engine after the other; nothing runs yet."""
    if request.param == "podman":
        found = request.getfixturevalue("rootless")
        assert isinstance(found, Desk)
        return found
    if request.param == "docker":
        tool = request.getfixturevalue("bridged")
        return replace(
            person, engine="docker", environ={**person.environ, **tool.environ}
        )
    return person
