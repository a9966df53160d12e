"""NVIDIA GPUs of the host: device files and driver libraries a sandbox needs.

The driver's user-space libraries must be those of the host's kernel module, so they are
never part of an image; they appear in a folder of their own, next to an untouched root.
Which they are says a CDI specification, and where there is none, the places where the
driver's installer puts them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from firstlight import proc
from firstlight.engine import cdi, driver
from firstlight.engine.base import Mount
from firstlight.errors import EngineError

__all__ = ["Gpus", "find_gpus", "names_of", "FOLDER"]

FOLDER = "/usr/local/nvidia"
"""Where the driver appears inside; its ``lib64`` and ``bin`` go on the paths."""

_ROOT = Path("/")
_SHARED = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset")
_WINDOWS = "dxg"
_LIBRARY = re.compile(r"(libcuda|libcudadebugger|libnvidia-[\w-]+|libdxcore)\.so[.\d]*")
_ANY_LIBRARY = re.compile(r"lib.+\.so[.\d]*")
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
# Sockets of the driver's daemons. What else a specification mounts is for the desktop
# or the kernel, and has no place in a root that is read-only.
_ROOMY = ("/run/", "/var/run/", "/tmp/")
# Where CUDA looks is decided here, and what it may see by the device files: inside, the
# numbers of the outside mean other GPUs.
_OURS = re.compile(r"PATH|LD_.*|CUDA_VISIBLE_DEVICES")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpus:
    """What goes into a sandbox for its GPUs; empty when there is none.

    `note` says in one line what was found, or why nothing.
    """

    devices: tuple[Mount, ...] = ()
    mounts: tuple[Mount, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    note: str = ""


def find_gpus(selection: str = "auto", *, host: Path = _ROOT) -> Gpus:
    """Find what a selection of GPUs needs.

    Args:
        selection: ``auto`` (all, if there are any), ``all``, ``none``, or names:
            indices such as ``0,2``, parts of a GPU (MIG) such as ``0:1``, UUIDs.
        host: The root of the machine looked at.

    Raises:
        EngineError: when GPUs were asked for that are not there.
    """
    if selection == "none":
        return Gpus(note="no GPU: none was asked for")
    names = names_of(selection)
    found = _from_cdi(names, host) or _from_files(names, host)
    if found is not None:
        return found
    if selection == "auto":
        return Gpus(note="no GPU: this machine has no NVIDIA device files")
    known = _known(host)
    there = (
        f"there are {', '.join(known)}"
        if known
        else "there is no such device file in /dev"
    )
    raise EngineError(
        f"no NVIDIA GPU matches gpus={selection!r}: {there}",
        hint="say auto, all, none, indices such as 0,1, parts such as 0:1, or UUIDs; "
        "`nvidia-smi -L` shows what the driver sees",
    )


def names_of(selection: str) -> tuple[str, ...]:
    """Return the names in a selection, each once; none where it means all.

    >>> names_of("0,gpu1,mig2:3")
    ('0', '1', '2:3')
    """
    if selection in ("auto", "all"):
        return ()
    parts = (part.strip() for part in selection.split(","))
    bare = (re.sub(r"^(gpu(?=\d)|mig(?=\d+:))", "", part) for part in parts)
    return tuple(dict.fromkeys(bare))


def _known(host: Path) -> list[str]:
    """The names that could have been asked for."""
    listed = [name for card in driver.cards(host) for name in card.names]
    for name, device in cdi.read_devices(host).items():
        if name != "all" and _is_usable(device):
            listed += names_of(name)
    return list(dict.fromkeys(listed))


# Container Device Interface


def _from_cdi(names: Sequence[str], host: Path) -> Gpus | None:
    known = cdi.read_devices(host)
    chosen = [known[name] for name in cdi.pick(names, known)]
    if not chosen or not all(_is_usable(device) for device in chosen):
        return None
    edits = [*(each.own for each in chosen), *(each.shared for each in chosen)]
    nodes = dict.fromkeys(node for edit in edits for node in edit.nodes)
    devices = tuple(node for node in nodes if _is_there(node.source))
    wanted = dict.fromkeys(mount for edit in edits for mount in edit.mounts)
    links = dict.fromkeys(link for edit in edits for link in edit.links)
    laid = _laid([mount for mount in wanted if _is_there(mount.source)], list(links))
    mounts = tuple({each.target: each for each in (*_programs(host), *laid)}.values())
    variables = dict(pair for edit in edits for pair in edit.environment)
    return Gpus(
        devices=devices,
        mounts=mounts,
        environment=tuple(
            (name, value)
            for name, value in variables.items()
            if not _OURS.fullmatch(name)
        ),
        note=_note(len(names) or _count(devices), mounts),
    )


def _is_usable(device: cdi.Device) -> bool:
    """Whether the device is still there: the file may be older than the hardware."""
    nodes = [n for n in device.own.nodes if not n.target.startswith("/dev/dri/")]
    present = [_is_there(node.source) for node in nodes]
    return any(present) if device.name == "all" else all(present) and bool(present)


def _laid(mounts: Sequence[Mount], links: Sequence[tuple[str, str]]) -> Iterator[Mount]:
    """Put libraries and programs into our folder, sockets where they belong.

    A specification names each file once and lets the vendor's hooks make the links
    beside it and the loader's cache; here a file appears under each of its names.
    """
    for name, source in _named_libraries(mounts, links).items():
        yield Mount(source=source, target=f"{FOLDER}/lib64/{name}")
    for name, source in _named_programs(mounts, links).items():
        yield Mount(source=source, target=f"{FOLDER}/bin/{name}")
    for mount in mounts:
        if mount.target.startswith(_ROOMY) and not _has_library_name(mount.target):
            yield mount


def _named_libraries(
    mounts: Sequence[Mount], links: Sequence[tuple[str, str]]
) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for mount in mounts:
        if _has_library_name(mount.target) and _is_library(mount.source):
            name = PurePosixPath(mount.target).name
            for each in (name, *_other_names(mount.source)):
                found.setdefault(each, mount.source)
    for content, link in links:
        aim = PurePosixPath(content).name
        if aim in found and _has_library_name(link):
            found.setdefault(PurePosixPath(link).name, found[aim])
    return found


def _named_programs(
    mounts: Sequence[Mount], links: Sequence[tuple[str, str]]
) -> dict[str, Path]:
    sources = {mount.target: mount.source for mount in mounts}
    aims = {**{link: sources.get(content) for content, link in links}, **sources}
    paths = {PurePosixPath(path): source for path, source in aims.items() if source}
    return {
        path.name: source
        for path, source in paths.items()
        if path.parent.name in ("bin", "sbin")
    }


def _has_library_name(path: str) -> bool:
    return _ANY_LIBRARY.fullmatch(PurePosixPath(path).name) is not None


def _other_names(path: Path) -> Iterator[str]:
    """The links beside a library; without any, the one that a loader asks for."""
    stem = path.name.partition(".so")[0]
    others = [
        other.name
        for other in sorted(path.parent.glob(f"{stem}.so*"))
        if other.name != path.name and _is_same(other, path)
    ]
    yield from others or [f"{stem}.so.1"]


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _count(devices: Sequence[Mount]) -> int:
    names = (device.target.removeprefix("/dev/nvidia") for device in devices)
    return sum(name.isdecimal() for name in names) or 1


# Device files and the folders of the driver


def _from_files(names: Sequence[str], host: Path) -> Gpus | None:
    files = _files(names, host)
    if not files:
        return None
    shared = [name for name in _SHARED if (host / "dev" / name).exists()]
    devices = tuple(
        Mount(source=host / "dev" / name, target=f"/dev/{name}", writable=True)
        for name in dict.fromkeys((*files, *shared))
    )
    mounts = (*_libraries(_installed(host)), *_programs(host))
    note = _note(len(names) or _count(devices), mounts)
    return Gpus(devices=devices, mounts=mounts, note=note)


def _files(names: Sequence[str], host: Path) -> list[str]:
    """The device files of the chosen GPUs; none when one of them is not there."""
    if (host / "dev" / _WINDOWS).exists():  # Under Windows, one device for all GPUs.
        return [_WINDOWS] if tuple(names) in ((), ("0",)) else []
    if not names:
        whole = list(driver.device_files(host).values())
        keys = sorted((host / "dev/nvidia-caps").glob("*")) if whole else []
        return [*whole, *(f"nvidia-caps/{path.name}" for path in keys)]
    by_name = {name: card.files for card in driver.cards(host) for name in card.names}
    if not all(name in by_name for name in names):
        return []
    return [file for name in names for file in by_name[name]]


def _installed(host: Path) -> Iterator[Path]:
    if host == _ROOT:
        yield from _cached()
    for folder in _FOLDERS:
        yield from (host / folder).glob("lib*.so*")


def _cached() -> Iterator[Path]:
    program = shutil.which("ldconfig", path="/sbin:/usr/sbin:/bin:/usr/bin")
    if program:
        for line in proc.capture([program, "-p"]).stdout.splitlines():
            _, arrow, path = line.strip().partition(" => ")
            if arrow:
                yield Path(path)


def _libraries(found: Iterable[Path]) -> Iterator[Mount]:
    """Each driver library under every name it has; the first found wins."""
    seen: set[str] = set()
    for path in found:
        if path.name in seen or not _is_compute(path.name) or not _is_library(path):
            continue
        seen.add(path.name)
        yield Mount(source=path.resolve(), target=f"{FOLDER}/lib64/{path.name}")


def _is_compute(name: str) -> bool:
    stem = name.partition(".so")[0].removeprefix("libnvidia-")
    graphics = any(stem.startswith(word) for word in _NOT_COMPUTE)
    return _LIBRARY.fullmatch(name) is not None and not graphics


def _is_library(path: Path) -> bool:
    """Whether it is a file, and not for 32-bit programs: those have the same names."""
    try:
        with path.open("rb") as file:
            return file.read(5) != b"\x7fELF\x01"
    except OSError:
        return False


def _programs(host: Path) -> Iterator[Mount]:
    for name in _PROGRAMS:
        for folder in ("usr/bin", "usr/lib/wsl/lib", "usr/local/nvidia/bin"):
            path = host / folder / name
            if path.is_file():
                yield Mount(source=path.resolve(), target=f"{FOLDER}/bin/{name}")
                break


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # A name that is too long, or a folder that is closed to us.
        return False


def _note(count: int, mounts: Sequence[Mount]) -> str:
    line = f"{count} GPU{'s' if count != 1 else ''}"
    if any(mount.target.endswith("/libcuda.so.1") for mount in mounts):
        return line
    return f"{line}, but no libcuda.so.1: the driver's libraries are not installed"
