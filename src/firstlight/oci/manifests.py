"""Manifests and indexes as registries give them: bounded, verified, checked in shape.

Source: the OCI image-spec, *Content Descriptors*; the distribution-spec, *Pulling
manifests*, *Listing Referrers*.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from firstlight.digest import Digest, of_bytes, parse_digest
from firstlight.errors import ArtefactError, DigestError
from firstlight.oci.model import (
    DOCKER_INDEX_TYPE,
    DOCKER_MANIFEST_TYPE,
    INDEX_TYPE,
    MANIFEST_TYPE,
    Descriptor,
    canonical_json,
)

__all__ = [
    "ACCEPT",
    "INDEX_LIMIT",
    "Document",
    "checked",
    "descriptor_of",
    "descriptors",
    "index_json",
    "next_link",
    "subject_of",
]

ACCEPT = ", ".join((INDEX_TYPE, MANIFEST_TYPE, DOCKER_INDEX_TYPE, DOCKER_MANIFEST_TYPE))
MANIFEST_LIMIT = 4 << 20
INDEX_LIMIT = 8 << 20

_LISTS = {
    INDEX_TYPE: "manifests",
    DOCKER_INDEX_TYPE: "manifests",
    MANIFEST_TYPE: "layers",
    DOCKER_MANIFEST_TYPE: "layers",
}
"""The list that a document of a type has, and one of the other kind has not."""

_MEDIA_TYPE = re.compile(
    r"[A-Za-z0-9][\w!#$&^.+-]{0,126}/[A-Za-z0-9][\w!#$&^.+-]{0,126}"
)
_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^\s;,"]+))*)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A manifest or index as a registry gave it, verified against its digest."""

    media_type: str
    digest: Digest
    data: bytes


def checked(
    name: str, which: str, data: bytes, headers: Mapping[str, str]
) -> tuple[Document, dict[str, Any]]:
    """Return an answer as a document, and its JSON; anything doubtful is refused.

    Args:
        name: Whose it is, for messages.
        which: The tag or digest that was asked for.
        data: The answer.
        headers: The answer's headers, which must not contradict it.

    Raises:
        DigestError: when it is not what its digest says.
        ArtefactError: when it is no manifest, or means two things at once.
    """
    digest = of_bytes(data)
    told = headers.get("Docker-Content-Digest", "")
    for promised in (which if ":" in which else "", told):
        if promised.startswith("sha256:") and promised.lower() != digest:
            raise DigestError(
                f"{name}: the registry gives {digest} for {promised[:80]}",
                hint="the registry, or a proxy in front of it, changes what it sends",
            )
    value = _json(name, which, data)
    kind = _media_type(name, which, value, headers.get("Content-Type", ""))
    if _LISTS[kind] == "layers" and len(data) > MANIFEST_LIMIT:
        raise ArtefactError(
            f"{name}: the manifest {which} is larger than {MANIFEST_LIMIT} bytes"
        )
    return Document(media_type=kind, digest=digest, data=data), value


def _json(name: str, which: str, data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ArtefactError(
            f"{name}: the registry gives something else than a manifest for {which}",
            hint="check that the address is that of a registry",
        )
    return value


def _media_type(name: str, which: str, value: Mapping[str, Any], header: str) -> str:
    """The type that header and document agree on."""
    told = header.partition(";")[0].strip()
    own = value.get("mediaType", "")
    kind = own if own and told not in _LISTS else told
    if not isinstance(kind, str) or kind not in _LISTS:
        raise ArtefactError(
            f"{name}: {which} is of the type {str(kind)[:80]!r}, which is not "
            "understood",
            hint="only OCI and Docker version 2 images are; push it again with a "
            "newer tool",
        )
    # One reader would see an index where another sees an image (CVE-2021-41190).
    other = {"manifests": "layers", "layers": "manifests"}[_LISTS[kind]]
    if (own and own != kind) or other in value:
        raise ArtefactError(
            f"{name}: {which} says that it is of two types at once",
            hint="do not use this image: it may have been made to deceive",
        )
    return kind


def descriptors(
    values: object, where: str, *, artifact_type: str = ""
) -> Iterator[Descriptor]:
    """The descriptors of an index, those of one artifact type where one is given.

    Raises:
        ArtefactError: when one of them is none.
    """
    if not isinstance(values, list):
        raise ArtefactError(f"{where}: it has no list of manifests")
    for position, value in enumerate(values):
        found = _descriptor(value, f"{where}: manifests[{position}]")
        if artifact_type in ("", found.artifact_type):
            yield found


def _descriptor(value: object, where: str) -> Descriptor:
    if not isinstance(value, dict):
        raise ArtefactError(f"{where}: it is no descriptor")
    kind, size = value.get("mediaType"), value.get("size")
    artifact_type = value.get("artifactType") or ""
    texts = (kind, value.get("digest"), artifact_type)
    if not all(isinstance(each, str) for each in texts) or type(size) is not int:
        raise ArtefactError(f"{where}: it is no descriptor")
    if size < 0 or not _MEDIA_TYPE.fullmatch(str(kind)):
        raise ArtefactError(f"{where}: it is no descriptor")
    annotations = value.get("annotations") or {}
    platform = value.get("platform") or {}
    if not isinstance(annotations, dict) or not isinstance(platform, dict):
        raise ArtefactError(f"{where}: it is no descriptor")
    words = [platform.get(name) for name in ("os", "architecture", "variant")]
    return Descriptor(
        media_type=str(kind),
        digest=parse_digest(str(value["digest"])),
        size=size,
        artifact_type=str(artifact_type),
        platform="/".join(each for each in words if isinstance(each, str) and each),
        annotations=tuple(
            (name, text)
            for name, text in sorted(annotations.items())
            if isinstance(text, str)
        ),
    )


def descriptor_of(data: bytes) -> Descriptor:
    """Return the descriptor that lists a manifest among the referrers of its subject.

    Raises:
        ArtefactError: when the bytes are no manifest.
    """
    value = _json("the manifest", "it", data)
    config = value.get("config")
    inner = config.get("mediaType", "") if isinstance(config, dict) else ""
    return _descriptor(
        {
            "mediaType": value.get("mediaType", MANIFEST_TYPE),
            "digest": of_bytes(data),
            "size": len(data),
            "artifactType": value.get("artifactType") or inner,
            "annotations": value.get("annotations"),
        },
        "the manifest",
    )


def subject_of(data: bytes) -> str:
    """Return the digest of what a manifest is about, empty for none."""
    subject = _json("the manifest", "it", data).get("subject")
    digest = subject.get("digest", "") if isinstance(subject, dict) else ""
    return digest if isinstance(digest, str) else ""


def index_json(found: Iterable[Descriptor]) -> bytes:
    """Return an image index that lists these manifests, in their order."""
    manifests = []
    for each in found:
        value: dict[str, Any] = {
            "mediaType": each.media_type,
            "digest": each.digest,
            "size": each.size,
        }
        if each.artifact_type:
            value["artifactType"] = each.artifact_type
        if each.platform:
            words = each.platform.split("/")
            value["platform"] = dict(
                zip(("os", "architecture", "variant"), words, strict=False)
            )
        if each.annotations:
            value["annotations"] = dict(each.annotations)
        manifests.append(value)
    return canonical_json(
        {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests}
    )


def next_link(header: str) -> str:
    """Return the address of the next page that a ``Link`` header names, or nothing.

    >>> next_link('</v2/a/tags/list?last=b&n=2>; rel="next"')
    '/v2/a/tags/list?last=b&n=2'
    """
    for target, parameters in _LINK.findall(header[:8192]):
        if re.search(r"""(?i);\s*rel\s*=\s*"?\s*next\s*"?""", parameters):
            return str(target)
    return ""
