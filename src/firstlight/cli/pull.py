"""``firstlight pull``: an image from a registry, verified, into the store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from firstlight.cli import build, sharing
from firstlight.cli import lock as locking
from firstlight.cli.context import Context
from firstlight.errors import LockError, MismatchError, SpecError
from firstlight.report import size

if TYPE_CHECKING:
    from firstlight.lock.lockfile import Lock
    from firstlight.oci.model import Image
    from firstlight.oci.reference import Reference
    from firstlight.oci.registry import Repository
    from firstlight.share.pull import Found

__all__ = ["image_of", "pull"]


@click.command()
@click.argument("reference", default="", metavar="[REGISTRY/NAME[:TAG][@DIGEST]]")
@build.platform_option
@click.option(
    "--any",
    "accept_any",
    is_flag=True,
    help="Also take another image than the one that the project's lock names.",
)
@click.pass_obj
def pull(command: Context, reference: str, platform: str, accept_any: bool) -> None:
    """Fetch an image from a registry and verify all of it.

    Without a name: the image that the project's lock names, from [share] image of the
    spec; `up` and `run` then need not build it. In a project, an image that is not the
    lock's is refused before its layers are fetched.
    """
    started = time.monotonic()
    wanted = platform or build.host_platform()
    lock = _lock(command, is_needed=not reference)
    target = sharing.reference_of(command, reference)
    with sharing.opened(command, target) as repository:
        found = _look(command, repository, target, lock, wanted)
        if lock is not None and not accept_any:
            _hold_against(lock, found)
        image = sharing.bring(command, repository, found, lock)
    is_ours = lock is not None and sharing.is_locked(lock, found)
    _show(command, target, image, found, is_ours, time.monotonic() - started)


def image_of(command: Context, text: str) -> Image:
    """Return any image by its reference, for this machine; pulled where not here.

    By digest it is taken from the store without asking; by tag, the registry is asked
    what the tag means now, and only where it cannot be reached, what it meant last.
    """
    from firstlight.failures import CutOffError
    from firstlight.share.pull import absent, look, meant

    target, wanted = sharing.reference_of(command, text), build.host_platform()
    which = _which(target)
    with sharing.opened(command, target) as repository:
        try:
            found = look(repository, which, command.store, platform=wanted)
        except CutOffError as error:
            last = meant(repository, which, command.store)
            if last is None:
                raise
            command.progress.say(f"{error.message}: taking what {text} meant last")
            found = look(repository, last, command.store, platform=wanted)
        if found is None:
            raise absent(repository, which)
        return sharing.bring(command, repository, found)


def _which(target: Reference) -> str:
    return target.digest or target.tag or "latest"


def _lock(command: Context, *, is_needed: bool) -> Lock | None:
    """The project's lock; None outside of projects, where a name was given."""
    try:
        if not is_needed and not command.lock_path.exists():
            return None
        return locking.fresh(command)[0]
    except (LockError, SpecError):
        if is_needed:
            raise
        return None


def _look(
    command: Context,
    repository: Repository,
    target: Reference,
    lock: Lock | None,
    platform: str,
) -> Found:
    from firstlight.share.pull import absent, look

    if target.tag or target.digest or lock is None:
        which = _which(target)
        found = look(repository, which, command.store, platform=platform)
    else:
        _check_built(lock, platform)
        which = sharing.locked_tag(lock)
        found = sharing.find_locked(command, repository, lock, platform)
        if found is None:
            # What is under the tag instead is worth knowing.
            found = look(repository, which, command.store, platform=platform)
    if found is None:
        raise absent(repository, which)
    return found


def _check_built(lock: Lock, platform: str) -> None:
    from firstlight.pack.known import part_of

    if part_of(lock, platform).image_id is None:
        raise LockError(
            f"the lock names no image for {platform} yet: nobody has built it",
            hint="`firstlight build` builds it, `firstlight push` shares it",
        )


def _hold_against(lock: Lock, found: Found) -> None:
    promised = [
        part.image_id
        for part in lock.platforms
        if part.platform == found.platform and part.image_id is not None
    ]
    if promised and found.image_id not in promised:
        raise MismatchError(
            f"{found.where} is the image {found.image_id}; the lock of this project "
            f"names {promised[0]}",
            hint="`firstlight pull` without a name takes the lock's image; --any takes "
            "this one, beside it",
        )


def _show(
    command: Context,
    target: Reference,
    image: Image,
    found: Found,
    is_ours: bool,
    seconds: float,
) -> None:
    reference = target.at(found.digest)
    command.say(f"name      {image.name}")
    command.say(f"image ID  {image.id}")
    command.say(f"quote it  {reference}")
    command.say(f"platform  {image.platform}")
    command.say(f"size      {size(image.size)} in {len(image.layers)} layers")
    command.say(f"time      {seconds:.1f} s")
    named = "" if is_ours else f"--image {reference} "
    command.say(f"run it    firstlight run {named}-- COMMAND")
    command.result(
        {
            "name": image.name,
            "platform": image.platform,
            "image_id": image.id,
            "manifest": image.manifest,
            "reference": str(reference),
            "is_locked_image": is_ours,
            "size": image.size,
            "layers": len(image.layers),
            "seconds": round(seconds, 2),
        }
    )
