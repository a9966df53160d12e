"""Keys that images are signed with: read, made, and never shown.

A private key is PKCS#8, plain or encrypted, or cosign's own encrypted file, which is
PKCS#8 in a secretbox whose key scrypt makes of a passphrase. New pairs are written in
cosign's format, so both programs can use them.
Sources: RFC 5208, RFC 5958, RFC 6979, and sigstore's *encrypted* package.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from firstlight.digest import Digest, of_bytes
from firstlight.errors import UsageError

__all__ = [
    "PASSWORDS",
    "PrivateKey",
    "PublicKey",
    "make_pair",
    "read_private",
    "read_public",
]

PASSWORDS = ("FIRSTLIGHT_KEY_PASSWORD", "COSIGN_PASSWORD")
"""The variables that may hold the passphrase of a private key, the first one wins."""

_LABEL = "ENCRYPTED SIGSTORE PRIVATE KEY"
_LABELS = (_LABEL, "ENCRYPTED COSIGN PRIVATE KEY")
_LARGEST = 64 << 10
_SUPPORTED = "supported are ECDSA on the curve P-256, and Ed25519"

# What cosign itself writes: 64 MiB of memory, a fifth of a second.
_SCRYPT = {"N": 1 << 16, "r": 8, "p": 1}
_MOST_COST = 1 << 21

_Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_Public = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Says whether a signature was made by the private key that belongs to it."""

    _key: _Public = field(repr=False)

    @property
    def pem(self) -> bytes:
        """The key as it stands in a file; nothing in it is secret."""
        return self._key.public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo,
        )

    @property
    def fingerprint(self) -> Digest:
        """The digest of the key (of its SubjectPublicKeyInfo), to tell keys apart."""
        return of_bytes(
            self._key.public_bytes(
                serialization.Encoding.DER,
                serialization.PublicFormat.SubjectPublicKeyInfo,
            )
        )

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether this is a signature of exactly these bytes."""
        try:
            if isinstance(self._key, ed25519.Ed25519PublicKey):
                self._key.verify(signature, data)
            else:
                self._key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """Signs. Equal bytes get equal signatures where the library can (RFC 6979)."""

    _key: _Private = field(repr=False)

    @property
    def public(self) -> PublicKey:
        """The key that verifies."""
        return PublicKey(self._key.public_key())

    def sign(self, data: bytes) -> bytes:
        """Return a signature: DER for ECDSA over SHA-256, raw for Ed25519."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(data)
        try:
            same = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
            return self._key.sign(data, same)
        except UnsupportedAlgorithm:
            # An OpenSSL before 3.2; what was signed before is found by its key.
            return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


def read_public(path: Path) -> PublicKey:
    """Read a public key (PEM).

    Raises:
        UsageError: when there is none in the file, or of a kind that is not supported.
    """
    where, data = str(path), _read(path)
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        private = b"PRIVATE KEY-----" in data
        raise UsageError(
            f"{where} is not a public key",
            hint="this is a private key: name the .pub file beside it"
            if private
            else "name a file that begins with -----BEGIN PUBLIC KEY-----",
        ) from None
    if isinstance(key, ed25519.Ed25519PublicKey):
        return PublicKey(key)
    if isinstance(key, ec.EllipticCurvePublicKey) and _is_p256(key.curve):
        return PublicKey(key)
    raise UsageError(f"{where}: this kind of key is not supported", hint=_SUPPORTED)


def read_private(
    source: str,
    *,
    environ: Mapping[str, str],
    ask: Callable[[], str] | None = None,
) -> PrivateKey:
    """Read a private key, and its passphrase from the environment or a person.

    Args:
        source: The path of a file, or ``env://NAME`` for a variable that holds the key.
        environ: The environment variables.
        ask: Asks a person, who sees nothing of what is typed; None where there is none.

    Raises:
        UsageError: when there is no key, its passphrase is wrong or is not known.
    """
    data = _source(source, environ)
    label = _label(data)
    if label in _LABELS:
        box = _Box.parse(data, source)
        return _key(box.opened, True, source, environ, ask)

    def load(passphrase: bytes | None) -> Any:
        return serialization.load_pem_private_key(data, passphrase)

    is_encrypted = label == "ENCRYPTED PRIVATE KEY" or b"Proc-Type: 4,ENC" in data
    return _key(load, is_encrypted, source, environ, ask)


def make_pair(path: Path, passphrase: str) -> tuple[Path, PublicKey]:
    """Write a new ECDSA pair: the private key, and ``.pub`` beside it.

    Returns:
        Where the public key is, and the public key.

    Raises:
        UsageError: when one of the files exists, which stays as it is, or cannot be
            written.
    """
    public_path = path.with_suffix(".pub")
    if path == public_path:
        raise UsageError(
            f"{path} is the name of a public key",
            hint=f"name the private one: {path.with_suffix('.key')}",
        )
    for each in (path, public_path):
        if each.exists() or each.is_symlink():
            raise UsageError(
                f"{each} exists already and is not overwritten",
                hint="choose another name; what was signed with the old key needs it",
            )
    key = ec.generate_private_key(ec.SECP256R1())
    public = PublicKey(key.public_key())
    _write_new(path, _sealed(key, passphrase.encode()), 0o600)
    try:
        _write_new(public_path, public.pem, 0o644)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return public_path, public


# Reading


def _source(source: str, environ: Mapping[str, str]) -> bytes:
    name = source.removeprefix("env://")
    if name == source:
        return _read(Path(source))
    if not environ.get(name):
        raise UsageError(
            f"the variable {name} that should hold the key is not set",
            hint="set it, or name the file of the key",
        )
    return environ[name].encode()


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(
            f"the key {path} cannot be read: {error.strerror}",
            hint="`firstlight key new` makes a pair",
        ) from error
    if len(data) > _LARGEST:
        raise UsageError(f"{path} is too large for a key")
    return data


def _label(data: bytes) -> str:
    for line in data.decode("ascii", "replace").splitlines():
        if line.startswith("-----BEGIN ") and line.rstrip().endswith("-----"):
            return line.strip().removeprefix("-----BEGIN ").removesuffix("-----")
    return ""


def _key(
    load: Callable[[bytes | None], Any],
    is_encrypted: bool,
    source: str,
    environ: Mapping[str, str],
    ask: Callable[[], str] | None,
) -> PrivateKey:
    """Load with each passphrase until one fits."""
    passphrases = _passphrases(environ, ask) if is_encrypted else iter([None])
    tried = False
    for passphrase in passphrases:
        tried = tried or bool(passphrase)
        with suppress(ValueError, TypeError, UnsupportedAlgorithm):
            return _checked(load(passphrase), source)
    if not is_encrypted:
        raise UsageError(
            f"{source} holds no private key",
            hint="a key is PEM: PKCS#8, or the .key file of `firstlight key new` or "
            "cosign",
        )
    if tried:
        raise UsageError(f"the passphrase of {source} is wrong")
    raise UsageError(
        f"{source} is encrypted and there is nobody to ask for its passphrase",
        hint=f"set {PASSWORDS[0]} or {PASSWORDS[1]}, or run this on a terminal",
    )


def _passphrases(
    environ: Mapping[str, str], ask: Callable[[], str] | None
) -> Iterator[bytes | None]:
    for name in PASSWORDS:
        if name in environ:
            yield environ[name].encode()
            return
    yield b""  # A key without a passphrase; cosign encrypts that one too.
    if ask is not None:
        yield ask().encode()


def _checked(key: Any, source: str) -> PrivateKey:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return PrivateKey(key)
    if isinstance(key, ec.EllipticCurvePrivateKey) and _is_p256(key.curve):
        return PrivateKey(key)
    raise UsageError(f"{source}: this kind of key is not supported", hint=_SUPPORTED)


def _is_p256(curve: ec.EllipticCurve) -> bool:
    return isinstance(curve, ec.SECP256R1)


# Cosign's own format


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """A secretbox, and how its key is made of a passphrase."""

    salt: bytes
    cost: Mapping[str, int]
    nonce: bytes
    text: bytes = field(repr=False)

    @classmethod
    def parse(cls, data: bytes, source: str) -> _Box:
        """Read the JSON in the PEM."""
        try:
            lines = [line.strip() for line in data.decode("ascii").splitlines()]
            start = next(n for n, line in enumerate(lines) if line.startswith("-----B"))
            end = next(n for n, line in enumerate(lines) if line.startswith("-----E"))
            table = json.loads(base64.b64decode("".join(lines[start + 1 : end])))
            kdf, cipher = table["kdf"], table["cipher"]
            if (kdf["name"], cipher["name"]) != ("scrypt", "nacl/secretbox"):
                raise ValueError
            return cls(
                salt=base64.b64decode(kdf["salt"], validate=True),
                cost=_cost(kdf["params"]),
                nonce=base64.b64decode(cipher["nonce"], validate=True),
                text=base64.b64decode(table["ciphertext"], validate=True),
            )
        except (ValueError, KeyError, TypeError, StopIteration, RecursionError):
            # binascii.Error and UnicodeDecodeError are ValueErrors.
            raise UsageError(
                f"{source} is no key that cosign wrote, or it is damaged",
                hint="restore the file, or make a new pair with `firstlight key new`",
            ) from None

    def opened(self, passphrase: bytes | None) -> Any:
        """Return the key inside; a `ValueError` when the passphrase is another."""
        from nacl.exceptions import CryptoError
        from nacl.secret import SecretBox

        box = SecretBox(_stretched(passphrase or b"", self.salt, self.cost))
        try:
            return serialization.load_der_private_key(
                box.decrypt(self.text, self.nonce), None
            )
        except CryptoError:
            raise ValueError("another passphrase") from None


def _cost(value: Mapping[str, Any]) -> dict[str, int]:
    """The cost of scrypt, within what a machine can pay: 256 MiB of memory."""
    cost = {name: value[name] for name in _SCRYPT}
    if any(type(each) is not int or each < 1 for each in cost.values()):
        raise ValueError
    if cost["N"] < 2 or cost["N"] & (cost["N"] - 1):
        raise ValueError
    if cost["N"] * cost["r"] > _MOST_COST or cost["p"] > 16:
        raise ValueError
    return cost


def _stretched(passphrase: bytes, salt: bytes, cost: Mapping[str, int]) -> bytes:
    scrypt = Scrypt(salt=salt, length=32, n=cost["N"], r=cost["r"], p=cost["p"])
    return scrypt.derive(passphrase)


def _sealed(key: ec.EllipticCurvePrivateKey, passphrase: bytes) -> bytes:
    from nacl.secret import SecretBox

    der = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    salt, nonce = secrets.token_bytes(32), secrets.token_bytes(SecretBox.NONCE_SIZE)
    box = SecretBox(_stretched(passphrase, salt, _SCRYPT))
    table = {
        "kdf": {"name": "scrypt", "params": _SCRYPT, "salt": _text(salt)},
        "cipher": {"name": "nacl/secretbox", "nonce": _text(nonce)},
        "ciphertext": _text(box.encrypt(der, nonce).ciphertext),
    }
    body = binascii.b2a_base64(json.dumps(table).encode(), newline=False).decode()
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    text = "\n".join([f"-----BEGIN {_LABEL}-----", *lines, f"-----END {_LABEL}-----"])
    return text.encode() + b"\n"


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _write_new(path: Path, data: bytes, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}",
            hint="choose a folder that you may write",
        ) from error
