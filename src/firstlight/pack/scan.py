"""What the system files are made from: one pass over a package's files, as plain JSON.

A scan depends on nothing but the package's bytes, so it can be kept by their digest.
"""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from firstlight.errors import ArtefactError
from firstlight.pack.deb import placed_entries, read_control
from firstlight.pack.elf import Library, read_library
from firstlight.pack.entry import Entry, Kind, Stream

__all__ = ["Node", "Scan", "scan", "scan_to_json", "scan_from_json"]

_TEXTS = (
    "etc/ld.so.conf",
    "etc/skel/",
    "usr/lib/sysusers.d/",
    "usr/share/adduser/adduser.conf",
    "usr/share/base-files/",
    "usr/share/base-passwd/",
    "usr/share/ca-certificates/",
    "usr/share/debianutils/shells",
    "usr/share/libc-bin/nsswitch.conf",
    "usr/share/openssh/sshd_config",
    "usr/share/pam-configs/",
    "usr/share/pam/common-",
    "usr/share/readline/inputrc",
)
"""Files whose content becomes part of a system file; all are small."""

_MOST_TEXT = 1 << 20
_IN_MEMORY = 8 << 20


@dataclass(frozen=True, slots=True)
class Node:
    """One path a package installs: its kind and, for links, where it points."""

    kind: Kind
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What one package installs.

    `listed` are its names as dpkg lists them (``/bin/bash``), `nodes` what is where in
    the image, `libraries` the shared libraries among them, `conffiles` the MD5 of each
    configuration file by listed name, `texts` the files that `_TEXTS` names.
    """

    listed: tuple[str, ...]
    nodes: Mapping[str, Node]
    libraries: Mapping[str, Library]
    conffiles: Mapping[str, str]
    texts: Mapping[str, bytes]


def scan(path: Path, *, filename: str) -> Scan:
    """Read a package once from front to back.

    Raises:
        ArtefactError: when the package is not sound.
    """
    conffiles = set(read_control(path, filename=filename).conffiles)
    listed: list[str] = []
    nodes: dict[str, Node] = {}
    libraries: dict[str, Library] = {}
    sums: dict[str, str] = {}
    texts: dict[str, bytes] = {}
    for name, entry in placed_entries(path, filename=filename):
        listed.append(_listed(name))
        if entry is None:
            continue
        nodes[entry.path] = Node(entry.kind, entry.link)
        if entry.kind is not Kind.FILE:
            continue
        if entry.path.startswith(_TEXTS):
            texts[entry.path] = _text(entry, filename)
        elif _is_library(entry.path):
            library = _library(entry)
            if library is not None:
                libraries[entry.path] = library
        if listed[-1] in conffiles:
            sums[listed[-1]] = _md5(entry, texts.get(entry.path))
    return Scan(
        listed=tuple(listed),
        nodes=nodes,
        libraries=libraries,
        conffiles=sums,
        texts=texts,
    )


def scan_to_json(value: Scan) -> dict[str, Any]:
    """Return the scan as a value `json.dumps` takes."""
    return {
        "listed": list(value.listed),
        "nodes": {path: [node.kind, node.link] for path, node in value.nodes.items()},
        "libraries": {path: asdict(each) for path, each in value.libraries.items()},
        "conffiles": dict(value.conffiles),
        "texts": {
            path: base64.b64encode(data).decode() for path, data in value.texts.items()
        },
    }


def scan_from_json(value: Any) -> Scan | None:
    """Return what `scan_to_json` gave, or None when the value is something else."""
    try:
        nodes = value["nodes"].items()
        return Scan(
            listed=tuple(value["listed"]),
            nodes={path: Node(Kind(kind), link) for path, (kind, link) in nodes},
            libraries={
                path: Library(**each) for path, each in value["libraries"].items()
            },
            conffiles=dict(value["conffiles"]),
            texts={
                path: base64.b64decode(text) for path, text in value["texts"].items()
            },
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _listed(name: str) -> str:
    """The name in dpkg's spelling: ``./usr/bin/`` is ``/usr/bin``, the root ``/.``."""
    return "/" + (name.removeprefix("./").strip("/") or ".")


def _is_library(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    named = name.startswith(("lib", "ld-")) and ".so" in name
    return named and folder.startswith(("usr/lib", "usr/local/lib", "opt/"))


def _open(entry: Entry) -> BinaryIO:
    assert isinstance(entry.content, Stream)
    return entry.content.open()


def _text(entry: Entry, filename: str) -> bytes:
    if entry.size > _MOST_TEXT:
        raise ArtefactError(f"{filename}: {entry.path} is far too large for what it is")
    return _open(entry).read(entry.size)


def _md5(entry: Entry, text: bytes | None) -> str:
    digest = hashlib.md5(text or b"", usedforsecurity=False)
    if text is None:
        stream = _open(entry)
        while data := stream.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()


def _library(entry: Entry) -> Library | None:
    """What the loader asks of a library; large ones wait on disk, not in memory."""
    stream = _open(entry)
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        while data := stream.read(1 << 20):
            file.write(data)
        return read_library(cast(BinaryIO, file), entry.size)
