"""NVIDIA GPUs of the host: device files and driver libraries a sandbox needs.

The driver's user-space libraries must be those of the host's kernel module, so they are
never part of an image; they appear in a folder of their own, next to an untouched root.
Found through a CDI specification where one is written in JSON (reading YAML would need
another dependency), and otherwise where the driver's installer puts them.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firstlight import proc
from firstlight.engine.base import Mount
from firstlight.errors import EngineError

__all__ = ["Gpus", "HostGpus", "find_gpus", "host_gpus", "FOLDER"]

FOLDER = "/usr/local/nvidia"
"""Where the driver appears inside; its ``lib64`` and ``bin`` go on the paths."""

_ROOT = Path("/")
_NUMBERED = re.compile(r"nvidia(\d+)\Z")
_SHARED = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "dxg")
_LIBRARY = re.compile(r"(libcuda|libcudadebugger|libnvidia-[\w-]+|libdxcore)\.so[.\d]*")
_NOT_COMPUTE = (
    "egl",
    "gl",
    "gtk",
    "wayland",
    "vulkan",
    "fbc",
    "encode",
    "tls",
    "eglcore",
)
_FOLDERS = (
    "usr/lib/x86_64-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
    "usr/lib64",
    "usr/lib/wsl/lib",
    "usr/lib",
    "usr/local/nvidia/lib64",
    "run/opengl-driver/lib",
)
_PROGRAMS = ("nvidia-smi", "nvidia-debugdump", "nvidia-cuda-mps-control")
_VERSION = re.compile(r"Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpus:
    """What goes into a sandbox for its GPUs; empty when there is none.

    `note` says in one line what was found, or why nothing.
    """

    devices: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostGpus:
    """The machine's driver version (``550.54.14``) and the names of its GPUs."""

    driver: str = ""
    names: tuple[str, ...] = ()


def find_gpus(selection: str = "auto", *, host: Path = _ROOT) -> Gpus:
    """Find what a selection of GPUs needs.

    Args:
        selection: ``auto`` (all, if there are any), ``all``, ``none``, or indices such
            as ``0,2``.
        host: The root of the machine looked at.

    Raises:
        EngineError: when GPUs were asked for by name that are not there.
    """
    if selection == "none":
        return Gpus(note="no GPU: none was asked for")
    wanted = _wanted(selection)
    found = _from_cdi(wanted, host) or _from_devices(wanted, host)
    if found is None or not found.devices:
        if selection != "auto":
            raise EngineError(
                f"no NVIDIA GPU matches gpus={selection!r}: there is no such device "
                "file in /dev",
                hint="`nvidia-smi` on this machine shows what the driver sees; run "
                "with gpus=none to go without",
            )
        return Gpus(note="no GPU: this machine has no NVIDIA device files")
    return found


def host_gpus(*, host: Path = _ROOT) -> HostGpus:
    """Return driver and GPU names of the machine; empty when there are none."""
    folder = host / "proc/driver/nvidia"
    version = _VERSION.search(_text(folder / "version"))
    models = [
        line.partition(":")[2].strip()
        for path in sorted(folder.glob("gpus/*/information"))
        for line in _text(path).splitlines()
        if line.startswith("Model:")
    ]
    if version and models:
        return HostGpus(driver=version[1], names=tuple(models))
    return _ask_nvidia_smi() if host == _ROOT else HostGpus()


def _ask_nvidia_smi() -> HostGpus:
    program = shutil.which("nvidia-smi")
    if not program:
        return HostGpus()
    query = ("--query-gpu=driver_version,name", "--format=csv,noheader")
    result = proc.capture([program, *query])
    rows = [line.split(", ", 1) for line in result.stdout.splitlines() if ", " in line]
    if result.code or not rows:
        return HostGpus()
    return HostGpus(driver=rows[0][0], names=tuple(name for _, name in rows))


def _wanted(selection: str) -> frozenset[str] | None:
    if selection in ("auto", "all"):
        return None
    names = frozenset(part.strip() for part in selection.split(","))
    if not all(name.isdecimal() for name in names):
        raise EngineError(
            f"gpus={selection!r} is not understood",
            hint="say auto, all, none, or indices such as 0,1",
        )
    return names


# Device files and the folders of the driver


def _from_devices(wanted: frozenset[str] | None, host: Path) -> Gpus | None:
    numbers = sorted(
        (int(match[1]), path)
        for path in (host / "dev").glob("nvidia*")
        if (match := _NUMBERED.match(path.name))
    )
    chosen = [
        path for number, path in numbers if wanted is None or str(number) in wanted
    ]
    on_windows = (host / "dev/dxg").exists()  # WSL has one device for all GPUs.
    if not chosen and not on_windows:
        return None
    if wanted is not None and len(chosen) < len(wanted) and not on_windows:
        return None
    shared = [host / "dev" / name for name in _SHARED]
    shared += sorted((host / "dev/nvidia-caps").glob("*"))
    devices = [*chosen, *(path for path in shared if path.exists())]
    mounts = (*_libraries(_installed(host)), *_programs(host))
    return Gpus(
        devices=tuple(f"/{path.relative_to(host)}" for path in devices),
        mounts=mounts,
        note=_note(len(chosen) or 1, mounts),
    )


def _installed(host: Path) -> Iterator[Path]:
    if host == _ROOT:
        yield from _cached()
    for folder in _FOLDERS:
        yield from (host / folder).glob("lib*.so*")


def _cached() -> Iterator[Path]:
    program = shutil.which("ldconfig", path="/sbin:/usr/sbin:/bin:/usr/bin")
    if program:
        for line in proc.capture([program, "-p"]).stdout.splitlines():
            name, arrow, path = line.strip().partition(" => ")
            # The cache also names the libraries for 32-bit programs.
            if arrow and "-64" in name:
                yield Path(path)


def _libraries(found: Iterable[Path]) -> Iterator[Mount]:
    """Each driver library under every name it has; the first found wins."""
    seen: set[str] = set()
    for path in found:
        if path.name in seen or not _is_compute(path.name) or not path.is_file():
            continue
        seen.add(path.name)
        yield Mount(source=path.resolve(), target=f"{FOLDER}/lib64/{path.name}")


def _is_compute(name: str) -> bool:
    stem = name.partition(".so")[0].removeprefix("libnvidia-")
    graphics = any(stem.startswith(word) for word in _NOT_COMPUTE)
    return _LIBRARY.fullmatch(name) is not None and not graphics


def _programs(host: Path) -> Iterator[Mount]:
    for name in _PROGRAMS:
        for folder in ("usr/bin", "usr/lib/wsl/lib", "usr/local/nvidia/bin"):
            path = host / folder / name
            if path.is_file():
                yield Mount(source=path.resolve(), target=f"{FOLDER}/bin/{name}")
                break


def _note(count: int, mounts: Sequence[Mount]) -> str:
    line = f"{count} GPU{'s' if count != 1 else ''}"
    if any(mount.target.endswith("/libcuda.so.1") for mount in mounts):
        return line
    return f"{line}, but no libcuda.so.1: the driver's libraries are not installed"


# Container Device Interface


def _from_cdi(wanted: frozenset[str] | None, host: Path) -> Gpus | None:
    for folder in ("etc/cdi", "var/run/cdi"):
        for path in sorted((host / folder).glob("*.json")):
            try:
                found = _read_cdi(json.loads(path.read_bytes()), wanted, host)
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                continue  # Written for somebody else; the device files still count.
            if found is not None:
                return found
    return None


def _read_cdi(
    spec: dict[str, Any], wanted: frozenset[str] | None, host: Path
) -> Gpus | None:
    if spec["kind"] != "nvidia.com/gpu":
        return None
    named = {str(each["name"]): each["containerEdits"] for each in spec["devices"]}
    numbered = {name: edits for name, edits in named.items() if name.isdecimal()}
    names = sorted(numbered if wanted is None else wanted, key=int)
    if not names or any(name not in numbered for name in names):
        return None
    edits = [*(numbered[name] for name in names), spec.get("containerEdits", {})]
    nodes = [node["path"] for edit in edits for node in edit.get("deviceNodes", ())]
    devices = [path for path in nodes if (host / path.lstrip("/")).exists()]
    paths = [
        host / mount["hostPath"].lstrip("/")
        for edit in edits
        for mount in edit.get("mounts", ())
    ]
    # A specification names the real file and lets hooks make the links beside it.
    beside = (other for path in paths for other in _same_file(path))
    mounts = (*_libraries(beside), *_programs(host))
    return Gpus(
        devices=tuple(dict.fromkeys(devices)),
        mounts=mounts,
        note=_note(len(names), mounts),
    )


def _same_file(path: Path) -> Iterator[Path]:
    stem = path.name.partition(".so")[0]
    for other in sorted(path.parent.glob(f"{stem}.so*")):
        if other.resolve() == path.resolve():
            yield other


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
