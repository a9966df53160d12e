"""What `up` and `run` are asked for: the command line over the spec over defaults.

An option that was not given is None here, so that the spec's word counts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from firstlight.cli.context import Context
from firstlight.errors import EngineError, UsageError
from firstlight.finding import Finding, Role
from firstlight.lock.workspace_table import (
    ENGINES,
    GPUS,
    GPUS_MEANT,
    SIZE,
    SIZES,
    Bind,
    Workspace,
    parse_bind,
)

if TYPE_CHECKING:
    from firstlight.engine.base import Engine, Limits, Mount
    from firstlight.workspace.wish import Wish

__all__ = ["environment", "limits", "mounts", "options", "over", "settle"]

_BY_HAND = "--mount"

_OPTIONS = (
    click.option(
        "--engine",
        type=click.Choice(ENGINES),
        help="What runs the image; default: the spec's, or else auto, the first of the "
        "others that works here.",
    ),
    click.option(
        "--gpus",
        metavar="GPUS",
        help="auto: all, if there are any; all: there must be one; none; or some: 0,1, "
        "0:1 for a part of a GPU (MIG), UUIDs; default: the spec's, or else auto.",
    ),
    click.option(
        _BY_HAND,
        "-v",
        "mount",
        multiple=True,
        metavar="SOURCE:TARGET[:ro]",
        help="A file or folder of this machine to have inside, besides the spec's; "
        "repeatable.",
    ),
    click.option(
        "--shm",
        metavar="SIZE",
        help="Size of /dev/shm under Docker and Podman, such as 16g; default: the "
        "spec's, or else 8g.",
    ),
    click.option(
        "--env",
        "-e",
        multiple=True,
        metavar="NAME=VALUE",
        help="A variable to set inside; repeatable.",
    ),
    click.option(
        "--no-pull",
        is_flag=True,
        help="Build what is missing here, even where a registry has it.",
    ),
)


def options(command: Callable[..., object]) -> Callable[..., object]:
    """Give a command the options that `up` and `run` share."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def environment(pairs: Sequence[str]) -> dict[str, str]:
    """Return what ``--env`` says.

    Raises:
        UsageError: when a pair is none.
    """
    values = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise UsageError(f"--env {name!r}: write NAME=VALUE")
        if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
            raise UsageError(f"--env {name!r}: a name has letters, digits and _ only")
        values[name] = value
    return values


def over(
    table: Workspace,
    *,
    engine: str | None = None,
    gpus: str | None = None,
    ports: str | None = None,
    shm: str | None = None,
    mount: Sequence[str] = (),
) -> Workspace:
    """Return the spec's table with what the command line says in its place.

    Raises:
        UsageError: when an option is malformed.
    """
    from firstlight.workspace.ports import parse_ports

    if shm is not None and not re.fullmatch(SIZE, shm.lower()):
        raise UsageError(f"--shm {shm!r}: write {SIZES}")
    if gpus is not None and not re.fullmatch(GPUS, gpus):
        raise UsageError(f"--gpus {gpus!r}: write {GPUS_MEANT}")
    binds = {each.target: each for each in (*table.mounts, *map(_bind, mount))}
    return replace(
        table,
        engine=engine or table.engine,
        gpus=gpus or table.gpus,
        ports=tuple({**dict(table.ports), **parse_ports(ports or "")}.items()),
        shm=shm.lower() if shm else table.shm,
        mounts=tuple(binds.values()),
    )


def settle(command: Context, table: Workspace, say: Callable[[str], None]) -> Wish:
    """Choose the engine and find GPUs and folders; `say` is told what was chosen.

    Raises:
        EngineError: when the engine does not work here, or GPUs are missing.
        UsageError: when a mount's source is missing.
    """
    from firstlight.engine import table as engines
    from firstlight.workspace.wish import Wish

    mounted = mounts(table, command.folder, say)
    chosen = engines.choose(table.engine, say)
    for finding in (
        _unheard(table, chosen.name),
        _unowned(command.folder, chosen.outer_user),
    ):
        if finding is not None:
            command.progress.warn(finding)
    return Wish(
        engine=chosen.name,
        gpus=_gpus(command, table.gpus, chosen, say),
        ports=dict(table.ports),
        limits=limits(table),
        mounts=mounted,
    )


def limits(table: Workspace) -> Limits:
    """Return what a container may use."""
    from firstlight.engine.base import Limits

    return Limits(
        shm=table.shm,
        memory=table.memory,
        cpus=table.cpus,
        pids=table.pids,
        ipc=table.ipc,
    )


def mounts(
    table: Workspace, project: Path, say: Callable[[str], None]
) -> tuple[Mount, ...]:
    """Return the mounts, outer folders before inner ones.

    The spec's sources are relative to the project, and are told: whoever wrote it may
    be somebody else. Those of the command line are relative to where one is.

    Raises:
        UsageError: when sources are missing; each is a finding with its line.
    """
    from firstlight.engine.base import Mount

    made, missing, told = [], [], []
    for bind in sorted(table.mounts, key=lambda each: each.target):
        by_hand = bind.where == _BY_HAND
        source = _source(bind.source, Path.cwd() if by_hand else project)
        if not source.exists():
            missing.append(_missing(bind, source))
        elif not by_hand:
            how = "" if bind.writable else ", read-only"
            told.append(f"mount: {source} at {bind.target}{how}")
        made.append(Mount(source=source, target=bind.target, writable=bind.writable))
    if missing:
        what = "a mount names" if len(missing) == 1 else f"{len(missing)} mounts name"
        raise UsageError(f"{what} what is not there", findings=missing)
    for line in told:
        say(line)
    return tuple(made)


def _bind(text: str) -> Bind:
    try:
        return replace(parse_bind(text), where=_BY_HAND)
    except ValueError as error:
        raise UsageError(f"{_BY_HAND}: {error}") from error


def _source(text: str, folder: Path) -> Path:
    try:
        path = Path(text).expanduser()
    except RuntimeError:  # There is no person of that name.
        path = Path(text)
    return (folder / path).resolve()


def _missing(bind: Bind, source: Path) -> Finding:
    return Finding(
        code="up.missing-source",
        role=Role.FAILURE,
        message=f'"{bind.line}": there is no {source}',
        where=bind.where,
        hint="make it, or change that line",
    )


def _gpus(
    command: Context, selection: str, engine: Engine, say: Callable[[str], None]
) -> str:
    """Return ``all``, names, or nothing where no GPU can be had; that is told."""
    from firstlight.engine.gpu import find_gpus

    found = find_gpus(selection)
    wanted = "all" if selection == "auto" else selection
    try:
        if found.devices:
            engine.check_gpus(wanted)
    except EngineError as error:
        if selection != "auto":
            raise
        command.progress.warn(_without(error))
        return ""
    say(found.note)
    return wanted if found.devices else ""


def _without(error: EngineError) -> Finding:
    return Finding(
        code="up.gpus",
        role=Role.WARNING,
        message=f"no GPU inside, though this machine has one: {error.message}",
        hint=error.hint,
    )


def _unheard(table: Workspace, engine: str) -> Finding | None:
    """Warn of limits that need control groups, which a sandbox has none of."""
    asked = [name for name in ("memory", "cpus", "pids", "ipc") if getattr(table, name)]
    if engine != "sandbox" or not asked:
        return None
    return Finding(
        code="up.limits",
        role=Role.WARNING,
        message=f"the sandbox limits nothing: {', '.join(asked)} of [workspace] "
        "will not hold",
        hint="`--engine docker` and `--engine podman` keep to them",
    )


def _unowned(
    project: Path, outer_user: Callable[[tuple[int, int]], tuple[int, int]]
) -> Finding | None:
    """Warn where root works on files of another and cannot become that person."""
    found = project.stat()
    owner = (found.st_uid, found.st_gid)
    if os.geteuid() != 0 or outer_user(owner)[0] == owner[0] or found.st_mode & 0o002:
        return None
    return Finding(
        code="up.owner",
        role=Role.WARNING,
        message=f"the project belongs to UID {owner[0]}: in the sandbox root has no "
        "rights over others' files, so nothing can be written there",
        hint="run firstlight as that person, or with `--engine docker` or `podman`",
    )
