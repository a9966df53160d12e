"""dpkg's database, so that ``apt install`` and scanners find what is in the image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from firstlight.pack.deb import SCRIPTS, Control
from firstlight.pack.entry import Bytes, Entry, Kind
from firstlight.pack.scan import Scan

__all__ = ["Installed", "database_entries", "file_entry"]

_ADMIN = "var/lib/dpkg"
_LEFT_OUT = frozenset({"control", "conffiles"})
"""Control files that are written anew: the first is in ``status``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """One package as the database sees it."""

    control: Control
    scan: Scan

    @property
    def file_stem(self) -> str:
        """The name of its files in ``info``: with architecture if several may stand."""
        control = self.control
        if control.fields.get("Multi-Arch") == "same":
            return f"{control.name}:{control.architecture}"
        return control.name


def file_entry(path: str, text: str | bytes, mode: int = 0o644) -> Entry:
    """Return an entry for a file made here."""
    data = text.encode() if isinstance(text, str) else text
    return Entry(path=path, mode=mode, size=len(data), content=Bytes(data))


def database_entries(
    packages: Sequence[Installed], *, architecture: str, distroless: bool
) -> Iterator[Entry]:
    """Yield the database for packages sorted by name.

    Args:
        distroless: Write ``status.d``, which scanners read and apt does not, so that
            an image for serving has no package manager to speak of.
    """
    if distroless:
        yield from _status_folder(packages)
        return
    yield file_entry(
        f"{_ADMIN}/status", "".join(_paragraph(each) + "\n" for each in packages)
    )
    yield file_entry(f"{_ADMIN}/available", "")
    yield file_entry(f"{_ADMIN}/diversions", "")
    yield file_entry(f"{_ADMIN}/statoverride", "")
    yield file_entry(f"{_ADMIN}/arch-native", f"{architecture}\n")
    yield file_entry(f"{_ADMIN}/info/format", "1\n")
    yield Entry(path=f"{_ADMIN}/updates", kind=Kind.DIRECTORY, mode=0o755)
    for each in packages:
        yield from _info(each)
    yield from _triggers(packages)


def _paragraph(package: Installed) -> str:
    lines = package.control.text.rstrip("\n").split("\n")
    at = next(n for n, line in enumerate(lines) if line.startswith("Package:"))
    lines.insert(at + 1, "Status: install ok installed")
    conffiles = _conffiles(package)
    if conffiles:
        lines += ["Conffiles:", *(f" {path} {md5}" for path, md5 in conffiles)]
    return "\n".join(lines) + "\n"


def _conffiles(package: Installed) -> list[tuple[str, str]]:
    sums = package.scan.conffiles
    return [(each, sums[each]) for each in package.control.conffiles if each in sums]


def _info(package: Installed) -> Iterator[Entry]:
    stem = f"{_ADMIN}/info/{package.file_stem}"
    yield file_entry(f"{stem}.list", "".join(f"{p}\n" for p in package.scan.listed))
    if package.control.conffiles:
        lines = (f"{path}\n" for path in package.control.conffiles)
        yield file_entry(f"{stem}.conffiles", "".join(lines))
    for name, data in sorted(package.control.files.items()):
        if name not in _LEFT_OUT:
            mode = 0o755 if name in SCRIPTS else 0o644
            yield file_entry(f"{stem}.{name}", data, mode)


def _triggers(packages: Sequence[Installed]) -> Iterator[Entry]:
    """Who wants to know of what, so that later installations call the right scripts."""
    interests: dict[str, list[str]] = {}
    for package in packages:
        for line in package.control.lines("triggers"):
            words = line.partition("#")[0].split()
            if len(words) != 2 or not words[0].startswith("interest"):
                continue
            kind, name = words
            suffix = "/noawait" if kind == "interest-noawait" else ""
            interests.setdefault(name, []).append(package.file_stem + suffix)
    files = [
        f"{name} {who}\n"
        for name in sorted(interests)
        if name.startswith("/")
        for who in interests[name]
    ]
    yield file_entry(f"{_ADMIN}/triggers/File", "".join(files))
    yield file_entry(f"{_ADMIN}/triggers/Unincorp", "")
    for name in sorted(interests):
        if "/" not in name and not name.startswith("."):
            lines = "".join(f"{who}\n" for who in interests[name])
            yield file_entry(f"{_ADMIN}/triggers/{name}", lines)


def _status_folder(packages: Sequence[Installed]) -> Iterator[Entry]:
    folder = f"{_ADMIN}/status.d"
    for each in packages:
        yield file_entry(f"{folder}/{each.file_stem}", each.control.text)
        sums = each.control.files.get("md5sums")
        if sums is not None:
            yield file_entry(f"{folder}/{each.file_stem}.md5sums", sums)
