"""What ``firstlight cache check --repair`` does: a project's image is whole again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from firstlight.cli import build, sharing
from firstlight.cli.context import Context

if TYPE_CHECKING:
    from firstlight.digest import Digest
    from firstlight.lock.lockfile import Lock, PlatformLock
    from firstlight.oci.model import Image, Layer
    from firstlight.pack.inputs import Inputs

__all__ = ["Repaired", "repair"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """One blob that is here again, and where it came from."""

    kind: str
    name: str
    digest: str
    source: str


def repair(
    command: Context, lock: Lock, pylock: str, gone: Collection[Digest]
) -> list[Repaired]:
    """Bring back the project's image, and what was fetched for it.

    Layers come from the spec's registry where it has them, else they are made anew.

    Args:
        gone: What was here once and is not: removed because damaged, or lost.

    Raises:
        NetworkError: when a file cannot be had.
        MismatchError: when the lock's packages give another image.
    """
    found: list[Repaired] = []
    for part in lock.platforms:
        if _was_here(command, part, gone):
            found += _repair_image(command, lock, pylock, part)
        found += _repair_inputs(command, lock, pylock, part, gone)
    return list(dict.fromkeys(found))


def _was_here(command: Context, part: PlatformLock, gone: Collection[Digest]) -> bool:
    identity = part.image_id
    if identity is None:
        return False
    return identity in gone or command.store.path(identity).exists()


# The image


def _repair_image(
    command: Context, lock: Lock, pylock: str, part: PlatformLock
) -> Iterator[Repaired]:
    from firstlight.pack.known import find

    store = command.store
    if find(lock, part.platform, store) is not None:
        return
    before = set(store.root.joinpath("blobs/sha256").iterdir())
    image = _described(command, lock, part)
    source = "written anew"
    if image is None:
        image = sharing.try_pull(command, lock, part.platform)
        source = command.spec().share.image
    if image is None:
        image = build.made_of(command, lock, pylock, part.platform)
        source = "made anew"
    names = {layer.digest: ("layer", layer.title) for layer in image.layers}
    names[image.id] = names[image.manifest] = ("document", image.name)
    for digest, (kind, name) in names.items():
        if store.path(digest) not in before:
            yield Repaired(kind=kind, name=name, digest=digest, source=source)


def _described(command: Context, lock: Lock, part: PlatformLock) -> Image | None:
    """The image, when only its documents are missing: they follow from the lock."""
    from firstlight.pack.describe import describe
    from firstlight.pack.known import hold_against, remember

    store = command.store
    layers = list(_locked_layers(part))
    with store.held():
        if not layers or not all(store.has(each.digest, each.size) for each in layers):
            return None
        image = describe(lock, part, layers, store.put)
        hold_against(part, image)
        remember(lock, image, store)
    return image


def _locked_layers(part: PlatformLock) -> Iterator[Layer]:
    from firstlight.oci.model import Layer

    for fact in part.layers:
        yield Layer(
            digest=fact.digest,
            diff_id=fact.diff_id,
            size=fact.size,
            title=fact.title,
            recipe=fact.key,
        )


# What it is made from


def _repair_inputs(
    command: Context,
    lock: Lock,
    pylock: str,
    part: PlatformLock,
    gone: Collection[Digest],
) -> Iterator[Repaired]:
    """Fetch what was here once, and only that: a pulled image never needed the rest."""
    from firstlight.pack.inputs import Inputs, fetch

    every = _inputs(command, lock, pylock, part)
    wanted = Inputs(
        wheels=tuple(each for each in every.wheels if each.digest in gone),
        debs=tuple(each for each in every.debs if each.digest in gone),
    )
    with command.store.held():
        fetch(wanted, command.settings, command.store, command.progress)
    for kind, items in (("wheel", wanted.wheels), ("package", wanted.debs)):
        for item in items:
            yield Repaired(
                kind=kind,
                name=item.name,
                digest=item.digest,
                source=_hosts(item.urls),
            )


def _inputs(command: Context, lock: Lock, pylock: str, part: PlatformLock) -> Inputs:
    from firstlight.lock.python import select
    from firstlight.lock.system import SUITES
    from firstlight.pack.inputs import inputs_of

    wheels = select(
        pylock,
        platform=part.platform,
        system=SUITES[lock.suite],
        folder=command.folder,
    )
    return inputs_of(lock, part, wheels, command.settings, command.store)


def _hosts(urls: Sequence[str]) -> str:
    """Where a file may be had; a URL itself could hold a password."""
    hosts = [urlsplit(url).hostname or "this machine" for url in urls]
    return " or ".join(dict.fromkeys(hosts))
