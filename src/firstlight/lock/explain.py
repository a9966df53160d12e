"""Why a spec cannot work, before anything is resolved, where the table knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from firstlight.finding import Finding, Role
from firstlight.lock import facts
from firstlight.lock.facts import Release
from firstlight.lock.spec import Spec

__all__ = ["explain"]


def explain(spec: Spec) -> list[Finding]:
    """Return the conflicts that are certain from the spec alone; each says a way out.

    A release of torch that the table does not know gives none.
    """
    known = facts.releases(spec.torch) if spec.torch else ()
    if not known:
        return []
    return [
        *_wrong_cuda(spec, known),
        *_wrong_python(spec, known),
        *_old_gpus(spec, known),
        *_old_driver(spec, known),
    ]


def _wrong_cuda(spec: Spec, known: Sequence[Release]) -> Iterator[Finding]:
    if spec.cuda in ("auto", "cpu") or any(spec.cuda in r.cuda for r in known):
        return
    builds = sorted({cuda for r in known for cuda in r.cuda}, key=_version)
    others = [r.minor for r in facts.TORCH if spec.cuda in r.cuda]
    hint = f"write cuda = {_either([_quoted(cuda) for cuda in builds])}"
    if others:
        hint += f"; or, for CUDA {spec.cuda}, torch = "
        hint += _either([_quoted(minor) for minor in others])
    yield _finding(
        "torch.cuda",
        f"torch {spec.torch} does not exist for CUDA {spec.cuda}: it exists for "
        f"{_and(builds)}",
        "cuda",
        hint,
    )


def _wrong_python(spec: Spec, known: Sequence[Release]) -> Iterator[Finding]:
    minor = int(spec.python.split(".")[1])
    if any(r.pythons[0] <= minor <= r.pythons[1] for r in known):
        return
    first, last = known[0].pythons[0], known[-1].pythons[1]
    fits = [r for r in facts.TORCH if r.pythons[0] <= minor <= r.pythons[1]]
    hint = f'write python = "3.{min(max(minor, first), last)}"'
    if fits:
        hint += f", or a torch from {fits[0].minor} to {fits[-1].minor}"
    yield _finding(
        "torch.python",
        f"torch {spec.torch} has no wheels for Python {spec.python}, which is too "
        f"{'old' if minor < first else 'new'}: it has them for 3.{first} to 3.{last}",
        "python",
        hint,
    )


def _old_gpus(spec: Spec, known: Sequence[Release]) -> Iterator[Finding]:
    last, cuda, low, high = facts.LAST_FOR_OLD_GPUS
    if spec.cuda == "cpu" or min(map(_minor, known)) <= _version(last)[:2]:
        return
    for number, gpu in enumerate(spec.target.gpus):
        sm = facts.architecture(gpu)
        if sm and low <= int(sm.removeprefix("sm_")) <= high:
            yield _finding(
                "target.gpu",
                f"no kernel of torch {spec.torch} would run on {gpu} ({sm}): after "
                f"{last} PyTorch builds none for architectures below sm_75",
                f"target.gpus[{number}]",
                f'write torch = "{last}" and cuda = "{cuda}": the last release with '
                f"kernels for {sm}",
            )


def _old_driver(spec: Spec, known: Sequence[Release]) -> Iterator[Finding]:
    if not spec.target.driver or spec.cuda == "cpu":
        return
    cudas = [r.default for r in known] if spec.cuda == "auto" else [spec.cuda]
    floors = {cuda: facts.driver_floor(cuda) for cuda in cudas}
    cuda, floor = min(floors.items(), key=lambda item: _version(item[1] or "0"))
    if not floor or facts.driver_suffices(spec.target.driver, floor):
        return
    older = [
        each
        for each in sorted({c for r in known for c in r.cuda}, key=_version)
        if facts.driver_suffices(spec.target.driver, facts.driver_floor(each))
    ]
    hint = f"update the driver to {floor} or newer"
    if older:
        hint += f", or write cuda = {_either([_quoted(each) for each in older])}"
    yield _finding(
        "target.driver",
        f"CUDA {cuda} needs driver {floor} or newer, the target has "
        f"{spec.target.driver}",
        "target.driver",
        hint,
    )


def _minor(release: Release) -> tuple[int, ...]:
    return _version(release.minor)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _quoted(text: str) -> str:
    return f'"{text}"'


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def _either(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def _finding(code: str, message: str, field: str, hint: str) -> Finding:
    where = f"firstlight.toml: {field}"
    return Finding(
        code=code, role=Role.FAILURE, message=message, where=where, hint=hint
    )
