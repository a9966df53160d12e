"""Globs mean what they mean to git and to pathlib."""

from __future__ import annotations

import pytest

from firstlight.lint.globs import base_of, is_deep, matcher


@pytest.mark.parametrize(
    ("glob", "path", "is_matched"),
    [
        ("*.md", "README.md", True),
        ("*.md", "docs/a.md", False),
        ("./*.md", "README.md", True),
        ("docs/**/*.md", "docs/a.md", True),
        ("docs/**/*.md", "docs/a/b/c.md", True),
        ("docs/**/*.md", "docsy/a.md", False),
        ("**/CHANGELOG.md", "CHANGELOG.md", True),
        ("**/CHANGELOG.md", "a/b/CHANGELOG.md", True),
        ("docs/old", "docs/old/a.md", True),
        ("docs/old/", "docs/old/a.md", True),
        ("docs/old", "docs/older/a.md", False),
        ("a?.md", "ab.md", True),
        ("a?.md", "a/.md", False),
        ("[ab].md", "b.md", True),
        ("[!ab].md", "b.md", False),
        ("[!ab].md", "c.md", True),
        ("a[.md", "a[.md", True),
        ("a+(b).md", "a+(b).md", True),
        ("文档/*.md", "文档/说明.md", True),
    ],
)
def test_a_glob_matches(glob, path, is_matched):
    assert matcher([glob])(path) is is_matched


def test_no_glob_matches_nothing():
    assert not matcher([])("README.md")


def test_one_glob_of_several_is_enough():
    assert matcher(["a.md", "b.md"])("b.md")


@pytest.mark.parametrize(
    ("glob", "base", "deep"),
    [
        ("*.md", "", False),
        ("docs/*.md", "docs", False),
        ("docs/**/*.md", "docs", True),
        ("docs/*/a.md", "docs", True),
        ("**/*.md", "", True),
        ("docs/en/index.md", "docs/en", False),
    ],
)
def test_a_walk_begins_where_matches_can_be(glob, base, deep):
    assert base_of(glob) == base
    assert is_deep(glob) is deep
