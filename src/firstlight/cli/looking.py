"""What the commands that look at images share: which image is meant, and its lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from firstlight.cli import sharing
from firstlight.cli.build import host_platform
from firstlight.cli.context import Context
from firstlight.errors import LockError, SpecError, UsageError

if TYPE_CHECKING:
    from firstlight.inspect.opened import Opened
    from firstlight.inspect.packages import Own
    from firstlight.oci.model import Image
    from firstlight.oci.registry import Repository

__all__ = ["image", "lock_of", "own_lock"]

_LAYOUT = "oci:"


@contextmanager
def image(command: Context, text: str, platform: str = "") -> Iterator[Opened]:
    """Read the documents of an image, wherever it is.

    Raises:
        UsageError: when nothing has this name.
        ArtefactError, NetworkError: as their names say.
    """
    from firstlight.inspect.opened import Folder, Registry, open_image

    usual = host_platform()
    if not text:
        built = _built(command, platform or usual)
        root = command.store.root
        folder = Folder(root=root, which=built.manifest, label=built.name)
        yield open_image(folder, platform=platform, usual=usual)
    elif text.startswith(_LAYOUT):
        root, which = _layout(text.removeprefix(_LAYOUT))
        folder = Folder(root=root, which=which, label=text)
        yield open_image(folder, platform=platform, usual=usual)
    elif "/" not in text:
        folder = Folder(root=command.store.root, which=text, label=text)
        yield open_image(folder, platform=platform, usual=usual)
    else:
        reference = sharing.reference_of(command, text)
        with sharing.opened(command, reference) as repository:
            which = reference.digest or reference.tag or _tag(command, repository)
            source = Registry(repository=repository, which=which, store=command.store)
            yield open_image(source, platform=platform, usual=usual)


def own_lock(command: Context, platform: str) -> Own | None:
    """Return the lock of the project that the command runs in, None without one."""
    try:
        return lock_of(command, platform)
    except (LockError, SpecError):
        return None


def lock_of(command: Context, platform: str) -> Own:
    """Return the lock of a project for one platform.

    Raises:
        LockError: when it is missing, damaged, or not for this platform.
    """
    from firstlight.inspect.packages import Own
    from firstlight.lock.python import select
    from firstlight.lock.system import SUITES
    from firstlight.pack.known import part_of

    lock, pylock = command.read_lock()
    wheels = select(
        pylock, platform=platform, system=SUITES[lock.suite], folder=command.folder
    )
    return Own(lock=lock, part=part_of(lock, platform), wheels=wheels)


def _built(command: Context, platform: str) -> Image:
    """The project's image, which must have been built or pulled."""
    from firstlight.pack.known import find

    found = find(command.read_lock()[0], platform, command.store)
    if found is None:
        raise UsageError(
            "the project's image is not in the store",
            hint="`firstlight build` makes it, `firstlight pull` fetches it; or name "
            "another image",
        )
    return found


def _layout(text: str) -> tuple[Path, str]:
    """``DIR`` or ``DIR:TAG``; a folder whose own name has a colon is taken whole."""
    folder, colon, tag = text.rpartition(":")
    if not colon or Path(text).is_dir() or "/" in tag:
        return Path(text), ""
    return Path(folder), tag


def _tag(command: Context, repository: Repository) -> str:
    """The tag made from the project's lock where there is one, else the usual one."""
    try:
        tag = sharing.locked_tag(command.read_lock()[0])
    except (LockError, SpecError):
        return "latest"
    return "latest" if repository.manifest(tag) is None else tag
