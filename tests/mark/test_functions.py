"""Each block gets its likeliest function, with the reasons for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from firstlight.mark.detect import DETECTORS, Score
from firstlight.mark.functions import Mark, functions
from firstlight.markdown.page import Page
from firstlight.markdown.parse import parse

RUN = "```sh\ndocker ps\n```\n\n"

SPOKEN = (
    ("success", RUN + "You should see `Up`."),
    ("success", RUN + "The output should look like this:"),
    ("success", RUN + "Docker prints the name of the container."),
    ("success", RUN + "应该看到 `Up`。"),
    ("success", RUN + "输出如下："),
    ("success", RUN + "该命令会显示容器的名称。"),
    ("tip", "We recommend a volume for each project."),
    ("tip", "建议每个项目使用一个数据卷。"),
    ("key", "Make sure that the driver is installed."),
    ("key", "## Requirements\n\nThe host must have a driver."),
    ("key", "## 准备\n\n主机必须装有驱动。"),
    ("note", "Note that the first start takes a minute."),
    ("note", "请注意，首次启动需要一分钟。"),
    ("security", "The port is open on `127.0.0.1` only."),
    ("interface", "Open `http://127.0.0.1:8888` in your browser."),
    ("interface", "在浏览器中打开 `http://127.0.0.1:8888`。"),
    ("troubleshooting", "If you see the error `no GPU`, check the driver."),
    ("troubleshooting", "如果遇到显存不足的错误，请减小批大小。"),
    ("danger", "Removing the volume permanently deletes all files."),
    ("action", "Install the driver:\n\n" + RUN),
)
HEADINGS = (
    ("action", "Configure the ports"),
    ("action", "2. 安装驱动"),
    ("access", "Access over SSH"),
    ("access", "登录容器"),
    ("performance", "Performance"),
    ("security", "权限"),
    ("data", "Results"),
    ("troubleshooting", "故障排查"),
)
NOTHING = (
    "The container holds PyTorch and JupyterLab.",
    "To see the output of the log, wait a minute.",
    "浏览器与服务器交换消息。",
    "## 配置选项",
    "## Data structures",
    "# Installation",
    "You should see a doctor.",
)


def marks(text: str) -> list[Mark]:
    """The functions of the blocks of a page."""
    return parse(text.encode()).once(functions)


@pytest.mark.parametrize(("function", "text"), SPOKEN)
def test_a_paragraph_says_what_it_is_for(function: str, text: str) -> None:
    assert [mark.function for mark in marks(text)] == [function]


@pytest.mark.parametrize(("function", "text"), HEADINGS)
def test_a_heading_names_the_function_of_its_section(function: str, text: str) -> None:
    assert [mark.function for mark in marks(f"# Title\n\n## {text}\n")] == [function]


@pytest.mark.parametrize("text", NOTHING)
def test_most_blocks_have_no_function_of_their_own(text: str) -> None:
    assert marks(text) == []


def test_every_mark_has_reasons_and_the_same_page_the_same_marks() -> None:
    text = "\n\n".join(text for _, text in SPOKEN)
    first, second = marks(text), marks(text)
    assert first == second
    assert all(mark.reasons and 0 < mark.confidence < 1 for mark in first)


def test_what_the_heading_says_is_not_said_again() -> None:
    page = "# T\n\n## Troubleshooting\n\nIf you see the error `x`, check the driver.\n"
    assert [mark.function for mark in marks(page)] == ["troubleshooting"]
    deeper = "# T\n\n## Installation\n\n### Install the driver\n"
    assert [mark.block for mark in marks(deeper)] == [1]


def test_a_hazard_counts_more_than_all_else() -> None:
    text = (
        "Note that removing the volume permanently deletes all files, because you "
        "have no backup. Never share the key, because anyone who has the key can "
        "read your data.\n"
    )
    assert [mark.function for mark in marks(text)] == ["danger"]


@pytest.mark.parametrize(
    "text",
    [
        "> [!NOTE]\n> We recommend a volume.",
        "> We recommend a volume.",
        "💡 We recommend a volume.",
        "- [ ] We recommend a volume.",
    ],
)
def test_what_has_a_mark_or_no_place_for_one_cannot_be_written(text: str) -> None:
    assert not any(mark.is_writable for mark in marks(text))


def test_another_detector_can_stand_beside_the_others() -> None:
    def by_length(page: Page) -> Iterator[Score]:
        for number in page.numbers("paragraph"):
            span = page.blocks[number].text
            yield Score(number, span, "data", 0.99, f"{len(page.data)} bytes")

    page = parse(b"We recommend a volume.\n")
    (mark,) = functions(page, (*DETECTORS, by_length))
    assert (mark.function, mark.reasons) == ("data", ("23 bytes",))
