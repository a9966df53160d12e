"""Digests: one form, checked at the door."""

from __future__ import annotations

import hashlib
import io

import pytest

from firstlight.digest import HashingReader, of_bytes, parse_digest
from firstlight.errors import ArtefactError, DigestError

HEX = hashlib.sha256(b"abc").hexdigest()


def test_bare_hex_and_upper_case_become_one_form():
    assert (
        parse_digest(HEX) == parse_digest(f"SHA256:{HEX.upper()}") == of_bytes(b"abc")
    )


@pytest.mark.parametrize(
    "text",
    ["", "sha256:", HEX[:-1], HEX + "0", f"md5:{HEX}", f"sha256:{HEX}\n", "g" * 64],
)
def test_refuses_what_is_no_digest(text):
    with pytest.raises(ArtefactError, match="not a SHA-256"):
        parse_digest(text)


def test_a_reader_hashes_what_passes():
    reader = HashingReader(io.BytesIO(b"abc"))
    assert reader.read(1) + reader.read() == b"abc"
    assert (reader.size, reader.digest) == (3, of_bytes(b"abc"))
    reader.verify(of_bytes(b"abc"), "a.whl")
    with pytest.raises(DigestError, match=r"a\.whl"):
        reader.verify(of_bytes(b"abd"), "a.whl")
