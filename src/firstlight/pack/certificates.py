"""The certificates an image trusts, as one bundle and as links OpenSSL looks up."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator

from firstlight.errors import ArtefactError
from firstlight.pack.alternatives import link_entry
from firstlight.pack.dpkg import file_entry
from firstlight.pack.entry import Entry
from firstlight.pack.tree import Tree

__all__ = ["certificate_entries", "subject_hash"]

_SHARE = "usr/share/ca-certificates/"
_FOLDER = "etc/ssl/certs"
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
_SEQUENCE, _SET, _VERSION = 0x30, 0x31, 0xA0
_UTF8 = 0x0C
_STRINGS = {
    0x0C: "utf-8",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1A: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}
"""The kinds of text in a name, and how each is written."""


def certificate_entries(tree: Tree) -> Iterator[Entry]:
    """Yield what ``update-ca-certificates`` makes when every certificate is trusted.

    Raises:
        ArtefactError: when a file among the certificates is none.
    """
    names = sorted(
        path.removeprefix(_SHARE)
        for path in tree.texts
        if path.startswith(_SHARE) and path.endswith(".crt")
    )
    if not names:
        return
    bundle = b""
    hashes: dict[str, set[bytes]] = {}
    for name in names:
        text = tree.text(_SHARE + name)
        bundle += text if text.endswith(b"\n") else text + b"\n"
        stem = name.rpartition("/")[2].removesuffix(".crt")
        pem = stem.replace(" ", "_").replace("(", "=").replace(")", "=")
        pem = pem.replace(",", "_") + ".pem"
        yield link_entry(f"{_FOLDER}/{pem}", f"/{_SHARE}{name}")
        der = _der(text, name)
        known = hashes.setdefault(subject_hash(der, name), set())
        if der not in known:
            where = f"{_FOLDER}/{subject_hash(der, name)}.{len(known)}"
            yield link_entry(where, pem)
            known.add(der)
    yield file_entry(f"{_FOLDER}/ca-certificates.crt", bundle)
    yield file_entry("etc/ca-certificates.conf", "".join(f"{n}\n" for n in names))


def subject_hash(der: bytes, name: str) -> str:
    """Return the eight digits by which OpenSSL finds a certificate for its subject.

    The subject is put in a canonical form first (UTF-8, lower case, single spaces), as
    ``X509_NAME_hash`` does since OpenSSL 1.0.0.

    Args:
        name: The certificate's file, for the error.

    Raises:
        ArtefactError: when the bytes are no certificate.
    """
    try:
        body = _items(_items(_items(der)[0][1])[0][1])
        subject = body[5 if body[0][0] == _VERSION else 4][1]
        canonical = b"".join(_canonical_set(value) for _, value in _items(subject))
    except (IndexError, ValueError) as error:
        raise ArtefactError(
            f"{name}: not a certificate: its subject cannot be read"
        ) from error
    digest = hashlib.sha1(canonical, usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}"


def _der(text: bytes, name: str) -> bytes:
    body = text.partition(_BEGIN)[2].partition(_END)[0]
    try:
        return base64.b64decode(b"".join(body.split()), validate=True)
    except binascii.Error as error:
        raise ArtefactError(f"{name}: not a certificate in PEM form") from error


def _items(data: bytes) -> list[tuple[int, bytes]]:
    """The tag and content of each DER element in a row."""
    items = []
    while data:
        length, start = data[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[2:start], "big")
        if len(data) < start + length:
            raise ValueError("cut short")
        items.append((data[0], data[start : start + length]))
        data = data[start + length :]
    return items


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _canonical_set(data: bytes) -> bytes:
    attributes = []
    for _, pair in _items(data):
        (kind, name), (tag, value) = _items(pair)
        if tag in _STRINGS:
            text = value.decode(_STRINGS[tag]).encode()
            tag, value = _UTF8, b" ".join(text.split()).lower()
        content = _element(kind, name) + _element(tag, value)
        attributes.append(_element(_SEQUENCE, content))
    return _element(_SET, b"".join(sorted(attributes)))
