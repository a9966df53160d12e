"""How two images differ: layers to move, packages, stack and settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from firstlight.digest import Digest
from firstlight.inspect.contents import Package
from firstlight.inspect.inspect import Inspected
from firstlight.inspect.packages import Own
from firstlight.lock.facts import driver_floor
from firstlight.lock.lockfile import Stack

__all__ = ["Change", "Difference", "Side", "Slice", "compare", "of_image", "of_lock"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One layer as far as a comparison needs it."""

    title: str
    digest: Digest
    diff_id: Digest
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two: an image, or a lock and what came out of it.

    `layers` is None for a lock that nobody has built; `packages` is None where nobody
    knows them; `settings` are empty for a lock, which tells only some of them.
    """

    name: str
    image_id: Digest | None
    layers: tuple[Slice, ...] | None
    packages: tuple[Package, ...] | None
    stack: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that differs: empty where one side does not have it."""

    name: str
    before: str = ""
    after: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What must be known of the way from A to B.

    `same` are layers whose blobs are equal, `repacked` those of B whose content A has
    in another compression, `added` what only B has, `removed` what only A has.
    `packages` is None where one side's packages are not known.
    """

    before: Side
    after: Side
    same: tuple[Slice, ...]
    repacked: tuple[Slice, ...]
    added: tuple[Slice, ...]
    removed: tuple[Slice, ...]
    packages: tuple[Change, ...] | None
    stack: tuple[Change, ...]
    settings: tuple[Change, ...]

    @property
    def to_move(self) -> int:
        """Bytes that whoever has A needs to get B."""
        return sum(layer.size for layer in (*self.repacked, *self.added))

    @property
    def is_empty(self) -> bool:
        """Whether both are the same image, however it is packed."""
        if self.before.image_id and self.after.image_id:
            return self.before.image_id == self.after.image_id
        return not (self.added or self.removed or self.packages or self.stack)


def of_image(image: Inspected) -> Side:
    """Return an image as one side."""
    start = image.start
    settings = {
        "entry point": " ".join(start.entry_point),
        "command": " ".join(start.command),
        "user": start.user,
        "folder": start.folder,
        "ports": " ".join(start.ports),
        "volumes": " ".join(start.volumes),
        "platform": image.platform,
    }
    for line in start.environment:
        name, _, value = line.partition("=")
        settings[f"environment {name}"] = value
    return Side(
        name=image.name,
        image_id=image.image_id,
        layers=tuple(
            Slice(
                title=each.title,
                digest=each.digest,
                diff_id=each.diff_id,
                size=each.size,
            )
            for each in image.layers
        ),
        packages=image.packages,
        stack=dict(image.stack),
        settings={name: value for name, value in settings.items() if value},
    )


def of_lock(name: str, own: Own) -> Side:
    """Return a lock for one platform as one side; it may never have been built."""
    part = own.part
    layers = tuple(
        Slice(
            title=each.title,
            digest=each.digest,
            diff_id=each.diff_id,
            size=each.size,
        )
        for each in part.layers
    )
    pairs = [("python", each.name, each.version) for each in own.wheels]
    pairs += [("system", each.name, each.version) for each in part.debs]
    return Side(
        name=name,
        image_id=part.image_id,
        layers=layers or None,
        packages=tuple(
            Package(kind=kind, name=package, version=version)
            for kind, package, version in pairs
        ),
        stack=_stack(own.lock.python, own.lock.suite, part.stack),
    )


def _stack(python: str, suite: str, stack: Stack) -> dict[str, str]:
    """Named as in `firstlight.inspect.inspect`."""
    floor = driver_floor(stack.cuda)
    found = {
        "torch": stack.torch,
        "CUDA": stack.cuda,
        "cuDNN": stack.cudnn,
        "NCCL": stack.nccl,
        "GPUs": " ".join(stack.architectures),
        "Python": python,
        "OS": suite,
        "driver": f">= {floor}" if floor else "",
    }
    return {name: value for name, value in found.items() if value}


def compare(before: Side, after: Side) -> Difference:
    """Return how two sides differ."""
    old, new = before.layers or (), after.layers or ()
    if before.layers is None or after.layers is None:
        old = new = ()
    blobs = {layer.digest for layer in old}
    tars = {layer.diff_id for layer in old}
    kept = {layer.diff_id for layer in new}
    changed = [layer for layer in new if layer.digest not in blobs]
    packages = None
    if before.packages is not None and after.packages is not None:
        packages = _changes(_by_name(before.packages), _by_name(after.packages))
    only_images = before.settings and after.settings
    return Difference(
        before=before,
        after=after,
        same=tuple(layer for layer in new if layer.digest in blobs),
        repacked=tuple(layer for layer in changed if layer.diff_id in tars),
        added=tuple(layer for layer in changed if layer.diff_id not in tars),
        removed=tuple(layer for layer in old if layer.diff_id not in kept),
        packages=packages,
        stack=_changes(_named(before.stack), _named(after.stack)),
        settings=_changes(_named(before.settings), _named(after.settings))
        if only_images
        else (),
    )


_Key = tuple[str, str]


def _named(values: Mapping[str, str]) -> dict[_Key, str]:
    return {("", name): value for name, value in values.items()}


def _by_name(packages: Sequence[Package]) -> dict[_Key, str]:
    return {(each.kind, each.name): each.version for each in packages}


def _changes(
    before: Mapping[_Key, str], after: Mapping[_Key, str]
) -> tuple[Change, ...]:
    keys: Iterable[_Key] = sorted({*before, *after}, key=lambda key: (key[0], key[1]))
    return tuple(
        Change(
            kind=kind,
            name=name,
            before=before.get((kind, name), ""),
            after=after.get((kind, name), ""),
        )
        for kind, name in keys
        if before.get((kind, name)) != after.get((kind, name))
    )
