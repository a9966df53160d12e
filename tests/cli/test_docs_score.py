"""``firstlight docs score``: what it prints, and what it ends with."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from cli.docs_project import Docs
from cli.started import Ended
from firstlight.cli import main

WALL = "Every worker keeps the shard that it has read until it is asked. " * 12
GOOD = "# 缓存\n\n进程会保留读过的分片。\n"


@pytest.fixture
def docs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> Docs:
    """Run ``firstlight docs score`` in a project with one bad and one good page."""
    (tmp_path / "README.md").write_text(f"# Cache\n\n{WALL}\n", encoding="utf-8")
    (tmp_path / "README.zh.md").write_text(GOOD, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    def run(*arguments: str, stdin: bytes = b"") -> Ended:
        stream = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
        monkeypatch.setattr("sys.stdin", stream)
        code = main(["docs", "score", *arguments])
        said = capfdbinary.readouterr()
        out, err = (each.decode() for each in said)
        return Ended(code, out, err)

    return run


def test_pages_are_listed_with_the_lowest_first(docs: Docs) -> None:
    done = docs()
    head, first, second, empty, total = done.out.splitlines()[:5]
    assert head.split() == [
        *("score", "anchors", "paragraphs", "openings", "steps", "hazards"),
        *("results", "readability", "marks", "page"),
    ]
    assert first.split() == [
        *("51", "42", "0", "100", "–", "–", "–", "100", "100", "README.md")
    ]
    assert second.split()[0] == "100"
    assert second.endswith("README.zh.md")
    assert empty == ""
    assert total.startswith("all 2 pages together: ")
    assert (done.code, done.err) == (0, "")


def test_the_formula_holds_the_numbers_that_are_shown(docs: Docs) -> None:
    done = docs("README.md")
    assert done.out.startswith("README.md: 51.3")
    formula = next(line for line in done.out.splitlines() if "score = (" in line)
    left, right = formula.strip().removeprefix("score = ").rsplit(" = ", 1)
    terms, total = left.removeprefix("(").split(") / ")
    products = (term.split(" × ") for term in terms.split(" + "))
    value = sum(float(one) * float(other) for one, other in products) / float(total)
    assert value == pytest.approx(float(right), abs=0.1)


def test_three_changes_are_named_with_place_and_gain(docs: Docs) -> None:
    lines = docs("README.md").out.splitlines()
    at = lines.index("🔧 What would help most:")
    assert lines[at + 1].strip().startswith("+")
    assert "README.md:3: make 4 paragraphs or a list of these 156 words" in "".join(
        lines[at : at + 7]
    )


def test_each_part_is_explained_unless_quiet(docs: Docs) -> None:
    assert "  score: 100 × lines no more than 5 below" in docs("README.md").out
    assert "100 × lines" not in docs("README.md", "--quiet").out


def test_a_page_below_the_minimum_ends_with_one(docs: Docs) -> None:
    done = docs("--min", "60")
    assert done.code == 1
    assert done.err.splitlines() == [
        "❌ Error: README.md: its score is 51.3, the minimum is 60 [score.low]",
        "  hint: `firstlight docs score README.md` says what would help",
    ]
    assert docs("--min", "40").code == 0


def test_as_many_pages_are_listed_as_are_asked_for(docs: Docs) -> None:
    out = docs("--top", "1").out
    assert "  README.zh.md" not in out
    assert "… and 1 with a higher score: --top 0" in out


def test_programs_get_counts_scores_and_formulas(docs: Docs) -> None:
    done = docs("--json", "--min", "60")
    found = json.loads(done.out)
    assert [page["path"] for page in found["pages"]] == ["README.md", "README.zh.md"]
    first = found["pages"][0]
    assert first["language"] == "en"
    assert first["parts"]["paragraphs"]["score"] == 0
    assert first["parts"]["paragraphs"]["counts"]["words"] == 156
    assert first["parts"]["steps"]["score"] is None
    assert first["changes"][0]["path"] == "README.md"
    assert found["parts"]["anchors"]["weight"] == 20
    assert 51 < found["project"]["score"] < 100
    assert found["below_minimum"] == ["README.md"]
    assert done.code == 1


def test_standard_input_is_a_page(docs: Docs) -> None:
    done = docs("-", "--stdin-filename", "docs/b.md", stdin=GOOD.encode())
    assert done.out.startswith("docs/b.md: 100.0 of 100\n")


def test_a_page_without_text_has_no_score(docs: Docs) -> None:
    done = docs("-", "--min", "99", stdin=b"")
    assert done.out == "stdin.md: no score, since there is no text\n\n"
    assert done.code == 0


def test_a_page_that_cannot_be_read_is_told(docs: Docs, tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text("{", encoding="utf-8")
    done = docs("a.ipynb", "README.zh.md")
    assert "⚠️ Warning: a.ipynb: it has no score, since it cannot be read" in done.err
    assert done.code == 0
    assert docs("a.ipynb", "--min", "1").code == 1


def test_a_project_without_pages_says_what_to_do(docs: Docs, tmp_path: Path) -> None:
    for page in tmp_path.glob("*.md"):
        page.unlink()
    assert "hint: name files or folders" in docs().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-", "README.md"], "goes with no other path"),
        (["--stdin-filename", "a.md"], "names what is read from standard input"),
        (["missing.md"], "there is no such file or folder"),
    ],
)
def test_what_does_not_fit_is_an_error(
    docs: Docs, arguments: list[str], message: str
) -> None:
    done = docs(*arguments)
    assert done.code == 2
    assert message in done.err
