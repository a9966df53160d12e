"""Translations are known by their paths, and only where these leave no doubt."""

from __future__ import annotations

import pytest

from firstlight.lint.pairs import Pair, Unpaired, language_in, pairs, unpaired


def found(*paths: str, chinese: str) -> list[Pair]:
    """The pairs among paths, of which one is in Chinese."""
    return pairs({path: "zh" if path == chinese else "en" for path in paths})


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("README.md", "README.zh.md"),
        ("README.md", "README_zh-CN.md"),
        ("README.md", "README-zh_CN.md"),
        ("README.md", "readme_cn.md"),
        ("README_en.md", "README.md"),
        ("README.en-US.md", "README.zh-Hans.md"),
        ("docs/a.md", "docs/a.zh.md"),
        ("docs/en/a.md", "docs/zh/a.md"),
        ("docs/en/b/a.md", "docs/zh_cn/b/a.md"),
        ("docs/a.md", "docs/zh-cn/a.md"),
        ("docs/source_en/a.md", "docs/source/a.md"),
        ("docs/a.md", "i18n/zh-CN/docusaurus-plugin-content-docs/current/a.md"),
        (
            "versioned_docs/version-2/a.md",
            "i18n/zh/docusaurus-plugin-content-docs/version-2/a.md",
        ),
        ("docs/a.ipynb", "docs/a.zh.ipynb"),
    ],
)
def test_two_paths_that_differ_in_a_language_are_a_pair(
    english: str, chinese: str
) -> None:
    assert found(english, chinese, chinese=chinese) == [Pair(english, chinese)]


@pytest.mark.parametrize(
    ("one", "chinese"),
    [
        ("README.md", "docs/README.zh.md"),
        ("a.md", "b.zh.md"),
        ("README.ja.md", "README.zh.md"),
        ("README.md", "README.zh-TW.md"),
        ("token.md", "to.ken.md"),
        ("a.md", "a.zh.txt"),
    ],
)
def test_other_paths_are_none(one: str, chinese: str) -> None:
    assert found(one, chinese, chinese=chinese) == []


def test_a_page_that_is_not_translated_yet_is_no_translation() -> None:
    assert pairs({"a.md": "en", "a.zh.md": "en"}) == []
    assert pairs({"a.en.md": "zh", "a.zh.md": "zh"}) == []


def test_a_named_page_is_preferred_to_one_that_names_no_language() -> None:
    languages = {"a.md": "en", "a.en.md": "en", "a.zh.md": "zh"}
    assert pairs(languages) == [Pair("a.en.md", "a.zh.md")]


def test_two_candidates_are_one_too_many() -> None:
    languages = {"a.md": "en", "a.zh.md": "zh", "zh/a.md": "zh"}
    assert pairs(languages) == []


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("docs/zh/a.md", "zh"),
        ("a_EN.md", "en"),
        ("a.md", ""),
        ("docs/en/a.zh.md", ""),
        ("docs/china/a.md", ""),
    ],
)
def test_a_path_may_name_its_language(path: str, language: str) -> None:
    assert language_in(path) == language


def test_a_page_alone_among_pairs_lacks_its_translation() -> None:
    languages = {f"docs/en/{name}.md": "en" for name in "abc"}
    languages |= {f"docs/zh/{name}.md": "zh" for name in "abd"}
    assert unpaired(languages) == [
        Unpaired("docs/en/c.md", "zh", "docs/zh/c.md"),
        Unpaired("docs/zh/d.md", "en", "docs/en/d.md"),
    ]


def test_names_beside_each_other_are_guessed_from_the_pairs() -> None:
    languages = {"a.md": "en", "a.zh.md": "zh", "b.md": "en", "b.zh.md": "zh"}
    assert unpaired({**languages, "c.md": "en"}) == [Unpaired("c.md", "zh", "c.zh.md")]
    assert unpaired({**languages, "c.zh.md": "zh"}) == [
        Unpaired("c.zh.md", "en", "c.md")
    ]


def test_nothing_lacks_where_little_is_translated() -> None:
    assert unpaired({"a.md": "en", "a.zh.md": "zh", "b.md": "en", "c.md": "en"}) == []


def test_a_page_that_is_there_but_untranslated_does_not_lack() -> None:
    languages = {"a.md": "en", "a.zh.md": "zh", "b.md": "en", "b.zh.md": "zh"}
    assert unpaired({**languages, "c.md": "en", "c.zh.md": "en"}) == []
