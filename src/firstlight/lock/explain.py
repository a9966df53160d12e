"""Why a spec cannot work, in sentences: who wants what, what exists, what to change."""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.version import Version

from firstlight.finding import Finding, Role
from firstlight.lock import facts
from firstlight.lock.lockfile import Stack, Wheel
from firstlight.lock.spec import Spec

__all__ = ["before_resolving", "after_reading", "coherence"]


def before_resolving(spec: Spec) -> list[Finding]:
    """What the table of releases already knows to be impossible.

    Says nothing about a release that the table does not have.
    """
    releases = facts.releases_for(spec.torch) if spec.torch else ()
    if not releases:
        return []
    return [*_cuda_builds(spec, releases), *_pythons(spec, releases)]


def _cuda_builds(spec: Spec, releases: Sequence[facts.Release]) -> list[Finding]:
    if spec.cuda in ("auto", "cpu") or any(spec.cuda in each.cuda for each in releases):
        return []
    newest = releases[-1]
    builds = _listed(list(newest.cuda))
    other = facts.newest_with_cuda(spec.cuda)
    if other is None:
        instead = f"no torch from 2.0 on was built for CUDA {spec.cuda}"
    else:
        instead = (
            f'or keep CUDA {spec.cuda} and set torch = "{other.minor}", the last '
            "release built for it"
        )
    return [
        Finding(
            code="lock.no-such-build",
            role=Role.FAILURE,
            message=f"torch {newest.minor} exists for CUDA {builds}, not for "
            f"{spec.cuda}",
            where="cuda",
            hint=f'set cuda = "{newest.default}" (the build a plain install takes) or '
            f"another of them; {instead}",
        )
    ]


def _pythons(spec: Spec, releases: Sequence[facts.Release]) -> list[Finding]:
    wanted = Version(spec.python)
    fits = [
        each
        for each in releases
        if Version(each.pythons[0]) <= wanted <= Version(each.pythons[1])
    ]
    if fits:
        return []
    newest = releases[-1]
    low, high = newest.pythons
    return [
        Finding(
            code="lock.no-such-python",
            role=Role.FAILURE,
            message=f"torch {newest.minor} has wheels for Python {low} to {high}, not "
            f"for {spec.python}",
            where="python",
            hint=f'set python = "{low if wanted < Version(low) else high}", or another '
            "torch",
        )
    ]


def after_reading(spec: Spec, stack: Stack, wheels: Sequence[Wheel]) -> list[Finding]:
    """What the wheels themselves say against the target and against each other."""
    return [
        *_asked_cuda(spec, stack),
        *coherence(stack, wheels),
        *_gpus(spec, stack),
        *_driver(spec, stack),
    ]


def _asked_cuda(spec: Spec, stack: Stack) -> list[Finding]:
    wanted = "" if spec.cuda == "cpu" else spec.cuda
    if spec.cuda == "auto" or not stack.torch or stack.cuda == wanted:
        return []
    has = f"for CUDA {stack.cuda}" if stack.cuda else "for the CPU only"
    return [
        Finding(
            code="lock.other-build",
            role=Role.FAILURE,
            message=f'the spec asks for cuda = "{spec.cuda}", the index gave torch '
            f"{stack.torch}, which was built {has}",
            where="cuda",
            hint=f'set cuda = "{stack.cuda or "cpu"}", or name an [[index]] that has '
            "the other build",
        )
    ]


# Libraries whose minor must be the toolkit's: they are compiled or linked against it.
_TOOLKIT = re.compile(
    r"nvidia-(cuda-runtime|cuda-nvrtc|cuda-cupti|cublas|nvjitlink)(-cu\d+)?$"
)
# cuBLAS of CUDA 12 counts its own minors; from 13 on it follows the toolkit's.
_OWN_MINOR = re.compile(r"nvidia-cublas(-cu\d+)?$")


def coherence(stack: Stack, wheels: Sequence[Wheel]) -> list[Finding]:
    """One CUDA minor for runtime, nvrtc, nvjitlink, cublas and cupti."""
    if not stack.cuda:
        return []
    return [
        Finding(
            code="lock.mixed-cuda",
            role=Role.FAILURE,
            message=f"{wheel.name} {wheel.version} is not of CUDA {stack.cuda}, which "
            f"torch {stack.torch} was built for",
            where=wheel.name,
            hint=f'add "{wheel.name}=={stack.cuda}.*" to packages',
        )
        for wheel in drifting(stack, wheels)
    ]


def drifting(stack: Stack, wheels: Sequence[Wheel]) -> list[Wheel]:
    """Return the CUDA libraries whose minor is not the one torch was built for."""
    minor = Version(stack.cuda).release[:2]
    return [
        wheel
        for wheel in wheels
        if _TOOLKIT.match(wheel.name)
        and not _OWN_MINOR.match(wheel.name)
        and Version(wheel.version).release[:2] != minor
    ]


def _gpus(spec: Spec, stack: Stack) -> list[Finding]:
    if not stack.cuda:
        return []
    return [
        finding
        for gpu in spec.target.gpus
        if (finding := _gpu(gpu, spec, stack)) is not None
    ]


def _gpu(gpu: str, spec: Spec, stack: Stack) -> Finding | None:
    architecture = facts.architecture_of(gpu)
    if not architecture:
        return Finding(
            code="lock.unknown-gpu",
            role=Role.WARNING,
            message=f"{gpu!r} is no GPU that firstlight knows by name: it was not "
            "checked",
            where="target.gpus",
            hint='write its architecture instead, such as "sm_90"',
        )
    if runs(architecture, stack):
        return None
    return Finding(
        code="lock.no-kernel",
        role=Role.FAILURE,
        message=f"{_called(gpu, architecture)} would find no kernel in torch "
        f"{stack.torch}: it was built for {_listed(stack.architectures)}"
        f"{_ptx(stack)}, and GPU code runs only on its own major architecture, from "
        "its minor upwards",
        where="target.gpus",
        hint=_last_release(gpu, architecture),
    )


def runs(architecture: str, stack: Stack) -> bool:
    """Whether a GPU finds a kernel: a cubin of its major, or PTX not newer than it."""
    number = _number(architecture)
    cubins = [
        _number(each) for each in stack.architectures if not each.endswith(("a", "f"))
    ]
    if any(has // 10 == number // 10 and has <= number for has in cubins):
        return True
    return any(_number(each) <= number for each in stack.ptx)


def _last_release(gpu: str, architecture: str) -> str:
    found = facts.newest_for_architecture(architecture)
    if found is None:
        return f"drop {gpu} from target.gpus: no torch from 2.0 on has kernels for it"
    release, cuda = found
    if release is facts.RELEASES[-1]:
        return f'set torch = "{release.latest}" and cuda = "{cuda}", which has them'
    return (
        f'set torch = "{release.latest}" and cuda = "{cuda}": the last release with '
        f"kernels for it; or drop {gpu} from target.gpus"
    )


def _driver(spec: Spec, stack: Stack) -> list[Finding]:
    wanted, floor = spec.target.driver.lstrip(">= "), stack.driver
    if not wanted or not floor or not facts.is_older(wanted, floor):
        return []
    # A driver given by its branch alone ("580") means some release of that branch.
    if "." not in wanted and wanted == floor.partition(".")[0]:
        return []
    return [
        Finding(
            code="lock.old-driver",
            role=Role.FAILURE,
            message=f"driver {wanted} is older than {floor}, the lowest that runs CUDA "
            f"{stack.cuda}",
            where="target.driver",
            hint=f"update the driver to {floor} or newer, or set cuda to a line it "
            "runs: CUDA 12 needs 525.60.13, CUDA 11 needs 450.80.02",
        )
    ]


def _called(gpu: str, architecture: str) -> str:
    return gpu if gpu == architecture else f"{gpu} ({architecture})"


def _ptx(stack: Stack) -> str:
    return f" with PTX for {_listed(stack.ptx)}" if stack.ptx else ", without PTX"


def _number(architecture: str) -> int:
    return int(re.sub(r"\D", "", architecture))


def _listed(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words) or "none"
    return f"{', '.join(words[:-1])} and {words[-1]}"
