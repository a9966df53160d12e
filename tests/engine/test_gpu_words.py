"""The exact options by which Docker and Podman are told about GPUs."""

from __future__ import annotations

import platform
import shlex
from pathlib import Path
from typing import Any

import pytest

from engine.gpu_machines import (
    LIBRARIES,
    PARTS,
    UUIDS,
    VERSION,
    device,
    program,
    specify,
    split,
    tell,
    two_gpus,
)
from firstlight.engine import docker, podman
from firstlight.errors import EngineError

# What daemons say of themselves, in the words of `docker info --format '{{json .}}'`.
RUNC = {"io.containerd.runc.v2": {"path": "runc"}, "runc": {"path": "runc"}}
PLAIN = {"ServerVersion": "20.10.24", "Runtimes": RUNC, "CDISpecDirs": None}
NVIDIA = {**PLAIN, "Runtimes": {**RUNC, "nvidia": {"path": "nvidia-container-runtime"}}}
FOLDERS = {**PLAIN, "ServerVersion": "27.3.1", "CDISpecDirs": ["/etc/cdi", "/run/cdi"]}
PODMAN = {"version": {"Version": "4.3.1"}}


def discovered(*names: str, **more: Any) -> dict[str, Any]:
    """A daemon from 28.2 on that found these devices."""
    found = [{"Source": "cdi", "ID": f"nvidia.com/gpu={name}"} for name in names]
    found += [{"Source": "cdi", "ID": "vendor.com/net=0"}]
    return {**FOLDERS, "ServerVersion": "28.2.2", "DiscoveredDevices": found, **more}


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A machine without a specification yet."""
    return two_gpus(tmp_path)


@pytest.mark.parametrize("info", [PLAIN, NVIDIA, discovered("0"), {}])
def test_nothing_is_said_where_no_gpu_is_wanted(info: dict[str, Any]) -> None:
    assert docker.gpu_words("", info) == ()
    assert podman.gpu_words("", info) == ()


@pytest.mark.parametrize(
    ("gpus", "known", "line"),
    [
        ("all", ("0", "1", "all"), "--device nvidia.com/gpu=all"),
        (
            "all",
            ("gpu0", "gpu1"),
            "--device nvidia.com/gpu=gpu0 --device nvidia.com/gpu=gpu1",
        ),
        ("0,1", ("0", "1"), "--device nvidia.com/gpu=0 --device nvidia.com/gpu=1"),
        ("0:1", ("0:0", "0:1", "all"), "--device nvidia.com/gpu=0:1"),
        ("mig0:1", ("mig0:1",), "--device nvidia.com/gpu=mig0:1"),
        (UUIDS[1], ("0", *UUIDS), f"--device nvidia.com/gpu={UUIDS[1]}"),
    ],
)
def test_devices_that_docker_found_are_named_as_it_names_them(
    gpus: str, known: tuple[str, ...], line: str, tmp_path: Path
) -> None:
    info = discovered(*known, Runtimes=NVIDIA["Runtimes"])
    assert shlex.join(docker.gpu_words(gpus, info, tmp_path)) == line


def test_an_older_docker_reads_the_specifications_of_its_folders(host: Path) -> None:
    specify(host, "etc/cdi/nvidia.yaml")
    line = "--device nvidia.com/gpu=1"
    assert shlex.join(docker.gpu_words("1", FOLDERS, host)) == line
    assert docker.gpu_words("1", {**NVIDIA, "CDISpecDirs": []}, host)[0] == "--gpus"


def test_docker_passes_by_a_file_that_it_would_not_read(host: Path) -> None:
    specify(host, "etc/cdi/nvidia.yml")
    with pytest.raises(EngineError, match="knows no CDI device"):
        docker.gpu_words("all", FOLDERS, host)


@pytest.mark.parametrize(
    ("gpus", "line"),
    [
        ("all", "--gpus all"),
        ("0", """--gpus '"device=0"'"""),
        ("0,gpu1", """--gpus '"device=0,1"'"""),
        ("0:0", """--gpus '"device=0:0"'"""),
        (f"{PARTS[0]},1", f"""--gpus '"device={PARTS[0]},1"'"""),
    ],
)
def test_without_cdi_nvidias_runtime_is_asked(
    gpus: str, line: str, tmp_path: Path
) -> None:
    assert shlex.join(docker.gpu_words(gpus, NVIDIA, tmp_path)) == line
    known = discovered("all", Runtimes=NVIDIA["Runtimes"])
    if gpus != "all":
        assert shlex.join(docker.gpu_words(gpus, known, tmp_path)) == line


def test_the_hook_is_enough_for_docker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--gpus` needs no runtime in the configuration, only the program."""
    program(tmp_path / "bin/nvidia-container-runtime-hook", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert docker.gpu_words("all", PLAIN, tmp_path) == ("--gpus", "all")


@pytest.mark.parametrize("info", [PLAIN, FOLDERS, discovered(), {}])
def test_a_docker_without_a_way_says_what_to_install(
    info: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="no way to pass a GPU") as caught:
        docker.gpu_words("all", info, tmp_path)
    assert "nvidia-container-toolkit" in caught.value.hint
    assert "nvidia-ctk cdi generate" in caught.value.hint


def test_a_device_that_docker_does_not_know_is_told_with_those_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError) as caught:
        docker.gpu_words("0:1", discovered("0", "1", "all"), tmp_path)
    assert caught.value.message == "docker has no GPU 0:1: it knows 0, 1, all"
    assert "nvidia-ctk cdi generate" in caught.value.hint


@pytest.mark.parametrize(
    ("gpus", "line"),
    [
        ("all", "--device nvidia.com/gpu=all"),
        ("1,0", "--device nvidia.com/gpu=1 --device nvidia.com/gpu=0"),
        (UUIDS[0], f"--device nvidia.com/gpu={UUIDS[0]}"),
    ],
)
def test_podman_takes_the_names_of_the_specification(
    host: Path, gpus: str, line: str
) -> None:
    specify(host, "var/run/cdi/nvidia.yaml")
    assert shlex.join(podman.gpu_words(gpus, PODMAN, host)) == line


@pytest.mark.parametrize(
    ("info", "file"),
    [
        (PODMAN, None),
        (PODMAN, "etc/cdi/nvidia.yml"),
        ({"version": {"Version": "3.0.1"}}, None),
        ({}, None),
    ],
)
def test_podman_without_cdi_gets_each_file(
    host: Path, info: dict[str, Any], file: str | None
) -> None:
    """Where the loader and the shell look without being told."""
    if file:
        specify(host, file, devices=[device("1", "/dev/nvidia1")])
    words = podman.gpu_words("1", info, host)
    pairs = list(zip(words[::2], words[1::2], strict=True))
    devices = [word for option, word in pairs if option == "--device"]
    assert f"{host}/dev/nvidia1:/dev/nvidia1" in devices
    assert f"{host}/dev/nvidiactl:/dev/nvidiactl" in devices
    assert not any("nvidia0" in each for each in devices)
    library = f"/usr/lib/{platform.machine()}-linux-gnu/libcuda.so.1"
    source = f"{host}/{LIBRARIES}/libcuda.so.{VERSION}"
    assert ("--volume", f"{source}:{library}:ro") in pairs
    smi = f"{host}/usr/bin/nvidia-smi:/usr/bin/nvidia-smi:ro"
    assert ("--volume", smi) in pairs
    assert (("--env", "NVIDIA_VISIBLE_DEVICES=void") in pairs) is bool(file)


def test_an_old_podman_gets_what_a_specification_names_file_by_file(host: Path) -> None:
    specify(host)
    words = podman.gpu_words("0", {"version": {"Version": "3.4.4"}}, host)
    assert "nvidia.com/gpu=0" not in words
    assert f"{host}/dev/nvidia0:/dev/nvidia0" in words


def test_podman_gets_a_part_with_its_keys(host: Path) -> None:
    tell(host, minors=(1, 0))
    split(host)
    devices = podman.gpu_words("0:0", PODMAN, host)[1::2]
    inside = [word.rpartition(":")[2] for word in devices if "/dev/" in word]
    assert inside == [
        "/dev/nvidia1",
        "/dev/nvidia-caps/nvidia-cap12",
        "/dev/nvidia-caps/nvidia-cap13",
        "/dev/nvidiactl",
        "/dev/nvidia-uvm",
    ]


def test_podman_too_says_which_there_are(host: Path) -> None:
    specify(host)
    with pytest.raises(EngineError, match="there are 0, 1, GPU-"):
        podman.gpu_words("7", PODMAN, host)
