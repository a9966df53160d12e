"""A page that no other page leads to. Nobody finds what only a search would show."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lint.links import aim_of, found_page
from firstlight.lint.rule import Given, Project, Rule

__all__ = ["RULE"]

_READ_AS_FILES = frozenset(("github", "vscode", "jupyter"))
"""Where readers go from page to page by links alone."""
_NAVIGATION = (
    *("mkdocs.yml", "mkdocs.yaml", "zensical.toml", "myst.yml", "book.toml"),
    *("_config.yml", "docs/conf.py", "docs/source/conf.py", "docs/.vitepress"),
    *(".vitepress", "docusaurus.config.js", "docusaurus.config.ts", "docs/_config.yml"),
    *("website/docusaurus.config.js", "docs/docusaurus.config.js", "_quarto.yml"),
    *("docs/_sidebar.md", "docs/SUMMARY.md", "docs/mkdocs.yml", "docs/_toc.yml"),
    *("docs/docs.json", "docs/mint.json", "docs/en/mkdocs.yml", "docs/hugo.toml"),
)
"""Files of site programs, which make the navigation themselves."""
_ENTRANCES = frozenset(("index", "readme", "_index", "summary", "_sidebar", "404"))


def across(project: Project, given: Given) -> Iterator[tuple[str, Finding]]:
    """Find pages below ``docs`` without a link to them, where most have one."""
    pages = [path for path in project.facts if path.startswith("docs/")]
    if not pages or not given.targets <= _READ_AS_FILES:
        return
    if any(map(project.exists, _NAVIGATION)):
        return
    linked = _linked(project)
    orphans = [path for path in pages if path not in linked and not _is_found(path)]
    # Where most pages have no link, readers find their way by other means.
    if 2 * len(orphans) <= len(pages):
        for path in orphans:
            yield path, _finding()


def _linked(project: Project) -> set[str]:
    found = set()
    for path, facts in project.facts.items():
        for link in facts.links:
            aim = aim_of(path, link.to)
            if aim is not None and aim.path != path:
                found.add(found_page(aim.path, project.facts.__contains__))
    return found


def _is_found(path: str) -> bool:
    """Whether a page is where readers look first."""
    name = posixpath.basename(path).partition(".")[0].lower()
    return name.partition("_")[0] in _ENTRANCES or name in _ENTRANCES


def _finding() -> Finding:
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message="no page leads here",
        hint="link it from the page that readers come from, or remove it",
        span=Span(0, 0),
    )


RULE = Rule(code="structure.orphan-page", across=across, role=Role.NOTE, on=False)
