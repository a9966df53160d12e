"""All pages of a project measured, and the project as if it were one page."""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from heapq import nlargest
from pathlib import Path

from firstlight.errors import UsageError
from firstlight.finding import Finding, Role
from firstlight.lint.crew import cores, shares, spread
from firstlight.lint.discover import discover
from firstlight.lint.plan import plan_of
from firstlight.lint.rule import Given
from firstlight.lint.settings import Settings
from firstlight.lint.sources import open_source
from firstlight.score.page import Change, Scored, gain, scored
from firstlight.score.part import added
from firstlight.score.summary import PARTS, Vector, summary

__all__ = ["Scores", "changes", "score"]


@dataclass(frozen=True)
class Scores:
    """The pages in the order of their paths, and those that could not be read."""

    pages: tuple[Scored, ...]
    unread: tuple[Finding, ...] = ()

    @cached_property
    def vector(self) -> Vector:
        """What was counted in all pages together."""
        nothing: Vector = {name: part.nothing for name, part in PARTS.items()}
        return reduce(_together, (page.vector for page in self.pages), nothing)

    @property
    def score(self) -> float | None:
        """The one number of the project: that of a page with the text of all."""
        return summary(self.vector)

    def best(self, number: int) -> list[Change]:
        """Return the changes that raise the number of the project most."""
        return changes(self.pages, self.vector, number)


def changes(pages: Sequence[Scored], vector: Vector, number: int) -> list[Change]:
    """Return the changes in pages that raise the one number of a vector most."""
    found = [
        Change(gain(vector, mending.part, mending.mended), page.path, mending)
        for page in pages
        for mending in page.mendings
    ]
    return nlargest(number, found, key=lambda change: change.gain)


def score(
    folder: Path,
    paths: Sequence[str],
    settings: Settings,
    *,
    jobs: int = 0,
    sources: Mapping[str, bytes] | None = None,
) -> Scores:
    """Measure the pages of a project.

    Args:
        folder: The project's folder.
        paths: Files and folders to look at; by default what the settings name.
        settings: Those of the project.
        jobs: How many processes; 0 for as many as there are processors.
        sources: Bytes of pages by path, which are looked at instead of files.

    Raises:
        UsageError: when a path does not exist.
    """
    sources = sources or {}
    found = [] if sources and not paths else discover(folder, settings, paths).files
    names = sorted({*found, *sources})
    work = _Work(str(folder), plan_of(settings, rules=()).given, sources)
    sizes = [work.size(path) + 1 for path in names]
    parts, workers = shares(names, sizes, jobs or cores())
    pages: list[Scored] = []
    unread: list[Finding] = []
    for answer in spread(work, parts, workers):
        measured, failed = marshal.loads(answer)
        pages += map(Scored.from_plain, measured)
        unread += (_unread(path, reason) for path, reason in failed)
    return Scores(
        tuple(sorted(pages, key=lambda page: page.path)),
        tuple(sorted(unread, key=lambda finding: finding.where)),
    )


@dataclass(frozen=True)
class _Work:
    """What each process does with a share of the pages."""

    root: str
    given: Given
    sources: Mapping[str, bytes] = field(default_factory=dict)

    def __call__(self, paths: Sequence[str]) -> bytes:
        measured, failed = [], []
        for path in paths:
            try:
                source = open_source(path, self.read(path))
                measured.append(scored(source, self.given).plain())
            except OSError as error:
                failed.append((path, error.strerror or str(error)))
            except UsageError as error:
                failed.append((path, error.message.removeprefix(f"{path}: ")))
        return marshal.dumps((measured, failed))

    def read(self, path: str) -> bytes:
        """Return the bytes of a page."""
        if path in self.sources:
            return self.sources[path]
        return Path(self.root, path).read_bytes()

    def size(self, path: str) -> int:
        """Return how much work a page is."""
        if path in self.sources:
            return len(self.sources[path])
        try:
            return Path(self.root, path).stat().st_size
        except OSError:
            return 0


def _together(first: Vector, second: Vector) -> Vector:
    return {name: added(first[name], second[name]) for name in first}


def _unread(path: str, reason: str) -> Finding:
    return Finding(
        code="score.unread",
        role=Role.WARNING,
        message=f"it has no score, since it cannot be read: {reason}",
        where=path,
        hint="mend it, or leave it out with exclude",
    )
