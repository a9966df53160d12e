"""The files that no package has but every system needs, made from the packages.

A pure function of the packages: what maintainer scripts would have made, a database
for dpkg, accounts, the loader's cache, trusted certificates, a place to work. Names of
archives' servers are not among them: whoever wants ``apt install`` inside writes or
mounts ``/etc/apt/sources.list.d`` with the mirror that is right for the place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from firstlight.errors import ArtefactError
from firstlight.lock.lockfile import Deb
from firstlight.pack.accounts import USER, account_entries
from firstlight.pack.alternatives import alternative_entries, link_entry
from firstlight.pack.certificates import certificate_entries
from firstlight.pack.deb import MERGED, read_control
from firstlight.pack.dpkg import Installed, database_entries, file_entry
from firstlight.pack.elf import Library
from firstlight.pack.entry import Entry, Kind
from firstlight.pack.loader_cache import loader_entries
from firstlight.pack.pam import pam_entries
from firstlight.pack.remedies import Folder, Remedy
from firstlight.pack.scan import Scan, scan
from firstlight.pack.scripts import Effects, effects
from firstlight.pack.tree import Tree

__all__ = ["system_entries", "Scanner"]

Scanner = Callable[[Deb, Path], Scan]
"""Gives the scan of a package: `firstlight.pack.scan.scan`, or one that remembers."""

_MACHINES = {"linux/amd64": 62, "linux/arm64": 183}
_ARCHITECTURES = {"linux/amd64": "amd64", "linux/arm64": "arm64"}
_ALWAYS_MERGED = ("bin", "sbin", "lib")
_HOME = USER.home.strip("/")
_FOLDERS = (
    Folder("dev"),
    Folder("proc", 0o555),
    Folder("sys", 0o555),
    Folder("boot"),
    Folder("home"),
    Folder("root", 0o700),
    Folder("run"),
    Folder("run/lock", 0o1777),
    Folder("tmp", 0o1777),
    Folder("usr/local"),
    Folder("var/tmp", 0o1777),
    Folder("var/cache/apt/archives/partial", 0o700),
    Folder("var/lib/apt/lists/partial", 0o700),
    Folder("workspace", 0o755, USER.uid, USER.gid),
    Folder(_HOME, 0o755, USER.uid, USER.gid),
)


def system_entries(
    debs: Sequence[tuple[Deb, Path]],
    *,
    platform: str,
    profile: str,
    suite: str,
    scanner: Scanner | None = None,
) -> list[Entry]:
    """Return the system's own files, sorted by path; equal packages give equal bytes.

    Args:
        profile: ``serve`` images get a database that only scanners read.
        suite: Named in errors.
        scanner: How to get a package's scan; every package is read when not given.

    Raises:
        ArtefactError: when a package is damaged, has scripts nobody has looked at, or
            two packages cannot stand together.
    """
    if platform not in _MACHINES:
        raise ArtefactError(f"there are no images of {suite} for {platform}")
    packages = _read(debs, scanner or _scan)
    tree = Tree((each.control.name, each.scan) for each in packages)
    found = [effects(each.control) for each in packages]
    entries = _Collected(tree)
    distroless = profile == "serve"
    entries.add(_top_level(tree))
    entries.add(_from_remedies(found, tree))
    choices = [choice for each in found for choice in each.alternatives]
    entries.add(alternative_entries(choices, tree, state=not distroless))
    entries.add(_accounts(found, tree))
    entries.add(certificate_entries(tree))
    entries.add(pam_entries(tree))
    entries.add(loader_entries(tree, _libraries(packages), _MACHINES[platform]))
    architecture = _ARCHITECTURES[platform]
    entries.add(
        database_entries(packages, architecture=architecture, distroless=distroless)
    )
    return entries.sorted()


def _scan(deb: Deb, path: Path) -> Scan:
    return scan(path, filename=_filename(deb))


def _filename(deb: Deb) -> str:
    return deb.filename.rpartition("/")[2]


def _read(debs: Sequence[tuple[Deb, Path]], scanner: Scanner) -> list[Installed]:
    packages = []
    for deb, path in sorted(debs, key=lambda pair: (pair[0].name, pair[0].filename)):
        control = read_control(path, filename=_filename(deb))
        if (control.name, control.version) != (deb.name, deb.version):
            raise ArtefactError(
                f"{_filename(deb)} is {control.name} {control.version}, the lock says "
                f"{deb.name} {deb.version}",
                hint="lock again; the archive's index and its files do not agree",
            )
        packages.append(Installed(control=control, scan=scanner(deb, path)))
    return packages


class _Collected:
    """Entries by path; what packages install themselves is not made again."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._entries: dict[str, Entry] = {}

    def add(self, entries: Iterator[Entry]) -> None:
        """Take entries; the first for a path stays."""
        for entry in entries:
            folder = entry.kind is Kind.DIRECTORY
            if folder or entry.path not in self._tree:
                self._entries.setdefault(entry.path, entry)

    def sorted(self) -> list[Entry]:
        """All entries, parents before what is in them."""
        return [self._entries[path] for path in sorted(self._entries)]


def _top_level(tree: Tree) -> Iterator[Entry]:
    for name in MERGED:
        if name in _ALWAYS_MERGED or tree.names(f"usr/{name}"):
            yield link_entry(name, f"usr/{name}")
    for folder in _FOLDERS:
        yield _folder_entry(folder)
    yield file_entry("etc/machine-id", "")
    for path, data in tree.texts.items():
        if path.startswith("etc/skel/"):
            name = path.removeprefix("etc/skel/")
            made = file_entry(f"{_HOME}/{name}", data)
            yield Entry(
                path=made.path,
                size=made.size,
                content=made.content,
                uid=USER.uid,
                gid=USER.gid,
            )


def _folder_entry(folder: Folder) -> Entry:
    return Entry(
        path=folder.path,
        kind=Kind.DIRECTORY,
        mode=folder.mode,
        uid=folder.uid,
        gid=folder.gid,
    )


def _libraries(packages: Sequence[Installed]) -> dict[str, Library]:
    return {
        path: library
        for each in packages
        for path, library in each.scan.libraries.items()
    }


def _remedies(found: Sequence[Effects]) -> list[Remedy]:
    return [each.remedy for each in found if each.remedy is not None]


def _from_remedies(found: Sequence[Effects], tree: Tree) -> Iterator[Entry]:
    shells = dict.fromkeys(_shells(tree))
    for remedy in _remedies(found):
        shells.update(dict.fromkeys(remedy.shells))
        yield from _stand_in(remedy, tree)
    there = [shell for shell in sorted(shells) if tree.exists(shell)]
    lines = ["# /etc/shells: valid login shells", *there]
    yield file_entry("etc/shells", "\n".join(lines) + "\n")


def _stand_in(remedy: Remedy, tree: Tree) -> Iterator[Entry]:
    for folder in remedy.folders:
        if folder.path not in tree:
            yield _folder_entry(folder)
    for source, target in remedy.copies:
        if source in tree:
            yield file_entry(target, tree.text(source))
    for path, target in remedy.links:
        if not target.startswith("/usr/") or tree.exists(target):
            yield link_entry(path, target)
    for path, text in remedy.texts:
        yield file_entry(path, text)


def _shells(tree: Tree) -> Iterator[str]:
    text = tree.text("usr/share/debianutils/shells").decode("utf-8", "replace")
    for line in text.splitlines():
        if line.startswith("/"):
            yield line.strip()


def _accounts(found: Sequence[Effects], tree: Tree) -> Iterator[Entry]:
    users = [user for remedy in _remedies(found) for user in remedy.users]
    groups = [group for remedy in _remedies(found) for group in remedy.groups]
    return account_entries(tree, users, groups)
