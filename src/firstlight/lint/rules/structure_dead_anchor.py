"""A link to a place on a page that is not there. It lands at the top instead."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property

from firstlight.fields import did_you_mean
from firstlight.finding import Finding, Span
from firstlight.lint.facts import Facts, Link
from firstlight.lint.links import Aim, aim_of, found_page
from firstlight.lint.rule import Given, Project, Rule
from firstlight.markdown.anchors import ANY

__all__ = ["RULE"]

_ALWAYS = frozenset(("top", "_top", "start-of-content"))
_MADE = ("fn", "fnref", "user-content-", "__tabbed", "L", "cite")
"""Beginnings of anchors that a site makes itself."""

_OBJECT = re.compile(r"[^\W\d]\w*(?:\.\w+)+")
"""``module.Class.method``: a program that reads the code makes such places."""
_ALSO = {"mkdocs": "pymdownx", "zensical": "pymdownx"}
"""Sites -> the other way they may make anchors, which Chinese pages need."""

_PARTS = frozenset(("demo", "fragments", "includes", "partials", "snippets"))
"""Folders of what a site puts into other pages."""

_Names = Mapping[str, frozenset[str]]


def across(project: Project, given: Given) -> Iterator[tuple[str, Finding]]:
    """Find links to headings and ids that the target page does not have."""
    places = _Places(project)
    for path, facts in project.facts.items():
        for link in facts.links:
            aim = aim_of(path, link.to) if "#" in link.to else None
            if aim is None or not aim.anchor or _is_made(aim):
                continue
            if link.to.startswith("#") and _is_elsewhere(path, facts, link, places):
                continue
            dead = places.dead(aim, aim.path)
            if not dead or places.is_below(path, link, aim):
                continue
            # For MyST a label is known on every page of the project.
            is_label = link.to.startswith("#") and "myst" in given.targets
            if not (is_label and aim.anchor.casefold() in places.labels):
                yield path, _finding(link, aim, places, dead)


class _Places:
    """The anchors of pages, each asked for once."""

    def __init__(self, project: Project) -> None:
        self._facts = project.facts
        self._known: dict[str, _Names] = {}

    def page(self, path: str) -> str:
        """The page that a path means, or nothing."""
        return found_page(path, self._facts.__contains__)

    def names(self, page: str) -> _Names:
        if page not in self._known:
            self._known[page] = _folded(page, self._facts[page])
        return self._known[page]

    def dead(self, aim: Aim, path: str) -> list[str]:
        """The targets on which the page of a path has no such place."""
        page, wanted = self.page(path), aim.anchor.casefold()
        names = self.names(page) if page else {}
        return [
            target
            for target, known in names.items()
            if wanted not in known and ANY not in known
        ]

    def is_below(self, path: str, link: Link, aim: Aim) -> bool:
        """Whether it is there on a site that gives each page a folder of its own."""
        to = link.to.partition("#")[0]
        if not to or aim.is_rooted or "." in posixpath.basename(aim.path):
            return False
        below = posixpath.normpath(posixpath.join(posixpath.splitext(path)[0], to))
        return self.page(below) != "" and not self.dead(aim, below)

    @cached_property
    def scripted(self) -> frozenset[str]:
        """Pages whose tags lead to no place at all: a script makes tabs of them."""
        tags: dict[str, list[bool]] = defaultdict(list)
        for path, facts in self._facts.items():
            for link in facts.links:
                if link.kind == "html" and link.to[:1] == "#":
                    aim = Aim(path, link.to[1:])
                    tags[path].append(bool(self.dead(aim, path)))
        return frozenset(
            path for path, dead in tags.items() if len(dead) > 1 and all(dead)
        )

    @cached_property
    def labels(self) -> frozenset[str]:
        """The ids that pages of the project give themselves."""
        every = (name for facts in self._facts.values() for name in facts.own_ids)
        return frozenset(map(str.casefold, every))


def _is_elsewhere(path: str, facts: Facts, link: Link, places: _Places) -> bool:
    """Whether an anchor of the own page is a script's, or one of another page."""
    if link.kind == "html" and path in places.scripted:
        return True
    folders = path.split("/")[:-1]
    return not facts.title or any(name.strip("_") in _PARTS for name in folders)


def _is_made(aim: Aim) -> bool:
    """Whether the site's program makes the anchor, by rules of its own."""
    is_built = aim.path.endswith((".html", ".htm")) or "/" in aim.anchor
    is_named = aim.anchor in _ALWAYS or aim.anchor.startswith(_MADE)
    return is_built or is_named or _OBJECT.fullmatch(aim.anchor) is not None


def _folded(page: str, facts: Facts) -> _Names:
    """Anchors without case: browsers see it, but GitHub's page finds them all."""
    # A README is read on GitHub too, whatever the site is made with.
    is_readme = posixpath.basename(page).lower().startswith("readme")
    found = {}
    for target, names in facts.anchors.items():
        other = _ALSO.get(target, "github" if is_readme else "")
        more = facts.anchors_on(other) if other else ()
        found[target] = frozenset(map(str.casefold, (*names, *facts.own_ids, *more)))
    return found


def _finding(link: Link, aim: Aim, places: _Places, dead: list[str]) -> Finding:
    page = places.page(aim.path)
    names = places.names(page)
    everywhere = "" if len(dead) == len(names) else f" on {', '.join(dead)}"
    on = f"{page} has" if not link.to.startswith("#") else "this page has"
    close = did_you_mean(aim.anchor, names[dead[0]])
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"{on} no place called #{aim.anchor}{everywhere}",
        hint=close or "link a heading that is there, or give one this id",
        span=Span(link.start, link.end),
    )


RULE = Rule(code="structure.dead-anchor", across=across)
