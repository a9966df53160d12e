"""Real engines, started by the tests themselves, and one small image for all of them.

Each engine gets its own data folder and process group and is stopped by its own process
id. A program that is missing is installed from the machine's archive; only where that
is not possible (not root) are the tests skipped. A program that is there and fails is a
failure.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from engine_tools import Built, Project, Tool, daemon, no_network, seeding
from pythons import ORDINARY, install, pythons, starts

PACKAGES = [
    "docker.io",
    "podman",
    "crun",
    "runc",
    "netavark",
    "aardvark-dns",
    "iptables",
    "iproute2",
    "uidmap",
    "slirp4netns",
    "fuse-overlayfs",
    "skopeo",
    "umoci",
    "docker-registry",
    "openssh-client",
    "rsync",
    "chromium",
]


# The first start still has root's rights to get at the program; the next has not.
AGAIN = """\
import subprocess, sys
subprocess.run([sys.executable, "-c", "import {}"], check=True)
"""


@pytest.hookimpl(tryfirst=True)  # Before xdist reads the groups.
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests in one worker that share daemons and an image."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            alone = ("test_hardness", "workspaces")
            names = {item.path.stem, item.path.parent.name}.intersection(alone)
            group = names.pop() if names else "engines"
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def need() -> Callable[[str], str]:
    """Find a program, installing the engines where it is missing."""

    def find(program: str) -> str:
        # The distribution's own docker comes before any other on the path: it can
        # build with BuildKit without a plug-in.
        for folder in ("/usr/bin", "/usr/sbin"):
            if os.access(f"{folder}/{program}", os.X_OK):
                return f"{folder}/{program}"
        found = shutil.which(program)
        if found:
            return found
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            pytest.skip(f"{program} is not here and only root on Debian can install it")
        _install()
        found = shutil.which(program)
        assert found, f"{program} is still missing after installing {PACKAGES}"
        return found

    return find


def _install() -> None:
    apt = Tool(words=("apt-get", "-qq"), environ={"DEBIAN_FRONTEND": "noninteractive"})
    apt.run("update")
    apt.run("install", "-y", "--no-install-recommends", *PACKAGES, timeout=900)


@pytest.fixture(scope="session")
def workspace() -> Iterator[Path]:
    """A folder with a short name: a socket's path has at most 107 bytes.

    Podman's folder for what runs may have 50. With a longer one a container starts,
    but the process that cleans up behind it does not, so each end takes 20 seconds.
    It makes a name from a path too, and refuses the `_` a random name may end with.
    """
    folder = Path(tempfile.gettempdir(), f"fl-{secrets.token_hex(4)}")
    folder.mkdir(mode=0o755)
    yield folder
    if os.geteuid() != 0:
        subprocess.run(["chmod", "-R", "u+rwX", folder], capture_output=True)
    # Hundreds of thousands of files: Python would take ten times as long.
    subprocess.run(["rm", "-rf", folder], capture_output=True)


@pytest.fixture(scope="session")
def project(workspace: Path) -> Project:
    """The small project, locked once; its store holds the inputs and the layers."""
    folder, store = workspace / "project", workspace / "Store_"
    project = Project.make(folder, store=store, einops="0.8.0")
    project.run("lock")
    return project


@pytest.fixture(scope="session")
def small_image(project: Project, workspace: Path) -> Built:
    """The small image as an OCI layout and as an archive that Docker loads."""
    archive = workspace / "image.tar"
    builder = project.copy(workspace / "builder", store=project.store)
    built = builder.build(workspace / "layout")
    builder.run("build", "-o", f"docker-archive:{archive}")
    return replace(built, archive=archive)


@pytest.fixture(scope="session")
def seeded(
    project: Project, small_image: Built, workspace: Path
) -> Iterator[Callable[[], Project]]:
    """Make a project with its own store, which holds the inputs and no layer yet."""
    assert small_image.image_id
    with seeding(project, workspace) as make:
        yield make


@pytest.fixture(scope="session")
def ordinary_python(workspace: Path) -> Path:
    """A Python with firstlight's dependencies that an ordinary user may start."""
    for number, python in enumerate([Path(sys.executable), *pythons(sys.version[:4])]):
        if starts(python, AGAIN.format("deflate, isal, click, zstandard"), ORDINARY):
            return python
        if starts(python, AGAIN.format("venv, ensurepip"), ORDINARY):
            made = install(python, workspace / f"ordinary-{number}")
            if starts(made, "import deflate, isal, click, zstandard", ORDINARY):
                return made
    pytest.skip("no Python on this machine that an ordinary user may start")


@pytest.fixture(scope="session")
def docker(need: Callable[[str], str], workspace: Path) -> Iterator[Tool]:
    """A Docker daemon of its own, without a bridge and without touching iptables."""
    client, server = need("docker"), need("dockerd")
    if os.geteuid() != 0:
        pytest.skip("dockerd needs root")
    folder = workspace / "docker"
    folder.mkdir()
    tool = Tool(words=(client, "-H", f"unix://{folder}/sock"))
    command = [
        *(server, "--data-root", folder / "data", "--exec-root", folder / "exec"),
        *("-H", f"unix://{folder}/sock", "--pidfile", folder / "pid"),
        *no_network(),
    ]
    with daemon(command, folder / "log", lambda: tool.attempt("info").returncode == 0):
        yield tool
    # The daemon leaves the name of the host's network namespace mounted.
    for mounted in (folder / "exec" / "netns").glob("*"):
        Tool(words=("umount", str(mounted))).attempt()


@pytest.fixture(scope="session")
def registry(need: Callable[[str], str], workspace: Path) -> Iterator[str]:
    """A registry on loopback; gives ``host:port``."""
    program = need("docker-registry")
    folder = workspace / "registry"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    config = folder / "config.yml"
    config.write_text(
        "version: 0.1\nlog: {level: warn}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder / 'data'}}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    address = f"127.0.0.1:{port}"
    with daemon([program, "serve", config], folder / "log", lambda: _answers(address)):
        yield address


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/v2/", timeout=2):
            return True
    except urllib.error.URLError:
        return False


@pytest.fixture(scope="session")
def podman(need: Callable[[str], str], workspace: Path) -> Iterator[Tool]:
    """Podman with its own storage, run by runc (crun 1.8 refuses hybrid cgroups)."""
    program, runtime = need("podman"), need("runc")
    folder = workspace / "podman"
    tool = Tool(
        words=(
            *(program, "--root", str(folder / "root"), "--runroot"),
            *(str(folder / "run"), "--tmpdir", str(folder / "tmp")),
            *("--runtime", runtime, "--cgroup-manager", "cgroupfs"),
            *("--events-backend", "file"),
        )
    )
    yield tool
    tool.attempt("rm", "-af")
    tool.attempt("rmi", "-af")


@pytest.fixture(scope="session")
def podman_run(podman: Tool) -> Tool:
    """`podman run` with limits that a container may also set on a container."""
    return Tool(
        words=(
            *(*podman.words, "run", "--rm", "--network", "none"),
            *("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"),
        )
    )


@pytest.fixture(scope="session")
def skopeo(need: Callable[[str], str]) -> Tool:
    """skopeo, which reads every transport."""
    return Tool(words=(need("skopeo"),))


@pytest.fixture(scope="session")
def umoci(need: Callable[[str], str]) -> Tool:
    """umoci, a strict reader of OCI layouts."""
    return Tool(words=(need("umoci"),))


@pytest.fixture(scope="session")
def in_docker(docker: Tool, small_image: Built) -> Tool:
    """`docker run` of the small image, loaded from its archive."""
    said = docker.run("load", "-i", small_image.archive)
    name = said.split("Loaded image: ")[-1].strip()
    assert docker.run("inspect", "-f", "{{.Id}}", name).strip() == small_image.image_id
    return Tool(words=(*docker.words, "run", "--rm", "--network", "none", name))


@pytest.fixture(scope="session")
def in_podman(podman: Tool, podman_run: Tool, small_image: Built) -> Tool:
    """`podman run` of the small image, pulled from its layout."""
    source = f"oci:{small_image.layout}:{small_image.tag}"
    found = podman.run("pull", "-q", source).strip()
    assert f"sha256:{found}" == small_image.image_id
    return Tool(words=(*podman_run.words, found))


@pytest.fixture(params=["docker", "podman"])
def inside(request: pytest.FixtureRequest) -> Tool:
    """A command inside the small image, once for each engine."""
    tool = request.getfixturevalue(f"in_{request.param}")
    assert isinstance(tool, Tool)
    return tool
