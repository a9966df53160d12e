"""Headings that translate each other are about the same."""

from __future__ import annotations

import pytest

from firstlight.lint.concepts import concepts


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("Installation", "安装"),
        ("Create a task", "创建任务"),
        ("Datasource Parameters", "参数"),
        ("Design Resources", "设计资源"),
        ("FAQ", "常见问题"),
        ("Examples", "使用示例"),
    ],
)
def test_a_translation_is_about_the_same(english: str, chinese: str) -> None:
    assert concepts(english) & concepts(chinese)


@pytest.mark.parametrize("title", ["", "Docker", "人体", "CUDA 12.4", "x"])
def test_other_headings_are_about_nothing_known(title: str) -> None:
    assert concepts(title) == frozenset()


def test_the_longest_chinese_word_wins() -> None:
    assert concepts("数据结构") == {"dataset"}
    assert concepts("常见问题") == {"faq"}
