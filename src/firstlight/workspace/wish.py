"""What a person asks for, and the plans that follow from it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from firstlight.engine.base import (
    HOME,
    WORKSPACE,
    ContainerPlan,
    Limits,
    Mount,
    Port,
)
from firstlight.engine.table import ENGINES
from firstlight.oci.model import Image
from firstlight.workspace.place import Place

__all__ = [
    "Wish",
    "command_plan",
    "has_own_accounts",
    "workspace_plan",
]

_INSIDE = "/run/firstlight"
# Slurm says so which of a node's GPUs are for this job; others may be at work there.
_ALLOTTED = "CUDA_VISIBLE_DEVICES"
_SERVERS = {"jupyter": "FIRSTLIGHT_JUPYTER", "ssh": "FIRSTLIGHT_SSH"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the person asked for: command line over spec over defaults.

    `ports` gives a wanted port of the host for a server, 0 for none; others want that
    of last time, or the usual one. `address` is where they listen. `keys` are public
    keys; without one, no SSH server starts.
    """

    engine: str = "sandbox"
    gpus: str = ""
    ports: Mapping[str, int] = field(default_factory=dict)
    address: str = "127.0.0.1"
    keys: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    mounts: tuple[Mount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    ephemeral: bool = False


def workspace_plan(
    image: Image, place: Place, wish: Wish, chosen: Sequence[Port]
) -> ContainerPlan:
    """Decide everything about a workspace; starts and writes nothing."""
    environment = _environment(wish)
    for port in chosen:
        environment[_SERVERS[port.name]] = _listens(wish, port)
    return ContainerPlan(
        image=image,
        command=("workspace",),
        environment=environment,
        shown=frozenset(environment.keys() - wish.environment.keys()),
        name=place.name,
        project=place.key,
        user=place.owner,
        mounts=(*_folders(place, wish), *_files(place, wish, chosen)),
        ports=tuple(chosen),
        limits=wish.limits,
        gpus=wish.gpus,
        writable=True,
        kept=place.changes,
    )


def command_plan(
    image: Image,
    place: Place,
    wish: Wish,
    command: Sequence[str],
    *,
    home: Path | None = None,
) -> ContainerPlan:
    """Decide everything about one command in a container of its own.

    Args:
        home: The home folder, where it is not the workspace's.
    """
    environment = _environment(wish)
    return ContainerPlan(
        image=image,
        command=tuple(command),
        environment=environment,
        shown=frozenset(environment.keys() - wish.environment.keys()),
        user=place.owner,
        mounts=(*_folders(place, wish, home), *_files(place, wish, ())),
        limits=wish.limits,
        gpus=wish.gpus,
        terminal=sys.stdin.isatty() and sys.stdout.isatty(),
    )


def _environment(wish: Wish) -> dict[str, str]:
    values = {}
    if wish.gpus == "all" and _ALLOTTED in os.environ:
        values[_ALLOTTED] = os.environ[_ALLOTTED]
    return {**values, **wish.environment}


def _listens(wish: Wish, port: Port) -> str:
    """Where a server listens: a sandbox has no network of its own."""
    if wish.engine != "sandbox":
        return f"0.0.0.0:{port.inside}"
    address = f"[{port.address}]" if ":" in port.address else port.address
    return f"{address}:{port.outside}"


def _folders(place: Place, wish: Wish, home: Path | None = None) -> tuple[Mount, ...]:
    kept = place.fleeting if wish.ephemeral else place.home
    return (
        Mount(source=place.project, target=WORKSPACE, writable=True),
        Mount(source=home or kept, target=HOME, writable=True),
        *wish.mounts,
    )


def _files(place: Place, wish: Wish, chosen: Sequence[Port]) -> tuple[Mount, ...]:
    names = {port.name for port in chosen}
    wanted = {
        f"{_INSIDE}/jupyter-token": (place.token, "jupyter" in names),
        f"{_INSIDE}/authorized_keys": (place.keys, "ssh" in names),
        "/etc/passwd": (place.passwd, has_own_accounts(place, wish)),
        "/etc/group": (place.group, has_own_accounts(place, wish)),
    }
    return tuple(
        Mount(source=source, target=target)
        for target, (source, is_wanted) in wanted.items()
        if is_wanted
    )


def has_own_accounts(place: Place, wish: Wish) -> bool:
    """Whether the person inside is a stranger to the image's table of accounts."""
    return ENGINES[wish.engine].inner_user(place.owner) != (1000, 1000)
