"""What the pages of a project are compared with: the facts of its spec and its lock.

The only place where documents hear of environments.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from firstlight.cli.context import Context
from firstlight.errors import FirstlightError, LockError, SpecError
from firstlight.finding import Finding, Role
from firstlight.lint.environment import Environment

if TYPE_CHECKING:
    from firstlight.lock.lockfile import Lock
    from firstlight.lock.spec import Spec

__all__ = ["environment_of"]


def environment_of(
    folder: Path, warn: Callable[[Finding], object] = lambda _: None
) -> Environment | None:
    """Return the facts of the project in a folder, None where there is no spec.

    Pages can be read without them, so what is wrong with the spec or the lock only
    warns. A lock that does not belong to the spec as it is now says nothing.
    """
    from firstlight.lock.spec import read_spec

    if not _has_spec(folder):
        return None
    try:
        spec = read_spec(folder)
    except SpecError as error:
        warn(_unknown(error))
        return None
    lock, pylock = _lock(folder, warn)
    if lock is None or lock.spec != spec.digest:
        return _of(spec, (), (), tuple(_asked(spec)))
    return _of(spec, *_names(lock), tuple(_locked(lock, pylock)))


def _has_spec(folder: Path) -> bool:
    """Whether a spec is there; one of ``[docs]`` alone describes no environment."""
    from firstlight.lock.spec import find_spec

    try:
        return bool(set(find_spec(folder)[1]).difference(("docs",)))
    except SpecError:
        return False


def _lock(folder: Path, warn: Callable[[Finding], object]) -> tuple[Lock | None, str]:
    command = Context(folder, as_json=False, quiet=True)
    if not command.lock_path.exists():
        return None, ""
    try:
        return command.read_lock()
    except LockError as error:
        warn(_unknown(error))
        return None, ""


def _unknown(error: FirstlightError) -> Finding:
    first = next(iter(error.findings), None)
    why = f"{first.where}: {first.message}" if first else error.message
    return Finding(
        code="docs.environment",
        role=Role.WARNING,
        message=f"pages are not compared with the environment: {why}",
        hint=error.hint or (first.hint if first else ""),
    )


def _of(
    spec: Spec,
    tags: tuple[str, ...],
    digests: tuple[str, ...],
    versions: tuple[tuple[str, str], ...],
) -> Environment:
    from firstlight.engine.base import HOME, WORKSPACE

    return Environment(
        name=spec.name,
        image=spec.share.image,
        tags=tags,
        digests=digests,
        ports=tuple(pair for pair in spec.workspace.ports if pair[1]),
        versions=versions,
        workspace=WORKSPACE,
        home=HOME,
        user=HOME.rpartition("/")[2],
    )


def _asked(spec: Spec) -> Iterator[tuple[str, str]]:
    """What the spec alone says for certain."""
    yield "python", spec.python
    if re.fullmatch(r"\d+(\.\d+)*", spec.torch):
        yield "torch", spec.torch
    if re.fullmatch(r"\d+\.\d+", spec.cuda):
        yield "cuda", spec.cuda


def _names(lock: Lock) -> tuple[tuple[str, ...], tuple[str, ...]]:
    from firstlight.share.names import tag_of

    tags = tuple(tag_of(lock, part) for part in lock.platforms)
    digests = (d for part in lock.platforms for d in (part.image_id, part.manifest))
    return tags, tuple(str(digest) for digest in digests if digest)


def _locked(lock: Lock, pylock: str) -> Iterator[tuple[str, str]]:
    """What is in the image, where all platforms have the same."""
    yield "python", lock.python
    for name in ("torch", "cuda", "cudnn", "nccl"):
        found = {getattr(part.stack, name) for part in lock.platforms}
        if len(found) == 1 and (version := found.pop()):
            yield name, version
    chosen: dict[str, set[str]] = {}
    for package in tomllib.loads(pylock).get("packages", ()):
        version = str(package.get("version", ""))
        chosen.setdefault(package["name"], set()).add(version)
    for name in lock.direct:
        found = chosen.get(name, set())
        if name != "torch" and len(found) == 1 and (version := found.pop()):
            yield name, version
