"""What every engine receives and gives: frozen plans that can be printed and run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from firstlight.oci.model import Image
from firstlight.store import Store

__all__ = ["Mount", "ContainerPlan", "HostCommand", "Engine", "WORKSPACE", "HOME"]

WORKSPACE = "/workspace"
HOME = "/home/user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file or folder of the host that appears inside."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPlan:
    """What shall run, in no engine's words.

    `environment` is complete: nothing of the host is added later. `devices` are device
    files that appear under the same name; `terminal` says whether a person sits at one;
    `note` is a line for the person: which GPUs there are, or why none.
    """

    image: Image
    command: tuple[str, ...]
    environment: Mapping[str, str]
    mounts: tuple[Mount, ...] = ()
    devices: tuple[str, ...] = ()
    folder: str = WORKSPACE
    terminal: bool = False
    network: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCommand:
    """The exact command an engine starts, with its complete environment.

    Values of the environment may be secret: they are never part of the command, whose
    words every user of the machine can read, and `line` shows only their names.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """The command as a person would type it, `$NAME` standing for its value."""
        words = [f'{name}="${name}"' for name in self.environment]
        return " ".join(["env", "-i", *words, shlex.join(self.command)])


class Engine(Protocol):
    """Runs a plan; `firstlight.engine.sandbox` is one."""

    def host_command(self, plan: ContainerPlan, store: Store) -> HostCommand:
        """Return the exact command, starting nothing."""

    def execute(self, plan: ContainerPlan, store: Store) -> int:
        """Run the plan on the user's terminal and return its exit code."""
