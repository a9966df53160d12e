"""A link says which path and anchor it means, or that nobody can tell."""

from __future__ import annotations

import pytest

from firstlight.lint.links import Aim, aim_of, found_page


@pytest.mark.parametrize(
    ("to", "aim"),
    [
        ("b.md", Aim("docs/b.md", "")),
        ("./b.md?plain=1#%E5%AE%89", Aim("docs/b.md", "安")),
        ("../README.md#a", Aim("README.md", "a")),
        ("/x/y.md", Aim("x/y.md", "", is_rooted=True)),
        ("sub/", Aim("docs/sub", "", is_folder=True)),
        ("#a", Aim("docs/a.md", "a")),
        ("b.md#:~:text=x", Aim("docs/b.md", "")),
        ("#", None),
        ("", None),
        ("../../issues", None),
        ("{{ url }}/x.md", None),
        ("me@example.org", None),
        ("@/content/x.md", None),
    ],
)
def test_a_link_names_a_path_in_the_project(to: str, aim: Aim | None) -> None:
    assert aim_of("docs/a.md", to) == aim


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("guide.md", "guide.md"),
        ("guide", "guide.md"),
        ("guide.html", "guide.md"),
        ("folder", "folder/index.md"),
        ("folder/index.html", "folder/index.md"),
        ("nothing", ""),
    ],
)
def test_a_page_is_found_by_the_address_of_a_site(path: str, page: str) -> None:
    assert found_page(path, {"guide.md", "folder/index.md"}.__contains__) == page
