"""What Docker's command line and those that follow it (Podman, nerdctl) have in common.

One engine differs from another in five things: whether it works here, how an image gets
in, how it is told about GPUs, who one is inside, and whether root runs it. `Containers`
takes these five.
"""

from __future__ import annotations

import csv
import io
import re
import resource
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from firstlight import proc
from firstlight.engine.base import (
    HOME,
    PROJECT_LABEL,
    WORKSPACE,
    ContainerPlan,
    HostCommand,
    Mount,
    Port,
    State,
)
from firstlight.errors import EngineError
from firstlight.oci.model import Image
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["Containers", "ask", "has_image"]

_SELINUX = Path("/sys/fs/selinux/enforce")
# What sshd must be able to do when the person inside has the number 0.
_ROOT_NEEDS = ("SETUID", "SETGID", "SYS_CHROOT")
# Programs obey these variables themselves, so a container's are not for theirs.
_OBEYED = re.compile(
    r"PATH|HOME|TMPDIR|(LD|XDG|CONTAINERS)_\w+|CONTAINER_HOST|"
    r"DOCKER_(HOST|CONTEXT|CONFIG|CERT_PATH|TLS\w*|API_VERSION)"
)
_LOCKED, _STACK = ("memlock", resource.RLIMIT_MEMLOCK), ("stack", resource.RLIMIT_STACK)
_STACK_BYTES = 64 << 20
_STOP_SECONDS = 5
_FORMAT = "{{.Id}} {{.State.Running}} {{.State.ExitCode}} {{.Image}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Containers:
    """An engine with Docker's command line."""

    name: str
    trouble: Callable[[], str]
    loader: Callable[[Image, Store, Progress], None]
    gpu_words: Callable[[str], Sequence[str]]
    inner_user: Callable[[tuple[int, int]], tuple[int, int]]
    user_words: Callable[[tuple[int, int]], Sequence[str]]
    is_rootless: Callable[[], bool] = lambda: False

    def outer_user(self, owner: tuple[int, int]) -> tuple[int, int]:
        """The owner, whom the engine can become."""
        return owner

    def check_gpus(self, gpus: str) -> None:
        """See that the engine has a way to pass these GPUs on."""
        self.gpu_words(gpus)

    def load(self, image: Image, store: Store, progress: Progress) -> str:
        """Bring the image in, unless it is there; return its ID in the engine."""
        if not self.identify(image, store):
            self.loader(image, store, progress)
        found = self.identify(image, store)
        if not found:
            raise EngineError(
                f"{self.name} took {image.name} but does not know {image.id}",
                hint=f"try `firstlight build -o {self.name}`, and report this",
            )
        return found

    def identify(self, image: Image, store: Store) -> str:
        """Return the image's ID in the engine; empty when it must be loaded first."""
        return has_image(self.name, image)

    def host_command(self, plan: ContainerPlan, store: Store) -> HostCommand:
        """Return the exact command, starting nothing."""
        words = [self.name, "run", *self._how(plan), *self._what(plan)]
        passed = {k: v for k, v in plan.environment.items() if not _OBEYED.fullmatch(k)}
        return HostCommand(
            command=tuple(words), environment=passed, shown=plan.shown, inherits=True
        )

    def execute(self, plan: ContainerPlan, store: Store) -> int:
        """Run the plan on the user's terminal and return its exit code."""
        command = self.host_command(plan, store)
        return proc.call(command.command, env=command.full_environment)

    def start(self, plan: ContainerPlan, store: Store) -> State:
        """Start the plan in the background.

        Raises:
            EngineError: with the engine's own words, when it refuses.
        """
        command = self.host_command(plan, store)
        done = proc.capture(command.command, env=command.full_environment)
        if done.code:
            self._remove(plan.name)  # Some are made, and then cannot start.
            raise EngineError(
                f"{self.name} could not start {plan.name}: {done.stderr.strip()}",
                hint="`firstlight up --dry-run` shows the command",
            )
        return State(id=done.stdout.split()[-1], image=plan.image.id, running=True)

    def find(self, project: str) -> tuple[State, ...]:
        """Return the containers of a project that are there, running or not."""
        label = (
            f"label={PROJECT_LABEL}={project}" if project else f"label={PROJECT_LABEL}"
        )
        ids = ask(self.name, "ps", "--all", "--quiet", "--no-trunc", "--filter", label)
        if not ids.split():
            return ()
        told = ask(self.name, "inspect", "--format", _FORMAT, *ids.split())
        return tuple(_state(line) for line in told.splitlines() if line.strip())

    def inside(
        self, state: State, command: Sequence[str], *, terminal: bool
    ) -> HostCommand:
        """Return the command that runs another one in a running container."""
        words = (self.name, "exec", *_terminal(terminal), "--workdir", WORKSPACE)
        words += ("--env", f"HOME={HOME}")  # Root, where that works here, has another.
        return HostCommand(command=(*words, state.id, *command), inherits=True)

    def logs(self, state: State, *, follow: bool) -> HostCommand:
        """Return the command that prints what the container wrote."""
        words = ["--follow"] if follow else []
        return HostCommand(command=(self.name, "logs", *words, state.id), inherits=True)

    def stop(self, state: State) -> None:
        """End the container and remove it."""
        proc.capture([self.name, "stop", "-t", str(_STOP_SECONDS), state.id])
        self._remove(state.id)

    def _remove(self, container: str) -> None:
        proc.capture([self.name, "rm", "--force", "--volumes", container])

    def _how(self, plan: ContainerPlan) -> Iterator[str]:
        """Options about rights, limits and what comes in from the host."""
        if plan.project:
            yield from ("--detach", "--name", plan.name, "--hostname", plan.name)
            yield from ("--label", f"{PROJECT_LABEL}={plan.project}")
        else:
            yield from ("--rm", *_terminal(plan.terminal))
        yield from self.user_words(plan.user)
        yield from ("--group-add", "0")  # Whose members may install into the venv.
        yield from _rights(self.inner_user(plan.user), plan)
        yield from _limits(plan)
        if plan.gpus:
            yield from _ulimits(is_rootless=self.is_rootless())
        yield from self.gpu_words(plan.gpus)
        if not plan.network:
            yield from ("--network", "none")

    def _what(self, plan: ContainerPlan) -> Iterator[str]:
        for mount in plan.mounts:
            yield from ("--mount", _mount(mount))
        for port in plan.ports:
            yield from ("--publish", _port(port))
        for name, value in plan.environment.items():
            obeyed = _OBEYED.fullmatch(name)
            yield from ("--env", f"{name}={value}" if obeyed else name)
        yield from ("--workdir", plan.folder, plan.image.id, *plan.command)


def ask(*command: str) -> str:
    """Return what a command of an engine prints.

    Raises:
        EngineError: when it fails, with its own words.
    """
    done = proc.capture(command)
    if done.code:
        raise EngineError(
            f"{done.line} failed with code {done.code}: {done.stderr.strip()}",
            hint=f"check that `{command[0]} info` works for you",
        )
    return done.stdout


def has_image(program: str, image: Image) -> str:
    """Return the ID under which an engine has the image; empty when it has not.

    Docker's store of containerd names images by their manifest, all others by their
    configuration.
    """
    for identity in (image.id, image.manifest):
        words = (program, "image", "inspect", "--format", "{{.Id}}", identity)
        done = proc.capture(words)
        if done.code == 0 and done.stdout.strip():
            return identity
    return ""


def _state(line: str) -> State:
    identity, running, code, *images = line.split()
    image = f"sha256:{''.join(images).removeprefix('sha256:')}"
    return State(id=identity, image=image, running=running == "true", code=int(code))


def _terminal(has_one: bool) -> tuple[str, ...]:
    return ("--interactive", "--tty") if has_one else ("--interactive",)


def _rights(inner: tuple[int, int], plan: ContainerPlan) -> Iterator[str]:
    yield from ("--cap-drop", "ALL")
    if inner[0] == 0 and any(port.name == "ssh" for port in plan.ports):
        for name in _ROOT_NEEDS:
            yield from ("--cap-add", name)
    yield from ("--security-opt", "no-new-privileges")
    if _SELINUX.exists():
        # Relabelling would change the person's own files for good.
        yield from ("--security-opt", "label=disable")


def _limits(plan: ContainerPlan) -> Iterator[str]:
    limits = plan.limits
    pairs = {
        "--shm-size": "" if limits.ipc == "host" else limits.shm,
        "--memory": limits.memory,
        "--cpus": f"{limits.cpus:g}" if limits.cpus else "",
        "--pids-limit": str(limits.pids) if limits.pids else "",
        "--ipc": limits.ipc,
    }
    for name, value in pairs.items():
        if value:
            yield from (name, value)


def _ulimits(*, is_rootless: bool) -> Iterator[str]:
    """Pinned memory and InfiniBand lock pages; deep graphs need a large stack."""
    for (name, number), wanted in ((_LOCKED, -1), (_STACK, _STACK_BYTES)):
        most = resource.getrlimit(number)[1]
        # An engine without root may raise nothing above what its caller may.
        if is_rootless and most != resource.RLIM_INFINITY:
            wanted = most if wanted == -1 else min(wanted, most)
        yield from ("--ulimit", f"{name}={wanted}:{wanted}")


def _mount(mount: Mount) -> str:
    words = ["type=bind", f"source={mount.source}", f"target={mount.target}"]
    if not mount.writable:
        words.append("readonly")
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(words)  # A path may hold a comma.
    return line.getvalue().removesuffix("\r\n")


def _port(port: Port) -> str:
    address = f"[{port.address}]" if ":" in port.address else port.address
    return f"{address}:{port.outside}:{port.inside}"
