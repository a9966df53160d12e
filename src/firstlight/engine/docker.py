"""Docker Engine and Docker Desktop, with their contexts and ``DOCKER_HOST``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from firstlight import proc
from firstlight.engine import cdi
from firstlight.engine.containers import Containers, ask, has_image
from firstlight.engine.gpu import names_of
from firstlight.errors import EngineError
from firstlight.oci.model import Image
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["DOCKER", "gpu_words"]

_LOCAL = ("unix://", "npipe://", "fd://")
_PREFIX = f"{cdi.KIND}="
_WRITE_CDI = "`sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`"


@cache
def _info() -> dict[str, Any]:
    """What the daemon says of itself; empty when none answers."""
    done = proc.capture(["docker", "info", "--format", "{{json .}}"])
    try:
        found = json.loads(done.stdout)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and found.get("ServerVersion") else {}


def _trouble() -> str:
    if not shutil.which("docker"):
        return "docker is not installed"
    if not _info():
        told = proc.capture(["docker", "version"]).stderr.strip().splitlines()
        return told[-1] if told else "its daemon does not answer"
    where = proc.capture(
        ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    ).stdout.strip()
    if where and not where.startswith(_LOCAL):
        return f"it talks to {where}, where the folders of this machine are not"
    return ""


def _load(image: Image, store: Store, progress: Progress) -> None:
    """Let the daemon pull what it lacks; send it everything where it cannot reach us.

    The daemon of Docker Desktop, and a rootless one, has a loopback of its own.
    """
    # Imported only now: what runs in the sandbox needs no server and no archive.
    from firstlight.oci import archive
    from firstlight.oci.serve import serve

    with serve(image, store, progress) as served:
        done = proc.capture(["docker", "pull", "--quiet", served.reference])
        found = has_image("docker", image) if done.code == 0 else ""
        if found:
            ask("docker", "tag", found, f"{image.name}:latest")
            proc.capture(["docker", "image", "rm", "--no-prune", served.reference])
    if not found:
        archive.load("docker", image, store, progress)


def gpu_words(
    gpus: str, info: Mapping[str, Any], host: Path = Path("/")
) -> tuple[str, ...]:
    """Return the options that pass GPUs, by what the daemon says of itself.

    Raises:
        EngineError: when the daemon has no way to do it.
    """
    if not gpus:
        return ()
    names = names_of(gpus)
    known = _cdi_names(info, host)
    spelled = cdi.pick(names, known)
    if spelled:
        return tuple(w for n in spelled for w in ("--device", f"{cdi.KIND}={n}"))
    if _has_hook(info):
        # The value is a line of comma-separated values, so its own commas are quoted.
        return ("--gpus", f'"device={",".join(names)}"' if names else "all")
    if known:
        raise EngineError(
            f"docker has no GPU {gpus}: it knows {', '.join(sorted(known))}",
            hint=f"{_WRITE_CDI} writes anew which there are",
        )
    raise EngineError(
        "docker has no way to pass a GPU: it knows no CDI device, and NVIDIA's runtime "
        "is not set up",
        hint="install nvidia-container-toolkit, then run "
        "`sudo nvidia-ctk runtime configure` and restart Docker (from 28.2 on "
        f"{_WRITE_CDI} is enough); `--engine sandbox` needs neither",
    )


def _gpu_words(gpus: str) -> Sequence[str]:
    return gpu_words(gpus, _info() if gpus else {})


def _cdi_names(info: Mapping[str, Any], host: Path) -> frozenset[str]:
    """What the daemon found (from 28.2 on), or would find when it looks for it."""
    found = info.get("DiscoveredDevices") or ()
    listed = [str(each.get("ID", "")) for each in found if isinstance(each, dict)]
    names = {each.partition("=")[2] for each in listed if each.startswith(_PREFIX)}
    folders = [str(each) for each in info.get("CDISpecDirs") or ()]
    if not names and folders:
        names = set(cdi.read_devices(host, folders=folders, endings=cdi.ENDINGS))
    return frozenset(names)


def _has_hook(info: Mapping[str, Any]) -> bool:
    """Whether `--gpus` works: Docker looks for the program when its daemon starts."""
    return "nvidia" in (info.get("Runtimes") or ()) or bool(
        shutil.which("nvidia-container-runtime-hook")
    )


def _is_rootless() -> bool:
    return "name=rootless" in _info().get("SecurityOptions", ())


def _inner_user(user: tuple[int, int]) -> tuple[int, int]:
    return (0, 0) if _is_rootless() else user


def _user_words(user: tuple[int, int]) -> Sequence[str]:
    uid, gid = _inner_user(user)
    return ("--user", f"{uid}:{gid}")


DOCKER = Containers(
    name="docker",
    trouble=_trouble,
    loader=_load,
    gpu_words=_gpu_words,
    inner_user=_inner_user,
    user_words=_user_words,
    is_rootless=_is_rootless,
)
