"""GPUs reach real engines: by specifications and hooks made up here, without a GPU.

Under the names of GPUs there are `/dev/null` and `/dev/zero`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engine_tools import Built, Project, Tool, daemon, no_network

from firstlight.engine import docker as docker_engine
from firstlight.engine import podman as podman_engine

pytestmark = pytest.mark.engine

SPECIFICATION = """\
---
cdiVersion: 0.5.0
kind: nvidia.com/gpu
containerEdits:
  env:
  - NVIDIA_VISIBLE_DEVICES=void
  deviceNodes:
  - path: /dev/nvidiactl
    hostPath: /dev/null
devices:
- name: "0"
  containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
      hostPath: /dev/zero
- name: "1:0"
  containerEdits:
    deviceNodes:
    - path: /dev/nvidia1
      hostPath: /dev/null
"""
# Mounts of its own: no other process sees that this machine has a specification.
ON_MACHINE = 'mount -t tmpfs none /run && cp -r "$0" /run/cdi && exec "$@"'
# It gets the container's state on stdin and would bring the driver into its root.
HOOK = """\
#!/bin/sh
cat >"$0.state"
"""
SEEN = "ls /dev | grep nvidia; stat -c %t:%T /dev/nvidia?; echo $NVIDIA_VISIBLE_DEVICES"


@pytest.fixture
def on_machine(tmp_path: Path) -> tuple[str, ...]:
    """Words before a command, for which this machine has the specification."""
    if os.geteuid() != 0:
        pytest.skip("only root has mounts of its own without losing its name")
    if Path("/dev/nvidiactl").exists() or Path("/etc/cdi").exists():
        pytest.skip("this machine has GPUs, or specifications, of its own")
    folder = tmp_path / "machine/etc/cdi"
    folder.mkdir(parents=True)
    (folder / "nvidia.yaml").write_text(SPECIFICATION)
    return ("unshare", "--mount", "sh", "-c", ON_MACHINE, str(folder))


@pytest.mark.parametrize(
    ("gpus", "seen"),
    [
        ("0", ["nvidia0", "nvidiactl", "1:5", "void"]),
        ("mig1:0", ["nvidia1", "nvidiactl", "1:3", "void"]),
        ("all", ["nvidia0", "nvidia1", "nvidiactl", "1:5", "1:3", "void"]),
    ],
)
def test_podman_follows_the_names_we_give_it(
    podman: Tool,
    in_podman: Tool,
    on_machine: tuple[str, ...],
    tmp_path: Path,
    gpus: str,
    seen: list[str],
) -> None:
    info = json.loads(podman.run("info", "-f", "json"))
    words = podman_engine.gpu_words(gpus, info, tmp_path / "machine")
    assert words[0] == "--device"
    assert words[1].startswith("nvidia.com/gpu=")
    *before, image = in_podman.words
    run = Tool(words=(*on_machine, *before, *words, image, "bash", "-c"))
    assert run.run(SEEN).split() == seen


def test_podman_without_cdi_gets_device_files_that_work(
    in_podman: Tool, tmp_path: Path
) -> None:
    """The library is found where the loader looks by itself."""
    if os.geteuid() != 0:
        pytest.skip("only root makes device files")
    folder = tmp_path / "usr/lib64"
    (tmp_path / "dev").mkdir()
    folder.mkdir(parents=True)
    os.mknod(tmp_path / "dev/nvidia0", 0o020666, os.makedev(1, 5))
    (tmp_path / "dev/nvidia0").chmod(0o666)
    (folder / "libcuda.so.1").write_text("not a library")
    words = podman_engine.gpu_words("0", {}, tmp_path)
    *before, image = in_podman.words
    run = Tool(words=(*before, "--cap-drop", "ALL", *words, "--user", "1234", image))
    code = "import ctypes; ctypes.CDLL('libcuda.so.1')"
    done = run.attempt(
        "bash", "-c", f'head -c 3 /dev/nvidia0 | wc -c; python -c "{code}"'
    )
    assert done.stdout.split() == ["3"]
    assert "libcuda.so.1: file too short" in done.stderr, done.stderr


@pytest.fixture(scope="module")
def hooked(
    need: Callable[[str], str], workspace: Path, small_image: Built
) -> Iterator[tuple[Tool, str]]:
    """A Docker that found NVIDIA's hook when it started, and an image in it."""
    client, server = need("docker"), need("dockerd")
    if os.geteuid() != 0:
        pytest.skip("dockerd needs root")
    folder = workspace / "hooked"
    (folder / "bin").mkdir(parents=True)
    hook = folder / "bin/nvidia-container-runtime-hook"
    hook.write_text(HOOK)
    hook.chmod(0o755)
    tool = Tool(words=(client, "-H", f"unix://{folder}/sock"))
    command = [
        *("env", f"PATH={folder}/bin{os.pathsep}{os.environ['PATH']}"),
        *(server, "--data-root", folder / "data", "--exec-root", folder / "exec"),
        *("-H", f"unix://{folder}/sock", "--pidfile", folder / "pid"),
        *no_network(),
        *("--add-runtime", "nvidia=runc"),
    ]
    with daemon(command, folder / "log", lambda: tool.attempt("info").returncode == 0):
        said = tool.run("load", "-i", small_image.archive)
        yield tool, said.split("Loaded image: ")[-1].strip()
    for mounted in (folder / "exec" / "netns").glob("*"):
        Tool(words=("umount", str(mounted))).attempt()


@pytest.mark.parametrize(
    ("gpus", "asked"),
    [("all", "all"), ("0", "0"), ("0,gpu1", "0,1"), ("0:1,GPU-5a", "0:1,GPU-5a")],
)
def test_docker_hands_the_names_to_nvidias_hook(
    hooked: tuple[Tool, str], tmp_path: Path, gpus: str, asked: str
) -> None:
    tool, image = hooked
    info = json.loads(tool.run("info", "-f", "{{json .}}"))
    words = docker_engine.gpu_words(gpus, info, tmp_path)
    assert words[0] == "--gpus"
    said = tool.run(
        *("run", "--rm", "--network", "none", *words, image),
        *("bash", "-c", "echo $NVIDIA_VISIBLE_DEVICES"),
    )
    assert said == f"{asked}\n"


def test_auto_goes_without_where_docker_cannot_pass_gpus(
    docker: Tool,
    project: Project,
    small_image: Built,
    on_machine: tuple[str, ...],
    tmp_path: Path,
) -> None:
    """By name it is an error; both say what would help."""
    assert small_image.image_id
    environ = {"DOCKER_HOST": docker.words[-1]}
    mine = project.copy(tmp_path / "mine", store=project.store)
    words = ("run", "--dry-run", "--engine", "docker")
    done = mine.attempt(*words, "true", environ=environ, prefix=on_machine)
    assert done.returncode == 0, done.stderr
    assert "--gpus" not in done.stdout
    assert "nvidia" not in done.stdout
    assert "no GPU inside, though this machine has one" in done.stderr
    for gpus in ("all", "1:0"):
        named = (*words, "--gpus", gpus, "true")
        done = mine.attempt(*named, environ=environ, prefix=on_machine)
        assert done.returncode == 8, done.stderr
        assert "docker has no way to pass a GPU" in done.stderr
        assert "install nvidia-container-toolkit" in done.stderr


def test_the_sandbox_gets_what_is_there(
    project: Project,
    small_image: Built,
    on_machine: tuple[str, ...],
    tmp_path: Path,
) -> None:
    """From the specification to a shell in the image, on one line."""
    assert small_image.image_id
    mine = project.copy(tmp_path / "mine", store=project.store)
    words = ("run", "--engine", "sandbox")
    told = mine.attempt(*words, "bash", "-c", SEEN, prefix=on_machine)
    assert told.returncode == 0, told.stderr
    seen = ["nvidia0", "nvidia1", "nvidiactl", "1:5", "1:3", "void"]
    assert told.stdout.split() == seen
    told = mine.attempt(*words, "--gpus", "1:0", "bash", "-c", SEEN, prefix=on_machine)
    assert told.stdout.split() == ["nvidia1", "nvidiactl", "1:3", "void"]
    told = mine.attempt(*words, "--gpus", "1", "true", prefix=on_machine)
    assert told.returncode == 8
    assert "no NVIDIA GPU matches gpus='1': there are 0, 1:0" in told.stderr
