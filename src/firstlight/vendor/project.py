"""The files of a project that a lock was made from, and that make it fit elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from firstlight.errors import SpecError, UsageError
from firstlight.fields import Fields
from firstlight.lock.lockfile import Lock
from firstlight.lock.make import PYLOCK
from firstlight.lock.requirements import gather
from firstlight.lock.spec import find_spec
from firstlight.lock.text import FILE as LOCK

__all__ = ["LARGEST", "LOCK", "PYLOCK", "Project", "is_safe", "spec_files"]

LARGEST = 16 << 20
"""Bytes of the largest text of a project that is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A lock, the text of its ``pylock.toml``, and the spec with what it includes.

    `folder` is where relative paths in the ``pylock.toml`` start.
    """

    lock: Lock
    pylock: str
    folder: Path
    spec: Mapping[str, bytes] = field(default_factory=dict)


def spec_files(folder: Path) -> tuple[dict[str, bytes], list[str]]:
    """Return the spec and the files it includes, and names of those left out.

    Left out is what lies outside the project, or is hidden: nothing that somebody
    unpacks elsewhere may write there.

    Raises:
        SpecError: when there is no spec.
        UsageError: when a file cannot be read.
    """
    path, table, inside = find_spec(folder)
    fields = Fields(table, file=path.name, findings=[], path=inside)
    names = {path.name, *gather(fields, folder).texts}
    if isinstance(table.get("packages"), dict):
        names.add("pyproject.toml")
    kept = sorted(name for name in names if is_safe(name))
    try:
        texts = {name: (folder / name).read_bytes() for name in kept}
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from error
    large = [name for name, text in texts.items() if len(text) > LARGEST]
    if large:
        raise SpecError(f"{large[0]} has more than {LARGEST} bytes")
    return texts, sorted(names - set(kept))


def is_safe(name: str) -> bool:
    """Whether a file of a spec may be written into somebody's project."""
    parts = name.split("/")
    hidden = any(part.startswith(".") or not part for part in parts)
    return not hidden and name not in (LOCK, PYLOCK) and name.isprintable()
