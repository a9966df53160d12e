"""``firstlight vendor``: what a lock is built from, kept, checked, brought back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from firstlight.cli import lock as locking
from firstlight.cli import sharing
from firstlight.cli.context import Context
from firstlight.errors import ArtefactError, FirstlightError, LockError, UsageError
from firstlight.finding import Finding, Role
from firstlight.report import size

if TYPE_CHECKING:
    from firstlight.nearby import Layout
    from firstlight.oci.reference import Reference
    from firstlight.vendor.artefact import Artefact
    from firstlight.vendor.check import Report
    from firstlight.vendor.project import Project

__all__ = ["layout_at", "path_at", "vendor"]

_FOLDER, _ARCHIVE = "oci:", "oci-archive:"
_REGISTRY = "registry"
_ENDING = "-vendor"


@click.command()
@click.argument("place", default="", metavar="[PLACE]")
@click.argument("folder", default="", metavar="[FOLDER]")
@click.option(
    "--platform",
    default="",
    help="Only for linux/amd64 or linux/arm64; default: all platforms of the lock.",
)
@click.option(
    "--dry-run", is_flag=True, help="Count files and bytes; fetch and write nothing."
)
@click.option(
    "--check",
    "mode",
    flag_value="check",
    help="Hash every file at PLACE, and follow the distribution's signatures to the OS "
    "packages; asks no network.",
)
@click.option(
    "--unpack",
    "mode",
    flag_value="unpack",
    help="Write lock, pylock.toml and spec from PLACE into FOLDER, or the project's.",
)
@click.option(
    "--fetch",
    "mode",
    flag_value="fetch",
    help="Bring an artefact from a registry into FOLDER; PLACE is its reference, or "
    "that of its image.",
)
@click.pass_obj
def vendor(
    command: Context,
    place: str,
    folder: str,
    platform: str,
    dry_run: bool,
    mode: str | None,
) -> None:
    """Keep all that the lock is built from, for years and offline.

    PLACE is a folder (vendor/ in the project unless named), oci-archive:FILE for one
    file to carry, REGISTRY/NAME[:TAG], or the word `registry` for [share] image of the
    spec. What is written is one OCI artefact: every wheel and OS package of every
    platform, lock and spec, and the signed indexes of the distribution. Then
    `firstlight build --offline` needs nothing else.
    """
    if mode is not None and (platform or dry_run):
        option = "--platform" if platform else "--dry-run"
        raise UsageError(f"--{mode} and {option} do not go together")
    if folder and mode not in ("unpack", "fetch"):
        raise UsageError(f"{folder!r}: there is one place too many")
    match mode:
        case "check":
            _check(command, place)
        case "unpack":
            _unpack(command, place, folder)
        case "fetch":
            _fetch(command, place, folder)
        case _:
            _make(command, place, platform, dry_run=dry_run)


# Making


def _make(command: Context, place: str, platform: str, *, dry_run: bool) -> None:
    from firstlight.pack.known import part_of
    from firstlight.vendor import keep as sharing_vendor

    target = _destination(command, place)
    project = _project(command)
    known = tuple(part.platform for part in project.lock.platforms)
    platforms = (part_of(project.lock, platform).platform,) if platform else known
    if dry_run:
        _show_estimate(command, project, platforms)
        return
    artefact = sharing_vendor.vendor(
        project,
        platforms=platforms,
        store=command.store,
        settings=command.settings,
        progress=command.progress,
    )
    where, sent = _write(command, artefact, project, target)
    _show(command, artefact, where, sent)


def _project(command: Context) -> Project:
    from firstlight.vendor.project import Project, spec_files

    lock, pylock = locking.fresh(command)
    spec, others = spec_files(command.folder)
    if others:
        command.progress.warn(
            Finding(
                code="vendor.outside",
                role=Role.WARNING,
                message=f"{', '.join(others)}: outside of the project or hidden, so it "
                "is not vendored, and the spec cannot be unpacked elsewhere",
                hint="move it into the project; building here from what is vendored "
                "works all the same",
            )
        )
    return Project(lock=lock, pylock=pylock, folder=command.folder, spec=spec)


def _destination(command: Context, text: str) -> Reference | tuple[str, Path]:
    """Where the artefact goes: a repository, or a folder or file."""
    if not text:
        return _FOLDER, command.vendor_path
    for kind in (_FOLDER, _ARCHIVE):
        if text.startswith(kind):
            return kind, _path(text.removeprefix(kind), text)
    if text == _REGISTRY:
        return sharing.reference_of(command, "")
    return _repository(text) or (_FOLDER, _path(text, text))


def _path(path: str, text: str) -> Path:
    if not path:
        raise UsageError(f"{text!r}: a path is missing", hint=f"write {text}PATH")
    return Path(path).expanduser().absolute()


def _repository(text: str) -> Reference | None:
    """The repository that a text names, None where it looks like a path."""
    from firstlight.oci.reference import parse_reference

    if text.startswith((".", "/", "~")) or Path(text).is_dir():
        return None
    try:
        found = parse_reference(text)
    except UsageError:
        return None
    if found.digest is not None:
        raise UsageError(
            f"{text}: a digest is what comes out", hint="name a tag, or none"
        )
    return found


def _write(
    command: Context,
    artefact: Artefact,
    project: Project,
    target: Reference | tuple[str, Path],
) -> tuple[str, int]:
    """Write or push the artefact; return where it is, and the bytes that were sent."""
    from firstlight.vendor import keep as sharing_vendor
    from firstlight.vendor import layout as vendor_layout

    store, progress = command.store, command.progress
    if not isinstance(target, tuple):
        tag = target.tag or sharing.locked_tag(project.lock) + _ENDING
        with sharing.opened(command, target) as repository:
            sent = sharing_vendor.push(
                artefact, store, repository, tag=tag, progress=progress
            )
        return str(target.tagged(tag)), sent
    kind, path = target
    name = project.lock.name + _ENDING
    write = (
        vendor_layout.write_archive if kind == _ARCHIVE else vendor_layout.write_folder
    )
    write(artefact, name, store, path, progress)
    return f"{kind}{path}", 0


def _show_estimate(
    command: Context, project: Project, platforms: tuple[str, ...]
) -> None:
    from dataclasses import asdict

    from firstlight.vendor.keep import estimate

    found = estimate(project, platforms=platforms, store=command.store)
    least = "at least " if found.unknown else ""
    command.result({**asdict(found), "platforms": list(platforms), "dry_run": True})
    command.say(f"platforms  {', '.join(platforms)}")
    command.say(f"files      {found.files}, {least}{size(found.bytes)}")
    command.say(f"to fetch   {least}{size(found.to_fetch)}")
    if found.unknown:
        command.say(f"           the lock does not give the size of {found.unknown}")


def _show(command: Context, artefact: Artefact, where: str, sent: int) -> None:
    from firstlight.vendor.artefact import DEB_TYPE, RELEASE_TYPE, WHEEL_TYPE

    wheels, debs = artefact.of_type(WHEEL_TYPE), artefact.of_type(DEB_TYPE)
    command.result(
        {
            "place": where,
            "digest": artefact.digest,
            "subject": artefact.subject and artefact.subject.digest,
            "platforms": list(artefact.platforms),
            "files": len(artefact.files),
            "bytes": artefact.size,
            "wheels": len(wheels),
            "system_packages": len(debs),
            "releases": len(artefact.of_type(RELEASE_TYPE)),
            "sent": sent,
        }
    )
    command.say(f"vendored   {where}")
    command.say(f"artefact   {artefact.digest}")
    command.say(f"platforms  {', '.join(artefact.platforms)}")
    command.say(
        f"files      {len(artefact.files)}, {size(artefact.size)}: {len(wheels)} "
        f"wheels, {len(debs)} OS packages"
    )
    if artefact.subject is not None:
        command.say(f"image      {artefact.subject.digest}")
    if sent:
        command.say(f"sent       {size(sent)}")


# Bringing back


def path_at(text: str) -> Path:
    """Return the folder or file that a place names; a registry is none.

    Raises:
        UsageError: when it is not on this machine.
    """
    from firstlight.oci.reference import parse_reference

    plain = text.removeprefix(_ARCHIVE).removeprefix(_FOLDER)
    path = Path(plain).expanduser().absolute()
    if path.exists():
        return path
    try:
        reference = parse_reference(text)
    except FirstlightError:
        raise UsageError(
            f"{plain}: there is no such folder or file",
            hint="name what `firstlight vendor` wrote",
        ) from None
    raise UsageError(
        f"{reference} is in a registry, and not on this machine",
        hint=f"`firstlight vendor --fetch {reference}` brings it into vendor/",
    )


def layout_at(command: Context, text: str) -> Layout:
    """Open what was vendored: at the place named, or in the project."""
    from firstlight.nearby import Layout

    return Layout.open(path_at(text or str(command.vendor_path)))


def _unpack(command: Context, place: str, folder: str) -> None:
    from firstlight.vendor.read import unpack

    layout = layout_at(command, place)
    target = Path(folder).absolute() if folder else command.folder
    names = unpack(layout, target, command.store)
    command.result({"folder": str(target), "files": sorted(names)})
    command.say(f"wrote {', '.join(sorted(names))} to {target}")
    near = layout.path == target / "vendor"
    named = "" if near else f" --vendor {layout.path}"
    command.say(f"next: `firstlight -C {target} build --offline{named}`")


def _fetch(command: Context, place: str, folder: str) -> None:
    from firstlight.vendor.fetch import fetch
    from firstlight.vendor.layout import write_folder

    reference = sharing.reference_of(command, place)
    which = reference.digest or reference.tag or _own_tag(command)
    target = Path(folder).absolute() if folder else command.vendor_path
    with sharing.opened(command, reference) as repository:
        artefact, project = fetch(
            repository, which, command.store, command.settings, command.progress
        )
    name = project.lock.name + _ENDING
    write_folder(artefact, name, command.store, target, command.progress)
    _show(command, artefact, f"{_FOLDER}{target}", 0)


def _own_tag(command: Context) -> str:
    """Of the project's own lock, where nobody says which artefact is meant."""
    lock, _ = command.read_lock()
    return sharing.locked_tag(lock) + _ENDING


def _check(command: Context, place: str) -> None:
    from firstlight.vendor.check import check

    layout = layout_at(command, place)
    report = check(layout, command.store, command.settings, command.progress)
    findings = [*report.findings, *_other_lock(command, report)]
    failures = [each for each in findings if each.role is Role.FAILURE]
    for finding in findings:
        if finding.role is not Role.FAILURE:
            command.progress.warn(finding)
    if failures:
        raise ArtefactError(
            f"{layout.path} is not what its lock says",
            hint="bring it here again, or vendor again",
            findings=failures[:20],
        )
    proof = report.proof
    command.result(
        {
            "place": str(layout.path),
            "digest": report.artefact.digest,
            "files": report.hashed,
            "bytes": report.artefact.size,
            "system_packages": proof.total,
            "signed": proof.signed,
        }
    )
    command.say(
        f"whole      {report.hashed} files, {size(report.artefact.size)}, each with "
        "the hash of the lock"
    )
    command.say(
        f"signed     {proof.signed} of {proof.total} OS packages stand in an index "
        "that the distribution signed"
    )


def _other_lock(command: Context, report: Report) -> list[Finding]:
    from firstlight.lock.lockfile import lock_digest

    try:
        lock, _ = command.read_lock()
    except LockError:
        return []
    if lock_digest(lock) == lock_digest(report.lock):
        return []
    return [
        Finding(
            code="vendor.other-lock",
            role=Role.WARNING,
            message="what is vendored is of another lock than the project's",
            hint="`firstlight vendor` brings it up to date",
        )
    ]
