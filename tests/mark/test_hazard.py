"""Hazards are told by what follows for the reader, in both languages."""

from __future__ import annotations

import pytest

from firstlight.mark.hazard import Hazard, hazards
from firstlight.markdown.parse import parse

SURE = 0.9

DANGERS = (
    "Removing the volume permanently deletes all notebooks, and they cannot be "
    "recovered.",
    "Never share the private key, because anyone who has the key can read your data.",
    "Before you remove the volume, note that all data in it will be lost.",
    "Make sure that the copy is complete, otherwise your data may be lost.",
    "删除数据卷会永久删除其中的全部笔记本，且无法恢复。",
    "切勿泄露私钥，拿到私钥的人可以读取你的数据。",
    "请先备份数据卷，否则数据可能会丢失。",
    "该操作将删除数据卷中的所有数据，且不可逆。",
)
WARNINGS = (
    "Do not train with the default size, otherwise data loader workers will crash.",
    "You must stop the old container, otherwise the new one will crash.",
    "请勿用默认的共享内存训练，否则数据加载进程可能会崩溃。",
    "请勿同时启动两个容器，否则会导致训练失败。",
)
NONE = (
    "No data is lost when you restart the container.",
    "Will all data be lost when you remove the volume?",
    "Fixed a bug that permanently deleted all files.",
    'The program says "all data will be lost" and goes on.',
    "Delete all generated files and build them again.",
    "To delete all data, remove the volume.",
    "If the build fails, look at the log.",
    "The setting on the command line will be overwritten by that of the file.",
    "Attention: there is a new page!",
    "A backup protects against data loss.",
    "重启容器不会丢失数据。",
    "删除数据卷后数据会丢失吗？",
    "修复了会永久删除所有文件的错误。",
    "如果构建失败，请查看日志。",
    "请删除所有生成的文件，然后重新构建。",
    "命令行参数会覆盖配置文件中的默认值。",
    "注意：本页有新内容。",
)


def found(text: str, path: str = "") -> list[Hazard]:
    """The hazards of a text that are sure and bad."""
    every = parse(text.encode(), path).once(hazards)
    return [h for h in every if h.severity != "limit" and h.confidence >= SURE]


@pytest.mark.parametrize("text", DANGERS)
def test_what_cannot_be_undone_or_exposes_is_a_danger(text: str) -> None:
    assert [hazard.severity for hazard in found(text)] == ["danger"]


@pytest.mark.parametrize("text", WARNINGS)
def test_what_fails_when_the_reader_does_it_wrong_is_a_warning(text: str) -> None:
    assert [hazard.severity for hazard in found(text)] == ["warning"]


@pytest.mark.parametrize("text", NONE)
def test_what_harms_nobody_is_no_hazard(text: str) -> None:
    assert found(text) == []


def test_a_hazard_is_its_sentence_and_says_why() -> None:
    text = "It is small. Removing the volume permanently deletes all files. See below."
    (hazard,) = found(text)
    assert text.encode()[hazard.span.start : hazard.span.end].decode() == (
        "Removing the volume permanently deletes all files."
    )
    assert hazard.cues == ("permanently deletes",)
    assert hazard.reason.startswith("permanently deletes, act")


def test_a_destructive_command_right_after_makes_it_surer() -> None:
    text = "The files in the volume will be lost.\n"
    (alone,) = parse(text.encode()).once(hazards)
    command = f"{text}\n```sh\ndocker volume rm data\n```\n"
    (before,) = parse(command.encode()).once(hazards)
    assert before.confidence > alone.confidence


@pytest.mark.parametrize(
    ("before", "path"),
    [
        ("## Bug fixes\n\n", ""),
        ("## 更新日志\n\n", ""),
        ("", "CHANGELOG.md"),
        ("## Release notes\n\n### Storage\n\n", "docs/a.md"),
    ],
)
def test_a_list_of_changes_threatens_nobody(before: str, path: str) -> None:
    assert found(before + DANGERS[0], path) == []


def test_code_headings_and_tables_have_no_hazards() -> None:
    text = DANGERS[0]
    page = f"## {text}\n\n```text\n{text}\n```\n\n| a |\n| - |\n| {text} |\n"
    assert found(page) == []


def test_hazards_in_notices_are_found_so_that_labels_can_be_compared() -> None:
    page = parse(f"> [!NOTE]\n> {DANGERS[0]}\n".encode())
    (hazard,) = page.once(hazards)
    assert page.is_inside(hazard.block, "notice")


def test_a_limit_is_the_mildest() -> None:
    text = "Please use the new option, because the old option is deprecated."
    assert {h.severity for h in parse(text.encode()).once(hazards)} <= {"limit"}
