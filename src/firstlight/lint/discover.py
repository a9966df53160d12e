"""Which files of a project are pages, and what the answer depends on.

What git ignores is no page; outside git, neither is what lies in hidden folders and in
those that tools fill. A file named outright always is one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from firstlight.errors import EngineError, UsageError
from firstlight.lint.globs import base_of, is_deep, matcher
from firstlight.lint.settings import Settings
from firstlight.proc import capture

__all__ = ["SUFFIXES", "Discovered", "discover", "ignored_by_git", "repository_of"]

SUFFIXES = (".md", ".markdown", ".ipynb")
_NEVER = frozenset(("node_modules", "__pycache__", "site-packages"))
_FILLED = frozenset(("build", "dist", "site", "target", "venv", "env", "vendor"))
"""Folders that tools fill; where there is git, it knows better."""


@dataclass(slots=True)
class Discovered:
    """The pages, by their paths relative to the folder, in order.

    `watched` are the folders and files on which the answer depends: while none of them
    changes, nor a page comes or goes.
    """

    files: list[str] = field(default_factory=list)
    watched: set[str] = field(default_factory=set)


def discover(folder: Path, settings: Settings, paths: Sequence[str] = ()) -> Discovered:
    """Return the pages of a project.

    Args:
        folder: The project's folder.
        settings: Which globs are pages, and which are not.
        paths: Files and folders to look at instead, relative to the folder.

    Raises:
        UsageError: when one of `paths` does not exist.
    """
    found = Discovered()
    git = repository_of(folder)
    walk = _Walk(folder, found.watched, inside_git=git is not None)
    named: set[str] = set()
    candidates: set[str] = set()
    is_excluded = matcher(settings.exclude)
    for path in paths:
        relative = _named(folder, path)
        if os.path.isdir(folder / relative):  # noqa: PTH112 - as in _named
            pages = walk.files(relative, deep=True)
            candidates.update(page for page in pages if page.endswith(SUFFIXES))
        else:
            named.add(relative)
    if not paths:
        candidates = _matches(walk, settings.paths)
    candidates = {path for path in candidates - named if not is_excluded(path)}
    if git is not None:
        candidates -= ignored_by_git(folder, candidates)
        found.watched |= _decides(git, folder)
    found.files = sorted(named | candidates)
    return found


def _named(folder: Path, path: str) -> str:
    """The path below the folder of a file or folder that somebody named."""
    relative = _relative(folder, path)
    whole = folder / relative
    # Path.exists raises where a name is too long; pipes and devices may never end.
    if path and (os.path.isfile(whole) or os.path.isdir(whole)):  # noqa: PTH112, PTH113
        return relative
    is_there = bool(path) and os.path.exists(whole)  # noqa: PTH110
    why = (
        "this is neither a file nor a folder"
        if is_there
        else "there is no such file or folder"
    )
    raise UsageError(
        f"{path}: {why}" if path else '"" names no file or folder',
        hint="name Markdown files, notebooks, or folders with them",
    )


def _relative(folder: Path, path: str) -> str:
    """The path below the folder, with ``/``; one that is elsewhere stays absolute."""
    absolute = Path(os.path.abspath(folder / path))  # noqa: PTH100 - keep links as named
    root = Path(os.path.abspath(folder))  # noqa: PTH100
    if absolute == root:
        return ""
    if absolute.is_relative_to(root):
        return absolute.relative_to(root).as_posix()
    return absolute.as_posix()


def _matches(walk: _Walk, globs: Iterable[str]) -> set[str]:
    found = set()
    for glob in globs:
        matches = matcher([glob])
        deep = is_deep(glob)
        found |= {each for each in walk.files(base_of(glob), deep) if matches(each)}
    return found


class _Walk:
    """Goes through folders, each once, and notes them as watched."""

    def __init__(self, folder: Path, watched: set[str], *, inside_git: bool) -> None:
        self._folder = folder
        self._watched = watched
        self._skipped = _NEVER if inside_git else _NEVER | _FILLED
        self._listed: dict[str, tuple[list[str], list[str]]] = {}

    def files(self, base: str, deep: bool) -> Iterator[str]:
        """Yield the files of a folder, and if deep of those in it."""
        waiting = [base]
        while waiting:
            files, folders = self._list(waiting.pop())
            yield from files
            if deep:
                waiting += folders

    def _list(self, path: str) -> tuple[list[str], list[str]]:
        if path not in self._listed:
            self._watched.add(path)
            files: list[str] = []
            folders: list[str] = []
            try:
                with os.scandir(self._folder / path) as entries:
                    for entry in entries:
                        self._take(path, entry, files, folders)
            except OSError:
                pass  # A folder that cannot be read holds no pages for us.
            self._listed[path] = files, folders
        return self._listed[path]

    def _take(
        self,
        path: str,
        entry: os.DirEntry[str],
        files: list[str],
        folders: list[str],
    ) -> None:
        name = entry.name
        whole = f"{path}/{name}" if path else name
        if entry.is_dir(follow_symlinks=False):
            if not name.startswith(".") and name not in self._skipped:
                folders.append(whole)
        elif name == ".gitignore":
            self._watched.add(whole)
        elif _is_file(entry):
            files.append(whole)


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # A link to itself, say; the rest of the folder still counts.
        return False


# What git ignores


def repository_of(folder: Path) -> Path | None:
    """Return the folder that has ``.git``, among this one and those above."""
    absolute = folder.absolute()
    for each in (absolute, *absolute.parents):
        if (each / ".git").exists():
            return each
    return None


def ignored_by_git(folder: Path, paths: Iterable[str]) -> set[str]:
    """Return which of these paths git ignores; they need not exist."""
    asked = sorted(path for path in paths if not path.startswith(("/", "../")))
    if not asked:
        return set()
    command = ("git", "-C", folder, "check-ignore", "-z", "--stdin")
    try:
        answer = capture(command, stdin="\0".join(asked))
    except (EngineError, UnicodeError):
        return set()  # Without git, or with names that are no text, all are pages.
    return set(answer.stdout.split("\0")) if answer.code == 0 else set()


def _decides(git: Path, folder: Path) -> set[str]:
    """The files by which git decides, besides those that the walk has seen."""
    above = [git, *(p for p in folder.absolute().parents if p.is_relative_to(git))]
    own = (git / ".git" / "info" / "exclude", git / ".git" / "index")
    return {path.as_posix() for path in (*own, *(p / ".gitignore" for p in above))}
