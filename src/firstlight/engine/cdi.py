"""Container Device Interface: what its vendor says a container needs for a device.

Specifications are files in JSON or YAML (`nvidia-ctk cdi generate` writes YAML). What a
later folder says of a device counts more than what an earlier one says; two files of
one folder that name the same device cancel out, as they do for Docker and Podman. A
file that is damaged, or speaks of another kind of device, is passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firstlight.engine.base import Mount

__all__ = ["ENDINGS", "FOLDERS", "KIND", "Device", "Edits", "pick", "read_devices"]

KIND = "nvidia.com/gpu"
FOLDERS = ("etc/cdi", "var/run/cdi", "run/cdi")
ENDINGS = (".json", ".yaml")
"""How files are called that Docker and Podman read; the sandbox takes ``.yml`` too."""

_MOST_BYTES = 1 << 20
_COUNTED = re.compile(r"(gpu)?\d+|(mig)?\d+:\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edits:
    """What is added to a container: device files, mounts, variables.

    `links` are pairs of what a symbolic link says and where it lies, which the vendor's
    own program would make in a container.
    """

    nodes: tuple[Mount, ...] = ()
    mounts: tuple[Mount, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device by the name its specification gives it.

    `own` comes with this device, `shared` with any of the specification's devices.
    """

    name: str
    own: Edits
    shared: Edits


def read_devices(
    host: Path = Path("/"),
    *,
    folders: Sequence[str] = FOLDERS,
    endings: Collection[str] = (*ENDINGS, ".yml"),
) -> dict[str, Device]:
    """Return the NVIDIA GPUs that the specifications of a machine name.

    Args:
        host: The root of the machine looked at; files are named below it.
    """
    found: dict[str, Device] = {}
    twice: set[str] = set()
    for folder in _distinct(host, folders):
        here: dict[str, Device] = {}
        for path in _files(folder, endings):
            for device in _read(path, host):
                if device.name in here:
                    twice.add(device.name)
                here[device.name] = device
        found |= here
    return {name: device for name, device in found.items() if name not in twice}


def pick(names: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """Return how a specification spells the wanted GPUs; empty when one is missing.

    No names mean all there are. Older specifications say ``gpu0`` and ``mig0:1``, newer
    ones ``0`` and ``0:1``; many have an ``all``, and the UUIDs of the same devices.
    """
    if not names:
        counted = [name for name in known if _COUNTED.fullmatch(name)]
        return ("all",) if "all" in known else tuple(sorted(counted, key=_numbers))
    spelled = [
        next((each for each in (name, f"gpu{name}", f"mig{name}") if each in known), "")
        for name in names
    ]
    return tuple(spelled) if all(spelled) else ()


def _numbers(name: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", name)]


# Files


def _distinct(host: Path, folders: Sequence[str]) -> list[Path]:
    """Each folder once: ``/var/run`` is a link to ``/run`` almost everywhere."""
    found: dict[Path, Path] = {}
    for name in folders:
        folder = host / name.lstrip("/")
        try:
            found.setdefault(folder.resolve(), folder)
        except (OSError, RuntimeError):
            continue  # A circle of links.
    return list(found.values())


def _files(folder: Path, endings: Collection[str]) -> list[Path]:
    try:
        return sorted(
            path
            for path in folder.iterdir()
            if path.suffix in endings
            and path.is_file()
            and path.stat().st_size <= _MOST_BYTES
        )
    except OSError:
        return []


def _read(path: Path, host: Path) -> list[Device]:
    try:
        spec = _table(_load(path))
        if spec["kind"] != KIND:
            return []
        shared = _edits(spec.get("containerEdits", {}), host)
        devices = [_device(each, shared, host) for each in _list(spec["devices"])]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    # To name a device twice makes a file useless as a whole.
    return devices if len({each.name for each in devices}) == len(devices) else []


def _load(path: Path) -> object:
    data = path.read_bytes()
    if path.suffix == ".json":
        return json.loads(data)
    import yaml

    try:
        # This loader makes text, lists and tables and nothing else, so that 1:0 stays a
        # name. Its twin in C is faster, and crashes when brackets are nested deeply.
        return yaml.load(data, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


# Fields


def _device(value: object, shared: Edits, host: Path) -> Device:
    table = _table(value)
    own = _edits(table["containerEdits"], host)
    if own == Edits():
        raise ValueError("a device without edits")
    return Device(name=_text(table["name"]), own=own, shared=shared)


def _edits(value: object, host: Path) -> Edits:
    table = _table(value)
    return Edits(
        nodes=tuple(_node(each, host) for each in _list(table.get("deviceNodes"))),
        mounts=tuple(_mount(each, host) for each in _list(table.get("mounts"))),
        environment=tuple(_variable(each) for each in _list(table.get("env"))),
        links=tuple(
            link for hook in _list(table.get("hooks")) for link in _links(_table(hook))
        ),
    )


def _node(value: object, host: Path) -> Mount:
    table = _table(value)
    target = _path(table["path"])
    source = _path(table.get("hostPath") or target)
    return Mount(source=host / source.lstrip("/"), target=target, writable=True)


def _mount(value: object, host: Path) -> Mount:
    table = _table(value)
    options = [_text(each) for each in _list(table.get("options"))]
    return Mount(
        source=host / _path(table["hostPath"]).lstrip("/"),
        target=_path(table["containerPath"]),
        writable="ro" not in options,
    )


def _variable(value: object) -> tuple[str, str]:
    name, sign, content = _text(value).partition("=")
    if not name or not sign:
        raise ValueError("a variable is NAME=VALUE")
    return name, content


def _links(hook: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """``create-symlinks --link TARGET::PATH``; other hooks are not ours to follow."""
    words = [_text(each) for each in _list(hook.get("args"))]
    if "create-symlinks" not in words:
        return
    for option, value in zip(words, [*words[1:], ""], strict=True):
        text = value if option == "--link" else option.removeprefix("--link=")
        target, colons, link = text.partition("::")
        if colons and option.startswith("--link"):
            yield target, _path(link)


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not a table")
    return value


def _list(value: object) -> list[object]:
    if value is None or value == "":  # As YAML without types reads a missing value.
        return []
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value


def _text(value: object) -> str:
    """No null byte and no half of a character reaches the file system."""
    if not isinstance(value, str) or not value.isprintable():
        raise TypeError("not a line of text")
    return value


def _path(value: object) -> str:
    path = _text(value)
    if not path.startswith("/"):
        raise ValueError("not an absolute path")
    return path
