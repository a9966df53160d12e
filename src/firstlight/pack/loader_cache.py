"""``/etc/ld.so.cache`` as ldconfig would write it, from what packages say they install.

The format is glibc's second one (``glibc-ld.so.cache1.1``), read by every glibc since
2.2: a header, entries sorted so that the loader can search by halves, and the names.
"""

from __future__ import annotations

import posixpath
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from firstlight.pack.elf import Library
from firstlight.pack.entry import Bytes, Entry, Kind
from firstlight.pack.tree import Tree

__all__ = ["loader_entries", "find_libraries", "library_folders", "Found"]

_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER = struct.Struct("<20sIIB3xI12x")
_ENTRY = struct.Struct("<iIIIQ")
_LITTLE_ENDIAN = 2
_FLAGS = {62: 0x0303, 183: 0x0A03}
"""What the loader calls a 64-bit library of glibc on each machine."""

_BUILT_IN = ("lib", "usr/lib")
_NAMED = re.compile(r"(lib|ld-).*\.so(\.|\Z)")
_PIECES = re.compile(r"\d+|\D")


@dataclass(frozen=True, slots=True)
class Found:
    """A library the loader can find: its name, and the absolute path under it.

    `file` is the name of the real file beside it, which a missing link would point to.
    """

    soname: str
    path: str
    file: str


def loader_entries(
    tree: Tree, libraries: Mapping[str, Library], machine: int
) -> Iterator[Entry]:
    """Yield the cache, and links for libraries that lack one of their own name."""
    found = find_libraries(tree, libraries, machine)
    for each in found:
        path = tree.real_path(each.path)
        if path not in tree:
            yield Entry(path=path, kind=Kind.SYMLINK, mode=0o777, link=each.file)
    data = _cache(found, _FLAGS[machine])
    yield Entry(path="etc/ld.so.cache", size=len(data), content=Bytes(data))


def find_libraries(
    tree: Tree, libraries: Mapping[str, Library], machine: int
) -> list[Found]:
    """Return what the cache holds, in its order; of equal names the first folder's."""
    best: dict[tuple[str, int], Found] = {}
    for rank, folder in enumerate(library_folders(tree)):
        for each in _in_folder(folder, tree, libraries, machine):
            best[each.soname, rank] = each
    names = sorted(best, key=lambda key: (_order(key[0]), -key[1]), reverse=True)
    return [best[name] for name in names]


def library_folders(tree: Tree) -> list[str]:
    """Return the folders ldconfig would look in, each once, by its first name."""
    written = _configured("etc/ld.so.conf", tree, depth=0)
    folders: dict[str, str] = {}
    for folder in [*written, *_BUILT_IN]:
        plain = folder.strip("/")
        folders.setdefault(tree.real_path(plain), plain)
    return list(folders.values())


def _configured(path: str, tree: Tree, depth: int) -> Iterator[str]:
    if depth > 4:
        return
    for line in tree.text(path).decode("utf-8", "replace").splitlines():
        words = line.partition("#")[0].split()
        if words[:1] == ["include"]:
            for pattern in words[1:]:
                for name in tree.glob(pattern.strip("/")):
                    yield from _configured(name, tree, depth + 1)
        elif words:
            yield words[0]


def _in_folder(
    folder: str, tree: Tree, libraries: Mapping[str, Library], machine: int
) -> Iterator[Found]:
    """The libraries of one folder; of those with one name the newest file wins."""
    found: dict[str, str] = {}
    for name in tree.names(tree.real_path(folder)):
        if not _NAMED.match(name):
            continue
        real = tree.real_path(f"{folder}/{name}")
        library = libraries.get(real)
        if library is None or library.machine != machine:
            continue
        soname = library.soname or name
        # The link that linkers use, libfoo.so, is found under its own name as well.
        if real != f"{tree.real_path(folder)}/{name}" and name.endswith(".so"):
            soname = name if soname.startswith(name) else soname
        if _is_better(name, found.get(soname), soname):
            found[soname] = name
    for soname, name in found.items():
        yield Found(soname, f"/{folder}/{soname}", name)


def _is_better(name: str, than: str | None, soname: str) -> bool:
    if than is None or name == soname:
        return True
    return than != soname and _order(name) > _order(than)


def _order(name: str) -> list[tuple[int, int]]:
    """A key by which glibc's loader compares names: numbers by value, after letters."""
    return [
        (1, int(piece)) if piece.isdigit() else (0, ord(piece))
        for piece in _PIECES.findall(name)
    ] + [(-1, 0)]


def _cache(found: Sequence[Found], flags: int) -> bytes:
    start = _HEADER.size + _ENTRY.size * len(found)
    strings = bytearray()
    entries = bytearray()
    for each in found:
        value = start + len(strings)
        key = value + len(posixpath.dirname(each.path)) + 1
        strings += each.path.encode() + b"\0"
        entries += _ENTRY.pack(flags, key, value, 0, 0)
    header = _HEADER.pack(_MAGIC, len(found), len(strings), _LITTLE_ENDIAN, 0)
    return header + bytes(entries) + bytes(strings)
