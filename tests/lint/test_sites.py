"""Where pages are read is seen from the settings of site generators."""

from __future__ import annotations

from pathlib import Path

import pytest

from firstlight.lint.run import lint
from firstlight.lint.settings import read_settings
from firstlight.lint.sites import Site, sites

NOTICE = "# T\n\n!!! warning\n    Mind the gap.\n"


def made(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("config", "text", "site"),
    [
        ("mkdocs.yml", "site_name: x\n", Site("docs/", "mkdocs")),
        ("mkdocs.yml", "docs_dir: ./pages # here\n", Site("pages/", "mkdocs")),
        ("zensical.toml", '[project]\ndocs_dir = "d"\n', Site("d/", "zensical")),
        ("website/docusaurus.config.ts", "", Site("website/", "docusaurus")),
        ("docs/.vitepress/config.ts", "", Site("docs/", "vitepress")),
        ("myst.yml", "", Site("", "myst")),
    ],
)
def test_a_generator_tells_its_site(
    tmp_path: Path, config: str, text: str, site: Site
) -> None:
    path = tmp_path / config
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    assert sites(tmp_path) == (site,)


def test_a_project_without_one_has_none(tmp_path: Path) -> None:
    assert sites(made(tmp_path, README="x")) == ()


def test_pages_of_the_site_are_read_there_and_others_in_the_repository(
    tmp_path: Path,
) -> None:
    made(tmp_path, **{"mkdocs.yml": "", "README.md": NOTICE, "docs__a.md": NOTICE})
    found = lint(tmp_path, [], read_settings(tmp_path)).found
    dead = [each.path for each in found if each.code == "notices.not-rendered"]
    assert dead == ["README.md"]


def test_what_the_settings_say_weighs_more(tmp_path: Path) -> None:
    made(tmp_path, **{"mkdocs.yml": "", "docs__a.md": NOTICE})
    (tmp_path / "firstlight.toml").write_text('[docs]\ntargets = ["github"]\n')
    assert read_settings(tmp_path).sites == ()
    found = lint(tmp_path, [], read_settings(tmp_path)).found
    assert [each.path for each in found if "not-rendered" in each.code] == ["docs/a.md"]
