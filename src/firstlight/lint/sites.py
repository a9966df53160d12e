"""Where the pages of a project are read, as far as its files tell.

A project that builds a site has the settings of its generator. Pages in the site's
folder are read there, all others where the repository is.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

__all__ = ["CONFIGS", "Site", "sites"]


class Site(NamedTuple):
    """A folder of pages, relative to the project and with a final ``/``; its target."""

    folder: str
    target: str


CONFIGS = {
    "mkdocs.yml": "mkdocs",
    "mkdocs.yaml": "mkdocs",
    "zensical.toml": "zensical",
    "docusaurus.config.js": "docusaurus",
    "docusaurus.config.ts": "docusaurus",
    "docusaurus.config.mjs": "docusaurus",
    ".vitepress": "vitepress",
    "myst.yml": "myst",
}
"""File or folder of a generator -> target."""

_PLACES = ("", "docs/", "doc/", "website/", "site/", "docs/en/", "docs/zh/")
"""Where such settings are looked for."""

_DOCS_DIR = re.compile(r"(?m)^\s*docs_dir\s*[:=]\s*['\"]?([^'\"#\s]+)")


def sites(folder: Path) -> tuple[Site, ...]:
    """Return the sites of a project, the ones with longer folders first."""
    found: dict[str, str] = {}
    for place in _PLACES:
        for name, target in CONFIGS.items():
            config = folder / place / name
            if config.exists():
                inside = _pages(config, target)
                found.setdefault(f"{place}{inside}", target)
    every = [Site(inside, target) for inside, target in found.items()]
    return tuple(sorted(every, key=lambda site: (-len(site.folder), site)))


def _pages(config: Path, target: str) -> str:
    """The folder of the pages, relative to the settings' own."""
    if target not in ("mkdocs", "zensical"):
        return ""
    try:
        text = config.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    named = _DOCS_DIR.search(text)
    inside = named[1].removeprefix("./").strip("/") if named else "docs"
    return "" if inside in ("", ".") else f"{inside}/"
