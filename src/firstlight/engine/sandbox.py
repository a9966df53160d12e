"""Runs an image with the bubblewrap it contains: no daemon, no root, no install.

The sandbox separates an environment from the host's; it does not protect the host from
hostile programs: they run as the same person, on the same network.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from firstlight import proc
from firstlight.engine import bubblewrap, enter, gpu, overlay, processes
from firstlight.engine.base import (
    HOME,
    WORKSPACE,
    ContainerPlan,
    HostCommand,
    Mount,
    State,
)
from firstlight.engine.processes import Process
from firstlight.engine.roots import root_path
from firstlight.errors import EngineError
from firstlight.leases import lease
from firstlight.oci.model import Image
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["SANDBOX"]

_FROM_HOST = (
    *("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR"),
    *("http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
)
_PROJECT, _IMAGE = "FIRSTLIGHT_PROJECT", "FIRSTLIGHT_IMAGE"
_INSIDE = (1000, 1000)
_STOP_SECONDS = 4.0
_STEP_SECONDS = 0.005
_START = "/usr/local/bin/firstlight-start"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The embedded engine; what it runs are processes of the person who calls."""

    name: str = "sandbox"

    def trouble(self) -> str:
        """Return why it cannot be used here; empty when it can."""
        if sys.platform != "linux":
            return f"it needs Linux, and this is {platform.system()}"
        return bubblewrap.forbidden()[0]

    def inner_user(self, user: tuple[int, int]) -> tuple[int, int]:
        """Whoever calls is `user` inside."""
        return _INSIDE

    def outer_user(self, owner: tuple[int, int]) -> tuple[int, int]:
        """Whoever calls: inside, root has no rights over what belongs to others."""
        return os.geteuid(), os.getegid()

    def check_gpus(self, gpus: str) -> None:
        """Return always: device files that are there can be passed on."""

    def identify(self, image: Image, store: Store) -> str:
        """Return the image's ID when it is unpacked."""
        return image.id if root_path(image, store).is_dir() else ""

    def load(self, image: Image, store: Store, progress: Progress) -> str:
        """Unpack the image unless it is, and see that this kernel can run it."""
        bubblewrap.check_machine(image)
        root = root_path(image, store)
        if not root.is_dir():
            # Imported only now: mostly it is there, and a command starts sooner.
            from firstlight.engine.unpack import unpack

            unpack(image, store, progress)
        bubblewrap.attempt(root)
        return image.id

    def host_command(self, plan: ContainerPlan, store: Store) -> HostCommand:
        """Return the exact command, starting nothing.

        Raises:
            EngineError: when it was never unpacked; the words depend on its files.
        """
        root = root_path(plan.image, store)
        if not root.is_dir():
            raise EngineError(
                f"{plan.image.name} was never unpacked here, and the command for the "
                "sandbox depends on its files",
                hint="`firstlight run --engine sandbox -- true` unpacks it",
            )
        # What comes from the host may be secret too, and has the same name there.
        hidden = plan.environment.keys() - plan.shown | _from_host(os.environ).keys()
        plan = _complete(plan, _config(plan.image, store))
        # Meant for programs inside, not for bubblewrap and its loader.
        loader = {k: v for k, v in plan.environment.items() if k.startswith("LD_")}
        outside = {k: v for k, v in plan.environment.items() if k not in loader}
        marks = (
            [(_PROJECT, plan.project), (_IMAGE, plan.image.id)] if plan.project else []
        )
        top = plan.kept / "root" if plan.writable and plan.kept else None
        words = bubblewrap.words(
            plan, root, tuple(loader.items()), top=top, marks=marks
        )
        if top is not None:
            words = [*overlay.command(root, top.parent), *words]
        shown = frozenset(outside.keys() - hidden)
        return HostCommand(command=tuple(words), environment=outside, shown=shown)

    def execute(self, plan: ContainerPlan, store: Store) -> int:
        """Run a plan on the user's terminal and return the program's exit code."""
        with lease(store, plan.image.id):
            command = self.host_command(plan, store)
            return proc.call(command.command, env=command.environment)

    def start(self, plan: ContainerPlan, store: Store) -> State:
        """Start a plan in the background; it lives on when we end."""
        if plan.kept is None:
            raise ValueError("a plan for the background says where its log is kept")
        log = plan.kept / "log"
        # The sandbox's first process, which ends last, keeps open what it reads from:
        # by that the lease lasts as long as anything runs inside.
        with lease(store, plan.image.id) as held:
            command = self.host_command(plan, store)
            pid = proc.spawn(
                command.command, env=command.environment, output=log, stdin=held
            )
        first = _first(pid)
        identity = _identity(first) if first else f"{pid}:0"
        return State(
            id=identity, image=plan.image.id, running=bool(first), log=str(log)
        )

    def find(self, project: str) -> tuple[State, ...]:
        """Return the sandboxes of a project that run; none is there without running."""
        return tuple(_state(each) for each in _sandboxes(project))

    def inside(
        self, state: State, command: Sequence[str], *, terminal: bool
    ) -> HostCommand:
        """Return the command that runs another one in a running sandbox."""
        first = _process(state)
        programs = processes.children(first) if first else ()
        if not programs:
            raise EngineError("the sandbox has ended", hint="`firstlight up` starts it")
        values = _environ(programs[0]) | _from_host(os.environ)
        # Meant for programs inside, not for the Python that goes there.
        loader = {k: v for k, v in values.items() if k.startswith("LD_")}
        outside = {k: v for k, v in values.items() if k not in loader}
        assigned = [f"{name}={value}" for name, value in loader.items()]
        words = enter.command(programs[0].pid, WORKSPACE)
        words += ["/usr/bin/env", *assigned, *command]
        return HostCommand(command=tuple(words), environment=outside)

    def logs(self, state: State, *, follow: bool) -> HostCommand:
        """Return the command that prints what the sandbox wrote."""
        words = ("tail", "-n", "+1", "-F") if follow else ("cat",)
        return HostCommand(command=(*words, state.log), inherits=True)

    def stop(self, state: State) -> None:
        """End what runs inside, in its own way if it can, and the sandbox with it."""
        first = _process(state)
        if first is None:
            return
        outer = processes.read(first.parent)
        for program in processes.children(first):
            processes.end(program, seconds=_STOP_SECONDS)
        processes.kill(first)
        if outer is not None and _PROJECT in outer.words:
            processes.kill(outer)


SANDBOX = Sandbox()


# The plan


def _config(image: Image, store: Store) -> dict[str, Any]:
    with store.read(image.id) as stream:
        return dict(json.load(stream).get("config") or {})


def _complete(plan: ContainerPlan, config: Mapping[str, Any]) -> ContainerPlan:
    """Add what a container engine would: the image's own settings, names, GPUs."""
    found = gpu.find_gpus(plan.gpus or "none")
    command = plan.command or tuple(config.get("Cmd") or ("bash",))
    if command[:1] == ("workspace",):
        command = (_START, *command)
    values = _from_host(os.environ)
    pairs = [each.split("=", 1) for each in config.get("Env") or () if "=" in each]
    values |= {pair[0]: pair[1] for pair in pairs}
    values |= {"HOME": HOME, "USER": "user", "LOGNAME": "user"}
    values.setdefault("PATH", "/usr/local/bin:/usr/bin:/bin")
    values.setdefault("LANG", "C.UTF-8")
    values.setdefault("PYTHONPYCACHEPREFIX", f"{HOME}/.cache/pycache")
    values |= dict(found.environment)
    values |= plan.environment
    if found.mounts:
        values["PATH"] += f":{gpu.FOLDER}/bin"
        before = values.get("LD_LIBRARY_PATH")
        folder = f"{gpu.FOLDER}/lib64"
        values["LD_LIBRARY_PATH"] = f"{before}:{folder}" if before else folder
    return replace(
        plan,
        command=command,
        environment=values,
        mounts=(*plan.mounts, *_network_files(), *found.mounts),
        devices=(*plan.devices, *found.devices),
    )


def _from_host(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: environ[name] for name in _FROM_HOST if environ.get(name)}


def _network_files() -> list[Mount]:
    paths = [Path("/etc/resolv.conf"), Path("/etc/hosts")]
    return [
        Mount(source=path.resolve(), target=str(path))
        for path in paths
        if path.is_file()
    ]


# In the background


def _first(pid: int) -> Process | None:
    """Wait until a sandbox has its first process and its program; None if it ends."""
    while (outer := processes.read(pid)) is not None:
        for first in processes.children(outer):
            if processes.children(first):
                return first
        time.sleep(_STEP_SECONDS)
    return None


def _sandboxes(project: str) -> Sequence[Process]:
    """The first process inside each: all others end with it, and with no other.

    The bubblewrap outside only waits for it. It stands here itself where it has not
    made the one inside yet.
    """
    words = ("--setenv", _PROJECT, project) if project else ("--setenv", _PROJECT)
    found = processes.find(*words)
    pids = {each.pid for each in found}
    outer = [each for each in found if each.parent not in pids]
    made = {each.parent: each for each in reversed(found)}
    return [made.get(each.pid, each) for each in outer]


def _state(process: Process) -> State:
    image = process.words[process.words.index(_IMAGE) + 1]
    log = ""
    with suppress(OSError):
        log = str(Path(f"/proc/{process.pid}/fd/1").readlink())
    return State(id=_identity(process), image=image, running=True, log=log)


def _process(state: State) -> Process | None:
    return next((each for each in _sandboxes("") if _identity(each) == state.id), None)


def _identity(process: Process) -> str:
    return f"{process.pid}:{process.start}"


def _environ(process: Process) -> dict[str, str]:
    """What the program of the sandbox was started with."""
    text = Path(f"/proc/{process.pid}/environ").read_bytes().decode(errors="replace")
    values = dict(word.split("=", 1) for word in text.split("\0") if "=" in word)
    return {k: v for k, v in values.items() if k not in (_PROJECT, _IMAGE)}
