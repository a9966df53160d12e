"""``firstlight push``: the project's image to a registry, for every platform."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from firstlight.cli import build, sharing
from firstlight.cli.context import Context
from firstlight.cli.sign import read_key
from firstlight.errors import UsageError
from firstlight.lock.share_table import COMPRESSIONS
from firstlight.report import size

if TYPE_CHECKING:
    from firstlight.attest.attest import Evidence
    from firstlight.attest.keys import PrivateKey
    from firstlight.oci.model import Image
    from firstlight.oci.reference import Reference
    from firstlight.oci.registry import Repository
    from firstlight.share.push import Planned, Pushed

__all__ = ["push"]

_WORDS = {
    "there": "are there already",
    "mount": "can be taken from another repository there",
    "send": "are to be sent",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What is to be sent where; companions hold the tables of contents, if any."""

    reference: Reference
    tags: tuple[str, ...]
    compression: str
    images: tuple[Image, ...]
    attests: bool
    companions: tuple[Image, ...] = ()


@click.command()
@click.argument("reference", default="", metavar="[REGISTRY/NAME[:TAG]]")
@click.option(
    "--platform",
    multiple=True,
    help="Only this platform of the spec; repeatable; default: all of them.",
)
@click.option(
    "--tag",
    multiple=True,
    help="A further tag, besides the one that is made from the lock; repeatable.",
)
@click.option(
    "--compression",
    type=click.Choice(COMPRESSIONS),
    help="How layers are written; default: the spec's, or else gzip, as built.",
)
@click.option(
    "--sign",
    metavar="KEY",
    help="Sign the image and what is attached to it: a private key's file, or "
    "env://NAME.",
)
@click.option(
    "--no-attest",
    is_flag=True,
    help="Attach no bill of materials and no provenance.",
)
@click.option(
    "--dry-run", is_flag=True, help="Say what would be sent; send and build nothing."
)
@click.pass_obj
def push(
    command: Context,
    reference: str,
    platform: tuple[str, ...],
    tag: tuple[str, ...],
    compression: str | None,
    sign: str | None,
    no_attest: bool,
    dry_run: bool,
) -> None:
    """Push the image to a registry, for every platform of the spec.

    Goes to [share] image of the spec unless another repository is named. What is
    missing is locked and built here, whatever this machine is; several platforms become
    one index. What the registry has already is not sent.
    """
    started = time.monotonic()
    target = _target(command, reference)
    key = read_key(command, sign) if sign else None
    images = tuple(_images(command, platform, is_built=dry_run))
    job = _encoded(
        command,
        _Job(
            reference=target,
            tags=_tags(command, target.tag, tag),
            compression=compression or command.spec().share.compression,
            images=images,
            attests=not no_attest,
        ),
    )
    with sharing.opened(command, target) as repository:
        if dry_run:
            _show_plan(command, job, repository)
            return
        pushed = _send(command, job, repository, key)
    _show(command, job, pushed, time.monotonic() - started)


def _target(command: Context, text: str) -> Reference:
    target = sharing.reference_of(command, text)
    if target.digest is not None:
        raise UsageError(
            f"{text}: a digest is what comes out of a push",
            hint="name a repository, with a tag if you like",
        )
    return target


def _images(
    command: Context, wanted: Sequence[str], *, is_built: bool
) -> Iterator[Image]:
    platforms = command.spec().target.platforms
    for each in wanted:
        if each not in platforms:
            raise UsageError(
                f"--platform {each!r}: the spec is for {', '.join(platforms)}",
                hint="name one of these, or add it to target.platforms and lock",
            )
    for each in dict.fromkeys(wanted or platforms):
        if is_built:
            yield build.known(command, each, lacks="nothing to send")
        else:
            yield build.make(command, each)


def _tags(command: Context, own: str, given: Sequence[str]) -> tuple[str, ...]:
    """The tag made from the lock, always: by it `up` and `pull` find the image."""
    from firstlight.oci.reference import TAG
    from firstlight.share.names import COMPANION

    for each in given:
        if not TAG.fullmatch(each) or len(each) > 128 - len(COMPANION):
            raise UsageError(
                f"--tag {each!r} is no tag",
                hint="up to 120 letters, digits and _ . -, no . or - at the beginning",
            )
    lock, _ = command.read_lock()
    named = [sharing.locked_tag(lock), own, *given]
    return tuple(dict.fromkeys(each for each in named if each))


def _encoded(command: Context, job: _Job) -> _Job:
    """The images with their layers written as was asked for."""
    from firstlight.encoding.encode import Encoding, encode

    made = [
        encode(
            image,
            Encoding(job.compression),
            command.store,
            jobs=command.settings.jobs,
            progress=command.progress,
        )
        for image in job.images
    ]
    companions = tuple(each.companion for each in made if each.companion is not None)
    return replace(
        job, images=tuple(each.image for each in made), companions=companions
    )


def _send(
    command: Context, job: _Job, repository: Repository, key: PrivateKey | None
) -> Pushed:
    """Send everything; tags come last, so none leads to what is not complete."""
    from firstlight.attest.attest import attach_all
    from firstlight.share.names import companion
    from firstlight.share.push import label
    from firstlight.share.push import push as send
    from firstlight.together import aside

    # Reading the packages for the first time takes seconds, in which much can be sent.
    evidence = aside(lambda: _evidence(command, job), name="evidence")
    pushed = send(job.images, command.store, repository, tags=())
    known = evidence()
    if known or key is not None:
        attach_all(
            repository,
            pushed.descriptor,
            pushed.manifests,
            known,
            key=key,
            progress=command.progress,
        )
    if job.companions:
        tags = [companion(tag) for tag in job.tags]
        other = send(job.companions, command.store, repository, tags=tags)
        blobs = (*pushed.blobs, *other.blobs)
        pushed = replace(pushed, blobs=blobs, total=pushed.total + other.total)
    return label(pushed, repository, job.tags)


def _evidence(command: Context, job: _Job) -> tuple[Evidence, ...]:
    """What is said of the images; nothing when nothing shall be attached."""
    if not job.attests:
        return ()
    from firstlight.attest.evidence import gather

    return gather(
        *command.read_lock(),
        job.images,
        compression=job.compression,
        folder=command.folder,
        store=command.store,
        settings=command.settings,
        progress=command.progress,
    )


# What is shown


def _show_plan(command: Context, job: _Job, repository: Repository) -> None:
    from firstlight.share.push import plan

    rows = plan([*job.companions, *job.images], command.store, repository)
    command.say(f"to        {job.reference.name}")
    for each in rows:
        command.say(f"  {each.how:<6} {size(each.size):>9}  {each.name}")
    for how, words in _WORDS.items():
        command.say(f"{how:<9} {_sum(rows, how)} {words}")
    for tag in job.tags:
        command.say(f"tag       {tag}")
    command.result(
        {
            "reference": job.reference.name,
            "tags": job.tags,
            "compression": job.compression,
            "blobs": [
                {"digest": x.digest, "name": x.name, "size": x.size, "how": x.how}
                for x in rows
            ],
            "to_send": sum(each.size for each in rows if each.how == "send"),
        }
    )


def _sum(rows: Sequence[Planned], how: str) -> str:
    found = [each.size for each in rows if each.how == how]
    return f"{size(sum(found))} in {len(found)} blobs"


def _show(command: Context, job: _Job, pushed: Pushed, seconds: float) -> None:
    reference = f"{job.reference.name}@{pushed.descriptor.digest}"
    ids = {image.platform: image.id for image in job.images}
    for tag in pushed.tags:
        command.say(f"tag       {job.reference.name}:{tag}")
    command.say(f"quote it  {reference}")
    for platform, identity in ids.items():
        command.say(f"image ID  {identity} ({platform})")
    command.say(
        f"sent      {size(pushed.sent)} of {size(pushed.total)}; "
        f"{pushed.count('there')} blobs were there, {pushed.count('mounted')} were "
        "taken from another repository"
    )
    command.say(f"time      {seconds:.1f} s")
    command.result(
        {
            "reference": reference,
            "digest": pushed.descriptor.digest,
            "tags": pushed.tags,
            "compression": job.compression,
            "platforms": [
                {
                    "platform": each.platform,
                    "manifest": each.digest,
                    "image_id": ids[each.platform],
                }
                for each in pushed.manifests
            ],
            "bytes_total": pushed.total,
            "bytes_sent": pushed.sent,
            "blobs_there": pushed.count("there"),
            "blobs_mounted": pushed.count("mounted"),
            "blobs_uploaded": pushed.count("uploaded"),
            "seconds": round(seconds, 2),
        }
    )
