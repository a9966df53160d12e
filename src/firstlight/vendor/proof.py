"""What proves, years later, that a distribution signed the OS packages of a lock.

The lock names each ``InRelease`` by hash; that is signed and names the ``Packages``
indexes by hash, and they name the packages. The certificates to check the signature
with come from the distribution's own keyring package, which an index names as well. So
everything here follows from the lock alone, wherever the files come from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from firstlight.config import Settings
from firstlight.digest import Digest
from firstlight.errors import ArtefactError
from firstlight.finding import Finding, Role
from firstlight.lock.archive import (
    Release,
    Trust,
    best_index,
    mirrors,
    read_release,
)
from firstlight.lock.index import Index, read_index
from firstlight.lock.keys import Cert, certificates, from_deb, verified
from firstlight.lock.lockfile import Archive, Deb, Lock
from firstlight.lock.system import SUITES
from firstlight.store import Store
from firstlight.vendor.artefact import DEB_TYPE, INDEX_TYPE, RELEASE_TYPE, File

__all__ = ["Bring", "Proof", "Sources", "archive_title", "find_sources", "prove"]

Bring = Callable[[File], bool]
"""Gets a file into the store, verified; says whether it could be had."""

_KEYRINGS = {"debian": "debian-archive-keyring", "ubuntu": "ubuntu-keyring"}
_LARGEST_INDEX = 512 << 20
_LARGEST_KEYRING = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIndex:
    """A ``Packages`` index that a release names."""

    release: Release
    architecture: str
    file: File

    def read(self, store: Store) -> Index:
        """Return the packages in it."""
        folder = self.file.title.rpartition("dists/")[2].partition("/")[2]
        plain = self.release.files.get(f"{folder.rpartition('/')[0]}/Packages")
        limit = min(plain[1], _LARGEST_INDEX) if plain else _LARGEST_INDEX
        text = read_index(store, self.file.digest, self.file.title, limit)
        release = self.release
        return Index(text, release.archive, release.suite, self.architecture)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The files that vouch for packages, and those that could not be had."""

    releases: tuple[File, ...] = ()
    indexes: tuple[SignedIndex, ...] = ()
    keyring: File | None = None
    missing: tuple[File, ...] = ()

    def plus(
        self,
        *,
        releases: tuple[File, ...] = (),
        indexes: tuple[SignedIndex, ...] = (),
        missing: tuple[File, ...] = (),
    ) -> Sources:
        """These and more."""
        return replace(
            self,
            releases=self.releases + releases,
            indexes=self.indexes + indexes,
            missing=self.missing + missing,
        )

    @property
    def files(self) -> tuple[File, ...]:
        """All that are there."""
        keyring = (self.keyring,) if self.keyring else ()
        return (*self.releases, *(each.file for each in self.indexes), *keyring)


def archive_title(archive: str, filename: str) -> str:
    """Return the name of an archive's file in the artefact: as in a mirror."""
    return f"archives/{archive}/{filename}"


def find_sources(
    lock: Lock,
    platforms: Sequence[str],
    settings: Settings,
    store: Store,
    bring: Bring,
) -> Sources:
    """Return what vouches for the OS packages of some platforms of a lock.

    Args:
        bring: Asked for each file in turn; one names the next.

    Raises:
        ArtefactError: when one is damaged, although it has the digest of the lock.
    """
    found = Sources()
    architectures = [each.partition("/")[2] for each in platforms]
    for archive in lock.archives:
        wanted = [each for each in architectures if _carries(lock, archive, each)]
        file = _release_file(archive, settings)
        if wanted and bring(file):
            found = found.plus(releases=(_sized(file, store),))
            for index in _indexes(lock, archive, store, wanted, settings):
                is_here = bring(index.file)
                found = found.plus(
                    indexes=(index,) if is_here else (),
                    missing=() if is_here else (index.file,),
                )
        elif wanted:
            found = found.plus(missing=(file,))
    keyring = _keyring(lock, platforms, found.indexes, settings, store)
    has_it = keyring is not None and bring(keyring)
    return replace(found, keyring=keyring if has_it else None)


def _carries(lock: Lock, archive: Archive, architecture: str) -> bool:
    pairs = SUITES[lock.suite].suites(architecture)
    return (archive.name, archive.suite) in pairs


def _addresses(archive: Archive, settings: Settings, *paths: str) -> tuple[str, ...]:
    bases = mirrors(settings, archive.name)
    bases += settings.snapshot(archive.name, archive.snapshot)
    return tuple(f"{base}/{path}" for base in bases for path in paths)


def _release_file(archive: Archive, settings: Settings) -> File:
    path = f"dists/{archive.suite}/InRelease"
    return File(
        title=archive_title(archive.name, path),
        media_type=RELEASE_TYPE,
        digest=archive.release,
        urls=_addresses(archive, settings, path),
    )


def _sized(file: File, store: Store) -> File:
    return File(
        title=file.title,
        media_type=file.media_type,
        digest=file.digest,
        size=store.size(file.digest),
    )


def _release(archive: Archive, store: Store, text: bytes | None = None) -> Release:
    """Read a release; without its verified text, what stands under the signature."""
    where = f"{archive.name} {archive.suite}: InRelease"
    if text is None:
        # The lock vouches for these bytes: they were verified when it was made.
        text = _bytes(store, archive.release).partition(b"\n\n")[2]
    return read_release(
        text, archive.name, archive.suite, "", digest=archive.release, where=where
    )


def _bytes(store: Store, digest: Digest) -> bytes:
    with store.read(digest) as stream:
        return stream.read()


def _indexes(
    lock: Lock,
    archive: Archive,
    store: Store,
    architectures: Sequence[str],
    settings: Settings,
) -> Iterator[SignedIndex]:
    release = _release(archive, store)
    top = f"dists/{archive.suite}"
    for architecture in architectures:
        for component in SUITES[lock.suite].components:
            if release.components and component not in release.components:
                continue
            folder = f"{component}/binary-{architecture}"
            name, (digest, size) = best_index(release, folder)
            by_hash = f"{top}/{folder}/by-hash/SHA256/{digest.removeprefix('sha256:')}"
            file = File(
                title=archive_title(archive.name, f"{top}/{name}"),
                media_type=INDEX_TYPE,
                digest=digest,
                size=size,
                urls=_addresses(archive, settings, by_hash, f"{top}/{name}"),
            )
            yield SignedIndex(release=release, architecture=architecture, file=file)


def _debs(lock: Lock, platforms: Sequence[str]) -> dict[Digest, Deb]:
    parts = [part for part in lock.platforms if part.platform in platforms]
    return {deb.digest: deb for part in parts for deb in part.debs}


def _keyring(
    lock: Lock,
    platforms: Sequence[str],
    indexes: Sequence[SignedIndex],
    settings: Settings,
    store: Store,
) -> File | None:
    """The keyring package, where it is not among the image's own packages."""
    name = _KEYRINGS[SUITES[lock.suite].distribution]
    if any(deb.name == name for deb in _debs(lock, platforms).values()):
        return None
    for index in indexes:
        for package in index.read(store).named(name):
            if package.size > _LARGEST_KEYRING:
                continue
            archive = next(one for one in lock.archives if one.name == package.archive)
            return File(
                title=archive_title(package.archive, package.filename),
                media_type=DEB_TYPE,
                digest=package.digest,
                size=package.size,
                urls=_addresses(archive, settings, package.filename),
            )
    return None


# Proving


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How many OS packages stand in an index that the distribution signed."""

    signed: int
    total: int
    findings: tuple[Finding, ...]


def prove(
    sources: Sources, lock: Lock, platforms: Sequence[str], store: Store, trust: Trust
) -> Proof:
    """Follow the hashes from a signature to each OS package; asks no network.

    The packages themselves need not be here: it is their locked hashes that are
    looked up. What is missing lowers the count and gives a warning; what is wrong is a
    failure.
    """
    debs = _debs(lock, platforms)
    certs = _certificates(sources, debs.values(), store, trust)
    releases = {index.release.digest: index.release for index in sources.indexes}
    problems = {
        digest: _problem(release, lock, store, certs, trust)
        for digest, release in releases.items()
    }
    signed: set[Digest] = set()
    for index in sources.indexes:
        if problems[index.release.digest] is None:
            signed |= _named(index.read(store), debs.values())
    # Where a whole index is missing or bad, saying so once is enough.
    told = {_suite_of(file) for file in sources.missing}
    bad = [releases[digest] for digest, problem in problems.items() if problem]
    told |= {(release.archive, release.suite) for release in bad}
    strange = [
        deb
        for deb in debs.values()
        if deb.digest not in signed and (deb.archive, deb.suite) not in told
    ]
    findings = (
        *map(_missing, sources.missing),
        *(problem for problem in problems.values() if problem),
        *map(_strange, strange),
    )
    return Proof(signed=len(signed), total=len(debs), findings=findings)


def _suite_of(file: File) -> tuple[str, str]:
    _, archive, _, suite = file.title.split("/")[:4]
    return archive, suite


def _certificates(
    sources: Sources, debs: Collection[Deb], store: Store, trust: Trust
) -> list[Cert]:
    """Trusted certificates of this machine, and of the keyring package."""
    trusted = {one.lower() for one in trust.fingerprints}
    found = list(certificates(trusted, trust.folders))
    names = set(_KEYRINGS.values())
    packages = [(deb.filename, deb.digest) for deb in debs if deb.name in names]
    if sources.keyring:
        packages.append((sources.keyring.title, sources.keyring.digest))
    for filename, digest in packages:
        if store.has(digest):
            found.extend(from_deb(_bytes(store, digest), filename, trusted))
    return found


def _problem(
    release: Release, lock: Lock, store: Store, certs: Sequence[Cert], trust: Trust
) -> Finding | None:
    """Say why a release is not signed as it must be, None where it is."""
    archive = next(one for one in lock.archives if one.release == release.digest)
    trusted = {one.lower() for one in trust.fingerprints}
    try:
        text = verified(_bytes(store, release.digest), certs, trusted)
        if _release(archive, store, text).files == release.files:
            return None
        reason = "the signature is of another text"
    except (ValueError, ArtefactError) as error:
        reason = str(error)
    return Finding(
        code="vendor.unsigned",
        role=Role.FAILURE,
        message=f"{archive.name} {archive.suite}: its InRelease cannot be trusted: "
        f"{reason}",
        hint="its certificates come from the distribution's keyring package, here or "
        "in /usr/share/keyrings",
    )


def _named(index: Index, debs: Collection[Deb]) -> set[Digest]:
    found: set[Digest] = set()
    for deb in debs:
        if (deb.archive, deb.suite) != (index.archive, index.suite):
            continue
        for package in index.named(deb.name):
            same = (package.version, package.size) == (deb.version, deb.size)
            if package.digest == deb.digest and same:
                found.add(deb.digest)
    return found


def _strange(deb: Deb) -> Finding:
    return Finding(
        code="vendor.unsigned",
        role=Role.FAILURE,
        message=f"{deb.name} {deb.version}: no index of {deb.archive} {deb.suite} that "
        f"is signed names it with {deb.digest}",
        hint="lock again, and ask who wrote this lock",
    )


def _missing(file: File) -> Finding:
    return Finding(
        code="vendor.no-proof",
        role=Role.WARNING,
        message=f"without {file.title}: the packages that it vouches for have their "
        "hashes in the lock, and no signature of the distribution",
        hint="vendor on the day of locking, or name a snapshot archive in your "
        'settings ([mirror] snapshot = "…")',
    )
