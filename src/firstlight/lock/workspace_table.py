"""How an image is run: the ``[workspace]`` of a spec, unknown to the image itself.

What stands here never makes a lock stale. The command line uses the same checks.
"""

from __future__ import annotations

import math
import posixpath
from dataclasses import dataclass, replace

from firstlight.fields import Fields, shown

__all__ = [
    "ENGINES",
    "GPUS",
    "GPUS_MEANT",
    "SERVERS",
    "SIZE",
    "SIZES",
    "Bind",
    "Workspace",
    "parse_bind",
    "read_workspace",
]

ENGINES = ("auto", "sandbox", "docker", "podman")
SERVERS = ("jupyter", "ssh")
SIZE = r"[1-9]\d*[kmgt]?b?"
SIZES = "a size such as 512m or 8g"
_IPC = ("private", "shareable", "host")
_GPU = r"((gpu)?\d+|(mig)?\d+:\d+|(GPU|MIG)-[0-9A-Za-z/-]+)"
GPUS = rf"auto|all|none|{_GPU}(,{_GPU})*"
GPUS_MEANT = (
    "auto, all, none, or indices such as 0,1, parts of a GPU (MIG) such as 0:1, or "
    "UUIDs as `nvidia-smi -L` shows them"
)
_MOST = 65535

# What firstlight and the engines lay there themselves, or start.
_OURS = (
    *("/workspace", "/home/user", "/run/firstlight", "/usr/bin"),
    *("/etc/passwd", "/etc/resolv.conf"),
)
_CLOSED = ("/proc", "/sys", "/dev", "/run/firstlight")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """A file or folder of the host that appears at `target`.

    `source` is as it was written: relative to whoever wrote it, and perhaps not there.
    `where` is who wrote it, as findings show it.
    """

    source: str
    target: str
    writable: bool = True
    where: str = ""

    @property
    def line(self) -> str:
        """How it is written."""
        return f"{self.source}:{self.target}{'' if self.writable else ':ro'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """How the image is run: by which engine, with what of the host, how bounded.

    `ports` has only the servers that were named; 0 leaves one out. Sizes are like
    ``8g``; an empty or zero bound is none. `shm` is the size of ``/dev/shm``, through
    which data loaders hand over tensors: the 64 MB that Docker gives break them.
    """

    engine: str = "auto"
    gpus: str = "auto"
    ports: tuple[tuple[str, int], ...] = ()
    shm: str = "8g"
    memory: str = ""
    cpus: float = 0
    pids: int = 0
    ipc: str = ""
    mounts: tuple[Bind, ...] = ()


def read_workspace(fields: Fields) -> Workspace:
    """Read the table; what is wrong with it goes to the findings."""
    least = Workspace()
    found = Workspace(
        engine=fields.choice("engine", ENGINES, least.engine),
        gpus=fields.text("gpus", least.gpus, pattern=GPUS, allowed=GPUS_MEANT),
        ports=_ports(fields.inner("ports")),
        shm=_size(fields, "shm", least.shm),
        memory=_size(fields, "memory", least.memory),
        cpus=_cpus(fields),
        pids=fields.number("pids", least.pids),
        ipc=fields.choice("ipc", _IPC, least.ipc),
        mounts=_mounts(fields),
    )
    fields.end()
    return found


def parse_bind(text: str) -> Bind:
    """Return the value of ``SOURCE:TARGET`` or ``SOURCE:TARGET:ro``.

    Raises:
        ValueError: with a sentence, when it is none.
    """
    source, _, target = text.removesuffix(":ro").rpartition(":")
    if not source.strip() or not target.startswith("/") or not text.isprintable():
        raise ValueError(
            f"found {shown(text)}, allowed is SOURCE:TARGET or SOURCE:TARGET:ro with "
            "a TARGET that starts with /"
        )
    target = posixpath.normpath("/" + target.lstrip("/"))
    reason = _reason(target)
    if reason:
        raise ValueError(f"found {shown(text)}, but {reason}")
    return Bind(source=source, target=target, writable=not text.endswith(":ro"))


def _reason(target: str) -> str:
    """Why nothing can be mounted there; empty when it can."""
    for closed in _CLOSED:
        if target == closed or target.startswith(f"{closed}/"):
            return f"nothing can be mounted in {closed}"
    for ours in _OURS:
        if target == ours:
            return f"firstlight itself needs {ours}"
        if target == "/" or ours.startswith(f"{target}/"):
            return f"a mount at {target} would hide {ours}"
    return ""


def _ports(fields: Fields) -> tuple[tuple[str, int], ...]:
    pairs = []
    for name in SERVERS:
        port = fields.value(name, int)
        if port is None:
            continue
        if 0 <= port <= _MOST:
            pairs.append((name, int(port)))
        else:
            fields.problem(
                name,
                f"found {port}, allowed is a port up to {_MOST}, or 0 to leave the "
                "server out",
            )
    fields.end()
    return tuple(pairs)


def _size(fields: Fields, key: str, default: str) -> str:
    found = fields.text(key, default, pattern=rf"(?i){SIZE}", allowed=SIZES)
    return found.lower()


def _cpus(fields: Fields) -> float:
    found = fields.value("cpus", int, float)
    if found is None:
        return 0
    if not math.isfinite(found) or found <= 0:
        fields.problem("cpus", f"found {found}, allowed is a number above 0")
        return 0
    return float(found)


def _mounts(fields: Fields) -> tuple[Bind, ...]:
    found: dict[str, Bind] = {}
    for position, text in enumerate(fields.value("mounts", list) or ()):
        key = f"mounts[{position}]"
        if not isinstance(text, str):
            fields.problem(
                key, f"found {shown(text)}, allowed is a string", kind="type"
            )
            continue
        try:
            bind = parse_bind(text)
        except ValueError as error:
            fields.problem(key, str(error))
            continue
        twin = found.setdefault(bind.target, replace(bind, where=fields.where(key)))
        if twin.where != fields.where(key):
            fields.problem(key, f'"{twin.line}" is mounted at {bind.target} already')
    return tuple(found.values())
