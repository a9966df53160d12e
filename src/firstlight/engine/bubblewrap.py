"""The words that start bubblewrap out of an image, through the image's own loader.

The host needs nothing but a kernel with user namespaces::

    ROOT/lib64/ld-linux-x86-64.so.2 --library-path ROOT/usr/lib/x86_64-linux-gnu
        ROOT/usr/bin/bwrap --ro-bind ROOT / --bind PROJECT /workspace … -- COMMAND
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from firstlight import proc
from firstlight.engine import gpu
from firstlight.engine.base import ContainerPlan, Mount
from firstlight.engine.mountpoints import follow, lay_out
from firstlight.errors import EngineError
from firstlight.oci.model import Image

__all__ = [
    "LOADERS",
    "attempt",
    "check_machine",
    "forbidden",
    "program",
    "refusal",
    "words",
]

LOADERS = {
    "linux/amd64": ("lib64/ld-linux-x86-64.so.2", "x86_64-linux-gnu"),
    "linux/arm64": ("lib/ld-linux-aarch64.so.1", "aarch64-linux-gnu"),
}
_SYSTEM = (
    *("--proc", "/proc", "--dev", "/dev", "--ro-bind-try", "/sys", "/sys"),
    *("--tmpfs", "/tmp", "--tmpfs", "/run"),
)
_MACHINES = {"linux/amd64": ("x86_64", "amd64"), "linux/arm64": ("aarch64", "arm64")}


def words(
    plan: ContainerPlan,
    root: Path,
    environment: Sequence[tuple[str, str]],
    *,
    top: Path | None = None,
    marks: Sequence[tuple[str, str]] = (),
) -> list[str]:
    """Return the command that runs a plan on an unpacked root.

    Args:
        environment: Variables that must not reach bubblewrap itself, set inside.
        top: What is mounted as the root, writable, instead of `root`.
        marks: Variables by which the process is known on its command line; a plan with
            marks lives on when its caller ends.
    """
    inside = [word for item in (*marks, *environment) for word in ("--setenv", *item)]
    laid = lay_out(root, plan.mounts, top=top)
    return [
        # An interrupt is for the program inside: were bwrap to die of it, the program
        # would be killed before it could end in its own way.
        *(*program(root, "usr/bin/env"), "--ignore-signal=INT"),
        *program(root, "usr/bin/bwrap"),
        *inside,
        *_namespace_words(plan),
        *([] if marks else ["--die-with-parent"]),
        *(*laid.before, *_SYSTEM),
        *_mount_words(laid.mounts, plan.devices),
        *laid.after,
        *("--chdir", plan.folder, "--"),
        *("/usr/bin/env", "--default-signal=INT", *plan.command),
    ]


def program(root: Path, path: str) -> tuple[str, ...]:
    """Return the words that start a program of an unpacked image on the host.

    Raises:
        EngineError: when the image has no such program.
    """
    machine = platform.machine().lower()
    here = [key for key, names in _MACHINES.items() if machine in names]
    loader_path, triplet = LOADERS[here[0] if here else "linux/amd64"]
    loader, found = follow(root, loader_path), follow(root, path)
    folders = [root / "usr/lib" / triplet, root / "lib" / triplet]
    libraries = ":".join(str(folder) for folder in folders if folder.is_dir())
    for each in (loader, found):
        if not proc.is_executable(each):
            raise EngineError(
                "the image cannot run in the sandbox: it has no "
                f"/{each.relative_to(root)}",
                hint='add system = ["bubblewrap"] to firstlight.toml and build '
                "again, or run the image with Docker or Podman",
            )
    return (str(loader), "--library-path", libraries, str(found))


def _namespace_words(plan: ContainerPlan) -> list[str]:
    words = ["--unshare-user", "--uid", "1000", "--gid", "1000", "--unshare-pid"]
    words += ["--cap-drop", "ALL"]
    if not plan.network:
        words.append("--unshare-net")
    if not plan.terminal:
        # A session of its own has no terminal to type into. With a person at one it
        # would also take away Ctrl-C and job control, so there it is left out.
        words.append("--new-session")
    return words


def _mount_words(mounts: Sequence[Mount], devices: Sequence[Mount]) -> list[str]:
    words: list[str] = []
    if any(mount.target.startswith(f"{gpu.FOLDER}/") for mount in mounts):
        words += ["--tmpfs", gpu.FOLDER]
    for mount in mounts:
        kind = "--bind" if mount.writable else "--ro-bind"
        words += [kind, str(mount.source), mount.target]
    for device in devices:
        words += ["--dev-bind", str(device.source), device.target]
    return words


# What this machine allows


def check_machine(image: Image) -> None:
    """Refuse an image for another kind of machine."""
    machine = platform.machine().lower()
    if sys.platform == "linux" and machine in _MACHINES.get(image.platform, ()):
        return
    raise EngineError(
        f"the sandbox cannot run {image.name} for {image.platform} on this machine "
        f"({sys.platform}, {machine})",
        hint="build for this machine's platform, or run the image with Docker or "
        "Podman, which can emulate another",
    )


def attempt(root: Path) -> None:
    """Start an empty sandbox, so that a refusal is not taken for the program's own."""
    words = [
        *(*program(root, "usr/bin/bwrap"), "--unshare-user", "--unshare-pid"),
        *("--ro-bind", str(root), "/", *_SYSTEM),
        *("--", "/usr/bin/env", "-u", "_"),
    ]
    result = proc.capture(words, env={})
    if result.code:
        raise refusal(result.stderr.strip())


def forbidden(host: Path = Path("/")) -> tuple[str, str]:
    """Return why the kernel's settings forbid sandboxes and what to ask for, or two "".

    A container that may not make another says nothing of it until one is tried.
    """
    kernel = host / "proc/sys"
    for path, value, why, ask in _FORBIDS:
        if _setting(kernel / path) == value:
            return why, f"ask for `sysctl {ask}`"
    return "", ""


_FORBIDS = (
    (
        *("user/max_user_namespaces", "0"),
        "user namespaces are switched off (user.max_user_namespaces = 0)",
        "user.max_user_namespaces=15000",
    ),
    (
        *("kernel/unprivileged_userns_clone", "0"),
        "ordinary users may not make user namespaces",
        "kernel.unprivileged_userns_clone=1",
    ),
    (
        *("kernel/apparmor_restrict_unprivileged_userns", "1"),
        "AppArmor does not let ordinary programs make user namespaces",
        "kernel.apparmor_restrict_unprivileged_userns=0",
    ),
)
_IN_CONTAINER = (
    "this is already a container, which may not make another inside",
    "start the outer one with `--security-opt seccomp=unconfined "
    "--security-opt systempaths=unconfined`",
)


def refusal(told: str, host: Path = Path("/")) -> EngineError:
    """Return the error that says why no sandbox can be made, and what to ask for."""
    why, ask = forbidden(host)
    if not why and any(
        (host / p).exists() for p in (".dockerenv", "run/.containerenv")
    ):
        why, ask = _IN_CONTAINER
    if not why:
        why, ask = "bubblewrap could not set it up", "see its message above"
    hint = f"{ask}, or run the image with Docker or Podman"
    return EngineError(f"the sandbox cannot start: {why}: {told}", hint=hint)


def _setting(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
