"""``firstlight docs lint``: what it prints, writes, and ends with."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from cli.docs_project import FEELING, FIXED, PAGE, TWO, Docs
from cli.started import Ended
from firstlight.cli import main
from firstlight.errors import UsageError
from firstlight.lint import run as engine
from firstlight.lint.sarif import sarif
from firstlight.report import has_symbols

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def docs(
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> Docs:
    """Run ``firstlight docs`` in a project with one page, ``docs/a.md``."""
    (project / "docs").mkdir()
    (project / "docs" / "a.md").write_text(PAGE, encoding="utf-8")
    monkeypatch.chdir(project)
    monkeypatch.setenv("FIRSTLIGHT_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, stdin: bytes = b"") -> Ended:
        stream = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
        monkeypatch.setattr("sys.stdin", stream)
        code = main(["docs", *arguments])
        said = capfdbinary.readouterr()
        home = str(tmp_path).encode()
        out, err = (each.replace(home, b"~").decode() for each in said)
        return Ended(code, out, err)

    return run


def page(project: Path, name: str = "docs/a.md") -> str:
    return (project / name).read_bytes().decode()


def settings(project: Path, text: str) -> None:
    (project / "firstlight.toml").write_text(f"[docs]\n{text}\n", encoding="utf-8")


# What is printed


def test_each_finding_shows_place_line_hint_and_fix(docs: Docs) -> None:
    done = docs("lint")
    first, second, last = done.out.split("\n\n")
    assert first.splitlines() == [
        "docs/a.md:3:1 ⚠️ Warning symbols.feeling: 🎉 has feeling, not function",
        "    3 │ 🎉 Release 2 is out.",
        "      │ ^^",
        "  hint: say it in words, or leave it out",
        "  fix: remove the symbol (--fix)",
    ]
    assert "(needs your judgement: --unsafe-fixes)" in second
    counts, following = last.splitlines()
    assert counts.startswith("1 page in 0.")
    assert counts.endswith(" s: 2 warnings")
    assert following == (
        "💡 Tip: --fix mends 1 of them; --unsafe-fixes also mends 1; "
        "`firstlight docs explain symbols.feeling` says more"
    )
    assert (done.code, done.err) == (1, "")


def test_nothing_wrong_ends_with_zero(docs: Docs, project: Path) -> None:
    (project / "docs" / "a.md").write_text("# Title\n\nText.\n")
    done = docs("lint")
    assert done.code == 0
    assert done.out.startswith("✅ Done: 1 page in 0.")
    assert done.out.endswith(" s, nothing to mend\n")


def test_quiet_prints_findings_alone(docs: Docs) -> None:
    done = docs("lint", "--quiet", "--output", "concise")
    assert done == Ended(1, FEELING + TWO, "")


def test_a_form_for_programs_keeps_the_summary_apart(docs: Docs) -> None:
    done = docs("lint", "--output", "concise")
    assert done.out == FEELING + TWO
    assert done.err.startswith("1 page in ")


def test_annotations_and_log_are_named_from_the_repository(
    docs: Docs, project: Path
) -> None:
    (project.parent / ".git").mkdir()
    done = docs("lint", "--output", "github", "--sarif", "out.sarif")
    assert done.out.startswith(
        "::warning file=project/docs/a.md,title=symbols.feeling,"
    )
    log = json.loads((project / "out.sarif").read_bytes())
    (first, second) = log["runs"][0]["results"]
    location = first["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location["uri"] == "project/docs/a.md"
    assert first["fixes"][0]["description"]["text"] == "remove the symbol"
    assert second["fixes"][0]["description"]["text"] == "write ℹ️ (check it)"


def test_a_log_on_standard_output_is_the_same(docs: Docs, project: Path) -> None:
    docs("lint", "--sarif", "out.sarif")
    done = docs("lint", "--output", "sarif")
    assert json.loads(done.out) == json.loads((project / "out.sarif").read_bytes())
    assert json.loads(done.out)["$schema"] == sarif([])["$schema"]


def test_one_object_for_programs(docs: Docs) -> None:
    done = docs("lint", "--json")
    told = json.loads(done.out)
    findings = told.pop("findings")
    assert told == {
        "pages": 1,
        "counts": {"failure": 0, "warning": 2, "note": 0},
        "rules": {"symbols.feeling": 1, "symbols.two-functions": 1},
        "fixable": {"safe": 1, "unsafe": 1},
        "fixed": {},
        "hidden": 0,
        "warnings": [],
    }
    assert [each["code"] for each in findings] == [
        "symbols.feeling",
        "symbols.two-functions",
    ]
    assert findings[0]["fix"]["edits"] == [{"span": [19, 24], "text": ""}]
    assert (done.code, done.err) == (1, "")


def test_statistics_instead_of_findings(docs: Docs) -> None:
    counts, _, tail = docs("lint", "--statistics").out.partition("\n\n")
    assert counts.splitlines() == [
        "     1  ⚠️ Warning  symbols.feeling        --fix mends 1",
        "     1  ⚠️ Warning  symbols.two-functions",
    ]
    assert tail.startswith("1 page in ")


def test_colour_only_when_asked_for(
    docs: Docs, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b" not in docs("lint").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1;33m⚠️ Warning\x1b[0m" in docs("lint").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in docs("lint").out


def test_a_terminal_without_symbols_gets_words(
    docs: Docs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert not has_symbols(environ={"TERM": "dumb"})
    assert "docs/a.md:3:1 Warning symbols.feeling: " in docs("lint").out


def test_no_page_is_said_and_is_no_failure(docs: Docs, project: Path) -> None:
    (project / "docs" / "a.md").unlink()
    done = docs("lint")
    assert done.code == 0
    assert done.out.startswith("⚠️ Warning: there is no page to look at\nhint: ")


# What is looked at


def test_paths_are_named_from_where_one_is(
    docs: Docs, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "docs")
    monkeypatch.setattr("sys.argv", ["firstlight"])
    done = docs("lint", "a.md", "-q", "--output", "concise")
    assert done.out.startswith("a.md:3:1:")
    assert main(["-C", str(project), "docs", "lint", "a.md", "-q"]) == 1


def test_a_path_that_is_not_there(docs: Docs) -> None:
    done = docs("lint", "nothing.md")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("❌ Error: nothing.md: there is no such file or folder")


def test_what_is_excluded_may_be_named_or_not(docs: Docs, project: Path) -> None:
    settings(project, 'exclude = ["docs/a.md"]')
    assert docs("lint", "docs/a.md").code == 1
    assert docs("lint", "docs/a.md", "--force-exclude") == Ended(0, "", "")


def test_only_select_and_ignore_choose_rules(docs: Docs) -> None:
    def found(*options: str) -> str:
        return docs("lint", "-q", "--output", "concise", *options).out

    assert found("--only", "symbols.feeling") == FEELING
    assert found("--only", "symbols.feeling,symbols.two-functions") == FEELING + TWO
    assert found("--only", "symbols") == FEELING + TWO
    assert found("--only", "steps") == ""
    assert found("--ignore", "symbols") == ""
    assert found("--ignore", "symbols", "--select", "symbols.feeling") == FEELING
    assert found("--ignore", "symbols.feeling", "--ignore", "steps") == TWO


def test_the_command_line_goes_over_the_settings(docs: Docs, project: Path) -> None:
    settings(project, 'ignore = ["symbols"]\nbaseline = "none.json"')
    (project / "some.json").write_text('{"version": 1, "pages": {}}')
    done = docs("lint", "--select", "symbols", "--baseline", "some.json", "-q")
    assert done.out.count("Warning symbols.") == 2


@pytest.mark.parametrize(
    ("option", "word", "hint"),
    [
        ("--only", "symbls", 'did you mean "symbols"?'),
        ("--ignore", "symbols.feling", 'did you mean "symbols.feeling"?'),
        ("--select", "zzz", "`firstlight docs explain` lists the rules"),
        ("--target", "gitub", "write github | zensical | "),
    ],
)
def test_a_name_nobody_knows(docs: Docs, option: str, word: str, hint: str) -> None:
    done = docs("lint", option, word)
    assert (done.code, done.out) == (2, "")
    assert f'"{word}"\nhint: {hint}' in done.err


def test_settings_that_are_wrong_are_told_with_their_place(
    docs: Docs, project: Path
) -> None:
    settings(project, 'targts = ["github"]')
    done = docs("lint")
    assert done.code == 2
    assert 'firstlight.toml: docs.targts: unknown key "targts"' in done.err
    assert 'did you mean "targets"?' in done.err


def test_milder_findings_do_not_count(docs: Docs, project: Path) -> None:
    settings(project, 'roles = { symbols = "note" }')
    assert docs("lint").code == 0
    assert docs("lint", "--min-role", "warning", "-q") == Ended(0, "", "")
    settings(project, 'roles = { "symbols.feeling" = "failure" }')
    done = docs("lint", "--min-role", "failure", "--output", "concise", "-q")
    assert done == Ended(1, FEELING.replace("warning", "failure"), "")


def test_an_end_with_zero_can_be_had(docs: Docs) -> None:
    assert docs("lint", "--exit-zero").code == 0


# What is written


def test_fix_mends_what_is_safe_and_tells_what_is_left(
    docs: Docs, project: Path
) -> None:
    done = docs("lint", "--fix")
    assert page(project) == FIXED
    assert "✅ Done: 1 fix in 1 page (symbols.feeling 1)\n1 page in " in done.out
    assert "symbols.two-functions" in done.out
    assert done.code == 1
    assert docs("lint", "--unsafe-fixes").code == 0
    assert "ℹ️ Note: 第二步" in page(project)


def test_a_diff_writes_nothing(docs: Docs, project: Path) -> None:
    done = docs("lint", "--diff")
    assert page(project) == PAGE
    assert done.code == 1
    assert done.out == (
        "--- a/docs/a.md\n+++ b/docs/a.md\n@@ -1,5 +1,5 @@\n # Training 训练\n \n"
        "-🎉 Release 2 is out.\n+Release 2 is out.\n \n ⚠️ Note: 第二步会用到它。\n"
    )
    assert done.err == ("ℹ️ Note: 1 fix in 1 page would be made (symbols.feeling 1)\n")
    assert json.loads(docs("lint", "--diff", "--json").out)["diff"] == done.out
    docs("lint", "--fix")
    again = docs("lint", "--diff", "-q")
    assert again == Ended(0, "", "")


def test_standard_input_is_a_page_of_the_project(docs: Docs, project: Path) -> None:
    done = docs("lint", "-", "--output", "concise", "-q", stdin=PAGE.encode())
    assert done == Ended(1, (FEELING + TWO).replace("docs/a.md", "stdin.md"), "")
    settings(project, '[docs.per-file-ignores]\n"docs/*" = ["symbols.feeling"]')
    words = ("lint", "-", "--stdin-filename", "docs/a.md", "-q", "--output", "concise")
    assert docs(*words, stdin=PAGE.encode()).out == TWO


def test_standard_input_comes_back_mended(docs: Docs) -> None:
    done = docs("lint", "-", "--fix", stdin=PAGE.replace("\n", "\r\n").encode())
    assert done.out == FIXED.replace("\n", "\r\n")
    assert "symbols.two-functions" in done.err
    clean = docs("lint", "-", "--fix", stdin=b"# Title\n")
    assert (clean.code, clean.out) == (0, "# Title\n")


def test_a_baseline_hides_what_is_known(docs: Docs, project: Path) -> None:
    done = docs("lint", "--write-baseline", "known.json")
    assert done == Ended(
        0,
        "✅ Done: known.json lists 2 findings\n"
        'hint: write baseline = "known.json" in [docs]\n',
        "",
    )
    settings(project, 'baseline = "known.json"')
    known = docs("lint")
    assert known.code == 0
    assert known.out.endswith(", nothing to mend; 2 more are in the baseline\n")
    (project / "docs" / "a.md").write_text(f"{PAGE}\n😊 New.\n", encoding="utf-8")
    assert docs("lint", "-q", "--output", "concise").out.count("\n") == 1
    again = docs("lint", "--write-baseline", "known.json", "--json")
    assert json.loads(again.out) == {"hidden": 3}


@pytest.mark.parametrize(
    "words",
    [
        ("-", "docs/a.md"),
        ("-", "--watch"),
        ("--watch", "--diff"),
        ("--write-baseline", "x", "--fix"),
        ("--write-baseline", "x", "docs"),
    ],
)
def test_what_does_not_go_together(docs: Docs, words: tuple[str, ...]) -> None:
    done = docs("lint", *words)
    assert done.code == 2
    assert " does not go with " in done.err


def test_a_name_for_standard_input_needs_it(docs: Docs) -> None:
    assert "write - in place of the paths" in docs("lint", "--stdin-filename", "a").err


def test_a_log_that_cannot_be_written(docs: Docs) -> None:
    done = docs("lint", "--sarif", "nowhere/out.sarif")
    assert (done.code, done.out) == (2, "")
    assert done.err == "❌ Error: nowhere/out.sarif: No such file or directory\n"


def test_the_hooks_of_pre_commit_are_commands(docs: Docs, project: Path) -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    entries = {each["id"]: each["entry"].split() for each in hooks}
    (project / "b.md").write_text("🎉 More.\n", encoding="utf-8")
    settings(project, 'exclude = ["b.md"]\nignore = ["symbols.two-functions"]')
    for words in entries.values():
        assert words[:2] == ["firstlight", "docs"]
    found = docs(*entries["firstlight-docs"][2:], "b.md", "docs/a.md")
    assert found.code == 1
    assert "b.md" not in found.out
    mended = docs(*entries["firstlight-docs-fix"][2:], "b.md", "docs/a.md")
    assert mended.code == 0
    assert mended.out.endswith("nothing is left\n")
    assert page(project) == FIXED
    assert page(project, "b.md") == "🎉 More.\n"


# What is remembered


@pytest.fixture
def settled(docs: Docs, project: Path) -> Docs:
    """The project as it is when nobody has written to it for a while."""
    time.sleep(0.06)
    return docs


def test_a_second_run_prints_the_same_without_looking(
    settled: Docs, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = settled("lint", "-q")

    def fail(*words: object, **more: object) -> None:
        raise UsageError("it looked again")

    monkeypatch.setattr(engine, "discover", fail)
    assert settled("lint", "-q") == first
    assert settled("lint", "-q", "--no-cache").code == 2


def test_a_change_of_page_settings_or_options_is_seen(
    settled: Docs, project: Path
) -> None:
    words = ("lint", "-q", "--output", "concise")
    assert settled(*words).out == FEELING + TWO
    assert settled(*words, "--ignore", "symbols.feeling").out == TWO
    settings(project, 'ignore = ["symbols.two-functions"]')
    assert settled(*words).out == FEELING
    (project / "docs" / "a.md").write_text(FIXED, encoding="utf-8")
    assert settled(*words).out == ""
    (project / "docs" / "b.md").write_text("🎉 More.\n", encoding="utf-8")
    assert settled(*words).out.startswith("docs/b.md:1:1: ")
    (project / "firstlight.toml").unlink()
    assert "symbols.two-functions" in settled(*words).out


def test_a_spec_that_says_nothing_is_told_each_time(
    settled: Docs, project: Path
) -> None:
    (project / "firstlight.toml").write_text("python = 3\n", encoding="utf-8")
    first = settled("lint", "-q")
    assert "pages are not compared with the environment: " in first.err
    time.sleep(0.06)
    assert settled("lint", "-q") == settled("lint", "-q") == first
    (told,) = json.loads(settled("lint", "--json").out)["warnings"]
    assert told["code"] == "docs.environment"


def test_a_page_with_the_name_of_no_text_is_shown(docs: Docs, project: Path) -> None:
    path = os.fsencode(project) + b"/docs/\xff.md"
    Path(os.fsdecode(path)).write_text("🎉 More.\n", encoding="utf-8")
    for words in ((), ("--output", "concise"), ("--output", "sarif"), ("--json",)):
        assert docs("lint", *words).code == 1
    assert json.loads(docs("lint", "--json").out)["pages"] == 2


def test_a_baseline_is_named_from_where_one_is(
    docs: Docs, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs("lint", "--write-baseline", "known.json")
    monkeypatch.chdir(tmp_path)
    words = ("-C", project.name, "docs", "lint", "--baseline")
    assert main([*words, f"{project.name}/known.json"]) == 0
    assert main([*words, "known.json"]) == 2


def test_the_last_line_names_the_worst_rule(docs: Docs, project: Path) -> None:
    (project / "docs" / "a.md").write_text("Note: this.\n\n[a](gone.md)\n")
    assert "explain structure.dead-link` says more" in docs("lint").out


def test_a_full_disk_is_no_bug_of_ours(project: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "firstlight", "docs", "explain"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "the output cannot be written: No space left on device\n"
