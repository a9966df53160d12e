"""Marks are written where they help, few of them, and hazards before their step."""

from __future__ import annotations

import pytest

from firstlight.lexicon.table import DEFAULT
from firstlight.mark.propose import Proposal, proposals
from firstlight.mark.write import marked
from firstlight.markdown.parse import parse

HAZARD = "Removing the volume permanently deletes all files."
RUN = "```sh\ndocker volume rm data\n```\n"


def written(text: str) -> str:
    """A page with its marks, which are all there after one run."""
    once = marked(text.encode(), DEFAULT)
    assert marked(once, DEFAULT) == once
    return once.decode()


def proposed(text: str, *, linked: frozenset[str] = frozenset()) -> list[Proposal]:
    """What is proposed for a page."""
    return proposals(parse(text.encode()), DEFAULT, linked=linked)


def why_not(text: str) -> str:
    """Why the one proposal of a page is not written."""
    (proposal,) = proposed(text)
    assert proposal.fix is None
    assert written(text) == text
    return proposal.why_not


# Where hazards go


def test_a_hazard_in_a_paragraph_gets_a_block_before_it() -> None:
    text = f"The volume holds all. {HAZARD} List it first:\n\n{RUN}"
    assert written(text) == (
        f"🔴 **Danger**: {HAZARD}\n\nThe volume holds all. List it first:\n\n{RUN}"
    )


def test_a_hazard_after_its_command_moves_before_the_step() -> None:
    text = f"# T\n\nEmpty the volume:\n\n{RUN}\n{HAZARD}\n\nMore.\n"
    assert written(text) == (
        f"# T\n\n🔴 **Danger**: {HAZARD}\n\nEmpty the volume:\n\n{RUN}\nMore.\n"
    )


def test_a_hazard_that_leads_its_paragraph_is_cut_off_where_a_command_follows() -> None:
    assert written(f"{HAZARD} Run:\n\n{RUN}") == (
        f"🔴 **Danger**: {HAZARD}\n\nRun:\n\n{RUN}"
    )


def test_a_hazard_that_leads_its_paragraph_marks_it_elsewhere() -> None:
    text = f"{HAZARD} Copy what you need.\n"
    assert written(text) == f"🔴 **Danger**: {text}"


def test_a_hazard_in_a_step_stands_at_its_start_indented() -> None:
    inner = RUN.replace("\n", "\n   ").rstrip()
    text = f"1. Remove the volume. {HAZARD}\n\n   {inner}\n"
    assert written(text) == (
        f"1. 🔴 **Danger**: {HAZARD}\n\n   Remove the volume.\n\n   {inner}\n"
    )


def test_line_ends_and_bold_sentences_stay_as_they_are() -> None:
    text = f"The volume holds all. **{HAZARD}** List it.\r\n\r\nMore.\r\n"
    assert written(text) == (
        f"🔴 **Danger**: **{HAZARD}**\r\n\r\n"
        "The volume holds all. List it.\r\n\r\nMore.\r\n"
    )


def test_a_chinese_hazard_has_its_punctuation_outside_the_bold() -> None:
    text = "数据卷保存所有文件。删除数据卷会永久删除其中的全部文件。请先列出文件。\n"
    assert written(text) == (
        "🔴 **危险**：删除数据卷会永久删除其中的全部文件。\n\n"
        "数据卷保存所有文件。请先列出文件。\n"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            f"Empty it:\n\n{RUN}\nThis permanently deletes all files.\n",
            "refers to what stands before it",
        ),
        (
            f"The volume is big. {HAZARD} This takes a minute.\n",
            "the sentence after it refers to it",
        ),
        (f"- One. {HAZARD}\n- Two.\n", "a list without empty lines"),
        (f"The **volume is. {HAZARD} It** goes on.\n", "refer"),
        (
            "先列出文件。该操作会永久删除全部文件，且无法恢复。\n",
            "refers to what stands before it",
        ),
    ],
)
def test_a_hazard_that_cannot_move_is_told_and_not_written(
    text: str, reason: str
) -> None:
    assert reason in why_not(text)


# How marks are written


def test_a_text_that_begins_with_the_word_keeps_it() -> None:
    text = "# T\n\nOpen the page in your browser.\n"
    assert written(text) == "# T\n\n🖥️ **Open** the page in your browser.\n"
    text = "# T\n\n打开浏览器，访问首页。\n"
    assert written(text) == "# T\n\n🖥️ **打开**浏览器，访问首页。\n"


def test_a_heading_gets_a_symbol_unless_its_anchor_would_break() -> None:
    page = "# T\n\n## Performance\n\nText.\n"
    assert written(page) == page.replace("## ", "## 📈 ")
    linked = page + "\nSee [there](#performance).\n"
    assert written(linked) == linked
    assert proposed(page, linked=frozenset(("performance",))) == []


def test_a_symbol_that_needs_a_variant_is_not_put_into_a_heading() -> None:
    page = "# T\n\n## Troubleshooting\n\nText.\n"
    assert written(page) == page


@pytest.mark.parametrize(
    ("notice", "block"),
    [
        ("> [!NOTE]\n> A.\n", f"> [!CAUTION]\n> {HAZARD}\n"),
        ("!!! note\n\n    A.\n", f"!!! danger\n\n    {HAZARD}\n"),
        ("/// note\nA.\n///\n", f"/// danger\n{HAZARD}\n///\n"),
        (":::note\nA.\n:::\n", f":::danger\n{HAZARD}\n:::\n"),
    ],
)
def test_a_page_keeps_its_form_of_notices(notice: str, block: str) -> None:
    page = f"{notice}\nText.\n\n"
    assert written(f"{page}{HAZARD}\n") == page + block
    assert written(f"{page}It is big. {HAZARD}\n") == f"{page}{block}\nIt is big.\n"


def test_what_a_form_has_no_type_for_is_a_symbol() -> None:
    page = f"> [!NOTE]\n> A.\n\nText.\n\n{RUN}\nYou should see `data`.\n"
    assert "\n✅ **Expected result**: You should see `data`.\n" in written(page)


# How many


def test_what_is_marked_is_not_marked_again() -> None:
    page = f"⚠️ **Warning**: {HAZARD}\n\nText.\n\n> [!TIP]\n> We recommend it.\n"
    assert proposed(page) == []


def test_two_marks_never_stand_side_by_side() -> None:
    page = f"# T\n\nText.\n\n{HAZARD}\n\nWe recommend a copy.\n"
    both = proposed(page)
    assert [each.why_not for each in both] == ["", "a mark stands beside it"]
    assert "💡" not in written(page)


def test_one_block_in_three_is_enough_but_hazards_always_count() -> None:
    tip = "We recommend a copy of part {}.\n\nText.\n\n"
    page = "".join(tip.format(number) for number in range(12))
    assert written(page).count("💡") == 8
    more = page + f"{HAZARD}\n"
    assert written(more).count("🔴") == 1
    assert written(more).count("💡") == 7


def test_less_sure_marks_are_left_out() -> None:
    page = parse(b"Install the driver:\n\n```sh\nmake\n```\n")
    assert proposals(page, DEFAULT) == []
    (proposal,) = proposals(page, DEFAULT, min_confidence=0.5)
    assert (proposal.symbol, proposal.word) == ("🔧", "Do this")
