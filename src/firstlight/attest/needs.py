"""What packages say of each other: who needs whom, and which source they come from.

Read from the packages themselves, once each; what they said is kept under the digest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from email.parser import Parser
from functools import partial
from typing import Any, cast

from packaging.markers import Environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from firstlight.digest import Digest
from firstlight.errors import ArtefactError
from firstlight.lock.lockfile import Deb, Wheel
from firstlight.lock.relations import parse_relations
from firstlight.pack.deb import read_control
from firstlight.pack.zip import read_directory
from firstlight.pack.zipcontent import read
from firstlight.store import Store

__all__ = ["Needs", "deb_edges", "needs", "wheel_edges"]

_KIND = "needs"
_VERSION = 1
"""Raised whenever the same package is read in another way."""

_METADATA = 8 << 20
_SOURCE = re.compile(r"(?P<name>[a-z0-9][a-z0-9+.-]*)(?:\s*\((?P<version>[^()\s]+)\))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a package says of others.

    `requires` are its requirements as written: one of a wheel each, a whole field of a
    ``.deb`` each; `provides` a field of a ``.deb``. `source` is the source package of a
    ``.deb``, `source_version` its version, each only where it differs.
    """

    requires: tuple[str, ...] = ()
    provides: str = ""
    source: str = ""
    source_version: str = ""


def needs(
    wheels: Sequence[Wheel], debs: Sequence[Deb], store: Store
) -> dict[Digest, Needs]:
    """Return what each package says, by digest.

    Raises:
        ArtefactError: when a package is damaged or hostile.
        StoreError: when one was never read and is not in the store.
    """
    work: list[tuple[Digest, Callable[[], Needs]]] = [
        *((each.digest, partial(_of_wheel, each, store)) for each in wheels),
        *((each.digest, partial(_of_deb, each, store)) for each in debs),
    ]
    found = {}
    for digest, read_it in work:
        known = _known(store, digest)
        if known is None:
            known = read_it()
            store.record(_KIND, digest, [_VERSION, asdict(known)])
        found[digest] = known
    return found


def _known(store: Store, digest: Digest) -> Needs | None:
    value: Any = store.fact(_KIND, digest)
    match value:
        case [int(version), dict(fields)] if version == _VERSION:
            try:
                return Needs(**{**fields, "requires": tuple(fields["requires"])})
            except (KeyError, TypeError):
                return None
        case _:
            return None


def _of_wheel(wheel: Wheel, store: Store) -> Needs:
    path = store.path(wheel.digest)
    with store.read(wheel.digest):  # Says that it is missing, where it is.
        members = read_directory(path, filename=wheel.filename)
    for member in members:
        folder, _, name = member.name.rpartition("/")
        if name == "METADATA" and folder.endswith(".dist-info"):
            data = read(path, member, filename=wheel.filename, limit=_METADATA)
            head = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0]
            fields = Parser().parsestr(head.decode("utf-8", "replace"), True)
            return Needs(requires=tuple(fields.get_all("Requires-Dist") or ()))
    return Needs()


def _of_deb(deb: Deb, store: Store) -> Needs:
    with store.read(deb.digest):
        fields = read_control(store.path(deb.digest), filename=deb.filename).fields
    source = _SOURCE.fullmatch(fields.get("Source", ""))
    return Needs(
        requires=tuple(
            fields[name] for name in ("Pre-Depends", "Depends") if name in fields
        ),
        provides=fields.get("Provides", ""),
        source=source["name"] if source else "",
        source_version=(source["version"] or "") if source else "",
    )


# Edges


def wheel_edges(
    wheels: Sequence[Wheel], found: Mapping[Digest, Needs], environment: Environment
) -> dict[Digest, list[Digest]]:
    """Return the wheels that each wheel requires where the image runs.

    An extra counts where another wheel asks for it: ``requests[socks]``.
    """
    named = {canonicalize_name(each.name): each for each in wheels}
    extras: dict[str, set[str]] = {name: {""} for name in named}
    edges: dict[Digest, list[Digest]] = {}
    waiting = dict.fromkeys(named)
    while waiting:
        name = next(iter(waiting))
        del waiting[name]
        digest = named[name].digest
        asked = list(_asked(found[digest].requires, extras[name], environment))
        known = {canonicalize_name(each.name): each for each in asked}
        edges[digest] = sorted({named[each].digest for each in known if each in named})
        for requirement in asked:
            target = canonicalize_name(requirement.name)
            new = {canonicalize_name(extra) for extra in requirement.extras}
            if target in named and not new <= extras[target]:
                extras[target] |= new
                waiting[target] = None
    return edges


def _asked(
    lines: Iterable[str], extras: Iterable[str], environment: Environment
) -> Iterator[Requirement]:
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue  # An old wheel; the lock was resolved without that line too.
        marker = requirement.marker
        if marker is None:
            yield requirement
            continue
        here = [cast(dict[str, str], {**environment, "extra": each}) for each in extras]
        if any(marker.evaluate(each) for each in here):
            yield requirement


def deb_edges(
    debs: Sequence[Deb], found: Mapping[Digest, Needs], architecture: str
) -> dict[Digest, list[Digest]]:
    """Return the packages that each package depends on: of alternatives, the first."""
    by_name = {deb.name: deb.digest for deb in debs}
    for deb in debs:
        for group in _groups(found[deb.digest].provides, architecture):
            by_name.setdefault(group[0], deb.digest)
    edges = {}
    for deb in debs:
        targets = set()
        for field in found[deb.digest].requires:
            for group in _groups(field, architecture):
                here = [by_name[name] for name in group if name in by_name]
                targets.update(here[:1])
        edges[deb.digest] = sorted(targets - {deb.digest})
    return edges


def _groups(field: str, architecture: str) -> list[tuple[str, ...]]:
    try:
        groups = parse_relations(" ".join(field.split()), architecture)
    except ArtefactError:
        return []  # The solver read the index, which says it again, and soundly.
    return [tuple(each.name for each in group) for group in groups]
