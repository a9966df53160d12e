"""What the wheels say about PyTorch and CUDA, and whether it fits together.

Only a few megabytes of torch's wheel are read, by ranges; the result is kept by digest.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from firstlight.errors import ArtefactError
from firstlight.finding import Finding, Role
from firstlight.lock import facts
from firstlight.lock.lockfile import Stack, Wheel
from firstlight.lock.spec import Spec
from firstlight.net import Fetcher
from firstlight.store import Store

__all__ = ["check", "drifting", "read_stack", "runs_on"]

_LIST = re.compile(rb"(?:sm|compute)_\d{2,3}[af]?(?: (?:sm|compute)_\d{2,3}[af]?)*\x00")
_FACT = "torch-2"
_LIMIT = 256 << 20
_GLIBC = re.compile(r"manylinux_2_(\d+)_|manylinux(1|2010|2014)_")
_OLD = {"1": 5, "2010": 12, "2014": 17}

_PACED = {
    "cuda-bindings",
    "nvidia-cublas",
    "nvidia-cuda-cccl",
    "nvidia-cuda-crt",
    "nvidia-cuda-cupti",
    "nvidia-cuda-nvcc",
    "nvidia-cuda-nvrtc",
    "nvidia-cuda-runtime",
    "nvidia-nvjitlink",
    "nvidia-nvtx",
    "nvidia-nvvm",
}
# The parts of the toolkit whose own version is the toolkit's; cuBLAS and the like
# count by themselves, so they are left to torch's pins.
_COUNT_ALONE = {"nvidia-cublas"}


def read_stack(wheels: Sequence[Wheel], fetcher: Fetcher, store: Store) -> Stack:
    """Return what the wheels say; torch's wheel is read by ranges, once.

    Raises:
        ArtefactError: when torch's wheel is damaged or says nothing of its version.
        NetworkError: when it cannot be reached.
    """
    versions = {wheel.name: wheel.version for wheel in wheels}
    torch = next((wheel for wheel in wheels if wheel.name == "torch"), None)
    said = _torch(torch, fetcher, store) if torch else {}
    cuda = str(said.get("cuda", ""))
    return Stack(
        torch=str(said.get("version", "")),
        cuda=cuda,
        cudnn=_version(versions, "nvidia-cudnn"),
        nccl=_version(versions, "nvidia-nccl"),
        triton=versions.get("triton", ""),
        architectures=tuple(said.get("architectures", ())),
        ptx=tuple(said.get("ptx", ())),
        driver=facts.driver_floor(cuda),
        glibc=_glibc(wheels),
    )


def _version(versions: dict[str, str], name: str) -> str:
    found = [
        version
        for key, version in versions.items()
        if re.fullmatch(rf"{name}(-cu\d+)?", key)
    ]
    return found[0] if found else ""


def _glibc(wheels: Sequence[Wheel]) -> str:
    needed = [minor for wheel in wheels if (minor := _glibc_of(wheel.filename))]
    return f"2.{max(needed)}" if needed else ""


def _glibc_of(filename: str) -> int:
    """The lowest glibc minor that a wheel's tags allow; 0 when they ask for none."""
    try:
        platforms = [tag.platform for tag in parse_wheel_filename(filename)[3]]
    except InvalidWheelFilename as error:
        raise ArtefactError(f"{filename} is no name of a wheel: {error}") from error
    found = [match for name in platforms if (match := _GLIBC.match(name))]
    return min((int(m[1]) if m[1] else _OLD[m[2]] for m in found), default=0)


def _torch(wheel: Wheel, fetcher: Fetcher, store: Store) -> dict[str, Any]:
    known = store.fact(_FACT, wheel.digest)
    if isinstance(known, dict):
        return known
    here = store.has(wheel.digest)
    url = store.path(wheel.digest).as_uri() if here else wheel.url
    try:
        with fetcher.open_range(url) as stream, zipfile.ZipFile(stream) as archive:
            said = _read(archive, wheel.filename)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError) as error:
        raise ArtefactError(
            f"{wheel.filename} cannot be read: {error}",
            hint="the index serves a damaged file; try another one",
        ) from error
    store.record(_FACT, wheel.digest, said)
    return said


def _read(archive: zipfile.ZipFile, filename: str) -> dict[str, Any]:
    text = _member(archive, "torch/version.py").decode("utf-8", "replace")
    version = re.search(r"^__version__\s*=\s*['\"]([^'\"]+)", text, re.M)
    cuda = re.search(r"^cuda\b[^=\n]*=\s*['\"]([^'\"]+)", text, re.M)
    if version is None:
        raise ArtefactError(f"{filename}: torch/version.py names no version")
    flags = _flags(archive) if cuda else ()
    return {
        "version": version[1],
        "cuda": cuda[1] if cuda else "",
        "architectures": [flag for flag in flags if flag.startswith("sm_")],
        "ptx": [flag for flag in flags if flag.startswith("compute_")],
    }


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    info = archive.getinfo(name)
    if info.file_size > _LIMIT:
        raise ValueError(f"{name} claims {info.file_size} bytes")
    return archive.read(info)


def _flags(archive: zipfile.ZipFile) -> tuple[str, ...]:
    """The value behind `torch.cuda.get_arch_list`, a plain string in the library."""
    names = set(archive.namelist())
    for name in ("torch/lib/libtorch_python.so", "torch/lib/libtorch_cuda.so"):
        if name not in names or archive.getinfo(name).file_size > _LIMIT:
            continue
        found = [match[0] for match in _LIST.finditer(_member(archive, name))]
        if found:
            return tuple(max(found, key=len).rstrip(b"\0").decode().split())
    return ()


# Checking


def check(spec: Spec, stack: Stack, wheels: Sequence[Wheel]) -> list[Finding]:
    """Return what does not fit: two CUDA minors, GPUs without kernels, old drivers.

    A stack without CUDA has nothing to say about GPUs unless the spec names some.
    """
    return [
        *_check_build(spec, stack),
        *(_check_parts(stack, wheels) if stack.cuda else ()),
        *_check_gpus(spec, stack),
        *_check_driver(spec, stack),
    ]


def drifting(stack: Stack, wheels: Sequence[Wheel]) -> list[Wheel]:
    """Return the parts of the toolkit that are of another CUDA minor than torch."""
    wanted = tuple(stack.cuda.split(".")[:2])
    parts = [
        wheel
        for wheel in wheels
        if re.sub(r"-cu\d+$", "", wheel.name) in _PACED - _COUNT_ALONE
    ]
    return [w for w in parts if tuple(w.version.split(".")[:2]) != wanted]


def _check_build(spec: Spec, stack: Stack) -> Iterator[Finding]:
    if not stack.torch or spec.cuda == "auto":
        return
    found = stack.cuda or "cpu"
    if found != spec.cuda:
        yield _finding(
            "cuda.build",
            f"the spec asks for cuda = {spec.cuda!r}, but the wheel of torch "
            f"{stack.torch} is built for {found}",
            f'write cuda = "{found}", or name an index that has the build',
        )


def _check_parts(stack: Stack, wheels: Sequence[Wheel]) -> Iterator[Finding]:
    if parts := drifting(stack, wheels):
        named = ", ".join(f"{wheel.name} {wheel.version}" for wheel in parts)
        yield _finding(
            "cuda.mixed",
            f"torch {stack.torch} is built for CUDA {stack.cuda}, but these are of "
            f"another CUDA: {named}",
            f"pin them to {stack.cuda}.* or drop what asks for the other one",
        )


def runs_on(stack: Stack, architecture: str) -> bool:
    """Whether torch has code that a GPU of this architecture can run."""
    wanted = _number(architecture)
    cubins = [_number(each) for each in stack.architectures]
    same = any(c // 10 == wanted // 10 and c <= wanted for c in cubins)
    return same or any(_number(each) <= wanted for each in stack.ptx)


def _number(flag: str) -> int:
    return int(re.sub(r"\D", "", flag))


def _check_gpus(spec: Spec, stack: Stack) -> Iterator[Finding]:
    for gpu in spec.target.gpus if stack.torch else ():
        wanted = facts.architecture(gpu)
        if not wanted:
            yield _finding(
                "target.gpu-unknown",
                f"the GPU {gpu!r} is not known by this name",
                'write its architecture instead, such as "sm_90"',
            )
        elif not stack.cuda:
            yield _finding(
                "target.no-cuda",
                f"the target names the GPU {gpu}, but torch {stack.torch} is a build "
                "without CUDA",
                'write cuda = "auto", or drop the GPU from the target',
            )
        elif stack.architectures and not runs_on(stack, wanted):
            yield _no_kernels(gpu, wanted, stack)


def _no_kernels(gpu: str, wanted: str, stack: Stack) -> Finding:
    last, cuda, low, high = facts.LAST_FOR_OLD_GPUS
    hint = "name a GPU that it has kernels for, or choose a torch built for this one"
    if low <= _number(wanted) <= high:
        hint = (
            f'write torch = "{last}" and cuda = "{cuda}": the last release with '
            f"kernels for {wanted}"
        )
    return _finding(
        "target.gpu",
        f"no kernel of torch {stack.torch} would run on {gpu} ({wanted}): it has code "
        f"for {' '.join(stack.architectures + stack.ptx)}, and a GPU runs only code of "
        "its own major version that is not newer than itself",
        hint,
    )


def _check_driver(spec: Spec, stack: Stack) -> Iterator[Finding]:
    driver, floor = spec.target.driver, stack.driver
    if driver and floor and not facts.driver_suffices(driver, floor):
        yield _finding(
            "target.driver",
            f"CUDA {stack.cuda} needs driver {floor} or newer, the target has {driver}",
            "update the driver, or choose a torch built for an older CUDA",
        )


def _finding(code: str, message: str, hint: str) -> Finding:
    return Finding(role=Role.FAILURE, code=code, message=message, hint=hint)
