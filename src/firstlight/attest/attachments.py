"""What hangs on an image in a registry: cosign's tags, and referrers.

Cosign keeps signatures of a manifest under the tag ``sha256-<hex>.sig`` and statements
under ``.att``: an image whose layers are those documents, to which everybody who signs
adds some. A referrer is a manifest of its own with a `subject`; equal ones are one.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from firstlight.digest import Digest, of_bytes, parse_digest
from firstlight.errors import ArtefactError, FirstlightError, NetworkError
from firstlight.oci.model import (
    CONFIG_TYPE,
    EMPTY_TYPE,
    MANIFEST_TYPE,
    Descriptor,
    canonical_json,
)
from firstlight.oci.registry import Document, Repository, Upload
from firstlight.store import Store

__all__ = [
    "LARGEST",
    "SIGNATURE",
    "Paper",
    "add",
    "descriptors",
    "load",
    "refer",
    "tag_of",
]

SIGNATURE = "dev.cosignproject.cosign/signature"
"""The annotation of a layer that carries the signature of its bytes."""

LARGEST = 64 << 20
"""Bytes of the largest document that is read; most bills have some hundred KB."""

_MOST = 1000
_EMPTY = b"{}"
_TRIES = 4
_NEVER = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A document to attach: its type, its bytes, the annotations of its layer."""

    media_type: str
    data: bytes
    annotations: Mapping[str, str]

    def descriptor(self) -> dict[str, Any]:
        """The layer that names it."""
        return {
            "mediaType": self.media_type,
            "digest": of_bytes(self.data),
            "size": len(self.data),
            "annotations": dict(self.annotations),
        }

    def upload(self) -> Upload:
        """The blob to push."""
        return _upload(self.data, self.media_type.rpartition("/")[2])


def tag_of(digest: Digest, kind: str) -> str:
    """Return the tag under which cosign keeps something about a manifest.

    Args:
        kind: ``sig`` or ``att``.
    """
    return f"{digest.replace(':', '-')}.{kind}"


def descriptors(document: Document | None, where: str) -> list[Descriptor]:
    """Return the layers of a manifest of documents; none where there is no manifest.

    Raises:
        ArtefactError: when it is no manifest, or has too many layers.
    """
    return [_descriptor(each, where) for each in _layers(document, where)]


def add(
    repository: Repository,
    digest: Digest,
    kind: str,
    papers: Sequence[Paper],
    is_same: Callable[[Paper, Descriptor], bool] = lambda paper, found: False,
) -> Digest | None:
    """Add documents under cosign's tag; what others put there stays.

    Args:
        kind: ``sig`` or ``att``.
        is_same: Whether a layer with other bytes says the same as a document.

    Returns:
        The digest of the manifest under the tag; None when all of them were there.

    Raises:
        ArtefactError: when something else has the tag.
        NetworkError: when the registry refuses, or others add at the same time without
            end: a registry cannot change a tag only if it is still what we read.
    """
    tag, made = tag_of(digest, kind), None
    where = f"{repository.reference.name}:{tag}"
    for _ in range(_TRIES):
        found = repository.manifest(tag)
        layers = _layers(found, where)
        new = _new(papers, layers, where, is_same)
        if not new:
            return made
        repository.push_blobs(_once([each.upload() for each in new]))
        made = _put(repository, tag, found, [*layers, *(p.descriptor() for p in new)])
    raise NetworkError(
        f"{where}: others sign this image at the same time",
        hint="run the command again",
    )


def refer(
    repository: Repository,
    subject: Descriptor,
    artifact_type: str,
    papers: Sequence[Paper],
    annotations: Mapping[str, str],
) -> Descriptor:
    """Attach documents to a manifest as a referrer; attaching twice adds nothing."""
    uploads = [_upload(_EMPTY, "empty"), *(each.upload() for each in papers)]
    repository.push_blobs(_once(uploads))
    manifest = _referrer(subject, artifact_type, papers, annotations)
    made = repository.attach(manifest, subject.digest)
    return Descriptor(
        media_type=MANIFEST_TYPE,
        digest=made,
        size=len(manifest),
        artifact_type=artifact_type,
        annotations=tuple(sorted(annotations.items())),
    )


def _referrer(
    subject: Descriptor,
    artifact_type: str,
    papers: Sequence[Paper],
    annotations: Mapping[str, str],
) -> bytes:
    return canonical_json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "artifactType": artifact_type,
            "config": {
                "mediaType": EMPTY_TYPE,
                "digest": of_bytes(_EMPTY),
                "size": len(_EMPTY),
            },
            "layers": [each.descriptor() for each in papers],
            "subject": {
                "mediaType": subject.media_type,
                "digest": subject.digest,
                "size": subject.size,
            },
            "annotations": dict(annotations),
        }
    )


def load(
    repository: Repository, store: Store, found: Descriptor, *, limit: int = LARGEST
) -> bytes:
    """Return a document that a layer names, verified.

    Raises:
        ArtefactError: when it is too large, or not what its digest says.
        NetworkError: when it cannot be had.
    """
    if found.size > limit:
        raise ArtefactError(
            f"{found.digest} has {found.size} bytes; more than {limit} are not "
            "accepted for such a document"
        )
    repository.fetch([found])
    with store.read(found.digest) as stream:
        return stream.read(limit + 1)


# Manifests


def _new(
    papers: Sequence[Paper],
    layers: Sequence[Mapping[str, Any]],
    where: str,
    is_same: Callable[[Paper, Descriptor], bool],
) -> list[Paper]:
    there = [_descriptor(each, where) for each in layers]
    return [
        paper
        for paper in papers
        if paper.descriptor() not in layers
        and not any(is_same(paper, each) for each in there)
    ]


def _put(
    repository: Repository,
    tag: str,
    found: Document | None,
    layers: Sequence[Mapping[str, Any]],
) -> Digest:
    config = _config([each["digest"] for each in layers])
    repository.push_blobs([_upload(config, "configuration")])
    table = json.loads(found.data) if found else {"schemaVersion": 2}
    table |= {
        "mediaType": MANIFEST_TYPE,
        "config": {
            "mediaType": CONFIG_TYPE,
            "digest": of_bytes(config),
            "size": len(config),
        },
        "layers": list(layers),
    }
    return repository.put_manifest(canonical_json(table), MANIFEST_TYPE, tag)


def _config(digests: Sequence[Digest]) -> bytes:
    # Cosign reads the configuration when it adds to what is there; it wants an image.
    return canonical_json(
        {
            "architecture": "",
            "config": {},
            "created": _NEVER,
            "history": [{"created": _NEVER} for _ in digests],
            "os": "",
            "rootfs": {"type": "layers", "diff_ids": list(digests)},
        }
    )


def _layers(document: Document | None, where: str) -> list[dict[str, Any]]:
    if document is None:
        return []
    try:
        match json.loads(document.data):
            case {"layers": list(layers)} if len(layers) <= _MOST:
                for each in layers:
                    _descriptor(each, where)
                return layers
    except (ValueError, RecursionError):
        pass
    raise ArtefactError(
        f"{where} is no manifest with at most {_MOST} signatures or statements",
        hint="look at it with `cosign tree`; remove the tag if nobody needs it",
    )


def _descriptor(value: Any, where: str) -> Descriptor:
    match value:
        case {"mediaType": str(kind), "digest": str(digest), "size": int(size)}:
            annotations = value.get("annotations") or {}
            if size >= 0 and isinstance(annotations, dict):
                pairs = tuple(_texts(annotations))
                return Descriptor(
                    media_type=kind,
                    digest=_digest(digest, where),
                    size=size,
                    annotations=pairs,
                )
    raise ArtefactError(f"{where}: a layer has no type, digest and size")


def _texts(table: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    for name, text in table.items():
        if isinstance(text, str):
            yield str(name), text


def _digest(text: str, where: str) -> Digest:
    try:
        return parse_digest(text)
    except FirstlightError as error:
        raise ArtefactError(f"{where}: {error.message}") from error


def _upload(data: bytes, name: str) -> Upload:
    return Upload(
        digest=of_bytes(data), size=len(data), open=partial(io.BytesIO, data), name=name
    )


def _once(uploads: Sequence[Upload]) -> list[Upload]:
    return list({each.digest: each for each in uploads}.values())
