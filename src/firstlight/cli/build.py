"""``firstlight build``: from the lock to an image."""

from __future__ import annotations

import platform as host
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import click

from firstlight.cli import compression as encodings
from firstlight.cli import lock as locking
from firstlight.cli import sharing
from firstlight.cli.context import Context
from firstlight.errors import UsageError
from firstlight.report import size

if TYPE_CHECKING:
    from firstlight.lock.lockfile import Lock
    from firstlight.oci.model import Image

__all__ = [
    "Sink",
    "build",
    "host_platform",
    "known",
    "made_of",
    "make",
    "platform_option",
    "show",
]

_MACHINES = {"x86_64": "linux/amd64", "aarch64": "linux/arm64", "arm64": "linux/arm64"}


class Sink(StrEnum):
    """Where an image can go besides the store."""

    OCI = "oci"
    OCI_ARCHIVE = "oci-archive"
    DOCKER_ARCHIVE = "docker-archive"
    DOCKER = "docker"
    PODMAN = "podman"


platform_option = click.option(
    "--platform",
    default="",
    help="linux/amd64 or linux/arm64; default: this machine's.",
)


@click.command()
@click.option(
    "--output",
    "-o",
    default="",
    help="Also write it: oci:DIR, oci-archive:FILE, docker-archive:FILE, docker or "
    "podman.",
)
@platform_option
@click.option(
    "--vendor",
    default="",
    help="Take files from this folder or file that `vendor` wrote, before any network "
    "is asked.",
)
@encodings.option
@click.option("--dry-run", is_flag=True, help="Say what would be built; build nothing.")
@click.pass_obj
def build(
    command: Context,
    output: str,
    platform: str,
    vendor: str,
    compression: str | None,
    dry_run: bool,
) -> None:
    """Build the image the lock describes, without Docker or root.

    With --offline everything comes from this machine: the store, vendor/ in the
    project, or what --vendor names.
    """
    if vendor:
        from firstlight.cli.vendor import path_at

        command.vendored = path_at(vendor)
    sink = parse_output(output) if output else None
    encodings.check(compression, output)
    started = time.monotonic()
    if dry_run:
        locking.show(command, *locking.fresh(command))
        return
    image = make(command, platform)
    if sink is not None:
        image = encodings.compressed(command, image, compression, sink[1])
        command.say(f"written to {write(command, image, *sink)}")
    show(command, image, time.monotonic() - started)


def make(command: Context, platform: str = "", *, pulls: bool = False) -> Image:
    """Return the project's image, locking first where there is no lock at all.

    Args:
        pulls: Whether a registry that has the locked image may save the building.
    """
    from firstlight.pack.known import find, part_of, record

    if not command.lock_path.exists():
        command.spec()  # Without one, say that, and not that we are about to lock.
        command.progress.say("no lock yet: locking first")
        command.write_lock(*locking.make(command))
    lock, pylock = locking.fresh(command)
    wanted = platform or host_platform()
    is_built = part_of(lock, wanted).image_id is not None
    image = find(lock, wanted, command.store)
    if image is None and pulls and is_built:
        image = sharing.try_pull(command, lock, wanted)
    if image is None:
        image = made_of(command, lock, pylock, wanted)
    if not is_built:
        command.write_lock(record(lock, image))
    return image


def made_of(command: Context, lock: Lock, pylock: str, platform: str) -> Image:
    """Return the image of a lock, made here."""
    # Imported only now: nothing changed is the common case, and must be instant.
    from firstlight.pack.build import build_project

    return build_project(
        lock,
        pylock,
        platform=platform,
        folder=command.folder,
        store=command.store,
        settings=command.settings,
        progress=command.progress,
    )


def known(
    command: Context, platform: str = "", *, lacks: str = "no command to show"
) -> Image:
    """Return the project's image as it was built before; makes and writes nothing.

    Args:
        lacks: What there is not without an image, for the message.

    Raises:
        LockError: when the lock is missing or stale.
        UsageError: when the image is not built yet.
    """
    from firstlight.pack.known import find

    lock, _ = locking.fresh(command)
    wanted = platform or host_platform()
    image = find(lock, wanted, command.store)
    if image is None:
        raise UsageError(
            f"there is no image{platform and f' for {platform}'} yet, so there is "
            f"{lacks}",
            hint="`firstlight build` makes it and starts nothing",
        )
    return image


def host_platform() -> str:
    """Return the platform that this machine can run."""
    return _MACHINES.get(host.machine().lower(), "linux/amd64")


def parse_output(text: str) -> tuple[Sink, Path | None]:
    """Return the sink and path of ``oci:DIR``, ``docker`` and so on."""
    kind, _, path = text.partition(":")
    try:
        sink = Sink(kind)
    except ValueError:
        allowed = "oci:DIR, oci-archive:FILE, docker-archive:FILE, docker, podman"
        raise UsageError(
            f"--output {text!r}: no such place", hint=f"allowed: {allowed}"
        ) from None
    needs_path = sink not in (Sink.DOCKER, Sink.PODMAN)
    if needs_path != bool(path):
        raise UsageError(
            f"--output {text!r}: {'a path is missing' if needs_path else 'no path'}",
            hint=f"write {kind}:PATH" if needs_path else f"write {kind}",
        )
    return sink, Path(path) if path else None


def write(command: Context, image: Image, sink: Sink, path: Path | None) -> str:
    """Write the image to a sink and return how it is called there."""
    from firstlight.leases import lease
    from firstlight.oci import archive, layout

    store, progress = command.store, command.progress
    image = encodings.readable(command, image, sink.partition("-")[0])
    with lease(store, image.id):
        match sink, path:
            case Sink.OCI, Path():
                layout.write(image, store, path, progress=progress)
            case Sink.OCI_ARCHIVE, Path():
                archive.write_oci(image, store, path, progress=progress)
            case Sink.DOCKER_ARCHIVE, Path():
                archive.write_docker(image, store, path, progress=progress)
            case _:
                return f"{sink}: {archive.load(sink, image, store, progress)}"
    return f"{sink}:{path}"


def show(command: Context, image: Image, seconds: float) -> None:
    """Print what was built."""
    command.result(
        {
            "name": image.name,
            "platform": image.platform,
            "image_id": image.id,
            "manifest": image.manifest,
            "size": image.size,
            "layers": [
                {"title": each.title, "digest": each.digest, "size": each.size}
                for each in image.layers
            ],
            "seconds": round(seconds, 2),
        }
    )
    command.say(f"name      {image.name}")
    command.say(f"image ID  {image.id}")
    command.say(f"manifest  {image.manifest}")
    command.say(f"platform  {image.platform}")
    command.say(f"size      {size(image.size)} in {len(image.layers)} layers")
    command.say(f"time      {seconds:.1f} s")
