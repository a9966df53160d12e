"""What a folder's settings ask of its pages, read anew when they change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from firstlight.errors import FirstlightError
from firstlight.finding import Finding, Role
from firstlight.lint.baseline import read_baseline
from firstlight.lint.globs import matcher
from firstlight.lint.plan import Plan, plan_of
from firstlight.lint.rule import TARGETS
from firstlight.lint.settings import FILES, Settings, read_settings
from firstlight.lint.stamps import stamp

if TYPE_CHECKING:
    from firstlight.lint.environment import Environment

__all__ = ["FILES", "WATCHED", "FindEnvironment", "Project", "folder_of"]

FindEnvironment = Callable[[Path, Callable[[Finding], object]], "Environment | None"]
"""Gives the facts of a folder's image; tells what is wrong with its spec or lock."""

WATCHED = (*FILES, "firstlight.lock", "pylock.toml")
"""The files that decide what is right in the pages around them."""


def folder_of(file: Path, folders: Iterable[Path]) -> Path:
    """Return the project's folder for a file.

    It is the nearest one with settings, even outside the editor's folders; else the
    innermost of these that holds the file; else the one that the file is in.
    """
    for folder in file.parents:
        if _has_settings(folder):
            return folder
    around = [folder for folder in folders if file.is_relative_to(folder)]
    return max(around, key=lambda each: len(each.parts), default=file.parent)


def _has_settings(folder: Path) -> bool:
    if (folder / FILES[0]).is_file():
        return True
    other = folder / FILES[1]
    try:
        return other.is_file() and b"firstlight" in other.read_bytes()
    except OSError:
        return False


class Project:
    """A folder, and the plan by which its pages are checked.

    `problems` are what is wrong with its settings; while there are some, the last good
    ones hold. `is_whole` tells whether its pages are compared with each other, which
    would be wrong for a folder where a file just happens to be.
    """

    def __init__(
        self,
        folder: Path,
        find_environment: FindEnvironment,
        *,
        is_whole: bool,
        targets: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.is_whole = is_whole or _has_settings(folder)
        self.problems: list[Finding] = []
        self.settings = Settings()
        self.environment: Environment | None = None
        self.baseline: Counter[tuple[str, str, str]] = Counter()
        self.number = 0
        """Another one whenever something has changed."""
        self._find_environment = find_environment
        self._targets = tuple(each for each in targets if each in TARGETS)
        self._stamps: dict[str, object] = {}
        self._plan = plan_of(self.settings)
        self.refresh()

    @property
    def plan(self) -> Plan:
        """What is asked of every page."""
        return self._plan

    @property
    def file(self) -> Path:
        """Where the settings are, or would be."""
        names = [name for name in FILES if (self.folder / name).is_file()]
        return self.folder / (names or FILES)[0]

    def wants(self, path: str) -> bool:
        """Whether a page is to be checked: the settings may exclude it."""
        return not matcher(self.settings.exclude)(path)

    def holds(self, path: str) -> bool:
        """Whether a page is one of those that the settings name, and no other file."""
        return matcher(self.settings.paths)(path) and self.wants(path)

    def refresh(self) -> bool:
        """Read what has changed, and whether something has; it costs little if not."""
        names = (*WATCHED, *filter(None, (self.settings.baseline,)))
        stamps: dict[str, object] = {n: stamp(self.folder / n) for n in names}
        if stamps == self._stamps:
            return False
        self._stamps = stamps
        self.number += 1
        self.problems = []
        try:
            self._read()
        except FirstlightError as error:
            self.problems += error.findings or (_problem(error),)
        return True

    def _read(self) -> None:
        settings = read_settings(self.folder)
        if settings == Settings() and self._targets:
            settings = replace(settings, targets=self._targets)
        self.environment = self._facts()
        self._plan = plan_of(settings, environment=self.environment)
        self.settings = settings
        self.baseline = Counter()
        if settings.baseline:
            self._stamps[settings.baseline] = stamp(self.folder / settings.baseline)
            self.baseline = read_baseline(self.folder / settings.baseline)

    def _facts(self) -> Environment | None:
        """The facts of the image; to look for a spec costs more than a page."""
        if not any((self.folder / name).is_file() for name in FILES):
            return None
        return self._find_environment(self.folder, self.problems.append)


def _problem(error: FirstlightError) -> Finding:
    return Finding(
        code="docs.settings",
        role=Role.FAILURE,
        message=error.message,
        hint=error.hint,
    )
