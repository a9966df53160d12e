"""``firstlight docs explain``: the pages of the rules in the terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from cli.started import Ended
from firstlight.cli import main
from firstlight.cli.docs import COMMANDS
from firstlight.lint.rule import ENGINE
from firstlight.lint.rules import codes, page_of


@pytest.fixture
def explain(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Run ``firstlight docs explain``."""
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def run(*words: str) -> Ended:
        code = main(["docs", "explain", *words])
        return Ended(code, *capsys.readouterr())

    return run


def test_a_rule_is_explained_by_its_page(explain) -> None:
    page = page_of("symbols.feeling").read_text(encoding="utf-8")
    assert explain("symbols.feeling") == Ended(0, page, "")


def test_one_language_alone(explain) -> None:
    english = explain("symbols.feeling", "--lang", "en").out
    chinese = explain("symbols.feeling", "--lang", "zh").out
    told = json.loads(explain("symbols.feeling", "--json").out)
    assert told["english"] in english
    assert told["english"] not in chinese
    assert told["chinese"] in chinese
    assert told["chinese"] not in english
    for text in (english, chinese):
        assert text.startswith("# symbols.feeling\n\n")
        assert "## Found" in text


def test_headings_are_bold_and_examples_are_not_touched(
    explain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    lines = explain("symbols.feeling").out.splitlines()
    assert lines[0] == "\x1b[1m# symbols.feeling\x1b[0m"
    assert "\x1b[2m```md\x1b[0m" in lines
    assert "## 最新进展 🎉" in lines


def test_what_the_engine_finds_is_explained_in_a_sentence(explain) -> None:
    assert explain("lint.unreadable", "--lang", "zh").out == (
        "# lint.unreadable\n\n文件无法读取。\n"
    )


def test_all_rules_are_listed_by_topic(explain) -> None:
    done = explain()
    assert done.code == 0
    lines = [line for line in done.out.splitlines() if line.startswith("  ")]
    assert [line.split()[0] for line in lines] == [*codes(), *ENGINE]
    feeling = next(line for line in lines if "symbols.feeling" in line)
    assert feeling.split()[1:3] == ["on", "partly"]
    assert "symbols\n" in done.out


def test_a_topic_lists_its_rules(explain) -> None:
    told = json.loads(explain("symbols", "--json").out)["rules"]
    assert {each["code"].partition(".")[0] for each in told} == {"symbols"}
    assert all(each["default"] in (True, False) for each in told)
    chinese = explain("symbols", "--lang", "zh").out
    assert told[0]["chinese"].partition("。")[0] in chinese


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("symbols.feelin", 'did you mean "symbols.feeling"?'),
        ("zzz", "`firstlight docs explain` lists them"),
    ],
)
def test_a_rule_nobody_knows(explain, word: str, hint: str) -> None:
    done = explain(word)
    assert done == Ended(
        2, "", f'❌ Error: there is no rule or topic "{word}"\nhint: {hint}\n'
    )


def test_documents_have_their_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["docs", "--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == list(COMMANDS)
    assert "..." not in "".join(listed)


@pytest.mark.parametrize("words", [(), ("symbols.alias",), ("--json",)])
def test_a_terminal_that_is_not_utf_8_is_no_reason_to_stop(
    words: tuple[str, ...],
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "firstlight", "docs", "explain", *words],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    if "--json" in words:
        rules = json.loads(done.stdout)["rules"]
        assert any("🔥" in rule["english"] for rule in rules)
    else:
        assert (rb"\u2757" if words else rb"\U0001f389") in done.stdout
