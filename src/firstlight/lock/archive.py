"""A suite of a Debian or Ubuntu archive: signature, date, index, in that order.

Nothing is read from an archive that a pinned key did not sign: ``InRelease`` carries
the signature, it names the indexes by SHA-256 and they name the packages by SHA-256.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from firstlight.access import redact
from firstlight.config import Settings
from firstlight.digest import Digest, of_bytes, parse_digest
from firstlight.errors import ArtefactError, NetworkError
from firstlight.finding import Finding, Role
from firstlight.lock.index import Index, read_index
from firstlight.lock.keys import (
    FINGERPRINTS,
    KEYRING_FOLDERS,
    Cert,
    certificates,
    from_deb,
    verified,
)
from firstlight.lock.lockfile import Archive
from firstlight.net import Fetcher
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["Reader", "Release", "Trust", "best_index", "mirrors", "read_release"]

_KEYRINGS = ("debian-archive-keyring", "ubuntu-keyring")
_LIMIT = 512 << 20
_LATER = timedelta(hours=12)
_SUM = re.compile(r" ([0-9a-f]{64})\s+(\d{1,12})\s+(\S+)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whose signatures count, and where certificates are looked for."""

    fingerprints: Collection[str] = FINGERPRINTS
    folders: tuple[Path, ...] = KEYRING_FOLDERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A verified ``InRelease``: what the suite is, and the sums of its indexes."""

    archive: str
    suite: str
    base: str
    digest: Digest
    date: datetime
    files: Mapping[str, tuple[Digest, int]]
    by_hash: bool
    components: tuple[str, ...]

    def value(self) -> Archive:
        """Return what the lock remembers of it.

        A snapshot at the very date of the release may still be the one before, so the
        remembered time is half a day later; files stay longer than that in an archive.
        """
        return Archive(
            name=self.archive,
            suite=self.suite,
            snapshot=(self.date + _LATER).strftime("%Y%m%dT%H%M%SZ"),
            release=self.digest,
        )


@dataclass(slots=True, kw_only=True)
class Reader:
    """Reads suites from this machine's mirrors.

    `main` is the archive and suite that carry the distribution's keyring package.
    """

    settings: Settings
    fetcher: Fetcher
    store: Store
    progress: Progress
    trust: Trust
    architecture: str
    main: tuple[str, str]

    def release(self, archive: str, suite: str) -> Release | None:
        """Return the verified release of a suite, None where no mirror carries it.

        Raises:
            ArtefactError: when it is not signed by a trusted key, or is of another
                suite.
            NetworkError: when no mirror answers.
        """
        problem: NetworkError | None = None
        for base in self._mirrors(archive):
            url = f"{base}/dists/{suite}/InRelease"
            try:
                data = self.fetcher.get_or_none(url)
            except NetworkError as error:
                problem = error
                continue
            if data is not None:
                return self._check(data, archive, suite, base)
        if problem:
            raise problem
        return None

    def index(self, release: Release, component: str) -> Index:
        """Return the packages of a component.

        Raises:
            ArtefactError: when the release does not name the index, or it is damaged.
            NetworkError: when it cannot be had.
        """
        folder = f"{component}/binary-{self.architecture}"
        name, (digest, size) = best_index(release, folder)
        top = f"{release.base}/dists/{release.suite}"
        urls = [f"{top}/{name}"]
        if release.by_hash:
            hexed = digest.removeprefix("sha256:")
            urls.insert(0, f"{top}/{folder}/by-hash/SHA256/{hexed}")
        title = f"{release.suite}/{name}"
        self.fetcher.fetch(urls, digest=digest, size=size, name=title)
        plain = release.files.get(f"{folder}/Packages")
        limit = min(plain[1], _LIMIT) if plain else _LIMIT
        return Index(
            read_index(self.store, digest, title, limit),
            release.archive,
            release.suite,
            self.architecture,
        )

    def _mirrors(self, archive: str) -> tuple[str, ...]:
        return mirrors(self.settings, archive) or self.settings.mirror(archive)

    def _check(self, data: bytes, archive: str, suite: str, base: str) -> Release:
        where = f"{archive} {suite}: InRelease from {redact(base)}"
        text = self._verified(data, where)
        release = read_release(
            text, archive, suite, base, digest=self.store.put(data), where=where
        )
        fields, _ = _parse(text, where)
        if "Valid-Until" in fields:
            until = _date(fields, "Valid-Until", where)
            if until < datetime.now(UTC):
                self.progress.warn(
                    Finding(
                        code="lock.old-mirror",
                        role=Role.WARNING,
                        message=f"{archive} {suite}: the mirror's state was meant to "
                        f"be used until {until:%Y-%m-%d}",
                        hint="newer security updates may exist: name another mirror "
                        "in your settings",
                    )
                )
        return release

    def _verified(self, data: bytes, where: str) -> bytes:
        trusted = {one.lower() for one in self.trust.fingerprints}
        try:
            certs = certificates(trusted, self.trust.folders)
            return verified(data, certs, trusted)
        except ValueError as error:
            first = error
        try:
            return verified(data, self._carried(trusted), trusted)
        except (ValueError, ArtefactError, NetworkError) as error:
            raise ArtefactError(
                f"{where} cannot be trusted: {first}",
                hint="use another mirror; or install your distribution's package "
                "debian-archive-keyring or ubuntu-keyring, if keys are missing",
            ) from error

    def _carried(self, trusted: Collection[str]) -> Sequence[Cert]:
        """Certificates out of the distribution's own keyring package.

        It is found through indexes nobody vouches for yet, which does no harm: only
        certificates with pinned fingerprints are taken out of it.
        """
        archive, suite = self.main
        base = self._mirrors(archive)[0]
        data = self.fetcher.get(f"{base}/dists/{suite}/InRelease")
        fields, files = _parse(data.partition(b"\n\n")[2], f"{suite}: InRelease")
        unverified = Release(
            archive=archive,
            suite=suite,
            base=base,
            digest=of_bytes(data),
            date=_date(fields, "Date", suite),
            files=files,
            by_hash=False,
            components=("main",),
        )
        index = self.index(unverified, "main")
        for name in _KEYRINGS:
            for package in index.named(name):
                deb = self.fetcher.get(f"{base}/{package.filename}")
                return from_deb(deb, package.filename, trusted)
        return []


def mirrors(settings: Settings, archive: str) -> tuple[str, ...]:
    """Return the base URLs of an archive that this machine knows, perhaps none."""
    known = settings.mirrors.get(archive, ())
    if not known and archive == "debian-security":
        # Mirrors of Debian commonly have the security archive beside it.
        known = tuple(
            f"{base.rstrip('/')}-security"
            for base in settings.mirrors.get("debian", ())
            if base.rstrip("/").endswith("/debian")
        )
    return tuple(base.rstrip("/") for base in known)


def best_index(release: Release, folder: str) -> tuple[str, tuple[Digest, int]]:
    """Return the name, digest and size of the smallest ``Packages`` of a folder.

    Raises:
        ArtefactError: when the release names none.
    """
    for ending in (".xz", ".gz", ""):
        name = f"{folder}/Packages{ending}"
        if name in release.files:
            return name, release.files[name]
    raise ArtefactError(
        f"{release.archive} {release.suite}: InRelease gives no SHA-256 of "
        f"{folder}/Packages",
        hint="check that the mirror carries this architecture",
    )


def read_release(
    text: bytes, archive: str, suite: str, base: str, *, digest: Digest, where: str
) -> Release:
    """Return what the text under a release's signature says.

    Args:
        base: Where it came from.
        digest: Of the whole file.
        where: For messages.

    Raises:
        ArtefactError: when it is damaged, or of another suite.
    """
    fields, files = _parse(text, where)
    if suite not in (fields.get("Suite"), fields.get("Codename")):
        found = fields.get("Codename") or fields.get("Suite") or "nothing"
        raise ArtefactError(
            f"{where} is of {found}, not of {suite}",
            hint="the mirror is misconfigured, or answers for another release; "
            "name another one in your settings",
        )
    return Release(
        archive=archive,
        suite=suite,
        base=base,
        digest=digest,
        date=_date(fields, "Date", where),
        files=files,
        by_hash=fields.get("Acquire-By-Hash", "no").lower() == "yes",
        components=tuple(
            part.rpartition("/")[2] for part in fields.get("Components", "").split()
        ),
    )


def _parse(
    text: bytes, where: str
) -> tuple[dict[str, str], dict[str, tuple[Digest, int]]]:
    fields: dict[str, str] = {}
    files: dict[str, tuple[Digest, int]] = {}
    section = ""
    for line in text.decode("utf-8", "replace").splitlines():
        if line.startswith("-----"):
            break
        if not line.startswith(" "):
            section, _, value = line.partition(":")
            fields[section] = value.strip()
        elif section == "SHA256":
            found = _SUM.match(line)
            if found is None:
                raise ArtefactError(f"{where}: not a checksum: {line[:100]!r}")
            files[found[3]] = parse_digest(found[1]), int(found[2])
    return fields, files


def _date(fields: Mapping[str, str], name: str, where: str) -> datetime:
    text = fields.get(name, "")
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError) as error:
        raise ArtefactError(f"{where}: {name} is no date: {text[:60]!r}") from error
    return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
