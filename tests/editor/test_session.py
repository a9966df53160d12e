"""Open documents follow their editor, and are checked as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from editor.open_pages import after, codes, session
from firstlight.editor.actions import FIX_ALL, actions, fix_all
from firstlight.editor.session import Cell, Replacement, Session, compare
from firstlight.editor.text import Position
from firstlight.finding import Span

PAGE = "# Training 训练\r\n\r\n🎉 Release 2 is out.\r\n\r\n- 🔥 fast 🔥\r\n"
HAZARD = "# 清理\n\n下面的命令会永久删除所有数据。\n\n```sh\nrm -rf data\n```\n"


@pytest.fixture
def editor(tmp_path: Path) -> Session:
    """An editor with one folder."""
    return session(tmp_path)


def insertion(line: int, column: int, text: str) -> Replacement:
    """Return a change that only adds."""
    return Replacement(text, Position(line, column), Position(line, column))


def test_findings_are_those_of_the_text_as_it_is(
    editor: Session, tmp_path: Path
) -> None:
    document = editor.open("u:a", tmp_path / "a.md", 1, PAGE)
    assert codes(editor, document) == ["symbols.feeling"] * 3
    editor.change("u:a", 2, [Replacement("", Position(2, 0), Position(2, 3))])
    assert codes(editor, document) == ["symbols.feeling"] * 2
    editor.change("u:a", 3, [Replacement("# 好\n")])
    assert codes(editor, document) == []
    assert document.parts[0].version == 3


def test_a_fix_is_made_exactly_and_keeps_line_ends(
    editor: Session, tmp_path: Path
) -> None:
    document = editor.open("u:a", tmp_path / "a.md", 1, PAGE)
    shown = editor.findings(document)
    first, ignore = actions(document, "u:a", shown[0].at.span, shown)
    assert after(document, first.changes()) == PAGE.replace("🎉 ", "")
    assert first.is_preferred
    comment = "<!-- firstlight: ignore symbols.feeling -->\r\n"
    assert after(document, ignore.changes()) == PAGE.replace("🎉", comment + "🎉")


def test_all_that_is_safe_is_fixed_at_once(editor: Session, tmp_path: Path) -> None:
    document = editor.open("u:a", tmp_path / "a.md", 1, PAGE)
    (action,) = fix_all(document, editor.findings(document))
    assert action.kind == FIX_ALL
    fixed = after(document, action.changes())
    assert fixed == "# Training 训练\r\n\r\nRelease 2 is out.\r\n\r\n- fast\r\n"
    editor.change("u:a", 2, [Replacement(fixed)])
    assert [*fix_all(document, editor.findings(document))] == []


def test_a_proposed_mark_can_be_written(editor: Session, tmp_path: Path) -> None:
    document = editor.open("u:a", tmp_path / "a.md", 1, HAZARD)
    ((proposal, at),) = document.view.places()
    assert (proposal.symbol, at.span.start) == (
        "🔴",
        HAZARD.encode().index("下".encode()),
    )
    line = Span(at.span.start + 3, at.span.start + 3)
    (mark,) = (a for a in actions(document, "u:a", line, []) if "🔴" in a.title)
    assert after(document, mark.changes()) == HAZARD.replace(
        "下面", "🔴 **危险**：下面"
    )


def test_untitled_pages_are_checked_too(editor: Session) -> None:
    document = editor.open("untitled:Untitled-1", None, 1, "🎉 Hello\n")
    assert document.path == "Untitled-1.md"
    assert "symbols.feeling" in codes(editor, document)


def test_the_source_of_a_notebook_is_no_page(editor: Session, tmp_path: Path) -> None:
    document = editor.open("u:n", tmp_path / "n.ipynb", 1, '{"cells": "🎉"}')
    assert codes(editor, document) == []


def test_changes_of_unknown_documents_are_ignored(editor: Session) -> None:
    assert editor.change("u:nothing", 1, [Replacement("x")]) is None
    assert editor.close("u:nothing") is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 60),
            st.integers(0, 9),
            st.text(st.sampled_from("#*`>!|[]:\n\r- 注🎉\ud800"), max_size=6),
        ),
        max_size=12,
    )
)
def test_half_typed_pages_never_stop_the_checks(
    edits: list[tuple[int, int, str]],
) -> None:
    editor = session(Path("/p"))
    document = editor.open("u:a", Path("/p/a.md"), 1, PAGE)
    for at, length, text in edits:
        whole = document.parts[0].text
        start, end = (
            whole.position(min(n, len(whole.data))) for n in (at, at + length)
        )
        editor.change("u:a", 2, [Replacement(text, start, end)])
        assert "lint.unreadable" not in codes(editor, document)
        [*actions(document, "u:a", Span(at, at), editor.findings(document))]


# Comparing pages


def pair(folder: Path) -> None:
    """Write a page in two languages; the Chinese one links to nothing."""
    (folder / "README.md").write_text(
        "# Guide\n\n[Chinese](README.zh.md)\n\n## Install\n\nRun the installer now.\n"
    )
    (folder / "README.zh.md").write_text("# 甲\n\n[English](README.md) [无](no.md)\n")


def compare_now(editor: Session) -> None:
    """Compare the pages of the only project at once."""
    (project,) = editor.projects
    editor.take(project, compare(project, *editor.sources(project), editor.cache))


def test_other_pages_are_compared_with_the_text_of_the_editor(
    editor: Session, tmp_path: Path
) -> None:
    pair(tmp_path)
    file = tmp_path / "README.zh.md"
    document = editor.open("u:zh", file, 1, file.read_text())
    assert codes(editor, document) == []
    compare_now(editor)
    found = codes(editor, document)
    assert found == ["bilingual.headings-differ", "structure.dead-link"]
    editor.change("u:zh", 2, [insertion(2, 0, "新行\n\n")])
    before = document.parts[0].text.position
    dead = [s for s in editor.findings(document) if s.found.code.endswith("dead-link")]
    assert before(dead[0].at.span.start) == Position(4, 21)
    editor.change("u:zh", 3, [Replacement("", Position(4, 22), Position(4, 24))])
    assert "structure.dead-link" not in codes(editor, document)


def test_a_comparison_of_an_older_text_is_not_shown(
    editor: Session, tmp_path: Path
) -> None:
    pair(tmp_path)
    file = tmp_path / "README.zh.md"
    document = editor.open("u:zh", file, 1, file.read_text())
    (project,) = editor.projects
    result = compare(project, *editor.sources(project), None)
    editor.change("u:zh", 2, [Replacement("# 乙\n")])
    assert editor.take(project, result) == []
    assert codes(editor, document) == []


def test_an_ignore_that_waits_for_a_comparison_is_not_unused(
    editor: Session, tmp_path: Path
) -> None:
    pair(tmp_path)
    text = "# 甲\n\n<!-- firstlight: ignore structure.dead-link -->\n[无](no.md)\n"
    document = editor.open("u:zh", tmp_path / "README.zh.md", 1, text)
    assert codes(editor, document) == []
    compare_now(editor)
    assert codes(editor, document) == ["bilingual.headings-differ"]


# Notebooks

CELLS = (("c:1", True), ("c:2", False), ("c:3", True))
TEXTS = {
    "c:1": (1, "# 训练\n\n🎉 开始 🎉"),
    "c:2": (1, "print('🎉')"),
    "c:3": (1, "## B\n\n中文 text.\n\n- 🔥 fast"),
}


def test_a_notebook_is_one_page_told_by_cell(editor: Session, tmp_path: Path) -> None:
    cells = [Cell(*each) for each in CELLS]
    book = editor.open_notebook("u:n", tmp_path / "n.ipynb", cells, TEXTS)
    found = [
        (s.at.part.uri, s.at.part.text.position(s.at.span.start), s.found.code)
        for s in editor.findings(book)
        if s.found.code == "symbols.feeling"
    ]
    assert found == [
        ("c:1", Position(2, 0), "symbols.feeling"),
        ("c:1", Position(2, 6), "symbols.feeling"),
        ("c:3", Position(4, 2), "symbols.feeling"),
    ]
    (action,) = fix_all(book, editor.findings(book))
    made = {(c.part.uri, c.edit.span.start, c.edit.text) for c in action.changes()}
    assert {uri for uri, _, _ in made} == {"c:1", "c:3"}
    editor.change("c:3", 2, [Replacement("", Position(4, 2), Position(4, 5))])
    assert "c:3" not in {s.at.part.uri for s in editor.findings(book)}


def test_cells_come_and_go(editor: Session, tmp_path: Path) -> None:
    cells = [Cell(*each) for each in CELLS]
    book = editor.open_notebook("u:n", tmp_path / "n.ipynb", cells, TEXTS)
    editor.rearrange(book, 0, 1, [], {})
    assert [part.uri for part in book.parts] == ["c:2", "c:3"]
    editor.rearrange(book, 0, 1, [Cell("c:9", True)], {"c:9": (1, "# 九 😊")})
    assert {s.at.part.uri for s in editor.findings(book)} == {"c:9", "c:3"}
    assert editor.document("c:9") is book
