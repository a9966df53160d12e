"""Podman, as root or rootless: no daemon, and whoever runs it is who owns the files."""

from __future__ import annotations

import json
import platform
import re
import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from firstlight import proc
from firstlight.engine import cdi
from firstlight.engine.containers import Containers
from firstlight.engine.gpu import FOLDER, find_gpus, names_of
from firstlight.oci.model import Image
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["PODMAN", "gpu_words"]

_FIRST_WITH_CDI = (4, 1)
_CDI_FOLDERS = ("etc/cdi", "var/run/cdi")


@cache
def _info() -> dict[str, Any]:
    done = proc.capture(["podman", "info", "--format", "json"])
    try:
        found = json.loads(done.stdout)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _trouble() -> str:
    if not shutil.which("podman"):
        return "podman is not installed"
    if not _info():
        told = proc.capture(["podman", "info"]).stderr.strip().splitlines()
        return told[-1] if told else "`podman info` fails"
    return ""


def _load(image: Image, store: Store, progress: Progress) -> None:
    """Let Podman read a layout; it copies only the layers that it has not."""
    # Imported only now: what runs in the sandbox needs no archive.
    from firstlight.oci import archive

    archive.load("podman", image, store, progress)


def gpu_words(
    gpus: str, info: Mapping[str, Any], host: Path = Path("/")
) -> tuple[str, ...]:
    """Return the options that pass GPUs: by CDI, or else each file of them.

    Raises:
        EngineError: when one of the GPUs is not there.
    """
    if not gpus:
        return ()
    if _version(info) >= _FIRST_WITH_CDI:
        known = cdi.read_devices(host, folders=_CDI_FOLDERS, endings=cdi.ENDINGS)
        spelled = cdi.pick(names_of(gpus), known)
        if spelled:
            return tuple(w for n in spelled for w in ("--device", f"{cdi.KIND}={n}"))
    found = find_gpus(gpus, host=host)
    words = [
        *(("--device", f"{each.source}:{each.target}") for each in found.devices),
        *(("--volume", f"{e.source}:{_usual(e.target)}:ro") for e in found.mounts),
        *(("--env", f"{name}={value}") for name, value in found.environment),
    ]
    return tuple(word for pair in words for word in pair)


def _gpu_words(gpus: str) -> Sequence[str]:
    return gpu_words(gpus, _info() if gpus else {})


def _version(info: Mapping[str, Any]) -> tuple[int, ...]:
    text = str((info.get("version") or {}).get("Version", ""))
    return tuple(int(number) for number in re.findall(r"\d+", text)[:2])


def _usual(target: str) -> str:
    """Where loader and shell look unasked: a container's root is its own to change.

    So the paths in the image's environment, which we do not know here, can stay.
    """
    libraries = f"/usr/lib/{platform.machine()}-linux-gnu/"
    places = {f"{FOLDER}/lib64/": libraries, f"{FOLDER}/bin/": "/usr/bin/"}
    for ours, usual in places.items():
        target = target.replace(ours, usual)
    return target


def _is_rootless() -> bool:
    return bool(_info().get("host", {}).get("security", {}).get("rootless"))


def _inner_user(user: tuple[int, int]) -> tuple[int, int]:
    return user


def _user_words(user: tuple[int, int]) -> Sequence[str]:
    words = ("--user", f"{user[0]}:{user[1]}")
    return ("--userns", "keep-id", *words) if _is_rootless() else words


PODMAN = Containers(
    name="podman",
    trouble=_trouble,
    loader=_load,
    gpu_words=_gpu_words,
    inner_user=_inner_user,
    user_words=_user_words,
    is_rootless=_is_rootless,
)
