"""What is attached is found again, and only what the key signed is believed."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from firstlight.attest import attachments, sign
from firstlight.attest.attest import (
    BOM_TYPE,
    Evidence,
    attach,
    attach_all,
    sbom_of,
    verify,
)
from firstlight.attest.keys import PrivateKey
from firstlight.digest import Digest, of_bytes
from firstlight.errors import ArtefactError, NetworkError
from firstlight.oci.model import INDEX_TYPE, MANIFEST_TYPE, Descriptor, canonical_json
from firstlight.oci.registry import Repository
from firstlight.store import Store
from registry_server import Fault, Manifest, Registry, serving_registry
from share.registries import repository

KEY = PrivateKey(ec.derive_private_key(11, ec.SECP256R1()))
STRANGER = PrivateKey(ec.derive_private_key(12, ec.SECP256R1()))
EDWARDS = PrivateKey(ed25519.Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))
BILL = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1}
MADE = {"buildDefinition": {}, "runDetails": {}}
NAME = "team/demo"


@dataclass
class Place:
    """A repository with one manifest in it."""

    registry: Registry
    repository: Repository
    store: Store
    subject: Descriptor

    @property
    def digest(self) -> Digest:
        return self.subject.digest

    def evidence(self) -> Evidence:
        return Evidence(manifest=self.digest, sbom=BILL, provenance=MADE)

    def tag(self, kind: str) -> str:
        return attachments.tag_of(self.digest, kind)

    def document(self, tag: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.registry.manifests[NAME, tag].data)
        return found

    def layers(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.document(self.tag(kind))["layers"]
        return found

    def put(self, kind: str, *layers: dict[str, Any], **more: Any) -> None:
        """Let cosign's tag name other layers, as whoever may write there could."""
        config = {"digest": self.registry.add_blob(NAME, b"{}"), "size": 2}
        kind_of = "application/vnd.oci.image.config.v1+json"
        table = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": kind_of, **config},
            "layers": list(layers),
            **more,
        }
        made = Manifest(MANIFEST_TYPE, canonical_json(table))
        self.registry.manifests[NAME, self.tag(kind)] = made

    def layer(self, data: bytes, media_type: str, **notes: str) -> dict[str, Any]:
        """A layer whose blob is there."""
        return {
            "mediaType": media_type,
            "digest": self.registry.add_blob(NAME, data),
            "size": len(data),
            "annotations": notes,
        }

    def signature(
        self, payload: bytes, key: PrivateKey = KEY, **changes: Any
    ) -> dict[str, Any]:
        """A layer with a signature of any payload."""
        text = base64.b64encode(key.sign(payload)).decode()
        notes = {attachments.SIGNATURE: text}
        return {**self.layer(payload, sign.SIGNATURE_TYPE, **notes), **changes}

    def refusal(self, key: PrivateKey = KEY) -> str:
        """Why nothing counts."""
        with pytest.raises(ArtefactError, match="no signature of this key") as caught:
            verify(self.repository, self.store, self.digest, key.public)
        return " | ".join(each.message for each in caught.value.findings)


@pytest.fixture(params=[True, False], ids=["referrers", "fallback"])
def registry(request: pytest.FixtureRequest) -> Iterator[Registry]:
    with serving_registry() as found:
        found.referrers_api = request.param
        yield found


@pytest.fixture
def place(registry: Registry, tmp_path: Path) -> Iterator[Place]:
    store = Store.open(tmp_path / "store")
    data = canonical_json(
        {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "layers": []}
    )
    with repository(registry, store, NAME) as found:
        digest = found.put_manifest(data, MANIFEST_TYPE, "v1")
        subject = Descriptor(media_type=MANIFEST_TYPE, digest=digest, size=len(data))
        yield Place(registry, found, store, subject)


@pytest.mark.parametrize("key", [KEY, EDWARDS], ids=["ecdsa", "ed25519"])
def test_what_was_attached_and_signed_is_verified(
    place: Place, key: PrivateKey
) -> None:
    attach(place.repository, place.subject, [place.evidence()], key)
    found = verify(place.repository, place.store, place.digest, key.public)
    assert found.signatures == 1
    assert found.findings == ()
    assert {each.predicate_type: each.predicate for each in found.statements} == {
        sign.CYCLONEDX: BILL,
        sign.SLSA: MADE,
    }
    assert sbom_of(place.repository, place.store, place.digest) == BILL


def test_attaching_again_adds_nothing(place: Place) -> None:
    first = attach(place.repository, place.subject, [place.evidence()], KEY)
    before = dict(place.registry.manifests), dict(place.registry.blobs)
    assert attach(place.repository, place.subject, [place.evidence()], KEY) == first
    assert (place.registry.manifests, place.registry.blobs) == before


def test_without_a_key_bill_and_provenance_are_plain_referrers(place: Place) -> None:
    made = attach(place.repository, place.subject, [place.evidence()])
    assert [each.artifact_type for each in made] == [BOM_TYPE, sign.STATEMENT_TYPE]
    found = place.repository.referrers(place.digest)
    assert {each.digest for each in found} == {each.digest for each in made}
    assert {each.artifact_type for each in found} == {BOM_TYPE, sign.STATEMENT_TYPE}
    assert (NAME, place.tag("sig")) not in place.registry.manifests
    assert (NAME, place.tag("att")) not in place.registry.manifests
    assert sbom_of(place.repository, place.store, place.digest) == BILL
    assert place.refusal() == ""


def test_a_signature_alone_needs_no_evidence(place: Place) -> None:
    attach(place.repository, place.subject, key=KEY)
    found = verify(place.repository, place.store, place.digest, KEY.public)
    assert (found.signatures, found.statements) == (1, ())
    assert sbom_of(place.repository, place.store, place.digest) is None


def test_nothing_to_say_attaches_nothing(place: Place) -> None:
    before = dict(place.registry.manifests)
    assert attach(place.repository, place.subject) == ()
    assert place.registry.manifests == before


def test_signatures_of_others_stay(place: Place) -> None:
    for key in (STRANGER, KEY, EDWARDS):
        attach(place.repository, place.subject, [place.evidence()], key)
    assert len(place.layers("sig")) == 3
    assert len(place.layers("att")) == 6
    for key in (STRANGER, KEY, EDWARDS):
        found = verify(place.repository, place.store, place.digest, key.public)
        assert found.signatures == 1
        assert len(found.statements) == 2
        assert len(found.findings) == 6, "those of the two others are told"


def test_an_earlier_signature_of_the_key_counts_as_ours(place: Place) -> None:
    secret = ec.derive_private_key(11, ec.SECP256R1())
    payload = sign.claim(place.repository.reference.name, place.digest)
    random = secret.sign(payload, ec.ECDSA(hashes.SHA256()))
    text = base64.b64encode(random).decode()
    layer = place.layer(payload, sign.SIGNATURE_TYPE, **{attachments.SIGNATURE: text})
    place.put("sig", layer)
    attach(place.repository, place.subject, key=KEY)
    assert place.layers("sig") == [layer]


def test_what_the_manifest_of_others_says_besides_is_kept(place: Place) -> None:
    place.put("sig", annotations={"mine": "yes"})
    attach(place.repository, place.subject, key=KEY)
    assert place.document(place.tag("sig"))["annotations"] == {"mine": "yes"}


def test_the_configuration_names_every_layer_as_cosign_wants_it(place: Place) -> None:
    for key in (STRANGER, KEY):
        attach(place.repository, place.subject, key=key)
    document = place.document(place.tag("sig"))
    config = json.loads(place.registry.blobs[document["config"]["digest"]])
    digests = [each["digest"] for each in document["layers"]]
    assert config["rootfs"]["diff_ids"] == digests
    assert len(config["history"]) == len(digests) == 2


def test_an_index_has_the_statements_of_all_platforms(place: Place) -> None:
    data = canonical_json(
        {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": []}
    )
    digest = place.repository.put_manifest(data, INDEX_TYPE, "all")
    index = Descriptor(media_type=INDEX_TYPE, digest=digest, size=len(data))
    arm = Evidence(
        manifest=of_bytes(b"arm"), sbom={**BILL, "version": 2}, provenance={"arm": 1}
    )
    made = attach(place.repository, index, [place.evidence(), arm], KEY)
    assert len(made) == 1, "a bill is of one platform and hangs on its manifest"
    found = verify(place.repository, place.store, digest, KEY.public)
    assert len(found.statements) == 4
    assert verify_fails(place, place.digest), "the platform's own is not signed by that"


def test_every_digest_that_a_person_may_have_is_signed(place: Place) -> None:
    data = canonical_json(
        {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": []}
    )
    digest = place.repository.put_manifest(data, INDEX_TYPE, "all")
    index = Descriptor(media_type=INDEX_TYPE, digest=digest, size=len(data))
    attach_all(place.repository, index, [place.subject], [place.evidence()], key=KEY)
    for each in (digest, place.digest):
        found = verify(place.repository, place.store, each, KEY.public)
        assert (found.signatures, len(found.statements)) == (1, 2)
    assert sbom_of(place.repository, place.store, place.digest) == BILL
    assert place.repository.referrers(digest, BOM_TYPE) == []


def verify_fails(place: Place, digest: Digest) -> bool:
    try:
        verify(place.repository, place.store, digest, KEY.public)
    except ArtefactError:
        return True
    return False


# What must not be believed


def test_another_key_is_refused(place: Place) -> None:
    attach(place.repository, place.subject, [place.evidence()], KEY)
    assert "another key" in place.refusal(STRANGER)


def test_an_image_without_signature_is_refused(place: Place) -> None:
    assert place.refusal() == ""
    with pytest.raises(ArtefactError) as caught:
        verify(place.repository, place.store, place.digest, KEY.public)
    assert "firstlight sign" in caught.value.hint


def test_a_signature_of_another_image_is_refused(place: Place) -> None:
    name = place.repository.reference.name
    place.put("sig", place.signature(sign.claim(name, of_bytes(b"other"))))
    assert "about sha256" in place.refusal()


def test_a_signature_for_another_repository_is_refused_unless_named(
    place: Place,
) -> None:
    place.put("sig", place.signature(sign.claim("old.example.org/x", place.digest)))
    assert "made for 'old.example.org/x'" in place.refusal()
    names = ["old.example.org/x"]
    found = verify(place.repository, place.store, place.digest, KEY.public, names=names)
    assert found.signatures == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"mediaType": sign.DSSE_TYPE},
        {"mediaType": "application/octet-stream"},
        {"annotations": {}},
        {"annotations": None},
        {"annotations": {attachments.SIGNATURE: ""}},
        {"annotations": {attachments.SIGNATURE: "!"}},
        {"annotations": {attachments.SIGNATURE: ["x"]}},
        {"annotations": {attachments.SIGNATURE.upper(): "AAAA"}},
        {"size": 1 << 40},
        {"size": 3},
        {"digest": of_bytes(b"nowhere")},
    ],
)
def test_a_signature_that_is_not_whole_is_refused(
    place: Place, changes: dict[str, Any]
) -> None:
    payload = sign.claim(place.repository.reference.name, place.digest)
    place.put("sig", place.signature(payload, **changes))
    assert place.refusal()


@pytest.mark.parametrize("layer", [{}, {"size": -1}, {"digest": "md5:1"}, "x"])
def test_a_manifest_of_nonsense_is_refused(place: Place, layer: Any) -> None:
    good = {"mediaType": "a/b", "digest": of_bytes(b""), "size": 0}
    place.put("sig", {**good, **layer} if layer and layer != "x" else layer)
    assert place.refusal()


def test_an_altered_payload_is_refused(place: Place) -> None:
    payload = sign.claim(place.repository.reference.name, place.digest)
    layer = place.signature(payload)
    altered = payload.replace(b"null", b'"x"')
    layer |= {"digest": place.registry.add_blob(NAME, altered), "size": len(altered)}
    place.put("sig", layer)
    assert "altered" in place.refusal()


def test_a_blob_that_is_not_its_digest_is_refused(place: Place) -> None:
    attach(place.repository, place.subject, key=KEY)
    blob = place.layers("sig")[0]["digest"]
    place.store.path(blob).unlink(missing_ok=True)
    place.registry.faults.append(Fault(at=f"GET .*{blob}", do="alter", times=99))
    assert place.refusal()


def test_a_huge_payload_is_never_fetched(place: Place) -> None:
    payload = b" " * (2 << 20)
    place.put("sig", place.signature(payload))
    before = len(place.registry.requests)
    assert "more than" in place.refusal()
    blobs = [
        each for each in place.registry.requests[before:] if "/blobs/" in each.path
    ]
    assert not blobs


def test_one_bad_document_does_not_hide_a_good_one(place: Place) -> None:
    payload = sign.claim(place.repository.reference.name, place.digest)
    bad = place.signature(payload, digest=of_bytes(b"nowhere"))
    place.put("sig", bad, place.signature(payload))
    found = verify(place.repository, place.store, place.digest, KEY.public)
    assert found.signatures == 1
    assert len(found.findings) == 1


def test_a_referrer_alone_is_enough(place: Place) -> None:
    attach(place.repository, place.subject, key=KEY)
    del place.registry.manifests[NAME, place.tag("sig")]
    assert verify(place.repository, place.store, place.digest, KEY.public).signatures


def test_too_many_documents_are_not_all_looked_at(place: Place) -> None:
    payload = sign.claim(place.repository.reference.name, place.digest)
    layers = [place.signature(payload, STRANGER, size=n) for n in range(300)]
    place.put("sig", *layers)
    assert "only 200 of 300" in place.refusal()


def test_statements_of_others_are_told_and_not_returned(place: Place) -> None:
    attach(place.repository, place.subject, key=KEY)
    attach(place.repository, place.subject, [place.evidence()], STRANGER)
    found = verify(place.repository, place.store, place.digest, KEY.public)
    assert found.statements == ()
    assert (
        sum("not signed with this key" in each.message for each in found.findings) == 2
    )


@pytest.mark.parametrize(
    ("subject", "kind", "announced", "why"),
    [
        (b"other", sign.DSSE_TYPE, sign.SLSA, "another image"),
        (b"", sign.DSSE_TYPE, sign.CYCLONEDX, "announced"),
        (b"", sign.SIGNATURE_TYPE, sign.SLSA, "it is 'application"),
    ],
)
def test_a_signed_statement_that_does_not_fit_is_not_returned(
    place: Place, subject: bytes, kind: str, announced: str, why: str
) -> None:
    attach(place.repository, place.subject, key=KEY)
    digest = of_bytes(subject) if subject else place.digest
    said = sign.envelope(sign.statement("x", digest, sign.SLSA, MADE), KEY)
    place.put("att", place.layer(said, kind, predicateType=announced))
    found = verify(place.repository, place.store, place.digest, KEY.public)
    assert found.statements == ()
    assert why in found.findings[0].message


def test_a_statement_as_signature_and_back_is_refused(place: Place) -> None:
    """The key never signs the same bytes for two purposes."""
    said = sign.statement("x", place.digest, sign.SLSA, MADE)
    envelope = json.loads(sign.envelope(said, KEY))
    text = envelope["signatures"][0]["sig"]
    bytes_signed = sign.pae(sign.STATEMENT_TYPE, said)
    notes = {attachments.SIGNATURE: text}
    place.put("sig", place.layer(bytes_signed, sign.SIGNATURE_TYPE, **notes))
    assert "no claim" in place.refusal()


# Where things go wrong


def test_a_tag_that_is_something_else_is_not_overwritten(place: Place) -> None:
    data = canonical_json(
        {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": []}
    )
    place.repository.put_manifest(data, INDEX_TYPE, place.tag("sig"))
    with pytest.raises(ArtefactError, match="no manifest with"):
        attach(place.repository, place.subject, key=KEY)
    assert place.registry.manifests[NAME, place.tag("sig")].data == data


def test_one_who_signs_in_the_same_moment_is_noticed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = place.repository.put_manifest
    times = 0

    def slow(data: bytes, media_type: str, tag: str = "") -> Digest:
        nonlocal times
        digest = put(data, media_type, tag)
        if tag == place.tag("sig") and times < 2:
            times += 1
            payload = sign.claim(place.repository.reference.name, place.digest)
            place.put("sig", place.signature(payload, STRANGER))
        return digest

    monkeypatch.setattr(place.repository, "put_manifest", slow)
    attach(place.repository, place.subject, key=KEY)
    assert times == 2
    assert len(place.layers("sig")) == 2, "the stranger's, and ours after it"


def test_a_registry_that_loses_what_is_put_is_told(place: Place) -> None:
    at = f"GET .*manifests/{place.tag('sig')}"
    place.registry.faults.append(Fault(at=at, do="answer", status=404, times=99))
    with pytest.raises(NetworkError, match="same time"):
        attach(place.repository, place.subject, key=KEY)


def test_a_registry_that_fails_while_verifying_is_an_error(place: Place) -> None:
    attach(place.repository, place.subject, key=KEY)
    place.store.path(place.layers("sig")[0]["digest"]).unlink(missing_ok=True)
    place.registry.faults.append(Fault(at="GET .*blobs/", do="answer", times=99))
    with pytest.raises(NetworkError):
        verify(place.repository, place.store, place.digest, KEY.public)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"bomFormat": "SPDX"}'])
def test_a_bill_of_nonsense_is_refused(place: Place, data: bytes) -> None:
    paper = attachments.Paper(media_type=BOM_TYPE, data=data, annotations={})
    attachments.refer(place.repository, place.subject, BOM_TYPE, [paper], {})
    with pytest.raises(ArtefactError, match="CycloneDX"):
        sbom_of(place.repository, place.store, place.digest)


def test_a_bill_that_only_cosign_attached_is_found(place: Place) -> None:
    said = sign.statement("x", place.digest, sign.CYCLONEDX, BILL)
    envelope = sign.envelope(said, STRANGER)
    notes = {"predicateType": sign.CYCLONEDX}
    place.put("att", place.layer(envelope, sign.DSSE_TYPE, **notes))
    assert sbom_of(place.repository, place.store, place.digest) == BILL


def test_no_evidence_names_the_wrong_manifest(place: Place) -> None:
    other = replace(place.evidence(), manifest=of_bytes(b"other"))
    assert attach(place.repository, place.subject, [other]) == ()
