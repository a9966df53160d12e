"""What the NVIDIA driver's own files tell: which GPUs there are, and their names.

A GPU's index, as `nvidia-smi` and CUDA count, follows its place on the PCI bus; the
number of its device file may be another. A part of a GPU (MIG) is opened by the device
file of the whole with two of `/dev/nvidia-caps`; `nvidia-smi` knows which.
"""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from firstlight import proc

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["Card", "HostGpus", "ask_nvidia_smi", "cards", "device_files", "host_gpus"]

_ROOT = Path("/")
_NUMBERED = re.compile(r"nvidia(\d+)\Z")
_CAPABILITIES = "proc/driver/nvidia/capabilities"
_VERSION = re.compile(r"Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s")
_LISTED_GPU = re.compile(r"GPU (\d+):")
_LISTED_PART = re.compile(r"\s+MIG .*?Device\s+(\d+):.*\(UUID: (MIG-[\w/-]+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostGpus:
    """The machine's driver version (``550.54.14``) and the names of its GPUs."""

    driver: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A GPU or a part of one: index and UUID, and the device files it needs.

    The files are below ``/dev``; those that every GPU needs are not among them.
    """

    names: tuple[str, ...]
    files: tuple[str, ...]


def host_gpus(*, host: Path = _ROOT) -> HostGpus:
    """Return driver and GPU names of the machine; empty when there are none."""
    version = _VERSION.search(_text(host / "proc/driver/nvidia/version"))
    models = [told["Model"] for told in _told(host) if "Model" in told]
    if version and models:
        return HostGpus(driver=version[1], names=tuple(models))
    if host != _ROOT:
        return HostGpus()
    query = ("--query-gpu=driver_version,name", "--format=csv,noheader")
    lines = ask_nvidia_smi(host, *query).splitlines()
    rows = [line.split(", ", 1) for line in lines if ", " in line]
    if not rows:
        return HostGpus()
    return HostGpus(driver=rows[0][0], names=tuple(name for _, name in rows))


def device_files(host: Path) -> dict[int, str]:
    """Return the device file of each GPU by its number, in order."""
    try:
        names = [path.name for path in (host / "dev").iterdir()]
    except OSError:
        return {}
    found = [(int(match[1]), match[0]) for n in names if (match := _NUMBERED.match(n))]
    return dict(sorted(found))


def cards(host: Path) -> tuple[Card, ...]:
    """Return every GPU that has a device file, and every part of one."""
    files = device_files(host)
    told = [each for each in _told(host) if _minor(each) in files]
    if not told:
        return tuple(Card(names=(str(n),), files=(f,)) for n, f in files.items())
    whole = tuple(
        Card(
            names=(str(index), *_uuid(each)),
            files=(files[_minor(each)], *_capabilities(host, _minor(each), "*", "*")),
        )
        for index, each in enumerate(told)
    )
    return (*whole, *_parts(host, files))


def ask_nvidia_smi(host: Path, *words: str) -> str:
    """Return what the machine's `nvidia-smi` prints; empty when it fails or lacks."""
    usual = host / "usr/bin/nvidia-smi"
    found = shutil.which("nvidia-smi") if host == _ROOT else None
    program = Path(found) if found else usual
    if not proc.is_executable(program):
        return ""
    done = proc.capture([program, *words])
    return "" if done.code else done.stdout


def _told(host: Path) -> list[dict[str, str]]:
    """What the kernel module says of each GPU, in the order of the PCI bus."""
    found = []
    for path in sorted((host / "proc/driver/nvidia").glob("gpus/*/information")):
        pairs = [line.partition(":") for line in _text(path).splitlines()]
        found.append({key.strip(): value.strip() for key, _, value in pairs})
    return found


def _minor(told: dict[str, str]) -> int:
    return _natural(told.get("Device Minor", ""))


def _uuid(told: dict[str, str]) -> tuple[str, ...]:
    uuid = told.get("GPU UUID", "")
    # Until the GPU is first used, the driver knows no UUID and prints "GPU-????…".
    return (uuid,) if uuid.startswith("GPU-") and "?" not in uuid else ()


# Parts of a GPU


def _parts(host: Path, files: dict[int, str]) -> Iterator[Card]:
    if not any((host / _CAPABILITIES).glob("gpu*/mig/gi*")):
        return
    uuids = _part_uuids(ask_nvidia_smi(host, "-L"))
    for gpu, report in enumerate(_reports(ask_nvidia_smi(host, "-q", "-x"))):
        minor = _number(report, "minor_number")
        for part in report.iter("mig_device"):
            index = _number(part, "index")
            instance = _number(part, "gpu_instance_id")
            compute = _number(part, "compute_instance_id")
            opens = _capabilities(host, minor, str(instance), str(compute))
            if opens and minor in files:
                names = (f"{gpu}:{index}", *uuids[gpu, index])
                yield Card(names=names, files=(files[minor], *opens))


def _part_uuids(listed: str) -> dict[tuple[int, int], tuple[str, ...]]:
    found: dict[tuple[int, int], tuple[str, ...]] = defaultdict(tuple)
    gpu = -1
    for line in listed.splitlines():
        if match := _LISTED_GPU.match(line):
            gpu = int(match[1])
        elif match := _LISTED_PART.match(line):
            found[gpu, int(match[1])] = (match[2],)
    return found


def _reports(text: str) -> list[Element]:
    # Imported only now: most machines that run a command have no part of a GPU.
    from xml.etree import ElementTree

    try:
        return list(ElementTree.fromstring(text).iter("gpu"))
    except ElementTree.ParseError:
        return []


def _number(element: Element, key: str) -> int:
    return _natural(element.findtext(key, "").strip())


def _capabilities(
    host: Path, minor: int, instance: str, compute: str
) -> tuple[str, ...]:
    """The files that open an instance of a GPU, and the computing instance in it."""
    folder = host / _CAPABILITIES / f"gpu{minor}/mig"
    found = [
        *sorted(folder.glob(f"gi{instance}/access")),
        *sorted(folder.glob(f"gi{instance}/ci{compute}/access")),
    ]
    numbers = [re.search(r"DeviceFileMinor:\s*(\d+)", _text(path)) for path in found]
    files = [f"nvidia-caps/nvidia-cap{match[1]}" for match in numbers if match]
    return tuple(files) if all((host / "dev" / file).exists() for file in files) else ()


def _natural(text: str) -> int:
    """The number that a text is, or -1, which numbers nothing."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else -1


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
