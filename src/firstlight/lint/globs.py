"""Globs over the paths of a project: ``*`` stays in a folder, ``**`` does not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

__all__ = ["base_of", "is_deep", "matcher"]

_TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|\[!?[^]/]+\]|[^*?\[]+|\[")
_MEANING = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def matcher(globs: Iterable[str]) -> Callable[[str], bool]:
    """Return a test: does one of the globs match a path, or a folder that it is in?

    Paths are relative to the project, with ``/``.
    """
    patterns = "|".join(map(_pattern, globs))
    if not patterns:
        return lambda path: False
    match = re.compile(rf"(?s:{patterns})(?:/.*)?").fullmatch
    return lambda path: match(path) is not None


def _pattern(glob: str) -> str:
    return "".join(map(_piece, _TOKEN.findall(glob.removeprefix("./").rstrip("/"))))


def _piece(token: str) -> str:
    if token in _MEANING:
        return _MEANING[token]
    if token.startswith("[") and len(token) > 1:
        inverted = token[1] == "!"
        inside = re.sub(r"([\\^\[])", r"\\\1", token[1 + inverted : -1])
        return f"[{'^' * inverted}{inside}]"
    return re.escape(token)


def base_of(glob: str) -> str:
    """Return the folder in which all matches of a glob lie: ``docs`` of ``docs/**``."""
    fixed: list[str] = []
    for name in glob.removeprefix("./").split("/")[:-1]:
        if re.search(r"[*?\[]", name):
            break
        fixed.append(name)
    return "/".join(fixed)


def is_deep(glob: str) -> bool:
    """Whether a glob looks into folders below its base."""
    rest = glob.removeprefix("./").removeprefix(base_of(glob)).lstrip("/")
    return "/" in rest or "**" in rest
