"""What the commands that speak to a registry share: which repository, which image."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from firstlight.cli.context import Context
from firstlight.errors import ArtefactError, NetworkError, UsageError
from firstlight.finding import Finding, Role

if TYPE_CHECKING:
    from firstlight.digest import Digest
    from firstlight.lock.lockfile import Lock
    from firstlight.oci.model import Image
    from firstlight.oci.reference import Reference
    from firstlight.oci.registry import Repository
    from firstlight.share.pull import Found

__all__ = [
    "bring",
    "find_locked",
    "is_locked",
    "locked_tag",
    "opened",
    "reference_of",
    "try_pull",
]

_SECONDS = 5
_LOGIN = (401, 403)


def reference_of(command: Context, text: str) -> Reference:
    """Return the reference that was given, or the repository of the spec.

    Raises:
        UsageError: when neither names one.
    """
    from firstlight.oci.reference import parse_reference

    found = text or command.spec().share.image
    if not found:
        raise UsageError(
            "nothing says which registry is meant",
            hint='write [share] image = "REGISTRY/NAME" in firstlight.toml, or name '
            "one on the command line",
        )
    return parse_reference(found)


def locked_tag(lock: Lock) -> str:
    """Return the tag that the lock's image gets by itself."""
    from firstlight.share.names import tag_of

    return tag_of(lock, lock.platforms[0])


@contextmanager
def opened(
    command: Context, reference: Reference, *, quick: bool = False
) -> Iterator[Repository]:
    """Speak to a repository; one that is only asked is not waited for."""
    from firstlight.oci.registry import Repository

    patience = {"retries": 0, "timeout": _SECONDS} if quick else {}
    named = replace(reference, tag="", digest=None)
    repository = Repository(
        named, command.settings, command.store, command.progress, **patience
    )
    try:
        yield repository
    finally:
        repository.close()


def find_locked(
    command: Context, repository: Repository, lock: Lock, platform: str
) -> Found | None:
    """Return where a repository has the very image the lock names; None if nowhere.

    Sent as it was built, it is found by its manifest. With other compression it has
    another manifest, so then the tag made from the lock leads to it.
    """
    from firstlight.pack.known import part_of
    from firstlight.share.pull import look

    part = part_of(lock, platform)
    for which in (part.manifest, locked_tag(lock)):
        if which is None:
            continue
        # That its manifest is here does not tell whether the layers are there.
        found = look(repository, which, command.store, platform=platform, asks=True)
        if found is not None and found.image_id == part.image_id:
            return found
    return None


def bring(
    command: Context, repository: Repository, found: Found, lock: Lock | None = None
) -> Image:
    """Fetch an image; when it is the lock's, the project knows it from now on."""
    from firstlight.pack.known import part_of, remember
    from firstlight.share import pull

    ours = lock is not None and is_locked(lock, found)
    vouched: dict[Digest, Digest] = {}
    if lock is not None and ours:
        facts = part_of(lock, found.platform).layers
        vouched = {fact.digest: fact.diff_id for fact in facts}
    image = pull.bring(
        found,
        repository,
        command.store,
        vouched=vouched,
        jobs=command.settings.jobs,
        progress=command.progress,
    )
    if lock is not None and ours:
        remember(lock, image, command.store)
    return image


def is_locked(lock: Lock, found: Found) -> bool:
    """Whether it is the very image that the lock names."""
    return any(
        part.platform == found.platform and part.image_id == found.image_id
        for part in lock.platforms
    )


def try_pull(command: Context, lock: Lock, platform: str) -> Image | None:
    """Return the locked image from the spec's registry; None, and why, if it is not.

    Nothing here can fail: whoever cannot pull builds, which gives the same bits.
    """
    image = command.spec().share.image
    if not image or command.settings.offline:
        return None
    reference = reference_of(command, image)
    say = command.progress.say
    try:
        with opened(command, reference, quick=True) as repository:
            found = find_locked(command, repository, lock, platform)
        if found is None:
            say(f"{reference.name} does not have the locked image: building it")
            return None
        say(f"pulling the locked image from {reference.name}")
        with opened(command, reference) as repository:
            return bring(command, repository, found, lock)
    except NetworkError as error:
        if getattr(error, "status", 0) in _LOGIN:
            say(f"{reference.registry} wants credentials: building the image instead")
        else:
            say(f"building the image, since it cannot be pulled: {error.message}")
    except ArtefactError as error:
        command.progress.warn(_unusable(reference, error))
    return None


def _unusable(reference: Reference, error: ArtefactError) -> Finding:
    return Finding(
        code="pull.unusable",
        role=Role.WARNING,
        message=f"what {reference.name} has as the locked image cannot be used, so it "
        f"is built: {error.message}",
        hint="tell whoever keeps the registry",
    )
