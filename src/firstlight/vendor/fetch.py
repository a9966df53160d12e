"""A vendor artefact brought from a registry, by its own name or that of its image."""

from __future__ import annotations

from functools import partial

from firstlight.config import Settings
from firstlight.errors import ArtefactError, NetworkError
from firstlight.oci.registry import Document, Repository
from firstlight.progress import Progress
from firstlight.store import Store
from firstlight.vendor.artefact import (
    EMPTY,
    VENDOR_TYPE,
    Artefact,
    File,
    is_vendor,
    read_artefact,
)
from firstlight.vendor.check import stranger, vouch
from firstlight.vendor.project import LARGEST, Project
from firstlight.vendor.read import project_of

__all__ = ["fetch"]

_LISTED = 10


def fetch(
    repository: Repository,
    which: str,
    store: Store,
    settings: Settings,
    progress: Progress,
) -> tuple[Artefact, Project]:
    """Bring an artefact from a registry into the store, every file verified.

    Args:
        which: A tag or digest, of the artefact or of the image that it belongs to.

    Raises:
        ArtefactError: when there is none, or it holds what its lock does not lead to.
        NetworkError: when the registry cannot be asked.
    """
    where = f"{repository.reference.name}, {which}"
    with store.held():
        artefact = read_artefact(_manifest(repository, which, where), where)
        project = project_of(artefact, where, partial(_text, repository, store))
        bring = partial(_bring, repository, artefact)
        vouched = vouch(artefact, project, settings, store, bring)
        if vouched.strangers:
            raise ArtefactError(
                f"{where} holds {len(vouched.strangers)} files that its lock does not "
                "lead to",
                hint="do not use it; ask who pushed it",
                findings=[stranger(each) for each in vouched.strangers[:_LISTED]],
            )
        repository.fetch([file.descriptor() for file in artefact.files])
        store.put(EMPTY)
        store.put(artefact.data)
    progress.say(f"fetched {artefact.digest}")
    return artefact, project


def _text(repository: Repository, store: Store, file: File) -> bytes:
    repository.fetch([file.descriptor()])
    with store.read(file.digest) as stream:
        return stream.read(LARGEST)


def _bring(repository: Repository, artefact: Artefact, file: File) -> bool:
    """Fetch what vouches for packages; only as much as it may be."""
    named = next((each for each in artefact.files if each.digest == file.digest), None)
    if named is None or named.size is None:
        return False
    if named.size != file.size and (file.size is not None or named.size > LARGEST):
        return False
    repository.fetch([named.descriptor()])
    return True


def _manifest(repository: Repository, which: str, where: str) -> bytes:
    """The artefact that a name means: itself, or what is attached to an image."""
    document = repository.manifest(which)
    if document is not None:
        if is_vendor(document.data):
            return document.data
        attached = _attached(repository, document)
        if attached is not None:
            return attached
    if not which.startswith("sha256:"):
        document = repository.manifest(f"{which}-vendor")
        if document is not None and is_vendor(document.data):
            return document.data
    raise NetworkError(
        f"{where}: no vendor artefact is there",
        hint="`firstlight vendor registry` in the project pushes one",
    )


def _attached(repository: Repository, document: Document) -> bytes | None:
    for each in repository.referrers(document.digest, VENDOR_TYPE):
        found = repository.manifest(each.digest)
        if found is not None and is_vendor(found.data):
            return found.data
    return None
