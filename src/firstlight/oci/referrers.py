"""What refers to a manifest: asked of the registry, or kept by clients under a tag.

Source: the OCI distribution-spec, *Listing Referrers*, *Pushing Manifests with Subject*
and *Referrers Tag Schema*.
"""

from __future__ import annotations

import hashlib
import random
import time
from urllib.parse import urlencode

from firstlight.digest import Digest
from firstlight.errors import ArtefactError, NetworkError
from firstlight.oci.manifests import (
    descriptor_of,
    descriptors,
    index_json,
    subject_of,
)
from firstlight.oci.model import INDEX_TYPE, Descriptor
from firstlight.oci.remote import Remote
from firstlight.store import Store

__all__ = ["attach", "listed", "tag_of"]

_TRIES = 8
# What registries answer that do not know the question.
_UNKNOWN = (400, 404, 405, 501)


def tag_of(subject: Digest) -> str:
    """Return the tag under which clients keep the list.

    >>> tag_of(Digest("sha256:" + "0" * 64))[:12]
    'sha256-00000'
    """
    return subject.replace(":", "-")


def listed(
    remote: Remote, subject: Digest, artifact_type: str = ""
) -> list[Descriptor]:
    """Return what refers to a manifest, each once.

    Raises:
        ArtefactError: when the list is none, or does not end.
    """
    found = _asked(remote, subject, artifact_type)
    if found is None:
        every = _kept(remote, subject)
        found = [each for each in every if artifact_type in ("", each.artifact_type)]
    return list({each.digest: each for each in found}.values())


def attach(remote: Remote, store: Store, manifest: bytes, subject: Digest) -> None:
    """Push a manifest that refers to another one, and see that it is listed there.

    Raises:
        ArtefactError: when the manifest is not about that subject.
        NetworkError: when the registry refuses it, or other clients always win.
    """
    if subject_of(manifest) != subject:
        raise ArtefactError(f"{remote.name}: the manifest is not about {subject}")
    new = descriptor_of(manifest)
    noted = remote.put(manifest, new.media_type)
    # The registry says by this header that it keeps the list itself.
    if noted == subject:
        return
    lock = hashlib.sha256(f"{remote.name}@{subject}".encode()).hexdigest()
    with store.once(f"refer-{lock[:3]}"):
        _list(remote, subject, new)


def _asked(
    remote: Remote, subject: Digest, artifact_type: str
) -> list[Descriptor] | None:
    """Ask the registry; None where it does not know the question."""
    url = remote.endpoint.url(f"referrers/{subject}")
    if artifact_type:
        url += "?" + urlencode({"artifactType": artifact_type})
    found: list[Descriptor] | None = None
    for page in remote.pages(url, "referrers", absent=_UNKNOWN):
        # The registry may have filtered them; whether it has changes nothing here.
        more = descriptors(
            page.get("manifests"),
            f"{remote.name}: its list of referrers",
            artifact_type=artifact_type,
        )
        found = [*(found or ()), *more]
    return found


def _kept(remote: Remote, subject: Digest) -> list[Descriptor]:
    found = remote.manifest(tag_of(subject))
    if found is None:
        return []
    document, value = found
    where = f"{remote.name}: the tag {tag_of(subject)}"
    if document.media_type != INDEX_TYPE:
        raise ArtefactError(
            f"{where} is no list of referrers",
            hint="somebody used the name of the list for an image: remove that tag",
        )
    return list(descriptors(value.get("manifests"), where))


def _list(remote: Remote, subject: Digest, new: Descriptor) -> None:
    """Add to the list under the tag; look again, since other clients write it too."""
    for attempt in range(_TRIES):
        every = _kept(remote, subject)
        if attempt and new in every:
            return
        others = [each for each in every if each.digest != new.digest]
        if new not in every:
            remote.put(index_json([*others, new]), INDEX_TYPE, tag_of(subject))
        time.sleep(random.uniform(0, 0.05) * attempt)
    raise NetworkError(
        f"{remote.name}: the list of what refers to {subject} is changed by others all "
        "the time",
        hint="run the command again",
    )
