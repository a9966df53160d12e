"""What packages say about each other: ``Depends``, ``Provides`` and the like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from firstlight.errors import ArtefactError
from firstlight.lock.debversion import satisfies

__all__ = ["Relation", "parse_relations"]

_RELATION = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9+.-]*)(?::(?P<qualifier>[a-z0-9-]+))?\s*"
    r"(?:\(\s*(?P<relation><<|<=|>=|>>|=|<|>)\s*(?P<version>[^)\s]+)\s*\))?\s*"
    r"(?:\[(?P<only>[^]]*)\])?\s*(?:<(?P<profiles>[^>]*)>\s*)*\Z"
)


@dataclass(frozen=True, slots=True)
class Relation:
    """One package wanted (or not wanted), in some range of versions."""

    name: str
    relation: str = ""
    version: str = ""

    def __str__(self) -> str:
        return (
            f"{self.name} ({self.relation} {self.version})"
            if self.relation
            else (self.name)
        )

    def accepts(self, version: str) -> bool:
        """Whether this version of the package is in the range."""
        return satisfies(version, self.relation, self.version)


@lru_cache(maxsize=1 << 15)
def parse_relations(text: str, architecture: str) -> tuple[tuple[Relation, ...], ...]:
    """Return the groups of alternatives that a field names, for one architecture.

    Raises:
        ArtefactError: when the field makes no sense.
    """
    groups = []
    for part in text.split(","):
        if not part.strip():
            continue
        parsed = [_parse(one.strip(), architecture) for one in part.split("|")]
        group = tuple(one for one in parsed if one is not None)
        if group:
            groups.append(group)
    return tuple(groups)


def _parse(text: str, architecture: str) -> Relation | None:
    """Return the relation, None where it does not concern this architecture."""
    found = _RELATION.match(text)
    if found is None:
        raise ArtefactError(f"not a relation between packages: {text[:200]!r}")
    if found["only"] is not None and not _concerns(found["only"], architecture):
        return None
    qualifier = found["qualifier"] or "any"
    name = found["name"]
    if qualifier not in ("any", "native", "all", architecture):
        name = f"{name}:{qualifier}"  # A foreign package: nothing here has that name.
    return Relation(name, found["relation"] or "", found["version"] or "")


def _concerns(only: str, architecture: str) -> bool:
    words = only.split()
    matching = (architecture, "any", "linux-any", f"any-{architecture}")
    if words and words[0].startswith("!"):
        return not any(word[1:] in matching for word in words)
    return any(word in matching for word in words)
