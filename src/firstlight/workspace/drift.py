"""What was changed by hand: the packages in a running container against the lock."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name, canonicalize_version

__all__ = ["LISTING", "Drift", "compare", "parse"]

LISTING = (
    "python",
    "-c",
    # Not from the working folder: it is the project, and may have a json.py.
    "import sys; sys.path = [each for each in sys.path if each];"
    "import importlib.metadata as m, json;"
    "found = [each.metadata for each in m.distributions()];"
    "print(json.dumps([[each.get('Name'), each.get('Version')] for each in found]))",
)
"""What is run inside: names and versions of all that is installed, in import order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One package that is not as locked; an empty version is an absent package."""

    name: str
    locked: str
    found: str

    @property
    def line(self) -> str:
        """What happened, in words."""
        if not self.locked:
            return f"{self.name} {self.found} was installed by hand"
        if not self.found:
            return f"{self.name} {self.locked} was removed by hand"
        return f"{self.name} is {self.found}, the lock says {self.locked}"

    def hint(self, direct: Collection[str]) -> str:
        """How to keep the change, and how to be rid of it.

        Args:
            direct: Names of the packages that the spec itself names.
        """
        if self.name == "torch" and self.found:
            version = self.found.partition("+")[0]
            keep = f'torch = "{version}" in the spec'
        elif self.found:
            keep = f"`firstlight add '{self.name}=={self.found}'`"
        elif self.name in direct:
            keep = f"`firstlight remove {self.name}`"
        else:
            return "`firstlight restart` brings it back"
        return f"{keep} makes it permanent, `firstlight restart` undoes it"


def parse(text: str) -> dict[str, str]:
    """Return name -> version of what `LISTING` printed.

    Of two with one name the first is imported. One without a name was half removed.

    Raises:
        ValueError: when it printed something else.
    """
    rows = json.loads(text)
    found: dict[str, str] = {}
    if not isinstance(rows, list):
        raise ValueError("no list of packages")
    for row in rows:
        match row:
            case [str(name), str(version)]:
                found.setdefault(canonicalize_name(name), version)
            case [_, _]:
                continue
            case _:
                raise ValueError(f"no package: {row!r}")
    return found


def compare(locked: Mapping[str, str], found: Mapping[str, str]) -> tuple[Drift, ...]:
    """Return what differs, sorted by name; both map canonical names to versions."""
    return tuple(
        Drift(name=name, locked=locked.get(name, ""), found=found.get(name, ""))
        for name in sorted({*locked, *found})
        if _spelling(locked.get(name, "")) != _spelling(found.get(name, ""))
    )


def _spelling(version: str) -> str:
    """One spelling of a version: the lock's ``1.0b1`` may call itself ``1.0-beta1``."""
    return canonicalize_version(version)
