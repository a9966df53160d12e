"""Where a link inside a project leads: the path it names, and the anchor there."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

__all__ = ["Aim", "aim_of", "candidates", "found_page"]

_PAGES = (".md", ".mdx", ".markdown", ".ipynb", ".rst")
_INDEX = ("index", "README", "readme", "_index", "Readme")
_TEMPLATE = frozenset("{}<>$|\\`*\n")
_MEANS_MORE = ("~", "!", "/", "?", ":", "=")
"""What an anchor begins with that a program reads: ``#:~:text=``, ``#/route``."""


class Aim(NamedTuple):
    """What a link names: a path relative to the project, and an anchor.

    `path` is that of the page itself for a link like ``#here``. `is_rooted` says that
    the source begins with ``/``, which is the project's folder on one site and the
    site's on another; `is_folder` that it ends with ``/``.
    """

    path: str
    anchor: str
    is_rooted: bool = False
    is_folder: bool = False


def aim_of(page: str, to: str) -> Aim | None:
    """Return what a link on a page names, None if nobody can tell.

    That is so for what leaves the project, and for templates that a program fills.
    """
    if not _TEMPLATE.isdisjoint(to):
        return None
    path, _, anchor = to.partition("#")
    path = unquote(path.partition("?")[0])
    anchor = "" if anchor.startswith(_MEANS_MORE) else unquote(anchor)
    if not path:
        return Aim(page, anchor) if anchor else None
    if path[0] in "@~" or ("@" in path and "/" not in path):
        return None  # A name that a site's program knows, or an address of mail.
    is_rooted = path.startswith("/")
    folder = "" if is_rooted else posixpath.dirname(page)
    whole = posixpath.normpath(posixpath.join(folder, path.lstrip("/")))
    if whole.startswith(".."):
        return None
    return Aim(whole, anchor, is_rooted, path.endswith("/"))


def candidates(path: str) -> Iterator[str]:
    """Yield the paths of files that a link to a path may mean, the likeliest first.

    A site's ``guide/`` is the page ``guide.md`` or the index of a folder; its
    ``guide.html`` was made of ``guide.md``.
    """
    yield path
    stem, ending = posixpath.splitext(path)
    if ending == ".html":
        yield from (stem + page for page in _PAGES)
        path = stem.removesuffix("index").rstrip("/")
    if ending not in _PAGES:
        yield from (path + page for page in _PAGES)
        for index in _INDEX:
            yield from (posixpath.join(path, index + page) for page in _PAGES[:2])


def found_page(path: str, is_known: Callable[[str], bool]) -> str:
    """Return the page that a link to a path means, of those known, or nothing."""
    return next((each for each in candidates(path) if is_known(each)), "")
