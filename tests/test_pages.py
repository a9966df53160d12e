"""The documents are held against the program: specs parse, links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
import tomlkit

from firstlight.cli.app import app
from firstlight.config import load_settings
from firstlight.errors import FirstlightError
from firstlight.lock.spec import read_spec

ROOT = Path(__file__).resolve().parent.parent
GUIDES = ("docs/workspace.md", "docs/workspace.zh.md")
SHARING = ("docs/sharing.md", "docs/sharing.zh.md")
TRANSLATED = (
    *("README.md", "docs/spec.md", "docs/workspace.md", "docs/sharing.md"),
    *("docs/documents.md", "docs/grammar.md"),
)
READMES = ("README.md", "README.zh.md")
REFERENCES = ("docs/spec.md", "docs/spec.zh.md")
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "benchmarks/**/*.md")
    for path in ROOT.glob(pattern)
)

_BLOCK = re.compile(r"^```([\w+-]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language and its text."""

    language: str
    text: str

    @property
    def title(self) -> str:
        """What its first line says it is: a file's name, or ``part`` of a spec."""
        first = self.text.partition("\n")[0]
        return first.removeprefix("# ") if first.startswith("# ") else ""


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[Block]:
    return [Block(*found) for found in _BLOCK.findall(text_of(page))]


def prose(page: str) -> str:
    return _BLOCK.sub("", text_of(page))


def chinese(page: str) -> str:
    return page.removesuffix(".md") + ".zh.md"


def toml_blocks(*pages: str) -> Iterator[object]:
    for page in pages:
        for number, block in enumerate(blocks(page)):
            if block.language == "toml":
                yield pytest.param(page, block, id=f"{page}-{number}")


def holds_spec(block: Block) -> bool:
    if block.language != "toml":
        return False
    return "firstlight" in tomllib.loads(block.text).get("tool", {})


def lay_out(page: str, block: Block, folder: Path) -> None:
    """Write a block as the file it is, with the other files that its page shows."""
    if holds_spec(block):
        (folder / "pyproject.toml").write_text(block.text, encoding="utf-8")
        return
    for other in blocks(page):
        if other.title.endswith((".txt", "pyproject.toml")) and not holds_spec(other):
            (folder / other.title).write_text(other.text, encoding="utf-8")
    table = tomllib.loads(block.text)
    if block.title == "pyproject.toml":
        table = {"packages": {"group": next(iter(table["dependency-groups"]))}}
    if block.title:
        table = {"python": "3.11", **table}
    (folder / "firstlight.toml").write_text(tomlkit.dumps(table), encoding="utf-8")


@pytest.mark.parametrize(
    ("page", "block"), list(toml_blocks(*READMES, *REFERENCES, *GUIDES, *SHARING))
)
def test_every_toml_block_is_what_the_program_takes(
    page: str, block: Block, tmp_path: Path
) -> None:
    if block.title == "config.toml":
        file = tmp_path / block.title
        file.write_text(block.text, encoding="utf-8")
        settings = load_settings({}, file=file, home=tmp_path, etc=tmp_path)
        assert settings.mirrors or settings.insecure
        return
    lay_out(page, block, tmp_path)
    assert read_spec(tmp_path).python


@pytest.mark.parametrize("page", TRANSLATED)
def test_both_languages_have_the_same_headings_and_blocks(page: str) -> None:
    def levels(name: str) -> list[str]:
        return re.findall(r"^(#+) ", prose(name), re.MULTILINE)

    assert levels(page) == levels(chinese(page))
    assert blocks(page) == blocks(chinese(page))


@pytest.mark.parametrize("page", TRANSLATED)
def test_both_languages_name_the_same_things_in_their_tables(page: str) -> None:
    def firsts(name: str) -> list[list[str]]:
        cells = re.findall(r"^\| ([^|]*`[^|]*) \|", prose(name), re.MULTILINE)
        return [re.findall(r"`([^`]+)`", cell) for cell in cells]

    assert firsts(page) == firsts(chinese(page))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(page: Path) -> None:
    for target in _LINK.findall(prose(str(page))):
        if "://" not in target and not target.startswith("#"):
            assert (page.parent / target.partition("#")[0]).exists(), target


def test_the_readme_shows_the_quickstart_as_it_is() -> None:
    tables = [block for block in blocks("README.md") if block.language == "toml"]
    shown = next(block for block in tables if not block.title)
    assert tomllib.loads(shown.text) == tomllib.loads(
        text_of("examples/quickstart/firstlight.toml")
    )


@pytest.mark.parametrize("page", READMES)
def test_the_readme_names_every_command(page: str) -> None:
    rows = " ".join(re.findall(r"^\| `firstlight .*? \|", text_of(page), re.MULTILINE))
    commands = app.list_commands(click.Context(app))
    assert "lock" in commands
    assert not set(commands) - set(re.findall(r"\w+", rows))


@pytest.mark.parametrize("page", GUIDES)
def test_the_guide_names_every_option_of_up(page: str) -> None:
    params = app.get_command(click.Context(app), "up").params  # type: ignore[union-attr]
    shown = set(re.findall(r"(?<![\w-])--?\w[\w-]*", text_of(page)))
    assert "--engine" in shown
    assert [param.name for param in params if not shown & set(param.opts)] == []


@pytest.mark.parametrize("page", SHARING)
@pytest.mark.parametrize("command", ["push", "pull"])
def test_the_guide_names_every_option_of_sharing(page: str, command: str) -> None:
    params = app.get_command(click.Context(app), command).params  # type: ignore[union-attr]
    shown = set(re.findall(r"(?<![\w-])--?\w[\w-]*", text_of(page)))
    options = [each for each in params if isinstance(each, click.Option)]
    assert [each.name for each in options if not shown & set(each.opts)] == []


@pytest.mark.parametrize("page", READMES)
def test_the_readme_names_every_exit_code(page: str) -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", text_of(page), re.M)}
    kinds = [FirstlightError, *FirstlightError.__subclasses__()]
    assert {kind.exit_code for kind in kinds} <= listed


@pytest.mark.parametrize(
    "inside", ["", "[target]", '[[index]]\nurl = "x"', "[workspace]", "[share]"]
)
@pytest.mark.parametrize("page", REFERENCES)
def test_the_reference_names_every_field(
    page: str, inside: str, tmp_path: Path
) -> None:
    listed = re.findall(r"^\| `\[{0,2}([a-z-]+)\]{0,2}` \|", text_of(page), re.M)
    assert known_fields(tmp_path, inside) <= set(listed)


def known_fields(folder: Path, inside: str) -> set[str]:
    """The fields that the program itself lists when it meets an unknown one."""
    text = f'python = "3.11"\n{inside}\nzzz = 1\n'
    (folder / "firstlight.toml").write_text(text, encoding="utf-8")
    with pytest.raises(FirstlightError) as caught:
        read_spec(folder)
    (finding,) = caught.value.findings
    fields = set(finding.message.partition("known here are ")[2].split(", "))
    assert len(fields) > 1
    return fields


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    wanted = [re.split(r"[=<>!~]", each)[0] for each in project["dependencies"]]
    rows = re.findall(
        r"^\| `([\w-]+)` \|", text_of("docs/design/dependencies.md"), re.M
    )
    assert rows == wanted
