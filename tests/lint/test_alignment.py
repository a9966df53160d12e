"""Sections of two translations are put side by side as a person would."""

from __future__ import annotations

import pytest

from firstlight.lint.alignment import align, shown, translations
from firstlight.lint.facts import Section
from lint.project import facts, project


def titles(left: str, right: str) -> list[tuple[str, str]]:
    """The titles that stand side by side; ``-`` where one side has none."""
    found = align(facts(left).sections[1:], facts(right).sections[1:])

    def title(section: Section | None) -> str:
        return section.title if section else "-"

    return [(title(one), title(other)) for one, other in found]


def test_the_same_levels_are_side_by_side() -> None:
    assert titles("# A\n## B\n### C\n", "# 甲\n## 乙\n### 丙\n") == [
        ("A", "甲"),
        ("B", "乙"),
        ("C", "丙"),
    ]


def test_a_level_tells_what_is_missing() -> None:
    assert titles("# A\n## B\n### C\n## D\n", "# 甲\n## 乙\n## 丁\n") == [
        ("A", "甲"),
        ("B", "乙"),
        ("C", "-"),
        ("D", "丁"),
    ]


def test_latin_words_and_numbers_tell_what_is_missing() -> None:
    left = "# A\n## Docker\n## Podman\n## Step 2\n"
    assert titles(left, "# 甲\n## 使用 Podman\n## 第 2 步\n") == [
        ("A", "甲"),
        ("Docker", "-"),
        ("Podman", "使用 Podman"),
        ("Step 2", "第 2 步"),
    ]


def test_commands_and_steps_tell_what_is_missing() -> None:
    left = "## A\n1. x\n2. y\n\n## B\n```sh\nmake all\n```\n## C\ntext\n"
    assert titles(left, "## 乙\n```sh\nmake all\n```\n## 丙\n文字\n") == [
        ("A", "-"),
        ("B", "乙"),
        ("C", "丙"),
    ]


def test_what_headings_are_about_tells_what_is_missing() -> None:
    left = "# A\n## Overview\n## Create a task\n## Parameters\n"
    assert titles(left, "# 甲\n## 创建任务\n## 参数\n") == [
        ("A", "甲"),
        ("Overview", "-"),
        ("Create a task", "创建任务"),
        ("Parameters", "参数"),
    ]


def test_titles_are_side_by_side_whatever_they_say() -> None:
    left = "# Metadata and URLs\n## API\n"
    assert titles(left, "# API 与文档\n## URL\n")[0] == (
        "Metadata and URLs",
        "API 与文档",
    )


def test_sections_in_another_order_are_not_side_by_side() -> None:
    assert titles("## Docker\n## Podman\n", "## Podman\n## Docker\n") == [
        ("Docker", "-"),
        ("-", "Podman"),
        ("Podman", "-"),
        ("-", "Docker"),
    ]


def test_a_heading_of_another_level_is_known_by_its_words() -> None:
    assert titles("# A\n## CUDA\n### X\n", "# 甲\n### CUDA\n### X\n") == [
        ("A", "甲"),
        ("CUDA", "CUDA"),
        ("X", "X"),
    ]


def test_pages_too_long_to_compare_are_left_alone() -> None:
    assert align(facts("# a\n" * 300).sections, facts("# b\n" * 301).sections) == []


@pytest.mark.parametrize(
    ("english", "chinese", "blamed"),
    [
        ("a.md", "a.zh.md", "a.zh.md"),
        ("a.en.md", "a.md", "a.en.md"),
        ("en/a.md", "zh/a.md", "zh/a.md"),
    ],
)
def test_findings_belong_to_the_translation(
    english: str, chinese: str, blamed: str
) -> None:
    (found,) = translations(project({english: "# Text\n", chinese: "# 文字\n"}))
    assert found.path == blamed
    assert {found.path, found.other} == {english, chinese}


@pytest.mark.parametrize(
    ("path", "other", "name"),
    [
        ("docs/a.zh.md", "docs/a.md", "a.md:3"),
        ("docs/zh/a.md", "docs/en/a.md", "docs/en/a.md:3"),
        ("a.md", f"docs/{'x' * 60}.md", f"…{'x' * 40}.md:3"),
    ],
)
def test_the_other_page_is_named_shortly(path: str, other: str, name: str) -> None:
    assert shown(path, other, 3) == name
