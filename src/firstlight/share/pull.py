"""An image from a registry into the store; nothing in it is believed unverified.

Looking comes first and costs a document or two: it tells the image's ID, so that nobody
fetches gigabytes of another image than the one that was meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from firstlight.digest import Digest, of_bytes, parse_digest
from firstlight.errors import ArtefactError, NetworkError
from firstlight.failures import RefusedError
from firstlight.oci.layout import add_reference
from firstlight.oci.manifests import INDEX_LIMIT
from firstlight.oci.model import MANIFEST_TYPE, TITLE, Image, Layer, manifest_json
from firstlight.oci.registry import Repository
from firstlight.progress import Progress
from firstlight.share import documents, layers, places
from firstlight.share.documents import Config, Manifest
from firstlight.store import Store

__all__ = ["Found", "absent", "bring", "look", "meant", "pull"]

_VERSION = "org.opencontainers.image.version"
_OURS = "org.firstlight.format"
_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An image that a registry has: what its manifest says, before a layer is fetched.

    `digest` is of what was asked for, an index or the manifest itself; `where` names it
    for messages; `oci` is the manifest's digest, None for one of Docker's type.
    """

    where: str
    platform: str
    digest: Digest
    oci: Digest | None
    manifest: Manifest

    @property
    def image_id(self) -> Digest:
        """The digest of the configuration."""
        return self.manifest.config.digest


def pull(
    repository: Repository,
    which: str,
    store: Store,
    *,
    platform: str,
    vouched: Mapping[Digest, Digest] | None = None,
    jobs: int = 2,
    progress: Progress,
) -> Image:
    """Return an image by tag or digest, every part of it verified, in the store.

    Args:
        vouched: The diffID of blobs as the lock knows it; these are not inflated.
        jobs: How many layers are inflated at once.

    Raises:
        ArtefactError: when a document or layer is damaged, hostile, or not for us.
        NetworkError: when it is not there, or the registry cannot be reached.
    """
    found = look(repository, which, store, platform=platform)
    if found is None:
        raise absent(repository, which)
    return bring(
        found, repository, store, vouched=vouched or {}, jobs=jobs, progress=progress
    )


def look(
    repository: Repository,
    which: str,
    store: Store,
    *,
    platform: str,
    asks: bool = False,
) -> Found | None:
    """Return what a tag or digest means for a platform; None where there is none.

    Args:
        asks: Whether the registry is asked even for a digest whose document is here.

    Raises:
        ArtefactError: when it is no image, or none for this platform.
        NetworkError: when the registry cannot be asked.
    """
    where = _where(repository, which)
    got = _document(repository, which, store, asks=asks)
    if got is None:
        return None
    digest, kind, data = got
    manifest_digest = digest
    if kind in documents.INDEX_TYPES:
        chosen = documents.choose(data, platform, where)
        got = _document(repository, chosen.digest, store)
        if got is None:
            raise ArtefactError(f"{where}: its image for {platform} is not there")
        manifest_digest, kind, data = got
        if kind in documents.INDEX_TYPES:
            raise ArtefactError(f"{where}: an index is inside of another")
    return Found(
        where=where,
        platform=platform,
        digest=digest,
        oci=manifest_digest if kind == MANIFEST_TYPE else None,
        manifest=documents.read_manifest(data, where),
    )


def bring(
    found: Found,
    repository: Repository,
    store: Store,
    *,
    vouched: Mapping[Digest, Digest],
    jobs: int,
    progress: Progress,
) -> Image:
    """Fetch and verify the configuration and the layers of what was found."""
    with store.held():
        repository.fetch([found.manifest.config])
        with store.read(found.image_id) as stream:
            data = stream.read()
        config = documents.read_config(data, found.manifest, found.where)
        if config.platform != found.platform:
            raise ArtefactError(
                f"{found.where} is for {config.platform}, not for {found.platform}",
                hint="name its platform with --platform",
            )
        image = _image(found, config, repository, store)
        layers.bring(
            image.layers,
            repository,
            store,
            vouched=vouched,
            jobs=jobs,
            progress=progress,
        )
        blobs = [image.id, *(layer.digest for layer in image.layers)]
        places.remember(store, blobs, repository.reference)
    add_reference(store, image, found.where)
    store.record("tag", of_bytes(found.where.encode()), found.digest)
    return image


def meant(repository: Repository, tag: str, store: Store) -> Digest | None:
    """Return what a tag meant when it was last pulled, None if it never was."""
    found = store.fact("tag", of_bytes(_where(repository, tag).encode()))
    return parse_digest(found) if isinstance(found, str) else None


def absent(repository: Repository, which: str) -> NetworkError:
    """Return the error for a tag or digest that the registry does not know."""
    return RefusedError(
        f"{_where(repository, which)} is not there",
        status=404,
        hint="check the name; `firstlight push` puts a project's image there",
    )


def _where(repository: Repository, which: str) -> str:
    joint = "@" if ":" in which else ":"
    return f"{repository.reference.name}{joint}{which}"


# Documents


def _document(
    repository: Repository, which: str, store: Store, *, asks: bool = False
) -> tuple[Digest, str, bytes] | None:
    """Return a document; from the store where its digest is given and it is there."""
    where = _where(repository, which)
    known = None if asks else _known_document(which, store)
    if known is not None:
        return of_bytes(known), documents.kind_of("", known, where), known
    got = repository.manifest(which)
    if got is None:
        return None
    kind = documents.kind_of(got.media_type, got.data, where)
    store.put(got.data)
    return got.digest, kind, got.data


def _known_document(which: str, store: Store) -> bytes | None:
    if ":" not in which:
        return None
    digest = parse_digest(which)
    if not store.has(digest) or store.size(digest) > INDEX_LIMIT:
        return None
    with store.read(digest) as stream:
        return stream.read()


# The image


def _image(found: Found, config: Config, repository: Repository, store: Store) -> Image:
    """The image with a manifest of OCI's type: layouts, and much else, take no other.

    The ID is the same: Docker's configuration has the same form, and is kept.
    """
    made = tuple(_layers(found.manifest, config))
    manifest, described = found.oci, found.manifest.config
    if manifest is None:
        size = described.size
        manifest = store.put(manifest_json((described.digest, size), made, {}))
    return Image(
        name=_name(config, repository),
        platform=config.platform,
        id=found.image_id,
        manifest=manifest,
        layers=made,
    )


def _layers(manifest: Manifest, config: Config) -> list[Layer]:
    rows = zip(manifest.layers, config.diff_ids, config.titles, strict=True)
    return [
        Layer(
            digest=each.digest,
            diff_id=diff_id,
            size=each.size,
            title=title,
            media_type=each.media_type,
            annotations=tuple(pair for pair in each.annotations if pair[0] != TITLE),
        )
        for each, diff_id, title in rows
    ]


def _name(config: Config, repository: Repository) -> str:
    """The name that firstlight gave it, or else that of the repository."""
    version = config.labels.get(_VERSION, "")
    if _OURS in config.labels and _NAME.fullmatch(version) and len(version) <= 128:
        return version
    return repository.reference.repository.rpartition("/")[2]
