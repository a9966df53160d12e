"""The keys that distributions sign their archives with.

Only fingerprints are built in. The certificates themselves are public and lie in many
places (apt's keyrings on this machine, the distribution's own keyring package):
wherever they were found, one counts only when its fingerprint is among those below.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

import zstandard
from pysequoia import Cert, verify

from firstlight.errors import ArtefactError

__all__ = [
    "Cert",
    "FINGERPRINTS",
    "KEYRING_FOLDERS",
    "certificates",
    "from_deb",
    "verified",
]

FINGERPRINTS = frozenset(
    {
        # Debian 11 bullseye: archive, security, release.
        "1f89983e0081fde018f3cc9673a4f27b8dd47936",
        "ac530d520f2f3269f5e98313a48449044aad5c5d",
        "a4285295fc7b1a81600062a9605c66f00d6c9793",
        # Debian 12 bookworm: archive, security, release.
        "b8b80b5b623eab6ad8775c45b7c5d7d6350947f8",
        "05ab90340c0c5e797f44a8c8254cf3b5aec0a8f0",
        "4d64fec119c2029067d6e791f8d2585b8783d481",
        # Debian 13 trixie: archive, security, release.
        "04b54c3cdca79751b16bc6b5225629df75b188bd",
        "5e04a1e3223a19a20706e20f9904613d4cce68c6",
        "41587f7db8c774bccf131416762f67a0b2c39de4",
        # Ubuntu archive, of 2012 and of 2018.
        "790bc7277767219c42c86f933b4fe6acc0b21f32",
        "f6ecb3762474eda9d21b7022871920d1991bc93c",
    }
)
"""Fingerprints of the archive keys of every release that firstlight can lock."""

KEYRING_FOLDERS = (Path("/usr/share/keyrings"), Path("/etc/apt/trusted.gpg.d"))
_MAX_KEYRING = 8 << 20


def certificates(
    trusted: Collection[str], folders: Iterable[Path] = KEYRING_FOLDERS
) -> list[Cert]:
    """Return the trusted certificates that lie in apt's keyrings on this machine."""
    found: list[Cert] = []
    for folder in folders:
        for path in sorted(folder.glob("*")):
            if path.suffix in (".gpg", ".pgp", ".asc") and path.is_file():
                found.extend(_read(path.read_bytes, trusted))
    return found


def _read(read: Callable[[], bytes], trusted: Collection[str]) -> list[Cert]:
    """Return the trusted certificates of a keyring, none if it cannot be read."""
    try:
        return [
            cert
            for cert in Cert.split_bytes(read())
            if cert.fingerprint.lower() in trusted
        ]
    except Exception:
        # The library raises no class of its own; a keyring of another tool, or one
        # this user may not read, has nothing to offer here.
        return []


def from_deb(data: bytes, filename: str, trusted: Collection[str]) -> list[Cert]:
    """Return the trusted certificates that a keyring package carries.

    The package itself need not be trusted: only the fingerprints count.

    Raises:
        ArtefactError: when it is no readable package.
    """
    try:
        found: list[Cert] = []
        for name, content in _files(data):
            if name.endswith((".gpg", ".pgp", ".asc")):
                found.extend(_read(lambda content=content: content, trusted))  # type: ignore[misc]
        return found
    except (ValueError, OSError, EOFError, tarfile.TarError) as error:
        raise ArtefactError(f"{filename}: not a readable package: {error}") from error
    except zstandard.ZstdError as error:
        raise ArtefactError(f"{filename}: not a readable package: {error}") from error


def _files(deb: bytes) -> Iterator[tuple[str, bytes]]:
    name, data = _member(deb)
    stream: io.BufferedIOBase | io.BytesIO = io.BytesIO(data)
    if name.endswith(".zst"):
        content = zstandard.ZstdDecompressor().stream_reader(data).read(_MAX_KEYRING)
        stream = io.BytesIO(content)
    with tarfile.open(
        fileobj=stream, mode="r|*" if name.endswith("xz") else "r"
    ) as tar:
        for entry in tar:
            opened = tar.extractfile(entry) if entry.isreg() else None
            if opened is not None and entry.size <= _MAX_KEYRING:
                yield entry.name, opened.read()


def _member(deb: bytes) -> tuple[str, bytes]:
    if not deb.startswith(b"!<arch>\n"):
        raise ValueError("no ar archive")
    at = 8
    while at + 60 <= len(deb):
        name = deb[at : at + 16].decode("ascii").strip().rstrip("/")
        size = int(deb[at + 48 : at + 58])
        if name.startswith("data.tar"):
            return name, deb[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    raise ValueError("no data in it")


def verified(data: bytes, certs: Sequence[Cert], trusted: Collection[str]) -> bytes:
    """Return the text under a valid signature of a trusted key; nothing else of it.

    Raises:
        ValueError: says why there is none.
    """
    if b"-----BEGIN PGP SIGN" not in data[: 1 << 12]:
        raise ValueError("it is not signed")
    if not certs:
        raise ValueError("no certificate of a trusted key was found")
    try:
        result = verify(data, lambda _: list(certs))
    except Exception as error:
        # The library raises RuntimeError with a stack trace as its text.
        reason = str(error).partition("\n")[0]
        raise ValueError(f"no valid signature of a trusted key: {reason}") from error
    if not any(one.certificate.lower() in trusted for one in result.valid_sigs):
        raise ValueError("no valid signature of a trusted key")
    return bytes(result.bytes or b"")
