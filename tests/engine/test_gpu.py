"""GPUs of made-up machines: device files, driver libraries, specifications."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.gpu_machines import (
    LIBRARIES,
    PARTS,
    UUIDS,
    VERSION,
    device,
    hook,
    mounted,
    specify,
    split,
    tell,
    two_gpus,
    write,
)
from firstlight.engine.gpu import FOLDER, Gpus, find_gpus, names_of
from firstlight.errors import EngineError


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A machine with two GPUs and the driver where its installer puts it."""
    return two_gpus(tmp_path)


def devices(found: Gpus) -> list[str]:
    """The device files inside."""
    return [each.target for each in found.devices]


def targets(found: Gpus) -> dict[str, str]:
    """Where things appear inside, and the names of the files they are."""
    return {each.target: each.source.name for each in found.mounts}


def test_a_machine_without_gpus_gives_nothing_and_says_so(tmp_path: Path) -> None:
    found = find_gpus(host=tmp_path)
    assert (found.devices, found.mounts, found.environment) == ((), (), ())
    assert "no NVIDIA device" in found.note


def test_all_devices_and_the_compute_libraries_are_found(host: Path) -> None:
    found = find_gpus(host=host)
    assert devices(found) == [
        "/dev/nvidia0",
        "/dev/nvidia1",
        "/dev/nvidia-caps/nvidia-cap1",
        "/dev/nvidiactl",
        "/dev/nvidia-uvm",
    ]
    assert all(each.source == host / each.target[1:] for each in found.devices)
    assert set(targets(found)) == {
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


def test_libraries_of_32_bit_programs_are_not_taken_for_ours(host: Path) -> None:
    for folder in (LIBRARIES, "usr/lib"):
        write(host / folder / "libcudadebugger.so.1", "\x7fELF\x01")
    file = write(host / "usr/lib64/libcudadebugger.so.1", "\x7fELF\x02")
    found = find_gpus(host=host)
    sources = {mount.target: mount.source for mount in found.mounts}
    assert sources[f"{FOLDER}/lib64/libcudadebugger.so.1"] == file


def test_one_of_two_can_be_chosen(host: Path) -> None:
    found = find_gpus("1", host=host)
    assert devices(found) == ["/dev/nvidia1", "/dev/nvidiactl", "/dev/nvidia-uvm"]
    assert found.note == "1 GPU"


@pytest.mark.parametrize("selection", ["0", "gpu0", UUIDS[0], f"0,{UUIDS[0]}"])
def test_a_gpu_is_chosen_by_any_of_its_names(host: Path, selection: str) -> None:
    """On this machine the first on the bus has the second device file."""
    tell(host, minors=(1, 0))
    assert devices(find_gpus(selection, host=host))[0] == "/dev/nvidia1"
    assert "/dev/nvidia0" not in devices(find_gpus(selection, host=host))


@pytest.mark.parametrize("selection", ["0:1", "mig0:1", PARTS[1]])
def test_a_part_is_chosen_with_the_keys_to_it_alone(host: Path, selection: str) -> None:
    tell(host, minors=(1, 0))
    split(host)
    found = find_gpus(selection, host=host)
    assert devices(found) == [
        "/dev/nvidia1",
        "/dev/nvidia-caps/nvidia-cap48",
        "/dev/nvidia-caps/nvidia-cap49",
        "/dev/nvidiactl",
        "/dev/nvidia-uvm",
    ]
    assert found.note == "1 GPU"


def test_none_is_none_even_where_there_are_some(host: Path) -> None:
    found = find_gpus("none", host=host)
    assert (found.devices, found.mounts) == ((), ())


@pytest.mark.parametrize("selection", ["7", "0,7", "0:0", "GPU-7", "both", "all,0", ""])
def test_a_gpu_that_is_not_there_is_an_error_that_lists_those_that_are(
    selection: str, host: Path
) -> None:
    tell(host)
    specify(host, devices=[device("gpu0", "/dev/nvidia0"), device("5", "/dev/absent")])
    with pytest.raises(EngineError) as caught:
        find_gpus(selection, host=host)
    assert caught.value.message == (
        f"no NVIDIA GPU matches gpus={selection!r}: "
        f"there are 0, {UUIDS[0]}, 1, {UUIDS[1]}"
    )
    assert "auto, all, none" in caught.value.hint
    assert "nvidia-smi -L" in caught.value.hint


@pytest.mark.parametrize("selection", ["all", "0"])
def test_all_is_an_error_where_there_is_none(selection: str, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no such device file in /dev"):
        find_gpus(selection, host=tmp_path)


def test_a_missing_driver_library_is_told(host: Path) -> None:
    for path in (host / LIBRARIES).glob("libcuda*"):
        path.unlink()
    assert "no libcuda.so.1" in find_gpus(host=host).note


@pytest.mark.parametrize("file", ["etc/cdi/nvidia.json", "var/run/cdi/nvidia.yaml"])
def test_a_specification_is_followed_and_its_links_are_made(
    host: Path, file: str
) -> None:
    specify(host, file)
    found = find_gpus(host=host)
    assert devices(found) == ["/dev/nvidia0", "/dev/nvidia1", "/dev/nvidiactl"]
    library = f"libcuda.so.{VERSION}"
    assert targets(found) == {
        f"{FOLDER}/bin/nvidia-smi": "nvidia-smi",
        f"{FOLDER}/lib64/libcuda.so": library,
        f"{FOLDER}/lib64/libcuda.so.1": library,
        f"{FOLDER}/lib64/{library}": library,
    }
    assert found.environment == (("NVIDIA_VISIBLE_DEVICES", "void"),)
    assert found.note == "2 GPUs"
    chosen = find_gpus("1", host=host)
    assert devices(chosen) == ["/dev/nvidia1", "/dev/nvidiactl"]
    assert chosen.note == "1 GPU"


def test_a_device_file_may_have_another_name_outside(host: Path) -> None:
    write(host / "driver/dev/nvidia3")
    node = {"path": "/dev/nvidia0", "hostPath": "/driver/dev/nvidia3"}
    edits = {"deviceNodes": [node, {"path": "/dev/dri/renderD128"}]}
    specify(host, devices=[{"name": "0", "containerEdits": edits}])
    (found, shared) = find_gpus("0", host=host).devices
    assert found.source == host / "driver/dev/nvidia3"
    assert (found.target, shared.target) == ("/dev/nvidia0", "/dev/nvidiactl")


def test_each_part_and_whole_gets_only_its_own_files(host: Path) -> None:
    for number in (3, 4, 5):
        write(host / f"dev/nvidia-caps/nvidia-cap{number}")
    parts = [
        device("0:0", "/dev/nvidia0", "/dev/nvidia-caps/nvidia-cap3"),
        device("mig0:1", "/dev/nvidia0", "/dev/nvidia-caps/nvidia-cap4"),
        device(PARTS[0], "/dev/nvidia0", "/dev/nvidia-caps/nvidia-cap3"),
        device("0:9", "/dev/nvidia0", "/dev/nvidia-caps/nvidia-cap9"),
    ]
    specify(host, devices=[*parts, device("gpu1", "/dev/nvidia1")])
    by_name = {
        name: devices(find_gpus(name, host=host))[:-1]
        for name in ("0:0", "0:1", PARTS[0], "1", "1,0:1")
    }
    assert by_name == {
        "0:0": ["/dev/nvidia0", "/dev/nvidia-caps/nvidia-cap3"],
        PARTS[0]: ["/dev/nvidia0", "/dev/nvidia-caps/nvidia-cap3"],
        "0:1": ["/dev/nvidia0", "/dev/nvidia-caps/nvidia-cap4"],
        "1": ["/dev/nvidia1"],
        "1,0:1": ["/dev/nvidia1", "/dev/nvidia0", "/dev/nvidia-caps/nvidia-cap4"],
    }
    with pytest.raises(EngineError, match=r"gpus='0:9'"):
        find_gpus("0:9", host=host)


def test_a_specification_older_than_the_hardware_gives_way(host: Path) -> None:
    """It lacks one GPU and names one that was taken out."""
    specify(host, devices=[device("0", "/dev/nvidia0"), device("2", "/dev/nvidia2")])
    assert "/dev/nvidia-uvm" in devices(find_gpus("1", host=host))
    assert "/dev/nvidia-uvm" in devices(find_gpus(host=host))
    assert "/dev/nvidia-uvm" not in devices(find_gpus("0", host=host))
    with pytest.raises(EngineError, match=r"there are 0, 1$"):
        find_gpus("2", host=host)


def test_files_of_the_driver_find_their_places(host: Path) -> None:
    """Wherever the driver is, its files appear under the names programs ask for."""
    driver = "opt/driver"
    for name in ("nvidia-smi", "libcuda.so.1.1", "libnvidia-ml.so.1", "lib32.so.1"):
        write(host / driver / name, "\x7fELF\x01" if name == "lib32.so.1" else "")
    paths = ["/run/nvidia-persistenced/socket", "/tmp/nvidia-mps", "/usr/bin/mps"]
    paths += ["/lib/firmware/nvidia/gsp.bin", "/usr/share/vulkan/icd.json"]
    for path in paths:
        write(host / path[1:])
    names = [f"/{driver}/{path.name}" for path in sorted((host / driver).iterdir())]
    edits = {
        "mounts": [mounted(path) for path in (*names, *paths, "/run/absent")],
        "hooks": [
            hook(
                "create-symlinks",
                "--link",
                f"/{driver}/nvidia-smi::/usr/bin/nvidia-smi",
            ),
            hook(
                "create-symlinks", "--link", "libnvidia-ml.so.1::/lib/libnvidia-ml.so"
            ),
            hook("create-symlinks", "--link=../card0::/dev/dri/by-path/card"),
            hook("chmod", "--mode", "755", "--path", "/dev/dri"),
        ],
    }
    specify(host, containerEdits=edits)
    (host / "usr/bin/nvidia-smi").unlink()
    assert targets(find_gpus(host=host)) == {
        f"{FOLDER}/lib64/libcuda.so.1.1": "libcuda.so.1.1",
        f"{FOLDER}/lib64/libcuda.so.1": "libcuda.so.1.1",
        f"{FOLDER}/lib64/libnvidia-ml.so.1": "libnvidia-ml.so.1",
        f"{FOLDER}/lib64/libnvidia-ml.so": "libnvidia-ml.so.1",
        f"{FOLDER}/bin/nvidia-smi": "nvidia-smi",
        f"{FOLDER}/bin/mps": "mps",
        "/run/nvidia-persistenced/socket": "socket",
        "/tmp/nvidia-mps": "nvidia-mps",
    }


def test_what_cuda_sees_is_left_to_the_device_files(host: Path) -> None:
    """The only GPU inside is CUDA's first, whatever its number is outside."""
    given = ["NVIDIA_VISIBLE_DEVICES=1", "CUDA_VISIBLE_DEVICES=1", "PATH=/x"]
    given += [
        "LD_LIBRARY_PATH=/x",
        "LD_PRELOAD=/x.so",
        "CUDA_MPS_PIPE_DIRECTORY=/tmp/m",
    ]
    specify(host, containerEdits={"env": given})
    assert find_gpus("1", host=host).environment == (
        ("NVIDIA_VISIBLE_DEVICES", "1"),
        ("CUDA_MPS_PIPE_DIRECTORY", "/tmp/m"),
    )


@pytest.mark.parametrize(
    "spoil",
    [
        lambda host: specify(host, kind="vendor.com/other"),
        lambda host: specify(host, devices=[]),
        lambda host: specify(host, devices=[{"name": "0"}]),
        lambda host: specify(host, containerEdits={"mounts": [{}]}),
        lambda host: write(host / "etc/cdi/nvidia.json", "{"),
        lambda host: write(host / "etc/cdi/nvidia.yaml", "["),
    ],
)
def test_a_useless_specification_leaves_the_device_files(
    spoil: Callable[[Path], object], host: Path
) -> None:
    spoil(host)
    found = find_gpus(host=host)
    assert "/dev/nvidia-uvm" in devices(found)
    assert found.note == "2 GPUs"


def test_windows_has_one_device_for_all(tmp_path: Path) -> None:
    write(tmp_path / "dev/dxg")
    write(tmp_path / "usr/lib/wsl/lib/libcuda.so.1")
    write(tmp_path / "usr/lib/wsl/lib/nvidia-smi")
    for selection in ("auto", "all", "0"):
        found = find_gpus(selection, host=tmp_path)
        assert devices(found) == ["/dev/dxg"]
        assert len(found.mounts) == 2
        assert found.note == "1 GPU"
    with pytest.raises(EngineError):
        find_gpus("1", host=tmp_path)


def test_windows_with_a_specification(tmp_path: Path) -> None:
    write(tmp_path / "dev/dxg")
    library = "/usr/lib/wsl/drivers/nv/libcuda.so.1.1"
    write(tmp_path / library[1:])
    whole: dict[str, Any] = {"mounts": [mounted(library)]}
    specify(tmp_path, devices=[device("all", "/dev/dxg")], containerEdits=whole)
    found = find_gpus(host=tmp_path)
    assert devices(found) == ["/dev/dxg"]
    assert f"{FOLDER}/lib64/libcuda.so.1" in targets(found)
    assert found.note == "1 GPU"


def test_names_are_taken_once_and_bare() -> None:
    assert names_of("0, gpu1,mig2:3,0") == ("0", "1", "2:3")
    assert names_of(f"{UUIDS[0]},{PARTS[0]}") == (UUIDS[0], PARTS[0])
    assert names_of("all") == names_of("auto") == ()
