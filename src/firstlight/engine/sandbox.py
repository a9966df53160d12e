"""Runs an image with the bubblewrap it contains: no daemon, no root, no install.

The image's own loader starts the image's own ``bwrap``, so the host needs nothing but a
kernel with user namespaces::

    ROOT/lib64/ld-linux-x86-64.so.2 --library-path ROOT/usr/lib/x86_64-linux-gnu
        ROOT/usr/bin/bwrap --ro-bind ROOT / --bind PROJECT /workspace … -- COMMAND

The sandbox separates an environment from the host's; it does not protect the host from
hostile programs: they run as the same person, on the same network.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import platformdirs

from firstlight import proc
from firstlight.engine import gpu
from firstlight.engine.base import HOME, WORKSPACE, ContainerPlan, HostCommand, Mount
from firstlight.engine.unpack import root_path, unpack
from firstlight.errors import EngineError
from firstlight.oci.model import Image
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["plan", "host_command", "execute", "run"]

_FROM_HOST = (
    *("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR"),
    *("http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
)
_LOADERS = {
    "linux/amd64": ("lib64/ld-linux-x86-64.so.2", "x86_64-linux-gnu"),
    "linux/arm64": ("lib/ld-linux-aarch64.so.1", "aarch64-linux-gnu"),
}
_MACHINES = {"linux/amd64": ("x86_64", "amd64"), "linux/arm64": ("aarch64", "arm64")}
_MOST_LINKS = 40


def plan(
    image: Image,
    command: Sequence[str],
    *,
    store: Store,
    project: Path,
    environment: Mapping[str, str] | None = None,
    gpus: str = "auto",
    state: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    terminal: bool | None = None,
) -> ContainerPlan:
    """Decide everything about a run: environment, mounts, devices.

    Args:
        command: What to run; empty for the image's own command.
        project: Appears as ``/workspace``, writable.
        environment: Added to the image's own, and stronger.
        gpus: As for `firstlight.engine.gpu.find_gpus`.
        state: Where the project's home folder is kept between runs.
        environ: The host's environment, of which only a few names pass.
        terminal: Whether a person sits at a terminal; looked up by default.
    """
    config = _config(image, store)
    found = gpu.find_gpus(gpus)
    project = project.resolve()
    return ContainerPlan(
        image=image,
        command=tuple(command) or tuple(config.get("Cmd") or ("bash",)),
        environment=_environment(config, environ, environment or {}, found),
        mounts=(
            Mount(source=project, target=WORKSPACE, writable=True),
            Mount(source=_home(project, state), target=HOME, writable=True),
            *_network_files(),
            *found.mounts,
        ),
        devices=found.devices,
        terminal=_at_terminal() if terminal is None else terminal,
        note=found.note,
    )


def host_command(plan: ContainerPlan, store: Store) -> HostCommand:
    """Return the exact command that runs a plan; the image must be unpacked.

    Raises:
        EngineError: when the image has no bubblewrap, or is for another machine.
    """
    root = root_path(plan.image, store)
    tools = _tools(plan.image, root)
    loader_words = {
        name: value
        for name, value in plan.environment.items()
        if name.startswith("LD_")  # Meant for programs inside, not for bwrap itself.
    }
    outside = {k: v for k, v in plan.environment.items() if k not in loader_words}
    words = [
        # An interrupt is for the program inside: were bwrap to die of it, the program
        # would be killed before it could end in its own way.
        *(*tools.env, "--ignore-signal=INT"),
        *tools.bwrap,
        *_namespace_words(plan),
        *_root_words(root),
        *_mount_words(plan),
        *(word for item in loader_words.items() for word in ("--setenv", *item)),
        *("--chdir", plan.folder, "--"),
        *("/usr/bin/env", "--default-signal=INT", *plan.command),
    ]
    return HostCommand(command=tuple(words), environment=outside)


def execute(plan: ContainerPlan, store: Store) -> int:
    """Run a plan on the user's own terminal and return the program's exit code.

    Raises:
        EngineError: when this machine cannot run it; says what to change.
    """
    command = host_command(plan, store)
    _try(plan.image, root_path(plan.image, store))
    return proc.call(command.command, env=command.environment)


def run(
    image: Image,
    command: Sequence[str],
    *,
    store: Store,
    project: Path,
    environment: Mapping[str, str] | None = None,
    gpus: str = "auto",
    state: Path | None = None,
    progress: Progress | None = None,
) -> int:
    """Unpack the image if it never was, run a command in it, return its exit code."""
    _check_machine(image)
    unpack(image, store, progress)
    what = plan(
        image,
        command,
        store=store,
        project=project,
        environment=environment,
        gpus=gpus,
        state=state,
    )
    if progress is not None:
        progress.say(what.note)
    return execute(what, store)


# The plan


def _config(image: Image, store: Store) -> dict[str, list[str]]:
    with store.read(image.id) as stream:
        found = json.load(stream).get("config") or {}
    return dict(found)


def _environment(
    config: Mapping[str, list[str]],
    environ: Mapping[str, str],
    chosen: Mapping[str, str],
    gpus: gpu.Gpus,
) -> dict[str, str]:
    values = {name: environ[name] for name in _FROM_HOST if environ.get(name)}
    values |= dict(
        each.split("=", 1) for each in config.get("Env") or () if "=" in each
    )
    values |= {"HOME": HOME, "USER": "user", "LOGNAME": "user"}
    values.setdefault("PATH", "/usr/local/bin:/usr/bin:/bin")
    values.setdefault("LANG", "C.UTF-8")
    values.setdefault("PYTHONPYCACHEPREFIX", f"{HOME}/.cache/pycache")
    values |= chosen
    if gpus.mounts:
        values["PATH"] += f":{gpu.FOLDER}/bin"
        before = values.get("LD_LIBRARY_PATH")
        folder = f"{gpu.FOLDER}/lib64"
        values["LD_LIBRARY_PATH"] = f"{before}:{folder}" if before else folder
    return values


def _home(project: Path, state: Path | None) -> Path:
    """A home of its own for every project, so that their caches never mix."""
    state = state or platformdirs.user_state_path("firstlight")
    key = hashlib.sha256(os.fsencode(project)).hexdigest()[:12]
    home = state / "homes" / f"{project.name or 'root'}-{key}"
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise EngineError(
            f"cannot make the project's home folder {home}: {error.strerror}",
            hint="set XDG_STATE_HOME to a folder you may write",
        ) from error
    return home


def _network_files() -> list[Mount]:
    paths = [Path("/etc/resolv.conf"), Path("/etc/hosts")]
    return [
        Mount(source=path.resolve(), target=str(path))
        for path in paths
        if path.is_file()
    ]


def _at_terminal() -> bool:
    return any(os.isatty(descriptor) for descriptor in (0, 1, 2))


# The command


@dataclass(frozen=True, slots=True)
class _Tools:
    """How to start programs of the image on the host, through the image's loader."""

    env: tuple[str, ...]
    bwrap: tuple[str, ...]


def _tools(image: Image, root: Path) -> _Tools:
    _check_machine(image)
    loader_path, triplet = _LOADERS[image.platform]
    loader = _inside(root, loader_path)
    folders = [root / "usr/lib" / triplet, root / "lib" / triplet]
    libraries = ":".join(str(folder) for folder in folders if folder.is_dir())

    def starting(program: str) -> tuple[str, ...]:
        path = _inside(root, program)
        for each in (loader, path):
            if not proc.is_executable(each):
                raise EngineError(
                    f"the image {image.name} cannot run in the sandbox: it has no "
                    f"/{each.relative_to(root)}",
                    hint='add system = ["bubblewrap"] to firstlight.toml and build '
                    "again, or run the image with Docker or Podman",
                )
        return (str(loader), "--library-path", libraries, str(path))

    return _Tools(starting("usr/bin/env"), starting("usr/bin/bwrap"))


def _namespace_words(plan: ContainerPlan) -> list[str]:
    words = ["--unshare-user", "--uid", "1000", "--gid", "1000", "--unshare-pid"]
    words += ["--die-with-parent", "--cap-drop", "ALL"]
    if not plan.network:
        words.append("--unshare-net")
    if not plan.terminal:
        # A session of its own has no terminal to type into. With a person at one it
        # would also take away Ctrl-C and job control, so there it is left out.
        words.append("--new-session")
    return words


def _root_words(root: Path) -> list[str]:
    return [
        *("--ro-bind", str(root), "/", "--proc", "/proc", "--dev", "/dev"),
        *("--ro-bind-try", "/sys", "/sys", "--tmpfs", "/tmp", "--tmpfs", "/run"),
    ]


def _mount_words(plan: ContainerPlan) -> list[str]:
    words: list[str] = []
    if any(mount.target.startswith(f"{gpu.FOLDER}/") for mount in plan.mounts):
        words += ["--tmpfs", gpu.FOLDER]
    for mount in plan.mounts:
        kind = "--bind" if mount.writable else "--ro-bind"
        words += [kind, str(mount.source), mount.target]
    for device in plan.devices:
        words += ["--dev-bind", device, device]
    return words


def _inside(root: Path, path: str) -> Path:
    """Follow links as a program inside would: absolute ones start at the root."""
    todo = list(reversed(PurePosixPath(path).parts))
    here = root
    links = 0
    while todo:
        part = todo.pop()
        if part in ("/", ".."):
            here = root if part == "/" or here == root else here.parent
            continue
        if not (here / part).is_symlink():
            here = here / part
            continue
        links += 1
        if links > _MOST_LINKS:
            raise EngineError(f"the image's /{path} is a circle of links")
        todo += reversed(PurePosixPath((here / part).readlink()).parts)
    return here


# What this machine allows


def _check_machine(image: Image) -> None:
    machine = platform.machine().lower()
    if sys.platform == "linux" and machine in _MACHINES.get(image.platform, ()):
        return
    raise EngineError(
        f"the sandbox cannot run {image.name} for {image.platform} on this machine "
        f"({sys.platform}, {machine})",
        hint="build for this machine's platform, or run the image with Docker or "
        "Podman, which can emulate another",
    )


def _try(image: Image, root: Path) -> None:
    """Start an empty sandbox, so that a refusal is not taken for the program's own."""
    words = [
        *(*_tools(image, root).bwrap, "--unshare-user", "--unshare-pid"),
        *(*_root_words(root), "--", "/usr/bin/env", "-u", "_"),
    ]
    result = proc.capture(words, env={})
    if result.code:
        raise _refusal(result.stderr.strip())


def _refusal(told: str, host: Path = Path("/")) -> EngineError:
    kernel = host / "proc/sys"
    docker = "or run the image with Docker or Podman"
    if _setting(kernel / "user/max_user_namespaces") == "0":
        why = "user namespaces are switched off (user.max_user_namespaces = 0)"
        hint = f"ask for `sysctl user.max_user_namespaces=15000`, {docker}"
    elif _setting(kernel / "kernel/unprivileged_userns_clone") == "0":
        why = "ordinary users may not make user namespaces"
        hint = f"ask for `sysctl kernel.unprivileged_userns_clone=1`, {docker}"
    elif _setting(kernel / "kernel/apparmor_restrict_unprivileged_userns") == "1":
        why = "AppArmor does not let ordinary programs make user namespaces"
        hint = (
            "ask for `sysctl kernel.apparmor_restrict_unprivileged_userns=0`, " + docker
        )
    elif (host / ".dockerenv").exists() or (host / "run/.containerenv").exists():
        why = "this is already a container, which may not make another inside"
        hint = (
            "start the outer one with `--security-opt seccomp=unconfined "
            "--security-opt systempaths=unconfined`, or run firstlight on the host"
        )
    else:
        why, hint = "bubblewrap could not set it up", f"see its message above, {docker}"
    return EngineError(f"the sandbox cannot start: {why}: {told}", hint=hint)


def _setting(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
