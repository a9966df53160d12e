"""The stack inside a selection of wheels, as the wheels themselves tell it.

Tables go stale with every release; a wheel does not. ``torch/version.py`` has the build
and its CUDA; the GPU architectures stand as plain text in ``libtorch_python.so``. Of a
wheel that is not here, only those parts are fetched, by ranges.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO

from packaging.utils import parse_wheel_filename

from firstlight.digest import CHUNK
from firstlight.errors import ArtefactError
from firstlight.lock.facts import driver_floor
from firstlight.lock.lockfile import Stack, Wheel
from firstlight.net import Fetcher
from firstlight.store import Store

__all__ = ["read_stack"]

_BINDINGS = "torch/lib/libtorch_python.so"
_ARCHITECTURES = re.compile(
    rb"\0((?:sm|compute)_\d+[a-z]?(?: (?:sm|compute)_\d+[a-z]?)*)\0"
)
_MANYLINUX = {"manylinux1": "2.5", "manylinux2010": "2.12", "manylinux2014": "2.17"}


def read_stack(wheels: Sequence[Wheel], fetcher: Fetcher, store: Store) -> Stack:
    """Return what the wheels say about PyTorch and CUDA.

    What a torch wheel says is kept in the store by its digest: reading it again, for
    another platform or another lock, costs nothing.

    Raises:
        ArtefactError: when the torch wheel is damaged.
        NetworkError: when it cannot be read.
    """
    versions = {wheel.name: wheel.version for wheel in wheels}
    torch = next((wheel for wheel in wheels if wheel.name == "torch"), None)
    found = _torch(torch, fetcher, store) if torch is not None else {}
    cuda = str(found.get("cuda", ""))
    return Stack(
        torch=str(found.get("torch", "")),
        cuda=cuda,
        cudnn=_version(versions, "nvidia-cudnn"),
        nccl=_version(versions, "nvidia-nccl"),
        triton=versions.get("triton", ""),
        architectures=tuple(found.get("architectures", ())),
        ptx=tuple(found.get("ptx", ())),
        driver=driver_floor(cuda),
        glibc=_glibc(wheels),
    )


def _torch(wheel: Wheel, fetcher: Fetcher, store: Store) -> dict[str, Any]:
    known = store.fact("torch", wheel.digest)
    if isinstance(known, dict):
        return known
    if store.has(wheel.digest, wheel.size):
        stream: BinaryIO = store.read(wheel.digest)
    else:
        stream = fetcher.open_range(wheel.url)
    with stream:
        found = _read_torch(stream, wheel.filename)
    store.record("torch", wheel.digest, found)
    return found


def _read_torch(stream: BinaryIO, filename: str) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(stream) as archive:
            version = archive.read("torch/version.py").decode()
            words = _architectures(archive)
    except (KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ArtefactError(
            f"{filename}: cannot read which torch this is: {error}",
            hint="the wheel is damaged or not PyTorch's own; fetch it again",
        ) from error
    return {
        "torch": _assigned(version, "__version__"),
        "cuda": _assigned(version, "cuda"),
        "architectures": [word for word in words if word.startswith("sm_")],
        "ptx": [word for word in words if word.startswith("compute_")],
    }


def _assigned(text: str, name: str) -> str:
    """The string that a module assigns to a name, empty for None or nothing."""
    found = re.search(
        rf"^{name}\s*(?::[^=\n]+)?=\s*['\"]([^'\"\n]*)['\"]", text, re.MULTILINE
    )
    return found[1] if found else ""


def _architectures(archive: zipfile.ZipFile) -> list[str]:
    """The GPU architectures torch was built for, as its own bindings spell them."""
    if _BINDINGS not in archive.namelist():
        return []
    tail = b""
    with archive.open(_BINDINGS) as stream:
        while data := stream.read(CHUNK):
            if found := _ARCHITECTURES.search(tail + data):
                return found[1].decode().split()
            tail = data[-4096:]
    return []


def _version(versions: dict[str, str], stem: str) -> str:
    for name, version in sorted(versions.items()):
        if re.fullmatch(rf"{stem}(-cu\d+)?", name):
            return version
    return ""


def _glibc(wheels: Iterable[Wheel]) -> str:
    """The lowest glibc that satisfies every wheel: each says it by its easiest tag."""
    floors = [_easiest(wheel.filename) for wheel in wheels]
    highest = max((floor for floor in floors if floor), default=(0, 0))
    return f"{highest[0]}.{highest[1]}" if highest[0] else ""


def _easiest(filename: str) -> tuple[int, int] | None:
    *_, tags = parse_wheel_filename(filename)
    floors = [floor for tag in tags if (floor := _floor(tag.platform)) is not None]
    return min(floors, default=None)


def _floor(platform: str) -> tuple[int, int] | None:
    text = _MANYLINUX.get(platform.partition("_")[0], "")
    if found := re.match(r"manylinux_(\d+)_(\d+)_", platform):
        text = f"{found[1]}.{found[2]}"
    if not text:
        return None
    major, minor = text.split(".")
    return int(major), int(minor)
