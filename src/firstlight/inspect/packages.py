"""Which packages an image has, and which layer holds which.

The lock knows them for the project's own image, whose layers are planned again without
making them. Of other images the bill of materials tells, where one is attached, and the
layers themselves, which must then be here and be read once; what was found is kept
under the layer's content.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from firstlight.attest.attest import sbom_of
from firstlight.attest.licences import UNKNOWN, licences
from firstlight.digest import Digest
from firstlight.errors import DigestError
from firstlight.inspect.blob import reading
from firstlight.inspect.contents import Contents, Package, contents
from firstlight.inspect.opened import Opened, Registry
from firstlight.lock.lockfile import Lock, PlatformLock, Wheel
from firstlight.oci.model import Descriptor
from firstlight.pack.plan import Plan
from firstlight.parallel import WatchedFile, Workers
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = [
    "Own",
    "Packages",
    "from_bill",
    "from_layers",
    "from_lock",
    "known_contents",
    "licences_are_here",
]

_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """A lock for one platform, to tell what is in the image that it gives."""

    lock: Lock
    part: PlatformLock
    wheels: tuple[Wheel, ...]

    def gave(self, image_id: Digest) -> bool:
        """Whether an image is the very one that the lock names.

        A label that says so is no proof: anybody can write it into their image.
        """
        return self.part.image_id == image_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """The packages of an image; `source` says who told: lock, bill or layers.

    `by_layer` gives them by the layer's content (diffID), as far as that is known.
    """

    source: str
    all: tuple[Package, ...]
    by_layer: Mapping[Digest, tuple[Package, ...]] = field(default_factory=dict)


def from_lock(own: Own, store: Store, *, with_licences: bool, jobs: int) -> Packages:
    """Return what the lock says; for licences all packages must be here."""
    terms: dict[Digest, str] = {}
    if with_licences:
        found = licences(own.wheels, own.part.debs, store, jobs=jobs)
        terms = {digest: licence.expression for digest, licence in found.items()}
    named = {
        each.digest: Package(
            kind=kind,
            name=each.name,
            version=each.version,
            licence=terms.get(each.digest, ""),
        )
        for kind, group in (("python", own.wheels), ("system", own.part.debs))
        for each in group
    }
    return Packages(
        source="lock", all=tuple(named.values()), by_layer=_planned(own, named, store)
    )


def licences_are_here(own: Own, store: Store) -> bool:
    """Whether the licences of all packages can be told without the image."""
    digests = [each.digest for each in own.wheels]
    digests += [each.digest for each in own.part.debs]
    return all(_is_readable(digest, store) for digest in digests)


def _is_readable(digest: Digest, store: Store) -> bool:
    return store.fact("licence", digest) is not None or store.has(digest)


def _planned(
    own: Own, named: Mapping[Digest, Package], store: Store
) -> dict[Digest, tuple[Package, ...]]:
    """The plan's layers by their content; none where the files to plan are not here."""
    if not all(store.has(digest) for digest in named):
        return {}
    plan = Plan.of(own.lock, own.part, own.wheels, store, Progress())
    diff_ids = {fact.key: fact.diff_id for fact in own.part.layers}
    found: dict[Digest, tuple[Package, ...]] = {}
    for recipe in plan.recipes():
        if recipe.key in diff_ids:
            members = tuple(named[item.digest] for item in recipe.packages)
            found[diff_ids[recipe.key]] = members
    return found


def from_bill(image: Opened, store: Store) -> Packages | None:
    """Return what the attached bill of materials says, None where there is none."""
    if not isinstance(image.source, Registry):
        return None
    bill = sbom_of(image.source.repository, store, image.manifest_digest)
    if bill is None:
        return None
    listed = bill.get("components")
    found = [_component(each) for each in (listed if isinstance(listed, list) else ())]
    return Packages(source="bill", all=tuple(each for each in found if each))


def _component(value: object) -> Package | None:
    match value:
        case {"purl": str(purl), "name": str(name), "version": str(version)}:
            kind = {"pkg:pypi": "python", "pkg:deb": "system"}.get(
                purl.partition("/")[0]
            )
            if kind is None:
                return None
            return Package(kind=kind, name=name, version=version, licence=_terms(value))
        case _:
            return None


def _terms(component: object) -> str:
    match component:
        case {"licenses": [{"expression": str(text)}, *_]}:
            return text
        case {"licenses": [{"license": {"id": str(text)} | {"name": str(text)}}, *_]}:
            return text
        case _:
            return UNKNOWN


# Reading layers


def known_contents(store: Store, diff_id: Digest) -> Contents | None:
    """Return what was found in a layer when it was last read, if it ever was."""
    match store.fact("contents", diff_id):
        case [int(version), dict(value)] if version == _VERSION:
            try:
                return _contents(value)
            except (KeyError, TypeError):
                return None
        case _:
            return None


def _contents(value: dict[str, Any]) -> Contents:
    system = value["system"]
    return Contents(
        size=value["size"],
        files=value["files"],
        python=tuple(Package(**each) for each in value["python"]),
        gone=tuple(value["gone"]),
        system=None if system is None else tuple(Package(**each) for each in system),
        parts=tuple(Package(**each) for each in value["parts"]),
        licences=tuple((name, text) for name, text in value["licences"]),
    )


def from_layers(
    image: Opened, store: Store, *, jobs: int, progress: Progress
) -> Packages:
    """Return what is found in the layers, reading each that was never read before.

    Raises:
        DigestError: when a layer is not what the image says.
        ArtefactError: when one is damaged.
    """
    rows = list(
        zip(
            image.manifest.layers,
            image.config.diff_ids,
            image.config.titles,
            strict=True,
        )
    )
    unread = {row[1]: row for row in rows if known_contents(store, row[1]) is None}
    image.source.fetch([row[0] for row in unread.values()])
    with Workers[Digest, None](jobs) as workers:
        for diff_id, row in unread.items():
            workers.start(diff_id, partial(_read, image, row, store, progress))
        workers.results(list(unread))
    return _stacked([(row[1], known_contents(store, row[1])) for row in rows])


def _read(
    image: Opened,
    row: tuple[Descriptor, Digest, str],
    store: Store,
    progress: Progress,
    stop: threading.Event,
) -> None:
    layer, diff_id, title = row
    with (
        progress.task("read", title, layer.size) as task,
        image.source.open(layer) as file,
        reading(
            WatchedFile(file, task, stop), title=title, size=layer.size
        ) as layer_read,
    ):
        found = contents(layer_read)
        inside = layer_read.finish(layer.digest)
    if inside != diff_id:
        raise DigestError(
            f"layer {title!r}: its content is {inside}, not {diff_id} as the "
            "configuration says",
            hint="the image is damaged or was tampered with: let whoever made it push "
            "it again",
        )
    store.record("contents", diff_id, [_VERSION, asdict(found)])


def _stacked(layers: Sequence[tuple[Digest, Contents | None]]) -> Packages:
    """Lay the layers on each other: what is above replaces and removes what is below.

    An OS package belongs to the layer that first has it in this version.
    """
    python: dict[str, Package] = {}
    system: dict[str, Package] = {}
    terms: dict[str, str] = {}
    by_layer: dict[Digest, tuple[Package, ...]] = {}
    for diff_id, found in layers:
        if found is None:
            continue
        terms.update(found.licences)
        for name in found.gone:
            python.pop(name, None)
        python.update((each.name, each) for each in found.python)
        after = {each.name: each for each in found.system or ()}
        after = after or dict(system)
        after.update((each.name, each) for each in found.parts)
        new = [each for each in after.values() if system.get(each.name) != each]
        system = after
        by_layer[diff_id] = (*found.python, *new)

    def licensed(each: Package) -> Package:
        return replace(each, licence=each.licence or terms.get(each.name, UNKNOWN))

    return Packages(
        source="layers",
        all=(
            *(python[name] for name in sorted(python)),
            *(licensed(system[name]) for name in sorted(system)),
        ),
        by_layer={key: tuple(map(licensed, each)) for key, each in by_layer.items()},
    )
