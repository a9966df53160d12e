"""What the driver's files say of GPUs, on machines made up of files."""

from __future__ import annotations

from pathlib import Path

from engine.gpu_machines import PARTS, UUIDS, program, split, tell, two_gpus, write
from firstlight.engine.driver import Card, cards, device_files, host_gpus


def test_a_gpus_index_is_its_place_on_the_bus(tmp_path: Path) -> None:
    """The device file's number often is another, and there it is the wrong GPU."""
    host = two_gpus(tmp_path)
    tell(host, minors=(1, 0))
    assert cards(host) == (
        Card(names=("0", UUIDS[0]), files=("nvidia1",)),
        Card(names=("1", UUIDS[1]), files=("nvidia0",)),
    )


def test_where_the_kernel_tells_nothing_the_files_number_counts(tmp_path: Path) -> None:
    host = two_gpus(tmp_path)
    write(host / "dev/nvidia10")
    assert [card.names for card in cards(host)] == [("0",), ("1",), ("10",)]
    assert list(device_files(host)) == [0, 1, 10]


def test_only_gpus_with_a_device_file_are_counted(tmp_path: Path) -> None:
    """A container, or a job of a cluster, may have one of many."""
    host = two_gpus(tmp_path)
    tell(host, minors=(3, 1))
    assert cards(host) == (Card(names=("0", UUIDS[1]), files=("nvidia1",)),)


def test_a_gpu_that_was_never_used_has_no_uuid_yet(tmp_path: Path) -> None:
    host = two_gpus(tmp_path)
    write(
        host / "proc/driver/nvidia/gpus/0000:01:00.0/information",
        "GPU UUID: \t GPU-????????-????-????-????-????????????\nDevice Minor: \t 0\n",
    )
    assert cards(host) == (Card(names=("0",), files=("nvidia0",)),)


def test_parts_have_the_keys_that_open_them(tmp_path: Path) -> None:
    host = two_gpus(tmp_path)
    tell(host, minors=(1, 0))
    split(host)
    keys = [f"nvidia-caps/nvidia-cap{number}" for number in (12, 48, 13, 49)]
    assert cards(host) == (
        Card(names=("0", UUIDS[0]), files=("nvidia1", *keys)),
        Card(names=("1", UUIDS[1]), files=("nvidia0",)),
        Card(names=("0:0", PARTS[0]), files=("nvidia1", keys[0], keys[2])),
        Card(names=("0:1", PARTS[1]), files=("nvidia1", keys[1], keys[3])),
    )


def test_parts_need_a_program_that_knows_them(tmp_path: Path) -> None:
    host = two_gpus(tmp_path)
    tell(host, minors=(1, 0))
    split(host)
    for output in ("exit 1", "echo '<broken'", "echo '<gpu><mig_device/></gpu>'"):
        program(host / "usr/bin/nvidia-smi", output)
        assert [card.names[0] for card in cards(host)] == ["0", "1"]


def test_a_part_whose_key_is_missing_is_not_there(tmp_path: Path) -> None:
    host = two_gpus(tmp_path)
    tell(host, minors=(1, 0))
    split(host)
    (host / "dev/nvidia-caps/nvidia-cap49").unlink()
    assert [card.names[0] for card in cards(host)] == ["0", "1", "0:0"]


def test_the_machines_gpus_are_read_from_the_kernel_module(tmp_path: Path) -> None:
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


def test_the_open_kernel_modules_version_is_read_as_well(tmp_path: Path) -> None:
    write(
        tmp_path / "proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release\n",
    )
    write(tmp_path / "proc/driver/nvidia/gpus/0/information", "Model: NVIDIA B200\n")
    assert host_gpus(host=tmp_path).driver == "570.86.15"


def test_a_machine_without_a_driver_has_no_gpus(tmp_path: Path) -> None:
    assert host_gpus(host=tmp_path).names == ()
    assert cards(tmp_path) == ()
    assert host_gpus().driver == host_gpus().driver
