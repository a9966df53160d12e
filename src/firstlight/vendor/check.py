"""What a vendor artefact holds, held against what its lock leads to.

A file counts only when the lock names its hash, or names the hash of what names it: an
``InRelease``, then an index, then the keyring package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from firstlight.config import Settings
from firstlight.digest import CHUNK, Digest, HashingReader
from firstlight.errors import ArtefactError, DigestError
from firstlight.finding import Finding, Role
from firstlight.lock.archive import Trust
from firstlight.lock.lockfile import Lock
from firstlight.nearby import Layout
from firstlight.progress import Progress, Task
from firstlight.store import Store
from firstlight.vendor.artefact import Artefact, File
from firstlight.vendor.keep import packages
from firstlight.vendor.project import Project
from firstlight.vendor.proof import Proof, Sources, find_sources, prove
from firstlight.vendor.read import opened, texts_of

__all__ = ["Report", "Vouched", "check", "stranger", "vouch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a check found: nothing is wrong when no finding is a failure."""

    artefact: Artefact
    lock: Lock
    hashed: int
    proof: Proof
    findings: tuple[Finding, ...]


def check(
    layout: Layout,
    store: Store,
    settings: Settings,
    progress: Progress,
    trust: Trust | None = None,
) -> Report:
    """Hash every file of an artefact, and follow the signatures; asks no network.

    Args:
        trust: Whose signatures count, other than the distributions'.
    """
    artefact, project = opened(layout)
    there = {file.digest: file for file in artefact.files}

    def bring(file: File) -> bool:
        return file.digest in there and _taken(layout, file, store)

    lock, platforms = project.lock, artefact.platforms
    with store.held():
        vouched = vouch(artefact, project, settings, store, bring)
        for file in vouched.packages:
            if "-keyring" in file.title and file.digest in there:
                bring(file)
        proof = prove(vouched.sources, lock, platforms, store, trust or Trust())
    findings = [
        *_absent(vouched.packages, there),
        *map(stranger, vouched.strangers),
        *_hash_all(layout, artefact.files, settings.jobs, progress),
    ]
    return Report(
        artefact=artefact,
        lock=project.lock,
        hashed=len(there),
        proof=proof,
        findings=tuple(findings) + proof.findings,
    )


def _taken(layout: Layout, file: File, store: Store) -> bool:
    if store.has(file.digest, file.size):
        return True
    try:
        return layout.bring(file.digest, file.size, file.title, store, lambda _: None)
    except DigestError:
        return False  # Hashing all of them names it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """The files of a lock, what vouches for them, and what else is in the artefact."""

    packages: list[File]
    sources: Sources
    strangers: list[File]


def vouch(
    artefact: Artefact,
    project: Project,
    settings: Settings,
    store: Store,
    bring: Callable[[File], bool],
) -> Vouched:
    """Return which files the lock leads to, and which are strangers to it."""
    wanted = packages(project, artefact.platforms)
    sources = find_sources(project.lock, artefact.platforms, settings, store, bring)
    named = (*wanted, *sources.files, *sources.missing)
    sizes = {file.digest: file.size for file in named}
    texts = {file.digest for file in texts_of(artefact, "the artefact")}
    strangers = [
        file
        for file in artefact.files
        if file.digest not in texts
        and (file.digest not in sizes or sizes[file.digest] not in (None, file.size))
    ]
    return Vouched(packages=wanted, sources=sources, strangers=strangers)


def _absent(wanted: Iterable[File], there: Mapping[Digest, File]) -> list[Finding]:
    return [
        Finding(
            code="vendor.missing",
            role=Role.FAILURE,
            message=f"{file.title} is named by the lock and is not in the artefact",
            hint="vendor it again",
        )
        for file in wanted
        if file.digest not in there
    ]


def stranger(file: File) -> Finding:
    """Return the finding for a file that the lock does not lead to."""
    return Finding(
        code="vendor.stranger",
        role=Role.FAILURE,
        message=f"{file.title} is in the artefact and the lock does not lead to it",
        hint="nothing ever takes it from there; ask who made the artefact",
    )


def _hash_all(
    layout: Layout, files: Sequence[File], jobs: int, progress: Progress
) -> list[Finding]:
    each = list({file.digest: file for file in files}.values())
    total = sum(file.size or 0 for file in each)
    with (
        progress.task("check", layout.path.name, total) as task,
        ThreadPoolExecutor(max(1, jobs)) as pool,
    ):
        problems = pool.map(lambda file: _problem(layout, file, task), each)
        return [
            Finding(
                code="vendor.damaged",
                role=Role.FAILURE,
                message=f"{file.title}: {problem}",
                hint="bring the artefact here again, or vendor it again",
            )
            for file, problem in zip(each, problems, strict=True)
            if problem
        ]


def _problem(layout: Layout, file: File, task: Task) -> str:
    """Say what is wrong with a file, nothing where it is as its digest says."""
    size = layout.size(file.digest)
    if size != file.size:
        return "it is missing" if size is None else f"it has {size} bytes"
    try:
        stream = layout.blob(file.digest)
    except ArtefactError as error:
        return error.message
    if stream is None:
        return "it is missing"
    with stream:
        reader = HashingReader(stream)
        while data := reader.read(CHUNK):
            task.advance(len(data))
            if reader.size > (size or 0):
                break
    return "" if reader.digest == file.digest else "its bytes are others"
