"""Which mirrors of the Debian and Ubuntu archives this machine's apt already uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["ARCHIVES", "Mirrors", "read_sources"]

ARCHIVES = ("debian", "debian-security", "ubuntu", "ubuntu-ports")
"""The archives firstlight knows, by the names at the end of their mirrors' URLs."""

_DEBIAN = re.compile(
    r"(oldoldstable|oldstable|stable|testing|unstable|sid|bullseye|bookworm|trixie"
    r"|forky|duke)\b"
)
_UBUNTU = re.compile(r"(focal|jammy|noble|plucky|questing|resolute)\b")
_SECURITY = re.compile(r"[a-z]+(-security|/updates)\Z")
_SNAPSHOT = re.compile(r"(https?://\S+?)/(debian|debian-security|ubuntu)/\d{8}T\d{6}Z")


@dataclass(slots=True)
class Mirrors:
    """Base URLs by archive, and the bases under which snapshots are found."""

    archives: dict[str, list[str]] = field(default_factory=dict)
    snapshots: list[str] = field(default_factory=list)

    def add(self, archive: str, url: str) -> None:
        """Note a mirror once; the first one found is tried first."""
        known = self.archives.setdefault(archive, [])
        if url not in known:
            known.append(url)


def read_sources(apt: Path) -> Mirrors:
    """Return what the sources under a folder like ``/etc/apt`` name.

    Files that cannot be read and lines that make no sense are passed over: apt itself
    is the one to complain about them.
    """
    found = Mirrors()
    parts = apt / "sources.list.d"
    for path in (apt / "sources.list", *sorted(parts.glob("*.list"))):
        _collect(found, path, _one_line)
    for path in sorted(parts.glob("*.sources")):
        _collect(found, path, _deb822)
    return found


_Parser = Callable[[str], Iterator[tuple[str, list[str]]]]


def _collect(found: Mirrors, path: Path, parse: _Parser) -> None:
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError:
        return
    for base, _ in _SNAPSHOT.findall(text):
        if base not in found.snapshots:
            found.snapshots.append(base)
    for uri, suites in parse(text):
        for url in _plain(uri):
            archive = _archive(url, suites)
            if archive:
                found.add(archive, url.rstrip("/"))


def _one_line(text: str) -> Iterator[tuple[str, list[str]]]:
    for line in text.splitlines():
        line = re.sub(r"\[[^]]*\]", " ", line.partition("#")[0])
        words = line.split()
        if len(words) >= 3 and words[0] == "deb":
            yield words[1], [words[2]]


def _deb822(text: str) -> Iterator[tuple[str, list[str]]]:
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n[ \t]*\n", "\n".join(lines)):
        fields = _fields(stanza)
        enabled = " ".join(fields.get("enabled", ["yes"])).lower()
        if "deb" not in fields.get("types", []) or enabled in ("no", "false", "0"):
            continue
        for uri in fields.get("uris", []):
            yield uri, fields.get("suites", [])


def _fields(stanza: str) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    words: list[str] = []
    for line in stanza.splitlines():
        key, colon, value = line.partition(":")
        if line[:1] in (" ", "\t"):
            words.extend(line.split())
        elif colon:
            words = value.split()
            fields[key.strip().lower()] = words
    return fields


def _plain(uri: str) -> Iterable[str]:
    """The URLs behind a source; ``mirror+file:`` names a file that lists them."""
    if uri.startswith(("http://", "https://", "file:")):
        return [uri]
    if uri.startswith("mirror+file:"):
        path = Path("/" + uri.removeprefix("mirror+file:").lstrip("/"))
        try:
            lines = path.read_text("utf-8", errors="replace").splitlines()
        except OSError:
            return []
        words = [line.split()[0] for line in lines if line.split()]
        return [word for word in words if word.startswith(("http://", "https://"))]
    return []


def _archive(url: str, suites: list[str]) -> str:
    """Which archive a source is of: its path says so, or else its suites do."""
    last = urlsplit(url).path.rstrip("/").rpartition("/")[2]
    if re.fullmatch(r"\d{8}T\d{6}Z", last):
        last = urlsplit(url).path.rstrip("/").split("/")[-2]
    if last in ARCHIVES:
        return last
    for suite in suites:
        if _DEBIAN.match(suite):
            return "debian-security" if _SECURITY.match(suite) else "debian"
        if _UBUNTU.match(suite):
            return "ubuntu"
    return ""
