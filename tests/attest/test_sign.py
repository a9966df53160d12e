"""Claims, envelopes and statements are as others write them; no others are believed."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from firstlight.attest import sign
from firstlight.attest.keys import PrivateKey
from firstlight.digest import of_bytes
from firstlight.errors import ArtefactError

NAME = "registry.example.org/team/torch"
DIGEST, OTHER = of_bytes(b"this"), of_bytes(b"other")
KEY = PrivateKey(ec.derive_private_key(11, ec.SECP256R1()))
STRANGER = PrivateKey(ec.derive_private_key(12, ec.SECP256R1()))


def changed(data: bytes, **changes: Any) -> bytes:
    """The JSON with other values at ``a__b`` paths; `...` removes one."""
    table = json.loads(data)
    for path, value in changes.items():
        *outer, last = path.split("__")
        place = table
        for name in outer:
            place = place[name]
        if value is ...:
            del place[last]
        else:
            place[last] = value
    return json.dumps(table).encode()


def test_a_claim_is_what_cosign_writes() -> None:
    # Made by cosign 2.5 for a repository on loopback.
    made = (
        '{"critical":{"identity":{"docker-reference":"127.0.0.1:5987/team/torch"},'
        '"image":{"docker-manifest-digest":"sha256:45aff43058699cab593c2188059ae6667ea7'
        '73e2df23c20b49c86297adb4b7f0"},"type":"cosign container image signature"},'
        '"optional":null}'
    )
    digest = json.loads(made)["critical"]["image"]["docker-manifest-digest"]
    assert sign.claim("127.0.0.1:5987/team/torch", digest).decode() == made


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"critical__image__docker-manifest-digest": OTHER}, "about"),
        ({"critical__image__docker-manifest-digest": DIGEST[:-1]}, "about"),
        ({"critical__image__docker-manifest-digest": [DIGEST]}, "no claim"),
        ({"critical__identity__docker-reference": NAME + "2"}, "made for"),
        ({"critical__identity__docker-reference": ""}, "made for"),
        ({"critical__identity": ...}, "no claim"),
        ({"critical__image": ...}, "no claim"),
        ({"critical__type": "atomic container signature"}, "another type"),
        ({"critical__type": ...}, "no claim"),
        ({"critical": "yes"}, "no claim"),
    ],
)
def test_a_claim_about_something_else_does_not_count(
    changes: dict[str, Any], why: str
) -> None:
    payload = sign.claim(NAME, DIGEST)
    assert sign.check_claim(payload, DIGEST, [NAME]) == ""
    assert why in sign.check_claim(changed(payload, **changes), DIGEST, [NAME])


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 9999])
def test_what_is_no_claim_does_not_count(payload: bytes) -> None:
    assert sign.check_claim(payload, DIGEST, [NAME])


def test_a_claim_may_name_a_tag_too() -> None:
    payload = sign.claim(f"{NAME}:v1", DIGEST)
    assert sign.check_claim(payload, DIGEST, [NAME]) == ""
    assert sign.check_claim(payload, DIGEST, [NAME + "2"])


def test_the_hub_has_two_names() -> None:
    name = "docker.io/a/b"
    assert sign.names_of(name) == (name, f"index.{name}")
    assert sign.names_of(NAME) == (NAME,)


@given(kind=st.text(), payload=st.binary())
def test_the_encoding_that_is_signed_cannot_be_read_in_two_ways(
    kind: str, payload: bytes
) -> None:
    data = sign.pae(kind, payload)
    version, length, rest = data.split(b" ", 2)
    assert version == b"DSSEv1"
    assert rest[: int(length)] == kind.encode()
    size, body = rest[int(length) + 1 :].split(b" ", 1)
    assert (int(size), body) == (len(payload), payload)


def test_the_encoding_is_that_of_the_protocol() -> None:
    # The example of the DSSE protocol.
    made = sign.pae("http://example.com/HelloWorld", b"hello world")
    assert made == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_an_envelope_gives_back_what_was_signed() -> None:
    payload = sign.statement(NAME, DIGEST, sign.SLSA, {"a": 1})
    data = sign.envelope(payload, KEY)
    assert data == sign.envelope(payload, KEY)
    assert sign.opened(data, KEY.public) == payload
    said = sign.read_statement(payload, DIGEST)
    assert (said.predicate_type, said.predicate) == (sign.SLSA, {"a": 1})


def test_one_good_signature_among_others_is_enough() -> None:
    payload = sign.statement(NAME, DIGEST, sign.SLSA, {})
    both = [
        json.loads(sign.envelope(payload, key))["signatures"][0]
        for key in (STRANGER, KEY)
    ]
    data = changed(sign.envelope(payload, KEY), signatures=[{}, "x", *both])
    assert sign.opened(data, KEY.public) == payload


@pytest.mark.parametrize(
    "changes",
    [
        {"payload": base64.b64encode(b"{}").decode()},
        {"payload": "?"},
        {"payload": ...},
        {"payloadType": "application/json"},
        {"payloadType": ...},
        {"signatures": []},
        {"signatures": ...},
        {"signatures": [{"sig": ""}]},
        {"signatures": [{"sig": "AAAA"}]},
        {"signatures": [{"sig": 5}, None, []]},
    ],
)
def test_an_altered_envelope_is_refused(changes: dict[str, Any]) -> None:
    data = sign.envelope(sign.statement(NAME, DIGEST, sign.SLSA, {}), KEY)
    with pytest.raises(ArtefactError):
        sign.opened(changed(data, **changes), KEY.public)


def test_a_signature_of_the_bare_payload_is_none_of_the_envelope() -> None:
    payload = sign.statement(NAME, DIGEST, sign.SLSA, {})
    bare = base64.b64encode(KEY.sign(payload)).decode()
    data = changed(sign.envelope(payload, KEY), signatures=[{"sig": bare}])
    with pytest.raises(ArtefactError, match="not signed"):
        sign.opened(data, KEY.public)


def test_the_envelope_of_a_stranger_is_refused() -> None:
    data = sign.envelope(sign.statement(NAME, DIGEST, sign.SLSA, {}), STRANGER)
    with pytest.raises(ArtefactError, match="not signed"):
        sign.opened(data, KEY.public)
    assert sign.opened(data, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"_type": "https://in-toto.io/Statement/v2"},
        {"_type": ...},
        {"subject": []},
        {"subject": [{"digest": {"sha256": OTHER[7:]}}]},
        {"subject": [{"digest": {"sha512": DIGEST[7:]}}]},
        {"subject": [{"digest": {"sha256": [DIGEST[7:]]}}]},
        {"subject": "all"},
        {"predicate": ...},
        {"predicate": []},
        {"predicateType": 1},
    ],
)
def test_a_statement_about_something_else_is_refused(changes: dict[str, Any]) -> None:
    payload = sign.statement(NAME, DIGEST, sign.SLSA, {})
    with pytest.raises(ArtefactError):
        sign.read_statement(changed(payload, **changes), DIGEST)


def test_a_statement_of_cosign_is_read() -> None:
    payload = changed(
        sign.statement(NAME, DIGEST, sign.CYCLONEDX, {"bomFormat": "CycloneDX"}),
        _type="https://in-toto.io/Statement/v0.1",
    )
    assert sign.read_statement(payload, DIGEST).predicate_type == sign.CYCLONEDX
