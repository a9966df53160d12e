"""Saying why no set of OS packages fits, in sentences about who needs what."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from firstlight.errors import ConflictError
from firstlight.lock.index import Package

__all__ = ["explain", "unknown"]

_SENTENCES = 6


def unknown(packages: Iterable[str], names: Collection[str]) -> ConflictError | None:
    """Return the error about names that no package has, None when all are known."""
    missing = sorted({name for name in packages if name not in names})
    if not missing:
        return None
    hints = []
    for name in missing:
        near = get_close_matches(name, names, n=2, cutoff=0.75)
        if near:
            hints.append(f"did you mean {' or '.join(near)} instead of {name}?")
    text = ", ".join(missing)
    are = "is no such package" if len(missing) == 1 else "are no such packages"
    return ConflictError(
        f"there {are} in the OS release: {text}",
        hint=" ".join(hints) or "look for the name in the distribution's package list",
    )


def explain(
    causes: Sequence[Any], named: Callable[[str], list[Package]]
) -> ConflictError:
    """Return the error for needs that cannot be met together.

    Args:
        causes: resolvelib's: each with a ``requirement`` and its ``parent``.
        named: Gives the versions there are of a package.
    """
    sentences: list[str] = []
    names: list[str] = []
    for cause in causes:
        asker = str(cause.parent) if cause.parent else "the spec"
        sentence = f"{asker} needs {cause.requirement}"
        if sentence not in sentences:
            sentences.append(sentence)
        names.extend(option.name for option in cause.requirement.options)
    for name in dict.fromkeys(names):
        versions = [package.version for package in named(name)]
        has = f"has {', '.join(versions[:3])}" if versions else "does not have it"
        sentences.append(f"of {name} the release {has}")
    return ConflictError(
        "the system packages cannot be put together: "
        + "; ".join(sentences[:_SENTENCES]),
        hint="remove what asks for it from `system`, or choose another Python (and "
        "with it another OS release)",
    )
