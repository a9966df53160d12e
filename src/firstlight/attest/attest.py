"""Signatures, bills of materials and provenance: attached to images, and verified.

With a key everything is signed and stands under cosign's tags as well; without one, or
for readers that know no signatures, bill and provenance are plain referrers. A referrer
that nobody signed is a note, not a proof: `verify` returns nothing from it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from firstlight.attest import attachments, sign
from firstlight.attest.attachments import Paper
from firstlight.attest.keys import PrivateKey, PublicKey
from firstlight.attest.sign import Statement
from firstlight.digest import Digest
from firstlight.errors import ArtefactError
from firstlight.failures import RefusedError
from firstlight.finding import Finding, Role
from firstlight.oci.model import Descriptor, canonical_json
from firstlight.oci.registry import Repository
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = [
    "BOM_TYPE",
    "Evidence",
    "Verified",
    "attach",
    "attach_all",
    "sbom_of",
    "verify",
]

BOM_TYPE = "application/vnd.cyclonedx+json"
_COSIGN_TYPE = "application/vnd.dev.cosign.artifact.sig.v1+json"
_PREDICATE = "in-toto.io/predicate-type"

_LARGEST_CLAIM = 1 << 20
_MOST_REFERRERS = 100
_MOST_LAYERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of the image for one platform.

    `manifest` is its manifest in the registry; `sbom` a CycloneDX document,
    `provenance` the predicate of SLSA.
    """

    manifest: Digest
    sbom: Mapping[str, Any]
    provenance: Mapping[str, Any]

    def predicates(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Each with what kind of predicate it is."""
        yield sign.CYCLONEDX, self.sbom
        yield sign.SLSA, self.provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a key vouches for: at least one signature, and these statements.

    `findings` tell what else hangs on the image and did not count, and why.
    """

    digest: Digest
    signatures: int
    statements: tuple[Statement, ...]
    findings: tuple[Finding, ...]


# Attaching


def attach(
    repository: Repository,
    subject: Descriptor,
    evidence: Sequence[Evidence] = (),
    key: PrivateKey | None = None,
    *,
    progress: Progress | None = None,
) -> tuple[Descriptor, ...]:
    """Attach evidence to a manifest or index, and sign all of it where there is a key.

    Doing it again, by anybody with the same key, adds nothing.

    Args:
        subject: The manifest, or the index of several platforms.
        evidence: Of the platforms that the subject is for.

    Returns:
        The referrers.

    Raises:
        NetworkError: when the registry refuses.
        ArtefactError: when something else has one of cosign's tags.
    """
    made: list[Descriptor] = []
    with (progress or Progress()).task("attach", subject.digest[7:19]):
        for each in evidence:
            # A bill is of one platform: it hangs on that manifest, not on the index.
            if each.manifest == subject.digest:
                made += _notes(repository, subject, each)
        if key is not None:
            made.append(_signature(repository, subject, key))
            _statements(repository, subject, evidence, key)
    return tuple(made)


def attach_all(
    repository: Repository,
    top: Descriptor,
    manifests: Sequence[Descriptor],
    evidence: Sequence[Evidence] = (),
    *,
    key: PrivateKey | None = None,
    progress: Progress | None = None,
) -> tuple[Descriptor, ...]:
    """Attach to a pushed image: to each platform's manifest, and to the index.

    Whoever has only one of the digests can verify it. Arguments are as in `attach`.
    """
    made: list[Descriptor] = []
    for subject in {each.digest: each for each in (*manifests, top)}.values():
        own = [
            each
            for each in evidence
            if each.manifest == subject.digest or subject.digest == top.digest
        ]
        made += attach(repository, subject, own, key, progress=progress)
    return tuple(made)


def _notes(
    repository: Repository, subject: Descriptor, evidence: Evidence
) -> Iterator[Descriptor]:
    bill = Paper(
        media_type=BOM_TYPE, data=canonical_json(evidence.sbom), annotations={}
    )
    yield attachments.refer(repository, subject, BOM_TYPE, [bill], {})
    kind = {_PREDICATE: sign.SLSA}
    text = sign.statement(
        repository.reference.name, subject.digest, sign.SLSA, evidence.provenance
    )
    paper = Paper(media_type=sign.STATEMENT_TYPE, data=text, annotations=kind)
    yield attachments.refer(repository, subject, sign.STATEMENT_TYPE, [paper], kind)


def _signature(
    repository: Repository, subject: Descriptor, key: PrivateKey
) -> Descriptor:
    payload = sign.claim(repository.reference.name, subject.digest)
    text = base64.b64encode(key.sign(payload)).decode()
    paper = Paper(
        media_type=sign.SIGNATURE_TYPE,
        data=payload,
        annotations={attachments.SIGNATURE: text},
    )
    public = key.public

    def is_ours(_: Paper, found: Descriptor) -> bool:
        same = found.digest == paper.descriptor()["digest"]
        return same and public.verifies(_given(found), payload)

    attachments.add(repository, subject.digest, "sig", [paper], is_ours)
    return attachments.refer(repository, subject, _COSIGN_TYPE, [paper], {})


def _statements(
    repository: Repository,
    subject: Descriptor,
    evidence: Iterable[Evidence],
    key: PrivateKey,
) -> None:
    name = repository.reference.name
    papers = [
        Paper(
            media_type=sign.DSSE_TYPE,
            data=sign.envelope(
                sign.statement(name, subject.digest, kind, predicate), key
            ),
            annotations={attachments.SIGNATURE: "", "predicateType": kind},
        )
        for each in evidence
        for kind, predicate in each.predicates()
    ]
    if papers:
        attachments.add(repository, subject.digest, "att", papers)


# Verifying


def verify(
    repository: Repository,
    store: Store,
    digest: Digest,
    key: PublicKey,
    *,
    names: Collection[str] = (),
) -> Verified:
    """Return what a key vouches for about exactly this manifest or index.

    A signature counts when the key made it over a claim that names this digest and this
    repository; a statement, when the key signed its envelope and its subject is this
    digest. Everything else is told in `findings` and counts for nothing.

    Args:
        names: Repositories whose claims count too, where an image was copied from one.

    Raises:
        ArtefactError: when no signature counts; `findings` say why each did not.
        NetworkError: when the registry cannot be asked.
    """
    look = _Look(repository, store, digest, key, [])
    allowed = {*sign.names_of(repository.reference.name), *names}
    count = sum(look.is_signature(each, allowed) for each in look.signatures())
    if not count:
        raise ArtefactError(
            f"{repository.reference.at(digest)} has no signature of this key "
            f"({key.fingerprint[7:19]})",
            hint="name the public key of whoever signed it, or sign it with "
            "`firstlight sign`",
            findings=look.findings,
        )
    statements = [look.statement(each) for each in look.envelopes()]
    return Verified(
        digest=digest,
        signatures=count,
        statements=tuple(each for each in statements if each is not None),
        findings=tuple(look.findings),
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at what hangs on an image; notes down what does not count."""

    repository: Repository
    store: Store
    digest: Digest
    key: PublicKey
    findings: list[Finding]

    def signatures(self) -> list[Descriptor]:
        """Every layer that may be a signature, each once."""
        places = [
            attachments.tag_of(self.digest, "sig"),
            *(each.digest for each in self._referrers(_COSIGN_TYPE)),
        ]
        return self._layers(places)

    def envelopes(self) -> list[Descriptor]:
        """Every layer that may be a signed statement."""
        return self._layers([attachments.tag_of(self.digest, "att")])

    def is_signature(self, found: Descriptor, names: Collection[str]) -> bool:
        """Whether a layer is a signature of the key for this image."""
        why = ""
        with self._told("a signature"):
            if found.media_type != sign.SIGNATURE_TYPE:
                raise ArtefactError(f"it is {found.media_type[:80]!r}")
            payload = self._load(found, _LARGEST_CLAIM)
            if not self.key.verifies(_given(found), payload):
                raise ArtefactError("it is of another key, or was altered")
            why = sign.check_claim(payload, self.digest, names)
            if why:
                raise ArtefactError(f"the key signed it, but {why}")
            return True
        return False

    def statement(self, found: Descriptor) -> Statement | None:
        """Return what an envelope says, None when it does not count."""
        with self._told("a statement"):
            if found.media_type != sign.DSSE_TYPE:
                raise ArtefactError(f"it is {found.media_type[:80]!r}")
            payload = sign.opened(self._load(found, attachments.LARGEST), self.key)
            said = sign.read_statement(payload, self.digest)
            promised = dict(found.annotations).get("predicateType")
            if promised not in (None, said.predicate_type):
                raise ArtefactError(f"it was announced as {promised!r}")
            return said
        return None

    def _referrers(self, artifact_type: str) -> list[Descriptor]:
        found = self.repository.referrers(self.digest, artifact_type)
        return found[:_MOST_REFERRERS]

    def _layers(self, places: Iterable[str]) -> list[Descriptor]:
        found: list[Descriptor] = []
        for place in places:
            with self._told(place):
                manifest = self.repository.manifest(place)
                found += attachments.descriptors(manifest, place)
        unique = list(dict.fromkeys(found))
        if len(unique) > _MOST_LAYERS:
            more = f"only {_MOST_LAYERS} of {len(unique)} documents were looked at"
            self._note(more)
        return unique[:_MOST_LAYERS]

    def _load(self, found: Descriptor, limit: int) -> bytes:
        return attachments.load(self.repository, self.store, found, limit=limit)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Let one bad document among good ones count for nothing, and say so."""
        try:
            yield
        except ArtefactError as error:
            self._note(f"{what} does not count: {error.message}")
        except RefusedError as error:
            if error.status != 404:
                raise
            self._note(f"{what} does not count: it is not in the registry")

    def _note(self, message: str) -> None:
        self.findings.append(
            Finding(
                code="verify.signature",
                role=Role.NOTE,
                message=message,
                where=str(self.repository.reference.at(self.digest)),
            )
        )


def _given(found: Descriptor) -> bytes:
    return sign.signature_of(dict(found.annotations).get(attachments.SIGNATURE, ""))


# Reading what nobody may have signed


def sbom_of(
    repository: Repository, store: Store, digest: Digest
) -> dict[str, Any] | None:
    """Return the bill of materials of a manifest, None when it has none.

    It is what the registry says: only `verify` tells who vouches for it.

    Raises:
        ArtefactError: when the bill is damaged or too large.
        NetworkError: when the registry cannot be asked.
    """
    for each in repository.referrers(digest, BOM_TYPE)[:_MOST_REFERRERS]:
        manifest = repository.manifest(each.digest)
        for layer in attachments.descriptors(manifest, each.digest):
            if layer.media_type == BOM_TYPE:
                return _bill(attachments.load(repository, store, layer))
    tag = attachments.tag_of(digest, "att")
    for layer in attachments.descriptors(repository.manifest(tag), tag):
        if dict(layer.annotations).get("predicateType") == sign.CYCLONEDX:
            data = attachments.load(repository, store, layer)
            said = sign.read_statement(sign.opened(data, None), digest)
            return dict(said.predicate)
    return None


def _bill(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("bomFormat") != "CycloneDX":
        raise ArtefactError("the bill of materials is no CycloneDX document")
    return found
