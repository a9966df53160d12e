"""What every engine receives and gives: frozen plans that can be printed and run."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from firstlight.oci.model import Image
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = [
    "Mount",
    "Port",
    "Limits",
    "ContainerPlan",
    "HostCommand",
    "State",
    "Engine",
    "WORKSPACE",
    "HOME",
    "PROJECT_LABEL",
]

WORKSPACE = "/workspace"
HOME = "/home/user"
PROJECT_LABEL = "org.firstlight.project"
"""On every container we start: the key of its project, by which it is found again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file or folder of the host that appears inside."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A server inside and where the host reaches it; sandboxes have the host's ports.

    `address` is loopback unless the person said otherwise.
    """

    name: str
    inside: int
    outside: int
    address: str = "127.0.0.1"

    @property
    def host(self) -> str:
        """The address at which this machine reaches it: nobody is at "any address"."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.address, self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a container may use: sizes like ``8g``; empty and 0 are no limit.

    `shm` is the size of ``/dev/shm``, through which data loaders pass tensors.
    """

    shm: str = ""
    memory: str = ""
    cpus: float = 0
    pids: int = 0
    ipc: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPlan:
    """What shall run, in no engine's words.

    `environment` is what the container gets besides the image's own; values may be
    secret and never become words of a command, except those of the names in `shown`.
    `user` is the (UID, GID) that owns the work outside. `devices` are device files;
    `gpus` is ``all``, names such as ``0,1``, or empty; `writable` lets the root be
    changed while it runs; `kept` is where an engine without a daemon keeps its log and
    what is changed; `terminal` says whether a person sits at one.
    """

    image: Image
    command: tuple[str, ...]
    environment: Mapping[str, str]
    shown: frozenset[str] = frozenset()
    name: str = ""
    project: str = ""
    user: tuple[int, int] = (1000, 1000)
    mounts: tuple[Mount, ...] = ()
    ports: tuple[Port, ...] = ()
    limits: Limits = field(default_factory=Limits)
    devices: tuple[Mount, ...] = ()
    gpus: str = ""
    folder: str = WORKSPACE
    terminal: bool = False
    network: bool = True
    writable: bool = False
    kept: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCommand:
    """The exact command an engine starts.

    Values of the environment may be secret: they are never part of the command, whose
    words every user of the machine can read, and `line` shows only their names, unless
    these are in `shown`. They are added to the host's own environment where `inherits`,
    and else are all there is.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    shown: frozenset[str] = frozenset()
    inherits: bool = False

    @property
    def line(self) -> str:
        """The command as a person would type it, `$NAME` standing for its value."""
        words = [
            f"{name}={shlex.quote(value)}"
            if name in self.shown
            else f'{name}="${name}"'
            for name, value in self.environment.items()
        ]
        if not self.inherits:
            words = ["env", "-i", *words]
        return " ".join([*words, shlex.join(self.command)])

    @property
    def full_environment(self) -> dict[str, str]:
        """Every variable that the process gets."""
        return {**(os.environ if self.inherits else {}), **self.environment}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A container that was started: `id` in its engine's words, and whether it runs.

    `log` is the file it writes to, for engines that keep no log themselves.
    """

    id: str
    image: str
    running: bool
    code: int = 0
    log: str = ""


class Engine(Protocol):
    """Runs plans; `firstlight.engine.table` lists those there are."""

    @property
    def name(self) -> str:
        """How a person chooses it: ``docker``, ``podman``, ``sandbox``."""

    def trouble(self) -> str:
        """Return why this engine cannot be used here; empty when it can."""

    def inner_user(self, user: tuple[int, int]) -> tuple[int, int]:
        """Return the UID and GID that somebody outside has inside."""

    def outer_user(self, owner: tuple[int, int]) -> tuple[int, int]:
        """Return who works outside on files of that owner: not all can become them."""

    def check_gpus(self, gpus: str) -> None:
        """See that the GPUs of a plan, which are there, can be passed on.

        Raises:
            EngineError: with what to do, when they cannot.
        """

    def identify(self, image: Image, store: Store) -> str:
        """Return the image's ID in the engine; empty when it must be loaded first."""

    def load(self, image: Image, store: Store, progress: Progress) -> str:
        """Bring the image in, moving only what is missing; return its ID there."""

    def host_command(self, plan: ContainerPlan, store: Store) -> HostCommand:
        """Return the exact command, starting nothing; the plan's image is loaded.

        Its ID is the one by which the engine knows it.
        """

    def execute(self, plan: ContainerPlan, store: Store) -> int:
        """Run the plan on the user's terminal and return its exit code."""

    def start(self, plan: ContainerPlan, store: Store) -> State:
        """Start the plan in the background."""

    def find(self, project: str) -> tuple[State, ...]:
        """Return the containers of a project that are there, running or not."""

    def inside(
        self, state: State, command: Sequence[str], *, terminal: bool
    ) -> HostCommand:
        """Return the command that runs another one in a running container."""

    def logs(self, state: State, *, follow: bool) -> HostCommand:
        """Return the command that prints what the container wrote."""

    def stop(self, state: State) -> None:
        """End the container and remove it, with everything that runs in it."""
