"""What each part counts, and what it proposes."""

from __future__ import annotations

import pytest

from firstlight.score.part import falling
from firstlight.score.summary import PARTS, WEIGHTS, scores, summary
from score.measured import counted, measured, part, told

WALL = " ".join(
    ["Every worker keeps the shard that it has read until it is asked."] * 12
)
WALL_ZH = "每个进程会保留读过的分片，直到下一次请求。" * 15


def test_every_part_has_a_weight_and_together_they_are_a_hundred() -> None:
    assert list(WEIGHTS) == list(PARTS)
    assert sum(WEIGHTS.values()) == 100


@pytest.mark.parametrize("name", PARTS)
def test_counts_of_nothing_give_no_score(name: str) -> None:
    assert PARTS[name].score(PARTS[name].nothing) is None


@pytest.mark.parametrize(
    "page", ["", "---\ntitle: a\n---\n", "# Title\n", "```bash\nmake\n```\n"]
)
def test_a_page_without_text_has_no_score(page: str) -> None:
    assert measured(page).score is None


def test_the_one_number_is_the_weighted_mean_of_what_applies() -> None:
    vector = measured(f"# Cache\n\n{WALL}\n").vector
    found = {name: each for name, each in scores(vector).items() if each is not None}
    assert set(found) == {"anchors", "paragraphs", "openings", "readability", "marks"}
    total = sum(WEIGHTS[name] * each for name, each in found.items())
    assert summary(vector) == pytest.approx(total / 65)


def test_a_score_falls_evenly_between_good_and_bad() -> None:
    values = [falling(value, good=10, bad=20) for value in (0, 10, 12.5, 20, 30)]
    assert values == [100, 100, 75, 0, 0]


# Anchors


def test_lines_far_below_an_anchor_are_not_near() -> None:
    lines, near, anchors = counted(f"# Cache\n\n{WALL}\n", "anchors")
    assert lines == pytest.approx(12)
    assert (near, anchors) == (5, 1)


@pytest.mark.parametrize(
    "anchor",
    [
        "## More\n\n",
        "- ",
        "```\ncode\n```\n\n",
        "![a chart](a.png)\n\n",
        "💡 **Tip**: ",
        "> [!NOTE]\n> ",
        "| a |\n|---|\n| b |\n\n",
    ],
)
def test_headings_items_code_pictures_marks_and_tables_are_anchors(anchor: str) -> None:
    # Two paragraphs of the room of five lines each: one anchor between them is enough.
    text = "Word " * 64
    page = f"# Cache\n\n{text}\n\n{{}}{text}\n"
    assert part(page.format(""), "anchors") == pytest.approx(100 * 5 / (128 / 13))
    found = part(page.format(anchor), "anchors")
    assert found is not None
    assert found > 99


def test_a_stretch_without_anchor_is_proposed_where_its_middle_is() -> None:
    page = f"# Cache\n\nShort text.\n\n{WALL}\n\nShort text.\n"
    assert told(page, "anchors") == [(5, "put a heading or a list into these 12 lines")]


# Paragraphs


def test_a_wall_counts_nothing() -> None:
    assert part("Word " * 150, "paragraphs") == 0
    assert part("长" * 260, "paragraphs") == 0


def test_a_short_paragraph_counts_whole() -> None:
    assert part("Word " * 45, "paragraphs") == 100
    assert part("短" * 78, "paragraphs") == 100


def test_a_long_paragraph_is_to_become_several() -> None:
    assert told(WALL, "paragraphs") == [
        (1, "make 4 paragraphs or a list of these 156 words")
    ]
    assert told(WALL_ZH, "paragraphs") == [
        (1, "make 4 paragraphs or a list of these 285 characters")
    ]


# Openings


def test_what_begins_like_its_neighbour_counts() -> None:
    page = "# A\n\n- The port of it\n- A port of hers\n- The port of ours\n- Name\n"
    assert counted(page, "openings") == (5, 2)
    assert told(page, "openings") == [
        (3, "begin these 3 items with different words, not “port of”")
    ]


def test_only_what_stands_side_by_side_is_compared() -> None:
    page = "# A\n\n## Usage of it\n\nText.\n\n# B\n\n## Usage of it\n\nText.\n"
    assert counted(page, "openings") == (6, 0)


def test_headings_and_paragraphs_are_compared_too() -> None:
    page = (
        "# 设置端口的方法\n\n如果端口被占用。\n\n如果端口没有打开。\n\n# 设置端口号\n"
    )
    assert counted(page, "openings") == (4, 2)


def test_a_mark_and_a_number_are_no_opening() -> None:
    page = "# A\n\n1. 💡 **Tip**: Use this.\n2. 💡 **Tip**: Leave that.\n"
    assert counted(page, "openings")[1] == 0


# Steps


def test_a_list_that_tells_what_is_there_is_no_procedure() -> None:
    assert counted("1. The red cable\n2. The blue cable\n", "steps") == (0, 0)


def test_a_step_with_several_actions_is_worth_half() -> None:
    page = "1. Open the file, change the port, and restart the server.\n2. Check it.\n"
    assert counted(page, "steps") == (2, 1.5)
    assert told(page, "steps") == [(1, "make a step of each of these actions")]


def test_a_command_in_running_text_costs_half_a_step() -> None:
    page = "1. Run `make all -j2`.\n2. Run `make`.\n3. Open the page.\n"
    assert counted(page, "steps") == (3, 2.5)


def test_an_unnumbered_procedure_is_worth_nothing() -> None:
    page = (
        "- First create the folder.\n- Then copy the files.\n"
        "- Finally restart the server.\n"
    )
    assert counted(page, "steps") == (3, 0)
    assert told(page, "steps") == [(1, "number these 3 steps")]


# Hazards

HAZARD = "Do not remove the volume: all data in it will be permanently deleted."


@pytest.mark.parametrize(
    ("page", "counts"),
    [
        (f"🔴 **Danger**: {HAZARD}\n", (1, 1, 0)),
        (f"> [!CAUTION]\n> {HAZARD}\n", (1, 1, 0)),
        (f"{HAZARD}\n", (1, 0.5, 0)),
        (f"It has a name. {HAZARD}\n", (1, 0, 1)),
    ],
)
def test_a_hazard_counts_as_far_as_it_is_seen(
    page: str, counts: tuple[float, ...]
) -> None:
    assert counted(page, "hazards") == counts


def test_a_hazard_after_its_command_is_too_late() -> None:
    page = (
        "```bash\ndocker volume prune\n```\n\n"
        "> [!CAUTION]\n> This command permanently deletes every volume.\n"
    )
    assert counted(page, "hazards") == (1, 0, 1)
    assert told(page, "hazards") == [
        (5, "move this danger before the command it is about")
    ]


def test_what_to_write_is_in_the_language_of_the_page() -> None:
    page = "每次实验都会留下数据卷。请勿删除数据卷，否则数据将永久丢失，无法恢复。\n"
    assert told(page, "hazards") == [(1, "give it a block of its own: 🔴 **危险**")]


def test_what_the_page_says_to_ignore_is_not_counted() -> None:
    page = f"<!-- firstlight: ignore buried-hazard -->\nIt has a name. {HAZARD}\n"
    page = page.replace("buried", "notices.buried")
    assert counted(page, "hazards") == (1, 0.5, 0)


# Results

COMMAND = "```bash\nnvidia-smi\n```\n"


@pytest.mark.parametrize(
    "after",
    [
        "```text\nNVIDIA H100\n```\n",
        "✅ **Expected result**: a table of the cards.\n",
        "You should see a table.\n",
        "输出应为一张表格。\n",
        "![the table](table.png)\n",
        "| card |\n|---|\n| 0 |\n",
    ],
)
def test_a_result_is_what_comes_right_after_its_command(after: str) -> None:
    assert counted(f"Look.\n\n{COMMAND}\n{after}", "results") == (1, 1)


@pytest.mark.parametrize("after", ["", "# Next\n", "Go on with the next chapter.\n"])
def test_a_command_without_result_is_not_answered(after: str) -> None:
    assert counted(f"Look.\n\n{COMMAND}\n{after}", "results") == (1, 0)


def test_output_in_the_fence_is_a_result() -> None:
    page = "Look.\n\n```console\n$ uname\nLinux\n```\n"
    assert counted(page, "results") == (1, 1)


def test_what_has_nothing_to_show_needs_no_result() -> None:
    page = "Go.\n\n```bash\ncd work\npip install torch\ngit clone https://a.b/c\n```\n"
    assert counted(page, "results") == (0, 0)


# Readability


def test_code_labels_headings_and_tables_are_no_sentences() -> None:
    page = "# A long heading with many words\n\n| a cell of some words here |\n|---|\n"
    assert counted(page, "readability")[:2] == (0, 0)
    page = "Start `the server with all of it` now and wait for it.\n\n- Port number\n"
    assert counted(page, "readability")[:2] == (1, 6)


def test_the_words_of_a_mark_are_not_read() -> None:
    plain = counted("Open the page in a browser.\n", "readability")
    for mark in ("💡 **Tip**: ", "> 💡 **Tip**: ", "> **Note**\n> ", "> [!TIP]\n> "):
        assert counted(f"{mark}Open the page in a browser.\n", "readability") == plain


def test_both_languages_count_by_their_sentences() -> None:
    english = "The reader opens the page. She looks for the port.\n\n"
    chinese = "读者打开页面并寻找端口号。\n"
    found = counted(english + chinese, "readability")
    assert (found[0], found[3]) == (2, 1)
    assert part(english + chinese, "readability") == 100


def test_the_longest_sentences_are_to_be_cut() -> None:
    page = (
        "当"
        + "通信库在初始化时询问每台机器的网卡能力" * 6
        + "。\n\n请稍候再试一次吧。\n"
    )
    assert told(page, "readability") == [
        (1, "make two of this sentence of 115 characters")
    ]


# Marks


def test_marks_beyond_the_limit_cost() -> None:
    page = "# T\n\n" + "💡 **Tip**: Use it.\n\n" * 6
    blocks, marks, allowed, beyond = counted(page, "marks")
    assert (blocks, marks, allowed, beyond) == (7, 6, 3, 3)
    assert part(page, "marks") == 0
    assert told(page, "marks") == [(3, "keep the marks that matter most: 3 fewer of 6")]


def test_marks_within_the_limit_cost_nothing() -> None:
    assert part("# T\n\n" + "💡 **Tip**: Use it.\n\n" * 3, "marks") == 100
