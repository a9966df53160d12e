"""A link to a file that is not there. The reader who follows it is lost."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import unquote

from firstlight.finding import Finding, Role, Span
from firstlight.lint.facts import Link
from firstlight.lint.links import Aim, aim_of, candidates
from firstlight.lint.rule import Given, Project, Rule

__all__ = ["RULE"]

_FILE = re.compile(
    r"(?i)\.(?:md|mdx|markdown|ipynb|rst|adoc|txt|pdf|docx?|pptx?|xlsx?|csv|tsv"
    r"|png|jpe?g|gif|svg|webp|bmp|ico|avif|mp4|webm|mp3|wav"
    r"|py|pyi|sh|ps1|bat|js|mjs|ts|tsx|jsx|vue|css|scss|c|cc|cpp|cu|h|hpp|java|go|rs"
    r"|toml|ya?ml|json|jsonl|xml|ini|cfg|conf|lock|sql|proto|patch|log"
    r"|zip|gz|tgz|xz|bz2|tar|whl|deb|rpm|dockerfile|cmake)\Z"
)
"""Endings of files that a project has; what its site makes (``.html``) is none."""
_MADE = frozenset(
    ("sitemap.xml", "feed.xml", "rss.xml", "atom.xml", "llms.txt", "robots.txt")
)
"""Files that a site makes."""
_READ_AS_FILES = frozenset(("github", "vscode", "jupyter"))
_VERSION = re.compile(r"v?\d+(?:\.(?:\d+|x))+\Z")
_LANGUAGE = re.compile(r"[a-z]{2}(?:[-_][A-Za-z]{2,4})?\Z")
_HABIT = 100
"""So many links that only name a page of another folder: the site knows its pages."""
_ROOTS = (
    *("docs/", "static/", "public/", "docs/public/", "src/", "", "src/public/"),
    *("docs/static/", "website/static/", "site/static/", "assets/", "content/"),
)
"""Folders whose content a site shows at its root."""


def across(project: Project, given: Given) -> Iterator[tuple[str, Finding]]:
    """Find links and pictures whose file does not exist."""
    shows_files = given.targets <= _READ_AS_FILES
    found = list(_dead(project, shows_files))
    names = {posixpath.basename(path) for path in project.facts}
    by_name = {each for each in found if _is_named(each[1], each[2], names)}
    if shows_files or len(by_name) < _HABIT:
        by_name = set()
    for path, link, aim in found:
        if (path, link, aim) not in by_name:
            yield path, _finding(link, aim)


def _is_named(link: Link, aim: Aim, names: set[str]) -> bool:
    """Whether a link only has the name of a page, and that is in another folder."""
    return "/" not in link.to and posixpath.basename(aim.path) in names


def _dead(project: Project, shows_files: bool) -> Iterator[tuple[str, Link, Aim]]:
    known: dict[str, bool] = {}
    for path, facts in project.facts.items():
        for link in facts.links:
            aim = aim_of(path, link.to)
            if aim is None or aim.path == path:
                continue
            is_file = _is_file(aim, shows_files and "/" not in path)
            if not is_file or _is_there(project, path, aim, known):
                continue
            if aim.is_rooted and not _is_known_root(project, path, aim):
                continue
            is_made = not shows_files and _is_put_there(project, path, aim)
            if is_made or _leaves_book(project, path, aim):
                continue
            if _is_page(link, aim) or not _is_shown(project, path, unquote(link.to)):
                yield path, link, aim


def _leaves_book(project: Project, path: str, aim: Aim) -> bool:
    """Whether a page is a chapter of a book, and the link leads to another book."""
    folder = posixpath.dirname(path)
    while folder:
        if f"{folder}/SUMMARY.md" in project.facts:
            return not aim.path.startswith(folder + "/")
        folder = posixpath.dirname(folder)
    return False


def _is_put_there(project: Project, path: str, aim: Aim) -> bool:
    """Whether a site's program does: it gathers versions, and fills up translations."""
    parts = aim.path.split("/")
    for at, part in enumerate(parts[:-1]):
        folder = "/".join(parts[: at + 1])
        if _VERSION.match(part) and not project.exists(folder):
            return True
        if _LANGUAGE.match(part) and part != "en" and path.startswith(folder + "/"):
            other = "/".join((*parts[:at], "en", *parts[at + 1 :]))
            if other in project.facts or project.exists(other):
                return True
    return False


def _is_page(link: Link, aim: Aim) -> bool:
    return link.kind == "link" and aim.path.endswith((".md", ".mdx", ".ipynb", ".rst"))


def _is_file(aim: Aim, at_root: bool) -> bool:
    """Whether a link means a file of the project, and not an address of the site."""
    name = posixpath.basename(aim.path)
    if name in _MADE:
        return False
    if _FILE.search(name):
        return True
    return at_root and not aim.is_rooted and "." not in name


def _is_there(project: Project, path: str, aim: Aim, known: dict[str, bool]) -> bool:
    if aim.is_rooted:
        return any(_is_at(project, root + aim.path, known) for root in _roots(path))
    return _is_at(project, aim.path, known)


def _is_at(project: Project, path: str, known: dict[str, bool]) -> bool:
    if path not in known:
        # The name of a file means no other, or its page; that of a page a few.
        is_exact = _FILE.search(path) is not None
        known[path] = any(
            each in project.facts or project.exists(each)
            for each in ((path, path + ".md") if is_exact else candidates(path))
        )
    return known[path]


def _roots(path: str) -> Iterator[str]:
    """The folders that ``/`` may mean on a page: those of sites, and those above it."""
    yield from _ROOTS
    folder = posixpath.dirname(path)
    while folder:
        yield folder + "/"
        folder = posixpath.dirname(folder)


def _is_known_root(project: Project, path: str, aim: Aim) -> bool:
    """Whether some root has the folder that a path begins with.

    Else it is a root that only the settings of a site tell.
    """
    first, slash, _ = aim.path.partition("/")
    return not slash or any(project.exists(root + first) for root in _roots(path))


def _is_shown(project: Project, path: str, to: str) -> bool:
    """Whether a site finds it, which gives each page a folder, and a root of its own.

    Then a picture's path begins one folder further down, or at the site's root. On
    pages that only GitHub shows, nobody writes such paths.
    """
    to = to.partition("#")[0].partition("?")[0]
    folder = posixpath.splitext(path)[0]
    below = posixpath.normpath(posixpath.join(folder, to))
    bare = to.lstrip("./")
    return any(map(project.exists, (below, *(root + bare for root in _ROOTS[1:5]))))


def _finding(link: Link, aim: Aim) -> Finding:
    what = "picture" if link.kind == "image" else "link"
    shown = aim.path if len(aim.path) <= 60 else "…" + aim.path[-59:]
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"the {what} leads to {shown}, which does not exist",
        hint="correct the path, or remove the link",
        span=Span(link.start, link.end),
    )


RULE = Rule(code="structure.dead-link", across=across, role=Role.FAILURE)
