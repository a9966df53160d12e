from pathlib import Path

from firstlight.lint.rules import load
from firstlight.lint.run import lint
from firstlight.lint.settings import Settings

RULE = "structure.dead-link"
PATHS = ("**/*.md",)


def found(folder: Path, count: int, target: str) -> int:
    """The findings on a page with links that only name a page of another folder."""
    for name in ("reference", "guide"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "reference" / "limits.md").write_text("# Limits\n")
    links = "\n\n".join(["See [the limits](limits.md)."] * count)
    (folder / "guide" / "use.md").write_text(f"# Use\n\n{links}\n")
    settings = Settings(paths=PATHS, targets=(target,), select=(RULE,))
    return len(lint(folder, settings=settings, jobs=1, rules=load([RULE])).found)


def test_a_page_of_another_folder_is_not_reached_by_its_name(tmp_path: Path) -> None:
    assert found(tmp_path, 3, "docusaurus") == 3


def test_a_site_whose_links_all_name_pages_knows_its_pages(tmp_path: Path) -> None:
    assert found(tmp_path, 100, "docusaurus") == 0


def test_where_pages_are_files_a_name_is_not_enough(tmp_path: Path) -> None:
    assert found(tmp_path, 100, "github") == 100
