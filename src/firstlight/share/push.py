"""Images to a registry: blobs first, tags last, so no tag names what is not whole.

Whatever a registry has already is not sent. A push that was killed can be run again: it
finds what is there and goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from firstlight.digest import Digest, of_bytes
from firstlight.oci.layout import blobs_of
from firstlight.oci.model import INDEX_TYPE, MANIFEST_TYPE, Descriptor, Image
from firstlight.oci.registry import Repository, Upload, Uploaded
from firstlight.share import documents, places
from firstlight.store import Store

__all__ = ["Planned", "Pushed", "label", "plan", "push"]

_QUESTIONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a push would do with one blob: ``there``, ``mount`` or ``send``."""

    name: str
    digest: Digest
    size: int
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What a push did: the index or manifest that tags name, and what it took.

    `data` is that document; `total` the bytes of all blobs.
    """

    descriptor: Descriptor
    data: bytes = field(repr=False)
    manifests: tuple[Descriptor, ...]
    tags: tuple[str, ...]
    blobs: tuple[Uploaded, ...]
    total: int

    @property
    def sent(self) -> int:
        """Bytes that went over the network."""
        return sum(each.sent for each in self.blobs)

    def count(self, how: str) -> int:
        """How many blobs were ``there``, ``mounted`` or ``uploaded``."""
        return sum(1 for each in self.blobs if each.how == how)


def plan(
    images: Sequence[Image], store: Store, repository: Repository
) -> list[Planned]:
    """Return what a push would do with each blob; nothing is sent."""
    uploads = _uploads(images, store, repository)

    def ask(upload: Upload) -> Planned:
        size = repository.blob_size(upload.digest)
        how = "there" if size is not None else "mount" if upload.sources else "send"
        return Planned(
            name=upload.name, digest=upload.digest, size=upload.size, how=how
        )

    with ThreadPoolExecutor(_QUESTIONS) as pool:
        return list(pool.map(ask, uploads))


def push(
    images: Sequence[Image],
    store: Store,
    repository: Repository,
    *,
    tags: Sequence[str],
) -> Pushed:
    """Push images, one for each platform, and tag them: several as one index.

    Whoever has more to add before a tag leads there gives no tags, and calls `label`.

    Raises:
        NetworkError: when the registry refuses, or cannot be reached.
        StoreError: when a blob is not in the store.
    """
    with store.held():
        uploads = _uploads(images, store, repository)
        blobs = repository.push_blobs(uploads)
        known = [each.digest for each in uploads]
        places.remember(store, known, repository.reference)
        manifests = [_put(image, store, repository) for image in images]
    descriptor, data = manifests[0]
    if len(manifests) > 1:
        data = documents.index_json([each for each, _ in manifests])
        descriptor = _put_document(INDEX_TYPE, data, repository)
    pushed = Pushed(
        descriptor=descriptor,
        data=data,
        manifests=tuple(each for each, _ in manifests),
        tags=(),
        blobs=tuple(blobs),
        total=sum(each.size for each in uploads),
    )
    return label(pushed, repository, tags)


def label(pushed: Pushed, repository: Repository, tags: Sequence[str]) -> Pushed:
    """Let tags name what was pushed; one that does already is left alone.

    Some registries refuse every second writing of a tag, even of the same.
    """
    wanted = pushed.descriptor
    for tag in tags:
        named = repository.manifest(tag)
        if named is None or named.digest != wanted.digest:
            repository.put_manifest(pushed.data, wanted.media_type, tag)
    return replace(pushed, tags=(*pushed.tags, *tags))


def _uploads(
    images: Iterable[Image], store: Store, repository: Repository
) -> list[Upload]:
    """Everything but the manifests, each once; platforms share many a layer."""
    found: dict[Digest, Upload] = {}
    for image in images:
        titles = {layer.digest: layer.title for layer in image.layers}
        for blob in blobs_of(image):
            if blob == image.manifest or blob in found:
                continue
            found[blob] = Upload(
                digest=blob,
                size=store.size(blob),
                open=lambda blob=blob: store.read(blob),  # type: ignore[misc]
                name=titles.get(blob, "configuration"),
                sources=places.sources(store, blob, repository.reference),
            )
    return list(found.values())


def _put(
    image: Image, store: Store, repository: Repository
) -> tuple[Descriptor, bytes]:
    with store.read(image.manifest) as stream:
        data = stream.read()
    # An image that was pulled from elsewhere may have one of Docker's types.
    kind = documents.kind_of(MANIFEST_TYPE, data, f"the manifest of {image.name}")
    made = _put_document(kind, data, repository)
    return replace(made, platform=image.platform), data


def _put_document(kind: str, data: bytes, repository: Repository) -> Descriptor:
    digest = of_bytes(data)
    if repository.manifest(digest) is None:
        repository.put_manifest(data, kind)
    return Descriptor(media_type=kind, digest=digest, size=len(data))
