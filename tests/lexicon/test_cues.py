"""Cue words are found whole, by kind, and hidden where they mean something else."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstlight.lexicon import cues
from firstlight.lexicon.cues import HARMS, KINDS, LISTED, STRONG, WEAK, Cue, find, words
from firstlight.lexicon.table import DEFAULT

TABLES = [Path(cues.__file__).with_name(name) for name in ("harms.txt", "speech.txt")]


def said(text: str, kind: str, weight: str = "") -> list[str]:
    """The cues of one kind in a text; each stands where it says."""
    data = text.encode()
    found = find(data).get(kind, [])
    for cue in found:
        assert cue.kind == kind
        if "\n" not in text and "’" not in text:
            assert data[cue.start : cue.end].decode().lower() == cue.word
    return [cue.word for cue in found if weight in ("", cue.weight)]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("loss", "All your data will be lost."),
        ("loss", "This permanently deletes the volume."),
        ("loss", "该操作会清空所有数据。"),
        ("loss", "执行后数据将丢失"),
        ("irreversible", "This cannot be undone."),
        ("irreversible", "此操作不可逆，请谨慎。"),
        ("exposure", "Anyone with access to the port can run code."),
        ("exposure", "不要把端口暴露在公网"),
        ("cost", "Stopped machines still incur charges."),
        ("cost", "否则会继续计费"),
        ("hardware", "A wrong voltage can damage your board."),
        ("hardware", "可能烧坏显卡"),
        ("failure", "Otherwise the import will fail."),
        ("failure", "否则会导致启动失败"),
        ("wrong-result", "It silently returns zeros."),
        ("wrong-result", "可能得到错误的结果"),
        ("downtime", "The upgrade means downtime."),
        ("downtime", "升级期间服务中断"),
        ("conflict", "It conflicts with the system package."),
        ("conflict", "两个选项不能同时使用"),
        ("limit", "Windows is not supported."),
        ("limit", "目前不支持 Windows"),
        ("deprecated", "This flag is deprecated."),
        ("deprecated", "该参数已弃用"),
        ("experimental", "An experimental feature."),
        ("experimental", "该功能处于实验阶段"),
        ("prohibition", "Do not close the window."),
        ("prohibition", "请勿关闭窗口"),
        ("condition", "If it is red, stop."),
        ("condition", "如果是红色，就停止"),
        ("otherwise", "否则跳过"),
        ("imperative", "Install the driver."),
        ("imperative", "安装驱动。"),
        ("destructive", "docker prune"),
        ("destructive", "清空缓存"),
        ("result", "You should see a prompt."),
        ("result", "输出如下"),
        ("tip", "We recommend a wheel."),
        ("tip", "建议使用镜像"),
        ("key", "Make sure it is on."),
        ("key", "请确保已打开"),
        ("note", "Note that it is slow."),
        ("note", "默认情况下关闭"),
        ("security", "Grant least privilege."),
        ("security", "启用防火墙"),
        ("access", "Log in by SSH."),
        ("access", "使用ssh登录"),
        ("performance", "throughput"),
        ("performance", "吞吐量"),
        ("data", "datasets"),
        ("data", "数据集"),
        ("interface", "in your browser"),
        ("interface", "在浏览器中"),
        ("troubleshooting", "If you see an error"),
        ("troubleshooting", "如果遇到问题"),
        ("order", "Finally, stop it."),
        ("order", "最后停止"),
        ("placeholder", "Replace it with your name."),
        ("placeholder", "替换为你的名字"),
        ("past", "Fixed a bug"),
        ("past", "修复了一个问题"),
        ("safe", "It can safely run twice."),
        ("safe", "不会丢失数据"),
        ("modal", "It must be on."),
        ("cause", "因为它太慢"),
        ("hedge", "It is probably slow."),
    ],
)
def test_each_kind_is_found_in_both_languages(kind: str, text: str) -> None:
    assert said(text, kind, STRONG), find(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "No data is lost.",
        "This will not delete your files.",
        "Upgrade without downtime.",
        "Use the loss function with a weight decay.",
        "The error message names the file.",
        "数据不会丢失",
        "不会影响服务",
        "避免数据丢失",
        "修复了数据丢失的问题",
        "查看错误码",
        "覆盖率为 90 %",
    ],
)
def test_what_does_no_harm_is_no_harm(text: str) -> None:
    found = find(text.encode())
    assert not [cue for kind in HARMS for cue in found.get(kind, ())]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("the installer", "imperative"),
        ("already running", "imperative"),
        ("thenceforth", "order"),
        ("specific", "condition"),
        ("运行时环境", "imperative"),
        ("优先使用", "order"),
        ("小时", "condition"),
        ("配置文件", "imperative"),
        ("the first argument", "order"),
        ("next.js", "order"),
        ("the token count", "access"),
    ],
)
def test_a_part_of_another_word_is_no_cue(text: str, kind: str) -> None:
    assert kind not in find(text.encode())


def test_case_and_curly_quotes_do_not_matter() -> None:
    assert said("DO NOT run it", "prohibition") == ["do not"]
    assert said("Don't run it", "prohibition") == ["don't"]
    assert said("Don’t run it", "prohibition") == ["don't"]


def test_a_phrase_goes_on_over_a_line_end_but_not_over_a_full_stop() -> None:
    assert said("It cannot be\nundone.", "irreversible")
    assert not said("It cannot be. Undone work waits.", "irreversible", STRONG)
    assert not said("It cannot be\n\nundone.", "irreversible", STRONG)


def test_the_longest_of_a_kind_wins_and_kinds_do_not_hide_each_other() -> None:
    found = find(b"Do not forget to log in.")
    assert [cue.word for cue in found["key"]] == ["do not forget"]
    assert "prohibition" not in found
    assert [cue.word for cue in found["imperative"]] == ["log in"]
    assert [cue.word for cue in found["access"]] == ["log in"]


def test_a_cue_says_where_it_is_and_what_it_counts() -> None:
    text = "小心：数据丢失".encode()
    assert find(text)["loss"] == [Cue(9, 21, "数据丢失", "loss", STRONG)]
    assert find(text)["failure"] == [Cue(0, 6, "小心", "failure", WEAK)]


def test_a_project_adds_words() -> None:
    own = DEFAULT.extended(words={"loss": ["Goes Poof", "灰飞烟灭"]})
    assert [c.word for c in find(b"It goes poof.", own)["loss"]] == ["goes poof"]
    assert find("数据灰飞烟灭".encode(), own)["loss"][0].weight == STRONG
    assert "loss" not in find(b"It goes poof.")
    assert "goes poof" in words("loss", own)


def test_listed_words_are_not_looked_for() -> None:
    assert {"click here", "here", "这里", "点击这里"} <= set(words("vague-link"))
    assert not set(LISTED).intersection(find(b"Click here for more."))


def test_every_kind_has_words_of_both_languages() -> None:
    for kind in KINDS:
        known = words(kind)
        assert any(word.isascii() for word in known), kind
        assert any(not word.isascii() for word in known), kind


def test_every_word_of_the_tables_is_found_where_it_stands_alone() -> None:
    lost = []
    for kind in set(KINDS).difference(LISTED):
        for word in words(kind):
            found = find(f"x {word} x".encode())
            if all(cue.word != word for cue in found.get(kind, ())):
                lost.append((kind, word))
    # A phrase may hold a longer one that begins before it or hides it.
    assert not lost


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_the_tables_are_well_formed(path: Path) -> None:
    known = (*KINDS, "harm")
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line:
            continue
        if line.startswith("["):
            head = re.fullmatch(r"\[([a-z-]+) (strong|weak|never)\]", line)
            assert head, line
            assert head[1] in known, line
            continue
        for phrase in line.split(", "):
            assert phrase == " ".join(phrase.split()), line
            assert phrase.count("(") == phrase.count(")"), phrase
            outside = re.sub(r"\([^()]*\)", "", phrase)
            assert not set("()|,[]").intersection(outside), phrase


def test_no_word_is_both_a_cue_of_a_kind_and_hidden_from_it() -> None:
    shown = {kind: set(words(kind)) for kind in KINDS}
    text = "".join(path.read_text(encoding="utf-8") for path in TABLES)
    for kind, body in re.findall(r"\[([a-z-]+) never\]\n((?:(?!\[).*\n?)*)", text):
        phrases = [
            each for each in re.split(r", |\n", body) if each and "(" not in each
        ]
        for one in HARMS if kind == "harm" else (kind,):
            assert not shown[one].intersection(phrases), one


WORDS = ("will be lost", "data", "do not", "if", "数据丢失", "不会", "请勿", "删除")
MARKS = (".", "，", "\n", "_", "’", " ", "⚠️")


@given(st.lists(st.sampled_from(WORDS + MARKS)))
def test_cues_of_a_kind_are_in_order_and_never_overlap(parts: list[str]) -> None:
    text = "".join(parts).encode()
    for kind, several in find(text).items():
        assert kind in KINDS
        for before, after in pairwise(several):
            assert before.end <= after.start
        assert all(0 <= cue.start < cue.end <= len(text) for cue in several)


@given(st.binary(max_size=60))
def test_any_bytes_can_be_asked(data: bytes) -> None:
    assert isinstance(find(data), dict)
