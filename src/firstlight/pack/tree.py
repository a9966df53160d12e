"""The image's files as the packages leave them: what is where, links followed."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterable, Mapping, Sequence

from firstlight.errors import ArtefactError
from firstlight.pack.deb import in_usr
from firstlight.pack.entry import Kind
from firstlight.pack.scan import Node, Scan

__all__ = ["Tree"]

_MOST_LINKS = 40


class Tree:
    """All paths of all packages in one system, as if the layers lay on each other.

    Args:
        scans: Each package's name and scan, in the order their layers are laid.

    Raises:
        ArtefactError: when one package has a folder where another has a file or link,
            through which files would land elsewhere.
    """

    def __init__(self, scans: Iterable[tuple[str, Scan]]) -> None:
        self._nodes: dict[str, Node] = {}
        self._owners: dict[str, str] = {}
        self._texts: dict[str, bytes] = {}
        self._children: dict[str, set[str]] = {}
        for name, scan in scans:
            for path, node in scan.nodes.items():
                self._put(path, node, name)
            self._texts.update(scan.texts)

    def __contains__(self, path: str) -> bool:
        return path in self._nodes

    def exists(self, path: str) -> bool:
        """Whether an absolute or relative path leads to something, links followed."""
        return self.real_path(path) in self._nodes

    def text(self, path: str) -> bytes:
        """The content of a file that scans keep; empty when there is none."""
        return self._texts.get(path, b"")

    @property
    def texts(self) -> Mapping[str, bytes]:
        """All files whose content the scans keep."""
        return self._texts

    def owner(self, path: str) -> str:
        """The package that installs a path."""
        return self._owners.get(path, "")

    def names(self, folder: str) -> Sequence[str]:
        """What lies directly in a folder, sorted."""
        return sorted(self._children.get(folder, ()))

    def glob(self, pattern: str) -> Sequence[str]:
        """The paths that match a pattern whose last part has wild cards, sorted."""
        folder, _, last = pattern.rpartition("/")
        names = fnmatch.filter(self.names(self.real_path(folder)), last)
        return [f"{folder}/{name}" for name in sorted(names)]

    def real_path(self, path: str) -> str:
        """Follow links as the kernel would; what is missing stays as it is written."""
        todo = [part for part in path.split("/") if part not in ("", ".")][::-1]
        done = ""
        links = 0
        while todo:
            part = todo.pop()
            if part == "..":
                done = posixpath.dirname(done)
                continue
            here = in_usr(f"{done}/{part}".lstrip("/"))
            node = self._nodes.get(here)
            if node is None or node.kind is not Kind.SYMLINK or links > _MOST_LINKS:
                done = here
                continue
            links += 1
            if node.link.startswith("/"):
                done = ""
            todo += [each for each in node.link.split("/") if each not in ("", ".")][
                ::-1
            ]
        return done

    def _put(self, path: str, node: Node, owner: str) -> None:
        before = self._nodes.get(path)
        folder = Kind.DIRECTORY
        if before is not None and (before.kind is folder) != (node.kind is folder):
            raise ArtefactError(
                f"{self._owners[path]} and {owner} do not agree whether {path} is a "
                "folder",
                hint="these two packages cannot be in one image; leave one out",
            )
        self._nodes[path] = node
        self._owners[path] = owner
        parent, _, name = path.rpartition("/")
        self._children.setdefault(parent, set()).add(name)
