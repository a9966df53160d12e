"""What is signed, as bytes: cosign's claim about an image, and statements in envelopes.

Nothing here talks to a registry. Sources: the simple signing format of *containers/
image*, cosign's *SIGNATURE_SPEC*, the *DSSE* protocol, and in-toto's *Statement* v1.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from firstlight.attest.keys import PrivateKey, PublicKey
from firstlight.digest import Digest, of_bytes
from firstlight.errors import ArtefactError, FirstlightError
from firstlight.oci.model import canonical_json
from firstlight.oci.reference import parse_reference

__all__ = [
    "CYCLONEDX",
    "DSSE_TYPE",
    "SIGNATURE_TYPE",
    "SLSA",
    "STATEMENT_TYPE",
    "Statement",
    "check_claim",
    "claim",
    "envelope",
    "names_of",
    "opened",
    "pae",
    "read_statement",
    "signature_of",
    "statement",
]

SIGNATURE_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE_TYPE = "application/vnd.dsse.envelope.v1+json"
STATEMENT_TYPE = "application/vnd.in-toto+json"
CYCLONEDX = "https://cyclonedx.org/bom"
SLSA = "https://slsa.dev/provenance/v1"
"""What statements can be about; cosign calls these `cyclonedx`, `slsaprovenance1`."""

_CLAIM = "cosign container image signature"
_STATEMENT = "https://in-toto.io/Statement/v1"
_STATEMENTS = (_STATEMENT, "https://in-toto.io/Statement/v0.1")  # Cosign 2 writes 0.1.


# Claims: the payload of a signature


def claim(name: str, digest: Digest) -> bytes:
    """Return the claim that a manifest is the image of a repository.

    Byte for byte what cosign writes, so that both find each other's signature.
    """
    return canonical_json(
        {
            "critical": {
                "identity": {"docker-reference": name},
                "image": {"docker-manifest-digest": digest},
                "type": _CLAIM,
            },
            "optional": None,
        }
    )


def names_of(name: str) -> tuple[str, ...]:
    """Return what a repository may be called in a claim.

    Cosign calls Docker's own registry by the name of its server.
    """
    is_docker = name.startswith("docker.io/")
    return (name, f"index.{name}") if is_docker else (name,)


def check_claim(payload: bytes, digest: Digest, names: Collection[str]) -> str:
    """Return why a claim is not about this image, empty when it is.

    Args:
        names: The repositories whose claims count.
    """
    match _json(payload):
        case {
            "critical": {
                "identity": {"docker-reference": str(name)},
                "image": {"docker-manifest-digest": str(found)},
                "type": str(kind),
            }
        }:
            pass
        case _:
            return "it is no claim about an image"
    if kind != _CLAIM:
        return f"it is of another type: {kind[:80]!r}"
    if found != digest:
        return f"it is about {found[:80]}"
    if name not in names and _without_tag(name) not in names:
        return f"it was made for {name[:200]!r}"
    return ""


def _without_tag(name: str) -> str:
    try:
        return parse_reference(name).name
    except FirstlightError:
        return ""


def signature_of(text: str) -> bytes:
    """Return the bytes of a signature in base64, empty when it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""


# Envelopes: statements and who made them


def pae(kind: str, payload: bytes) -> bytes:
    """Return DSSE's *pre-authentication encoding*: what is signed of an envelope."""
    head = f"DSSEv1 {len(kind.encode())} {kind} {len(payload)} "
    return head.encode() + payload


def envelope(payload: bytes, key: PrivateKey) -> bytes:
    """Return a statement in an envelope with the signature of a key."""
    signature = key.sign(pae(STATEMENT_TYPE, payload))
    return canonical_json(
        {
            "payloadType": STATEMENT_TYPE,
            "payload": base64.b64encode(payload).decode(),
            "signatures": [{"keyid": "", "sig": base64.b64encode(signature).decode()}],
        }
    )


def opened(data: bytes, key: PublicKey | None) -> bytes:
    """Return the statement in an envelope.

    Args:
        key: Whose signature must be there; None to believe nothing of what is read.

    Raises:
        ArtefactError: when it is no envelope of a statement, or not signed by the key.
    """
    match _json(data):
        case {
            "payloadType": str(kind),
            "payload": str(text),
            "signatures": list(signatures),
        }:
            pass
        case _:
            raise ArtefactError("it is no envelope (DSSE)")
    if kind != STATEMENT_TYPE:
        raise ArtefactError(f"the envelope holds {kind[:80]!r} and no statement")
    payload = signature_of(text)
    if key is not None:
        signed = pae(kind, payload)
        given = (_signature(each) for each in signatures[:100])
        if not any(key.verifies(each, signed) for each in given):
            raise ArtefactError("it is not signed with this key, or was altered")
    return payload


def _signature(value: object) -> bytes:
    match value:
        case {"sig": str(text)}:
            return signature_of(text)
        case _:
            return b""


# Statements: what is said about an image


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Something that was said of an image: what kind of thing, and the thing itself.

    `digest` is of the statement's bytes.
    """

    predicate_type: str
    predicate: Mapping[str, Any]
    digest: Digest


def statement(
    name: str, digest: Digest, predicate_type: str, predicate: Mapping[str, Any]
) -> bytes:
    """Return an in-toto statement about one manifest of a repository."""
    return canonical_json(
        {
            "_type": _STATEMENT,
            "subject": [
                {"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}}
            ],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
    )


def read_statement(payload: bytes, digest: Digest) -> Statement:
    """Return a statement that must be about this manifest.

    Raises:
        ArtefactError: when it is none, or about something else.
    """
    match _json(payload):
        case {
            "_type": str(kind),
            "subject": list(subjects),
            "predicateType": str(predicate_type),
            "predicate": dict(predicate),
        } if kind in _STATEMENTS:
            pass
        case _:
            raise ArtefactError("it is no statement about an image (in-toto)")
    if digest not in [_subject(each) for each in subjects]:
        raise ArtefactError("it is about another image")
    return Statement(
        predicate_type=predicate_type, predicate=predicate, digest=of_bytes(payload)
    )


def _subject(value: object) -> str:
    match value:
        case {"digest": {"sha256": str(text)}}:
            return f"sha256:{text}"
        case _:
            return ""


def _json(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
