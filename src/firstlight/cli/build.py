"""``firstlight build``: from the lock to an image."""

from __future__ import annotations

import platform as host
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import click

from firstlight.cli import lock as locking
from firstlight.cli.context import Context
from firstlight.errors import UsageError
from firstlight.report import size

if TYPE_CHECKING:
    from firstlight.oci.model import Image

__all__ = [
    "Sink",
    "build",
    "host_platform",
    "known",
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
@click.option("--dry-run", is_flag=True, help="Say what would be built; build nothing.")
@click.pass_obj
def build(command: Context, output: str, platform: str, dry_run: bool) -> None:
    """Build the image the lock describes, without Docker or root."""
    sink = parse_output(output) if output else None
    started = time.monotonic()
    if dry_run:
        locking.show(command, *locking.fresh(command))
        return
    image = make(command, platform)
    if sink is not None:
        command.say(f"written to {write(command, image, *sink)}")
    show(command, image, time.monotonic() - started)


def make(command: Context, platform: str = "") -> Image:
    """Return the project's image, locking first where there is no lock at all."""
    from firstlight.pack.known import find, part_of, record

    if not command.lock_path.exists():
        command.spec()  # Without one, say that, and not that we are about to lock.
        command.progress.say("no lock yet: locking first")
        command.write_lock(*locking.make(command))
    lock, pylock = locking.fresh(command)
    wanted = platform or host_platform()
    image = find(lock, wanted, command.store)
    if image is None:
        # Imported only now: nothing changed is the common case, and must be instant.
        from firstlight.pack.build import build_project

        image = build_project(
            lock,
            pylock,
            platform=wanted,
            folder=command.folder,
            store=command.store,
            settings=command.settings,
            progress=command.progress,
        )
    if part_of(lock, wanted).image_id is None:
        command.write_lock(record(lock, image))
    return image


def known(command: Context) -> Image:
    """Return the project's image as it was built before; makes and writes nothing.

    Raises:
        LockError: when the lock is missing or stale.
        UsageError: when the image is not built yet.
    """
    from firstlight.pack.known import find

    lock, _ = locking.fresh(command)
    image = find(lock, host_platform(), command.store)
    if image is None:
        raise UsageError(
            "there is no image yet, so there is no command to show",
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
    from firstlight.oci import archive, layout

    store, progress = command.store, command.progress
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
