"""A lock comes out of a spec, keeps what it can, and names no address."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from firstlight.errors import ConflictError
from firstlight.lock.apt import wanted_packages
from firstlight.lock.lockfile import Deb, Lock
from firstlight.lock.text import dump_lock, parse_lock
from lock.machine import Machine

SPEC = """\
name = "made"
python = "3.11"
profile = "serve"
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    offer(machine)
    return machine


def offer(machine: Machine, architecture: str = "amd64", **versions: str) -> None:
    """Publish all that an image starts from, everything at 1 but what is named."""
    names = {*wanted_packages(machine.spec(SPEC)), "git", "vim"}
    machine.offer(
        {f"{name}={versions.get(name, '1')}": {} for name in sorted(names)},
        architecture=architecture,
    )


def torch(machine: Machine, *requires: str, cuda: str = "12.6") -> None:
    local = f"cu{cuda.replace('.', '')}" if cuda else "cpu"
    value = repr(cuda) if cuda else "None"
    machine.wheel(
        "torch",
        "2.7.1",
        files={
            "torch/version.py": (
                f"__version__ = '2.7.1+{local}'\ncuda: Optional[str] = {value}\n"
            ),
            "torch/lib/libtorch_python.so": b"\x7fELF\0sm_80 sm_90\0more",
        },
        requires=requires,
        tag="cp311-cp311-manylinux_2_28_x86_64",
    )


def versions(pylock: str) -> dict[str, str]:
    return dict(re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', pylock))


def debs(lock: Lock) -> dict[str, str]:
    return {deb.name: deb.version for deb in lock.platforms[0].debs}


def test_a_lock_survives_being_written(machine: Machine) -> None:
    torch(machine)
    machine.wheel("demo", "1.0")
    lock, _, findings = machine.lock(SPEC + 'torch = "2.7.1"\npackages = ["demo"]\n')
    assert findings == []
    assert parse_lock(dump_lock(lock)) == lock
    (part,) = lock.platforms
    assert part.stack.torch == "2.7.1+cu126"
    assert part.stack.architectures == ("sm_80", "sm_90")
    assert (part.stack.driver, part.stack.glibc) == ("525.60.13", "2.28")
    assert "python3.11" in debs(lock)


def test_the_lock_names_no_address_and_no_folder_of_this_machine(
    machine: Machine, tmp_path: Path
) -> None:
    torch(machine)
    lock, pylock, _ = machine.lock(SPEC + 'torch = "2.7.1"\n')
    text = dump_lock(lock)
    assert "://" not in text + pylock
    assert 'path = "wheels/torch-2.7.1' in pylock
    assert str(tmp_path) not in text + pylock


def test_the_same_spec_gives_the_same_lock(machine: Machine) -> None:
    machine.wheel("demo", "1.0")
    text = SPEC + 'packages = ["demo"]\n'
    first = machine.lock(text)
    assert machine.lock(text, previous=first[0]) == first
    assert machine.lock(text, upgrade=True) == first


def test_adding_a_package_keeps_every_other_version(machine: Machine) -> None:
    machine.wheel("demo", "1.0", requires=["needed"])
    machine.wheel("needed", "1.0")
    first, before, _ = machine.lock(SPEC + 'packages = ["demo"]\nsystem = ["git"]\n')
    machine.wheel("demo", "2.0", requires=["needed"])
    machine.wheel("needed", "2.0")
    machine.wheel("added", "3.0")
    text = SPEC + 'packages = ["Demo >= 1", "added"]\nsystem = ["git", "vim"]\n'
    second, after, _ = machine.lock(text, previous=first)
    assert versions(after) == versions(before) | {"added": "3.0"}
    assert debs(second) == debs(first) | {"vim": "1"}
    assert second.direct == ("added", "demo")


def test_upgrading_takes_the_newest(machine: Machine) -> None:
    machine.wheel("demo", "1.0")
    text = SPEC + 'packages = ["demo"]\nsystem = ["git"]\n'
    first, _, _ = machine.lock(text)
    machine.wheel("demo", "2.0")
    offer(machine, git="2")
    second, after, _ = machine.lock(text, previous=first, upgrade=True)
    assert versions(after)["demo"] == "2.0"
    assert debs(second) == debs(first) | {"git": "2"}


def test_a_version_that_is_gone_is_replaced(machine: Machine) -> None:
    text = SPEC + 'system = ["git"]\n'
    first, _, _ = machine.lock(text)
    offer(machine, git="2")
    second, _, _ = machine.lock(text, previous=first)
    assert debs(second) == debs(first) | {"git": "2"}


PARTS = ("nvidia-cuda-runtime-cu12", "nvidia-nvjitlink-cu12", "nvidia-cuda-nvrtc-cu12")


def test_parts_of_a_newer_cuda_are_chosen_again(machine: Machine) -> None:
    torch(machine, *PARTS, "nvidia-cublas-cu12")
    for name in PARTS:
        machine.wheel(name, "12.6.77")
        machine.wheel(name, "12.9.86")
    machine.wheel("nvidia-cublas-cu12", "12.9.1.4")
    _, pylock, findings = machine.lock(SPEC + 'torch = "2.7.1"\n')
    assert findings == []
    chosen = versions(pylock)
    assert {chosen[name] for name in PARTS} == {"12.6.77"}
    assert chosen["nvidia-cublas-cu12"] == "12.9.1.4"


def test_parts_that_nobody_has_for_the_cuda_stop_the_lock(machine: Machine) -> None:
    torch(machine, *PARTS[:1])
    machine.wheel(PARTS[0], "12.9.86")
    with pytest.raises(ConflictError, match=PARTS[0]) as caught:
        machine.lock(SPEC + 'torch = "2.7.1"\n')
    assert caught.value.hint


def test_a_stack_that_misses_the_target_stops_before_the_system(
    machine: Machine,
) -> None:
    torch(machine)
    text = SPEC + 'torch = "2.7.1"\n'
    with pytest.raises(ConflictError, match="no kernel of torch") as caught:
        machine.lock(f'{text}[target]\ngpus = ["T4"]\n')
    assert [each.code for each in caught.value.findings] == ["target.gpu"]


def test_each_platform_has_its_own_packages(machine: Machine) -> None:
    machine.wheel("demo", "1.0", tag="cp311-cp311-manylinux_2_17_x86_64")
    machine.wheel("demo", "1.0", tag="cp311-cp311-manylinux_2_34_aarch64")
    offer(machine, "arm64")
    both = '[target]\nplatforms = ["linux/amd64", "linux/arm64"]\n'
    lock, _, _ = machine.lock(f'{SPEC}packages = ["demo"]\n{both}')
    first, second = lock.platforms
    assert (first.stack.glibc, second.stack.glibc) == ("2.17", "2.34")
    assert first.packages != second.packages
    assert architectures(first.debs) == {"amd64"}
    assert architectures(second.debs) == {"arm64"}


def architectures(debs: tuple[Deb, ...]) -> set[str]:
    return {deb.architecture for deb in debs}


def test_a_lock_without_security_updates_says_how_to_get_them(
    machine: Machine,
) -> None:
    machine.lock(SPEC)
    (line,) = [line for line in machine.heard.lines if "security" in line]
    assert line.startswith("locking without the security updates of bookworm-security")
    assert "FIRSTLIGHT_MIRROR_DEBIAN_SECURITY" in line
