"""What an image says about itself: name, labels, environment, configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from firstlight.digest import Digest
from firstlight.lock.lockfile import Lock, PlatformLock, lock_digest
from firstlight.oci import model
from firstlight.oci.model import Image, Layer
from firstlight.pack.entry import VENV
from firstlight.pack.start import ENTRY_POINT, starts

__all__ = ["image_name", "describe"]


def image_name(lock: Lock, part: PlatformLock) -> str:
    """Return a name that says what is inside: ``pytorch2.7.1-cuda12.6-python3.11``."""
    stack = part.stack
    if not stack.torch:
        return f"python{lock.python}"
    torch = stack.torch.partition("+")[0]
    cuda = f"cuda{stack.cuda}" if stack.cuda else "cpu"
    return f"pytorch{torch}-{cuda}-python{lock.python}"


def describe(
    lock: Lock,
    part: PlatformLock,
    layers: Sequence[Layer],
    put: Callable[[bytes], Digest],
) -> Image:
    """Write configuration and manifest of the image; `put` stores or only hashes."""
    name = image_name(lock, part)
    labels = _labels(lock, part, name)
    environment = _environment(lock, part)
    settings = model.Settings(environment=environment, labels=labels)
    if starts(lock.profile):
        # Root only until our program has seen whose work this is, and become them.
        settings = replace(settings, entry_point=ENTRY_POINT, user="")
    config = model.config_json(part.platform, layers, settings)
    identity = put(config)
    manifest = put(model.manifest_json((identity, len(config)), layers, labels))
    return Image(
        name=name,
        platform=part.platform,
        id=identity,
        manifest=manifest,
        layers=tuple(layers),
    )


def _labels(lock: Lock, part: PlatformLock, name: str) -> dict[str, str]:
    stack = part.stack
    labels = {
        "org.opencontainers.image.title": lock.name,
        "org.opencontainers.image.version": name,
        "org.opencontainers.image.created": model.EPOCH,
        "org.opencontainers.image.source": lock.source,
        "org.firstlight.torch": stack.torch,
        "org.firstlight.cuda": stack.cuda,
        "org.firstlight.cudnn": stack.cudnn,
        "org.firstlight.nccl": stack.nccl,
        "org.firstlight.gpus": " ".join(stack.architectures),
        "org.firstlight.python": lock.python,
        "org.firstlight.os": lock.suite,
        "org.firstlight.lock": lock_digest(lock),
        "org.firstlight.format": str(lock.format),
    }
    return {key: value for key, value in sorted(labels.items()) if value}


def _environment(lock: Lock, part: PlatformLock) -> tuple[tuple[str, str], ...]:
    folders = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    values = {
        "PATH": f"/{VENV}/bin:{folders}",
        "VIRTUAL_ENV": f"/{VENV}",
        "LANG": "C.UTF-8",
        # The image carries no .pyc files; this is where they are kept, outside it.
        "PYTHONPYCACHEPREFIX": "/home/user/.cache/pycache",
    }
    if part.stack.cuda:
        values["NVIDIA_VISIBLE_DEVICES"] = "all"
        values["NVIDIA_DRIVER_CAPABILITIES"] = "compute,utility"
    values.update(lock.environment)
    return tuple(values.items())
