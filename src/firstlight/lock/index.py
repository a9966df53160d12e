"""The ``Packages`` index of a suite: found in it by name, parsed only where asked."""

from __future__ import annotations

import lzma
import re
import zlib
from bisect import bisect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import zstandard

from firstlight.digest import CHUNK, Digest, parse_digest
from firstlight.errors import ArtefactError
from firstlight.lock.relations import Relation, parse_relations
from firstlight.store import Store

__all__ = ["Index", "Package", "read_index"]

_FACT = "packages-1"
_KEPT = (
    b"Package|Version|Architecture|Depends|Pre-Depends|Provides|Conflicts|Breaks"
    b"|Priority|Filename|Size|SHA256"
)
_LINES = re.compile(rb"^(?:(?:" + _KEPT + rb"):[^\n]*\n(?:[ \t][^\n]*\n)*|\n)", re.M)
# A literal line break in front is searched for much faster than "^" is.
_NAME = re.compile(rb"\nPackage:[ \t]*([^\s]+)")
_PROVIDES = re.compile(rb"\nProvides:[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)")
_PROVIDED = re.compile(r"(?:^|,)\s*([A-Za-z0-9][A-Za-z0-9+.-]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One package as an index describes it."""

    name: str
    version: str
    architecture: str
    filename: str
    size: int
    digest: Digest
    priority: str
    archive: str
    suite: str
    depends: tuple[tuple[Relation, ...], ...]
    provides: tuple[Relation, ...]
    conflicts: tuple[Relation, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(slots=True)
class Index:
    """The packages of one suite and component, for one architecture."""

    text: bytes
    archive: str
    suite: str
    architecture: str
    offsets: dict[str, list[int]] = field(default_factory=dict)
    providers: dict[str, list[int]] = field(default_factory=dict)
    _parsed: dict[int, Package] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.text = b"\n" + self.text
        for found in _NAME.finditer(self.text):
            name = found[1].decode("ascii", "replace")
            self.offsets.setdefault(name, []).append(found.start() + 1)
        starts = sorted(start for places in self.offsets.values() for start in places)
        if not starts:
            return
        for found in _PROVIDES.finditer(self.text):
            start = starts[bisect(starts, found.start()) - 1]
            for name in _PROVIDED.findall(found[1].decode("ascii", "replace")):
                self.providers.setdefault(name, []).append(start)

    def named(self, name: str) -> list[Package]:
        """Return every version of a package."""
        return [self._at(offset) for offset in self.offsets.get(name, ())]

    def providing(self, name: str) -> list[Package]:
        """Return the packages that provide a name."""
        return [self._at(offset) for offset in self.providers.get(name, ())]

    def _at(self, start: int) -> Package:
        package = self._parsed.get(start)
        if package is None:
            end = self.text.find(b"\n\n", start)
            stanza = self.text[start : len(self.text) if end < 0 else end]
            package = self._parsed[start] = self._package(
                stanza.decode("utf-8", "replace")
            )
        return package

    def _package(self, stanza: str) -> Package:
        fields = _fields(stanza)
        where = f"{self.suite}/{fields.get('Package', '?')}"
        try:
            return Package(
                name=fields["Package"],
                version=fields["Version"],
                architecture=fields["Architecture"],
                filename=_safe(fields["Filename"]),
                size=int(fields["Size"]),
                digest=parse_digest(fields["SHA256"]),
                priority=fields.get("Priority", "optional"),
                archive=self.archive,
                suite=self.suite,
                depends=self._groups(fields, "Pre-Depends")
                + self._groups(fields, "Depends"),
                provides=self._flat(fields, "Provides"),
                conflicts=self._flat(fields, "Conflicts")
                + self._flat(fields, "Breaks"),
            )
        except KeyError as error:
            raise ArtefactError(
                f"{where}: the index gives no {error.args[0]}"
            ) from error
        except (ValueError, ArtefactError) as error:
            raise ArtefactError(f"{where}: the index is damaged: {error}") from error

    def _groups(
        self, fields: Mapping[str, str], name: str
    ) -> tuple[tuple[Relation, ...], ...]:
        return parse_relations(fields.get(name, ""), self.architecture)

    def _flat(self, fields: Mapping[str, str], name: str) -> tuple[Relation, ...]:
        return tuple(one for group in self._groups(fields, name) for one in group)


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    last = ""
    for line in stanza.split("\n"):
        if line[:1] in (" ", "\t"):
            fields[last] = f"{fields.get(last, '')} {line.strip()}"
        else:
            last, _, value = line.partition(":")
            fields[last] = value.strip()
    return fields


def _safe(filename: str) -> str:
    parts = filename.split("/")
    if filename.startswith("/") or ".." in parts or "\\" in filename or "?" in filename:
        raise ValueError(f"the file name {filename!r} leads out of the archive")
    return filename


def read_index(store: Store, digest: Digest, name: str, limit: int) -> bytes:
    """Return what matters of a verified, compressed index in the store.

    It is condensed once; the next time only that is read.

    Args:
        store: Holds the index, and what comes of it.
        digest: Of the compressed index.
        name: Its file name: the ending says how it is compressed.
        limit: The bytes it may have when decompressed.

    Raises:
        ArtefactError: when it cannot be decompressed or is larger than promised.
    """
    known = store.fact(_FACT, digest)
    if isinstance(known, str) and known.startswith("sha256:"):
        small = parse_digest(known)
        if store.has(small):
            with store.read(small) as stream:
                return zstandard.ZstdDecompressor().decompress(stream.read())
    text = b"".join(
        _LINES.findall(_decompress(store.path(digest), name, limit) + b"\n")
    )
    small = store.put(zstandard.ZstdCompressor(level=1).compress(text))
    store.record(_FACT, digest, small)
    return text


def _decompress(path: Path, name: str, limit: int) -> bytes:
    try:
        if name.endswith(".xz"):
            return _stream(path, lzma.LZMADecompressor().decompress, limit)
        if name.endswith(".gz"):
            return _stream(path, zlib.decompressobj(31).decompress, limit)
    except (lzma.LZMAError, zlib.error, EOFError) as error:
        raise ArtefactError(
            f"{name}: the index cannot be decompressed: {error}"
        ) from error
    except ValueError as error:
        raise ArtefactError(f"{name}: {error}") from error
    return path.read_bytes()


def _stream(path: Path, decompress: Callable[..., bytes], limit: int) -> bytes:
    """Decompress to at most `limit` bytes, and only as much is ever held."""
    out = bytearray()
    with path.open("rb") as stream:
        while data := stream.read(CHUNK):
            out += decompress(data, limit + 1 - len(out))
            if len(out) > limit:
                raise ValueError(f"the index is larger than the {limit} bytes promised")
    return bytes(out)
