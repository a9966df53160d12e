"""Everything a lock is built from, as one artefact that outlives every mirror.

What is missing is fetched into the store first, so a vendoring that was killed goes on
where it stopped; the folder, file or registry gets a name for it last.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from firstlight.config import Settings
from firstlight.digest import Digest, of_bytes
from firstlight.errors import DigestError, NetworkError
from firstlight.finding import Finding, Role
from firstlight.lock.lockfile import Lock, PlatformLock, Wheel
from firstlight.lock.python import select
from firstlight.lock.system import SUITES
from firstlight.lock.text import dump_lock
from firstlight.net import Fetcher
from firstlight.oci.model import INDEX_TYPE as IMAGE_INDEX
from firstlight.oci.model import MANIFEST_TYPE, Descriptor, Layer
from firstlight.oci.registry import Repository, Upload
from firstlight.pack.describe import describe
from firstlight.pack.inputs import Inputs, fetch, inputs_of
from firstlight.pack.known import part_of
from firstlight.progress import Progress
from firstlight.share import documents, places
from firstlight.store import Store
from firstlight.vendor.artefact import (
    DEB_TYPE,
    EMPTY,
    LOCK_TYPE,
    PYLOCK_TYPE,
    SPEC_TYPE,
    WHEEL_TYPE,
    Artefact,
    File,
    make_artefact,
)
from firstlight.vendor.project import LOCK, PYLOCK, Project
from firstlight.vendor.proof import Sources, archive_title, find_sources

__all__ = ["Estimate", "estimate", "packages", "push", "subject_of", "vendor"]

_LARGEST_RELEASE = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a vendoring would take: files, their bytes, and those still to be fetched.

    `unknown` is how many files have no size in the lock and are not here.
    """

    files: int
    bytes: int
    to_fetch: int
    unknown: int


def vendor(
    project: Project,
    *,
    platforms: Sequence[str],
    store: Store,
    settings: Settings,
    progress: Progress,
) -> Artefact:
    """Return the artefact of a lock, with all of its files in the store.

    Where an archive no longer has what proves that it signed the packages, the artefact
    goes without, and that is told.

    Args:
        platforms: Those of the lock whose files go in.

    Raises:
        LockError: when the lock is not for such a platform.
        NetworkError: when a wheel or package cannot be had.
        DigestError: when one is not what the lock says.
    """
    with store.held():
        inputs = _inputs(project, platforms, settings, store)
        fetch(inputs, settings, store, progress)
        files = [
            *_texts(project, store),
            *_proof(project.lock, platforms, settings, store, progress),
            *packages(project, platforms),
        ]
        whole = [replace(each, size=store.size(each.digest)) for each in files]
        subject = subject_of(project.lock, platforms)
        artefact = make_artefact(project.lock, whole, platforms, subject)
        store.put(EMPTY)
        store.put(artefact.data)
    return artefact


def estimate(
    project: Project,
    *,
    platforms: Sequence[str],
    store: Store,
) -> Estimate:
    """Return what vendoring would take, by what the lock says; fetches nothing.

    The indexes that prove signatures are not counted: what they are is known only when
    they are here.
    """
    found = {each.digest: each.size for each in packages(project, platforms)}
    here = {digest for digest, size in found.items() if store.has(digest, size)}
    sizes = {
        digest: store.size(digest) if digest in here else size
        for digest, size in found.items()
    }
    known = {digest: size for digest, size in sizes.items() if size is not None}
    texts = [project.pylock.encode(), *project.spec.values()]
    return Estimate(
        files=len(found) + len(texts) + 1,
        bytes=sum(known.values()) + sum(map(len, texts)),
        to_fetch=sum(size for digest, size in known.items() if digest not in here),
        unknown=len(sizes) - len(known),
    )


def packages(project: Project, platforms: Sequence[str]) -> list[File]:
    """Return every wheel and OS package of some platforms, as the lock names them."""
    found: dict[Digest, File] = {}
    titles: set[str] = set()
    for file in _each(project, platforms):
        if file.digest in found:
            continue
        if file.title in titles:
            folder, _, name = file.title.rpartition("/")
            file = replace(file, title=f"{folder}/{file.digest[7:19]}/{name}")
        titles.add(file.title)
        found[file.digest] = file
    return list(found.values())


def _each(project: Project, platforms: Sequence[str]) -> Iterator[File]:
    for part in (part_of(project.lock, each) for each in platforms):
        for wheel in _wheels(project, part):
            yield File(
                title=f"wheels/{wheel.filename}",
                media_type=WHEEL_TYPE,
                digest=wheel.digest,
                size=wheel.size,
            )
        for deb in part.debs:
            yield File(
                title=archive_title(deb.archive, deb.filename),
                media_type=DEB_TYPE,
                digest=deb.digest,
                size=deb.size,
            )


def _wheels(project: Project, part: PlatformLock) -> tuple[Wheel, ...]:
    return select(
        project.pylock,
        platform=part.platform,
        system=SUITES[project.lock.suite],
        folder=project.folder,
    )


def _inputs(
    project: Project, platforms: Sequence[str], settings: Settings, store: Store
) -> Inputs:
    lock = project.lock
    each = [
        inputs_of(lock, part, _wheels(project, part), settings, store)
        for part in (part_of(lock, platform) for platform in platforms)
    ]
    wheels = {item.digest: item for one in each for item in one.wheels}
    debs = {item.digest: item for one in each for item in one.debs}
    return Inputs(wheels=tuple(wheels.values()), debs=tuple(debs.values()))


def _proof(
    lock: Lock,
    platforms: Sequence[str],
    settings: Settings,
    store: Store,
    progress: Progress,
) -> list[File]:
    fetcher = Fetcher(settings, store, progress)
    try:
        bring = partial(_bring, fetcher, store)
        sources = find_sources(lock, platforms, settings, store, bring)
    finally:
        fetcher.close()
    _tell(sources, progress)
    return [replace(each, urls=()) for each in sources.files]


def _bring(fetcher: Fetcher, store: Store, file: File) -> bool:
    """Get a file that proves something, if it still is what it was."""
    if store.has(file.digest, file.size):
        return True
    try:
        if file.size is None:
            return _bring_release(fetcher, store, file)
        name = file.title.partition("/dists/")[2] or file.title
        fetcher.fetch(file.urls, digest=file.digest, size=file.size, name=name)
    except (NetworkError, DigestError):
        return False
    return True


def _bring_release(fetcher: Fetcher, store: Store, file: File) -> bool:
    """A mirror that has moved on has another release at the same place."""
    if fetcher.bring(file.digest, file.title):
        return True
    for url in file.urls:
        data = fetcher.get_or_none(url, limit=_LARGEST_RELEASE)
        if data is not None and of_bytes(data) == file.digest:
            store.put(data)
            return True
    return False


def _tell(sources: Sources, progress: Progress) -> None:
    for file in sources.missing:
        progress.warn(
            Finding(
                code="vendor.no-proof",
                role=Role.WARNING,
                message=f"{file.title} of the lock is on no mirror any more: vendoring "
                "without this proof that the distribution signed the packages; their "
                "hashes stand in the lock all the same",
                hint="vendor on the day of locking, or name a snapshot archive in your "
                'settings ([mirror] snapshot = "…")',
            )
        )


def _texts(project: Project, store: Store) -> Iterator[File]:
    texts = [
        (LOCK_TYPE, LOCK, dump_lock(project.lock).encode()),
        (PYLOCK_TYPE, PYLOCK, project.pylock.encode()),
        *((SPEC_TYPE, name, text) for name, text in project.spec.items()),
    ]
    for media_type, title, text in texts:
        yield File(title=title, media_type=media_type, digest=store.put(text))


# What it belongs to


def subject_of(lock: Lock, platforms: Sequence[str]) -> Descriptor | None:
    """Return the image manifest, or the index of several; None before the first build.

    It follows from the lock alone: nothing need have been built on this machine.
    """
    found = [_manifest(lock, part_of(lock, each)) for each in platforms]
    known = [each for each in found if each is not None]
    if not known or len(known) < len(found):
        return None
    if len(known) == 1:
        return replace(known[0], platform="")
    data = documents.index_json(known)
    return Descriptor(media_type=IMAGE_INDEX, digest=of_bytes(data), size=len(data))


def _manifest(lock: Lock, part: PlatformLock) -> Descriptor | None:
    sizes: dict[Digest, int] = {}

    def put(data: bytes) -> Digest:
        digest = of_bytes(data)
        sizes[digest] = len(data)
        return digest

    layers = [
        Layer(
            digest=fact.digest,
            diff_id=fact.diff_id,
            size=fact.size,
            title=fact.title,
            recipe=fact.key,
        )
        for fact in part.layers
    ]
    image = describe(lock, part, layers, put)
    if image.manifest != part.manifest:
        return None
    return Descriptor(
        media_type=MANIFEST_TYPE,
        digest=image.manifest,
        size=sizes[image.manifest],
        platform=part.platform,
    )


# Sharing


def push(
    artefact: Artefact,
    store: Store,
    repository: Repository,
    *,
    tag: str,
    progress: Progress,
) -> int:
    """Push an artefact, attach it to its image, tag it; return the bytes sent.

    Raises:
        NetworkError: when the registry refuses, or cannot be reached.
    """
    with store.held():
        uploads = list(_uploads(artefact, store, repository))
        sent = sum(each.sent for each in repository.push_blobs(uploads))
        blobs = [each.digest for each in uploads]
        places.remember(store, blobs, repository.reference)
    if artefact.subject is not None:
        repository.attach(artefact.data, artefact.subject.digest)
    named = repository.manifest(tag)
    if named is None or named.digest != artefact.digest:
        repository.put_manifest(artefact.data, MANIFEST_TYPE, tag)
    progress.say(f"tagged {repository.reference.name}:{tag}")
    return sent


def _uploads(
    artefact: Artefact, store: Store, repository: Repository
) -> Iterator[Upload]:
    yield Upload(
        digest=of_bytes(EMPTY),
        size=len(EMPTY),
        open=partial(io.BytesIO, EMPTY),
        name="configuration",
    )
    for file in {each.digest: each for each in artefact.files}.values():
        yield Upload(
            digest=file.digest,
            size=store.size(file.digest),
            open=partial(store.read, file.digest),
            name=file.title.rpartition("/")[2],
            sources=places.sources(store, file.digest, repository.reference),
        )
