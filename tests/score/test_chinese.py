"""What is measured on the surface of Chinese."""

from __future__ import annotations

from firstlight.score.chinese import Surface, surface


def test_sentences_characters_commas_and_latin_words_are_counted() -> None:
    found = surface("安装 Docker 之后，重新登录。如果失败，请查看日志！".encode())
    assert found == Surface(sentences=2, characters=17, commas=2, chained=0, latin=1)


def test_three_de_in_one_clause_are_a_chain() -> None:
    assert surface("镜像的标签的摘要的长度固定。".encode()).chained == 1


def test_three_de_in_several_clauses_are_none() -> None:
    assert surface("镜像的标签，容器的名称，卷的位置。".encode()).chained == 0
