"""GPUs of made-up machines: device files, driver libraries, specifications."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from firstlight.engine import sandbox
from firstlight.engine.gpu import FOLDER, find_gpus, host_gpus
from firstlight.errors import EngineError

LIBRARIES = "usr/lib/x86_64-linux-gnu"
VERSION = "550.54.14"


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A machine with two GPUs and the driver where its installer puts it."""
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null"):
        write(tmp_path / "dev" / name)
    write(tmp_path / "dev/nvidia-caps/nvidia-cap1")
    for stem, soname in [
        ("libcuda", "1"),
        ("libnvidia-ml", "1"),
        ("libnvidia-nvvm", "4"),
        ("libnvidia-eglcore", VERSION),
        ("libnvidia-gpucomp", VERSION),
    ]:
        file = write(tmp_path / LIBRARIES / f"{stem}.so.{VERSION}")
        link = file.with_name(f"{stem}.so.{soname}")
        if link != file:
            link.symlink_to(file.name)
    write(tmp_path / LIBRARIES / "libc.so.6")
    write(tmp_path / "usr/bin/nvidia-smi")
    return tmp_path


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def specify(host: Path, **changes: object) -> None:
    """Write a CDI specification of the two GPUs, as the vendor's tool does."""

    def device(name: str, *paths: str) -> dict[str, object]:
        nodes = [{"path": path} for path in paths]
        return {"name": name, "containerEdits": {"deviceNodes": nodes}}

    library = f"/{LIBRARIES}/libcuda.so.{VERSION}"
    spec = {
        "cdiVersion": "0.5.0",
        "kind": "nvidia.com/gpu",
        "devices": [
            device("0", "/dev/nvidia0"),
            device("1", "/dev/nvidia1"),
            device("all", "/dev/nvidia0", "/dev/nvidia1"),
        ],
        "containerEdits": {
            "deviceNodes": [{"path": "/dev/nvidiactl"}, {"path": "/dev/absent"}],
            "mounts": [{"hostPath": library, "containerPath": library}],
        },
    }
    write(host / "etc/cdi/nvidia.json", json.dumps(spec | changes))


def test_a_machine_without_gpus_gives_nothing_and_says_so(tmp_path):
    found = find_gpus(host=tmp_path)
    assert (found.devices, found.mounts) == ((), ())
    assert "no NVIDIA device" in found.note


def test_all_devices_and_the_compute_libraries_are_found(host):
    found = find_gpus(host=host)
    assert found.devices == (
        "/dev/nvidia0",
        "/dev/nvidia1",
        "/dev/nvidiactl",
        "/dev/nvidia-uvm",
        "/dev/nvidia-caps/nvidia-cap1",
    )
    assert {mount.target for mount in found.mounts} == {
        f"{FOLDER}/bin/nvidia-smi",
        f"{FOLDER}/lib64/libcuda.so.1",
        f"{FOLDER}/lib64/libcuda.so.{VERSION}",
        f"{FOLDER}/lib64/libnvidia-gpucomp.so.{VERSION}",
        f"{FOLDER}/lib64/libnvidia-ml.so.1",
        f"{FOLDER}/lib64/libnvidia-ml.so.{VERSION}",
        f"{FOLDER}/lib64/libnvidia-nvvm.so.4",
        f"{FOLDER}/lib64/libnvidia-nvvm.so.{VERSION}",
    }
    assert not any(
        mount.source.is_symlink() or mount.writable for mount in found.mounts
    )
    assert found.note == "2 GPUs"


def test_one_of_two_can_be_chosen(host):
    found = find_gpus("1", host=host)
    assert "/dev/nvidia1" in found.devices
    assert "/dev/nvidia0" not in found.devices
    assert "/dev/nvidiactl" in found.devices
    assert found.note == "1 GPU"


def test_none_is_none_even_where_there_are_some(host):
    found = find_gpus("none", host=host)
    assert (found.devices, found.mounts) == ((), ())


@pytest.mark.parametrize("selection", ["7", "0,7"])
def test_a_gpu_that_is_not_there_is_an_error(selection, host):
    with pytest.raises(EngineError, match="no NVIDIA GPU") as caught:
        find_gpus(selection, host=host)
    assert "nvidia-smi" in caught.value.hint


def test_all_is_an_error_where_there_is_none(tmp_path):
    with pytest.raises(EngineError):
        find_gpus("all", host=tmp_path)


def test_a_selection_that_means_nothing_lists_what_does(host):
    with pytest.raises(EngineError) as caught:
        find_gpus("both", host=host)
    assert "auto, all, none" in caught.value.hint


def test_a_missing_driver_library_is_told(host):
    for path in (host / LIBRARIES).glob("libcuda*"):
        path.unlink()
    assert "no libcuda.so.1" in find_gpus(host=host).note


def test_a_specification_is_followed_and_its_links_are_made(host):
    specify(host)
    found = find_gpus(host=host)
    assert found.devices == ("/dev/nvidia0", "/dev/nvidia1", "/dev/nvidiactl")
    assert {mount.target for mount in found.mounts} == {
        f"{FOLDER}/bin/nvidia-smi",
        f"{FOLDER}/lib64/libcuda.so.1",
        f"{FOLDER}/lib64/libcuda.so.{VERSION}",
    }
    chosen = find_gpus("1", host=host)
    assert chosen.devices == ("/dev/nvidia1", "/dev/nvidiactl")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda host: specify(host, kind="vendor.com/other"),
        lambda host: specify(host, devices=[]),
        lambda host: specify(host, devices=[{"name": "0"}]),
        lambda host: specify(host, containerEdits={"mounts": [{}]}),
        lambda host: write(host / "etc/cdi/nvidia.json", "{"),
        lambda host: write(host / "etc/cdi/nvidia.json", "[]"),
    ],
)
def test_a_useless_specification_leaves_the_device_files(
    spoil: Callable[[Path], object], host: Path
):
    spoil(host)
    found = find_gpus(host=host)
    assert "/dev/nvidia-uvm" in found.devices
    assert found.note == "2 GPUs"


def test_windows_has_one_device_for_all(tmp_path):
    write(tmp_path / "dev/dxg")
    write(tmp_path / "usr/lib/wsl/lib/libcuda.so.1")
    write(tmp_path / "usr/lib/wsl/lib/nvidia-smi")
    found = find_gpus(host=tmp_path)
    assert found.devices == ("/dev/dxg",)
    assert len(found.mounts) == 2
    assert found.note == "1 GPU"


def test_the_machines_gpus_are_read_from_the_kernel_module(tmp_path):
    write(
        tmp_path / "proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22\n"
        "GCC version:  gcc version 12.3.0\n",
    )
    for number, name in enumerate(("NVIDIA H100 PCIe", "NVIDIA L4")):
        write(
            tmp_path / f"proc/driver/nvidia/gpus/0000:0{number}:00.0/information",
            f"Model: \t\t {name}\nIRQ:   \t 24\n",
        )
    found = host_gpus(host=tmp_path)
    assert found.driver == "550.54.14"
    assert found.names == ("NVIDIA H100 PCIe", "NVIDIA L4")


def test_the_open_kernel_modules_version_is_read_as_well(tmp_path):
    write(
        tmp_path / "proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release\n",
    )
    write(tmp_path / "proc/driver/nvidia/gpus/0/information", "Model: NVIDIA B200\n")
    assert host_gpus(host=tmp_path).driver == "570.86.15"


def test_a_machine_without_a_driver_has_no_gpus(tmp_path):
    assert host_gpus(host=tmp_path).names == ()
    assert host_gpus().driver == host_gpus().driver


def test_the_driver_is_found_by_programs_inside(host):
    values = sandbox._environment(
        {}, {}, {"LD_LIBRARY_PATH": "/own"}, find_gpus(host=host)
    )
    assert values["LD_LIBRARY_PATH"] == f"/own:{FOLDER}/lib64"
    assert values["PATH"].endswith(f":{FOLDER}/bin")
