"""The guide to documents is held against the program, and against its own rules."""

from __future__ import annotations

import re
import runpy
import tomllib
from dataclasses import fields
from pathlib import Path

import click
import pytest

from firstlight.cli.docs_lint import lint as command
from firstlight.cli.docs_shown import Shown, table
from firstlight.lint.limits import Limits
from firstlight.lint.result import Found
from firstlight.lint.rule import TARGETS
from firstlight.lint.run import lint
from firstlight.lint.settings import settings_of
from firstlight.lint.terminal import Style

ROOT = Path(__file__).resolve().parent.parent
GUIDES = ("docs/documents.md", "docs/documents.zh.md")
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def text_of(guide: str) -> str:
    return (ROOT / guide).read_text(encoding="utf-8")


def keys(guide: str) -> set[str]:
    """What stands in code at the start of a row of a table."""
    return set(re.findall(r"^\| `([^`]+)`", text_of(guide), re.MULTILINE))


def test_both_languages_have_the_same_headings_code_and_keys() -> None:
    english, chinese = map(text_of, GUIDES)
    levels = [re.findall(r"^#+ ", text, re.MULTILINE) for text in (english, chinese)]
    assert levels[0] == levels[1]
    assert _FENCE.findall(english) == _FENCE.findall(chinese)
    assert keys(GUIDES[0]) == keys(GUIDES[1])


@pytest.mark.parametrize("guide", GUIDES)
def test_the_guide_keeps_the_rules_that_it_explains(guide: str) -> None:
    # Its links lead to pages of the repository, so it is looked at there.
    outcome = lint(ROOT, [guide], jobs=1)
    assert [each.where + " " + each.message for each in outcome.found] == []


@pytest.mark.parametrize("guide", GUIDES)
def test_the_settings_of_the_guide_are_what_the_program_takes(guide: str) -> None:
    (example,) = (
        text for kind, text in _FENCE.findall(text_of(guide)) if kind == "toml"
    )
    read = tomllib.loads(example)["docs"]
    settings = settings_of(read)
    assert settings.limits.blocks_per_mark == 4
    assert settings.symbols["data"]["symbol"] == "🔬"
    assert set(read) <= keys(guide)


@pytest.mark.parametrize("guide", GUIDES)
def test_every_limit_and_target_is_named(guide: str) -> None:
    standard = Limits()
    for each in fields(Limits):
        row = f"| `{each.name.replace('_', '-')}` | {getattr(standard, each.name)} |"
        assert row in text_of(guide)
    assert [name for name in TARGETS if f"`{name}`" not in text_of(guide)] == []


@pytest.mark.parametrize("guide", GUIDES)
def test_every_option_is_named(guide: str) -> None:
    shown = set(re.findall(r"(?<![\w-])--\w[\w-]*", text_of(guide)))
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert [each.name for each in options if not shown & set(each.opts)] == []


@pytest.mark.parametrize("guide", GUIDES)
def test_every_key_of_the_object_is_named(guide: str) -> None:
    made = table(Shown(found=[], pages=0, style=Style()))
    assert set(made) <= keys(guide)
    known = set(re.findall(r"`(\w+)`", text_of(guide)))
    assert set(Found._fields) <= known


def test_the_index_of_the_rules_is_current() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "generate_rules.py"))["page"]()
    assert text_of("docs/rules.md") == made, "run `python docs/generate_rules.py`"


def test_the_recipe_for_pre_commit_names_a_hook() -> None:
    hooks = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    ids = re.findall(r"- id: ([\w-]+)", hooks)
    for guide in GUIDES:
        assert f"- id: {ids[0]}\n" in text_of(guide)
        assert f"`{ids[1]}`" in text_of(guide)
