"""A run finds the same whatever is in the cache and however many work at it."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from firstlight.lint.plan import covers
from firstlight.lint.record import Printed, file_of, now, recall, remember
from firstlight.lint.run import lint
from firstlight.lint.settings import Settings
from lint.small_rules import BAD, FAILING, LONG, TARGETS, TITLES
from lint.test_sources import notebook, sources

RULES = (BAD, LONG, TITLES, TARGETS)


@pytest.fixture
def project(tmp_path):
    """Pages with something to find, none of them changed just now."""
    folder = tmp_path / "project"
    (folder / "docs").mkdir(parents=True)
    for path, text in {
        "README.md": "# One\n\nbad\n\n[there](docs/a.md)\n[gone](docs/z.md)\n",
        "docs/a.md": "# Two\n\nso  wide\n",
        "docs/b.md": "# Two\n\n<!-- firstlight: ignore test.bad -->\n\nbad\n",
    }.items():
        (folder / path).write_text(text)
    (folder / "docs" / "n.ipynb").write_bytes(notebook("# N", None, "so  wide"))
    settle(folder)
    return folder


def settle(folder):
    """Let all that is there be old enough to be trusted."""
    then = time.time() - 100
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (then, then))
    time.sleep(0.06)  # The time of the last change of anything cannot be set.


def run(folder, *paths, rules=RULES, **more):
    return lint(folder, paths, more.pop("settings", Settings()), rules=rules, **more)


def shown(outcome):
    return [f"{f.where} {f.code}" for f in outcome.found]


ALL = [
    "README.md:3:1 test.bad",
    "README.md:6:1 test.target",
    "docs/a.md:3:3 test.long",
    "docs/b.md:1:1 test.title",
    "docs/n.ipynb:cell 3:1:3 test.long",
]


def test_all_pages_are_checked_and_compared(project):
    outcome = run(project)
    assert shown(outcome) == ALL
    assert outcome.pages == ("README.md", "docs/a.md", "docs/b.md", "docs/n.ipynb")
    assert outcome.changed == {}


def test_several_processes_find_the_same(project, monkeypatch):
    monkeypatch.setattr("firstlight.lint.crew._SHARE", 20)
    for number in range(40):
        (project / "docs" / f"p{number:02}.md").write_text(f"# {number}\n\nbad  bad\n")
    assert run(project, jobs=3).found == run(project, jobs=1).found


def test_some_pages_are_compared_with_all(project):
    assert shown(run(project, "docs/b.md")) == ["docs/b.md:1:1 test.title"]


def test_text_may_be_given_instead_of_a_file(project):
    outcome = run(project, sources={"docs/b.md": b"# Two\n\nbad\n"})
    assert shown(outcome) == ["docs/b.md:1:1 test.title", "docs/b.md:3:1 test.bad"]
    assert outcome.pages == ("docs/b.md",)


def test_an_ignore_may_be_for_a_comparison(project):
    (project / "docs" / "b.md").write_text(
        "<!-- firstlight: ignore test.title -->\n\n# Two\n\n"
        "<!-- firstlight: ignore test.target -->\n\nbad\n"
    )
    found = [each for each in shown(run(project)) if "docs/b.md" in each]
    assert found == ["docs/b.md:5:1 lint.unused-ignore", "docs/b.md:7:1 test.bad"]


def test_a_comparison_that_fails_costs_only_its_own_findings(project):
    broken = FAILING.__class__(code="test.failing", across=FAILING.check)
    outcome = run(project, rules=(broken, BAD))
    assert [f.code for f in outcome.found] == ["lint.rule-failed", "test.bad"]


def test_what_cannot_be_read_is_a_finding(project):
    (project / "docs" / "n.ipynb").write_text("{")
    (project / "docs" / "gone.md").symlink_to("nowhere.md")
    outcome = run(project, "docs/n.ipynb", "README.md")
    broken = [f for f in outcome.found if f.path == "docs/n.ipynb"]
    assert [f.code for f in broken] == ["lint.unreadable"]
    assert "README.md:3:1 test.bad" in shown(outcome)


def test_settings_exempt_files_from_comparisons_too(project):
    settings = Settings(ignored={"docs/b.md": ("test",)})
    assert not any(
        "docs/b.md" in each for each in shown(run(project, settings=settings))
    )


# The cache


def counting(rule, seen):
    """The same rule, which notes the pages that it is asked about."""

    def check(page, given):
        seen.append(page.path)
        return rule.check(page, given)

    return rule.__class__(code=rule.code, check=check, keeps=rule.keeps)


def test_pages_that_did_not_change_are_not_checked_again(project, tmp_path):
    seen = []
    rules = (counting(BAD, seen), LONG, TITLES, TARGETS)
    cache = tmp_path / "cache"
    first = run(project, rules=rules, cache=cache)
    assert len(seen) == 4
    again = run(project, rules=rules, cache=cache)
    assert len(seen) == 4
    assert again.found == first.found


def test_a_page_that_changed_is_checked_again_and_what_names_it_too(project, tmp_path):
    seen = []
    rules = (counting(BAD, seen), LONG, TITLES, TARGETS)
    cache = tmp_path / "cache"
    run(project, rules=rules, cache=cache)
    (project / "docs" / "a.md").write_text("# Three\n\nso bad \n")
    outcome = run(project, rules=rules, cache=cache)
    assert seen[4:] == ["docs/a.md"]
    assert shown(outcome) == [ALL[0], ALL[1], "docs/a.md:3:4 test.bad", ALL[4]]


def test_a_change_of_equal_size_just_after_a_run_is_seen(project, tmp_path):
    cache, page = tmp_path / "cache", project / "docs" / "a.md"
    for text in ("# A\n\nbad\n", "# B\n\ngut\n", "# C\n\nbad\n"):
        page.write_text(text)
        found = [each for each in shown(run(project, cache=cache)) if "a.md" in each]
        assert found == (["docs/a.md:3:1 test.bad"] if "bad" in text else [])


def test_a_file_that_a_rule_asked_for_may_appear(project, tmp_path):
    cache = tmp_path / "cache"
    assert ALL[1] in shown(run(project, cache=cache))
    (project / "docs" / "z.md").write_text("# Z\n")
    assert ALL[1] not in shown(run(project, cache=cache))


def test_other_settings_find_other_things(project, tmp_path):
    cache = tmp_path / "cache"
    run(project, cache=cache)
    settings = Settings(ignore=("test.bad",))
    assert ALL[0] not in shown(run(project, cache=cache, settings=settings))


@pytest.mark.parametrize("damage", [b"", b"x", b"x" * 100])
def test_a_damaged_cache_is_no_cache(project, tmp_path, damage):
    cache = tmp_path / "cache"
    first = run(project, cache=cache)
    file = file_of(cache, project, "pages")
    file.write_bytes(file.read_bytes()[:-1] + b"?" if damage == b"" else damage)
    assert run(project, cache=cache).found == first.found


def test_a_cache_that_cannot_be_written_stops_nothing(project, tmp_path):
    (tmp_path / "cache").write_text("a file")
    assert shown(run(project, cache=tmp_path / "cache")) == ALL


# The record of the last run


def noted(folder, cache, options="text"):
    started = now()
    outcome = run(folder, cache=cache)
    printed = Printed(b"out", b"err", 1)
    remember(cache, folder, options, outcome.watched, printed, started)
    return printed


def test_a_run_is_repeated_from_its_record(project, tmp_path):
    printed = noted(project, tmp_path)
    assert recall(tmp_path, project, "text") == printed
    assert recall(tmp_path, project, "json") is None


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("README.md", "# Other\n"),
        ("new.md", "# New\n"),
        ("docs/new.md", "# New\n"),
        ("docs/z.md", "# what a link asked for\n"),
        ("firstlight.toml", "[docs]\n"),
        ("pyproject.toml", "[project]\n"),
    ],
)
def test_whatever_a_run_depends_on_makes_its_record_old(project, tmp_path, path, text):
    noted(project, tmp_path)
    (project / path).write_text(text)
    assert recall(tmp_path, project, "text") is None


@pytest.mark.parametrize("path", ["docs", "docs/img", "docs/img/x.png"])
def test_what_a_link_asked_for_is_watched_by_the_folder_above(project, tmp_path, path):
    (project / "docs" / "a.md").write_text("# A\n\n[x](docs/img/x.png)\n")
    if path != "docs":
        (project / "docs" / "img").mkdir()
    settle(project)
    noted(project, tmp_path)
    assert recall(tmp_path, project, "text") is not None
    if path.endswith(".png"):
        (project / path).write_bytes(b"")
    elif path == "docs":
        (project / "docs" / "img").mkdir()
    else:
        (project / "docs" / "img").rmdir()
    assert recall(tmp_path, project, "text") is None


def test_a_page_that_goes_makes_the_record_old(project, tmp_path):
    noted(project, tmp_path)
    (project / "docs" / "b.md").unlink()
    assert recall(tmp_path, project, "text") is None


def test_what_changed_just_now_is_not_remembered(project, tmp_path):
    (project / "README.md").write_text("# Just now\n")
    noted(project, tmp_path)
    assert recall(tmp_path, project, "text") is None


# Fixes


def test_fixes_go_into_the_files(project):
    outcome = run(project, fix="safe")
    assert (project / "docs" / "a.md").read_text() == "# Two\n\nso wide\n"
    assert sources((project / "docs" / "n.ipynb").read_bytes()) == ["# N", "so wide"]
    assert outcome.made == {
        "docs/a.md": {"test.long": 1},
        "docs/n.ipynb": {"test.long": 1},
    }
    left = [f.code for f in outcome.found]
    assert left == ["lint.fix-withheld", "test.bad", "test.target", "test.title"]


def test_fixes_of_comparisons_are_made_and_compared_again(project):
    titled = TARGETS.__class__(code="test.target", across=TARGETS.across, keeps="text")
    (project / "README.md").write_text("# x\n\n[x](gone.md)\n")
    outcome = run(project, rules=(titled,), fix="safe")
    assert (project / "README.md").read_text() == "# x\n\n[x](#x)\n"
    assert outcome.made == {"README.md": {"test.target": 1}}


def test_fixes_may_only_be_shown(project):
    before = (project / "docs" / "a.md").read_bytes()
    outcome = run(project, "docs/a.md", fix="safe", write=False)
    assert outcome.changed == {"docs/a.md": (before, b"# Two\n\nso wide\n")}
    assert (project / "docs" / "a.md").read_bytes() == before


def test_fixing_knows_from_the_cache_what_needs_no_fix(project, tmp_path):
    seen = []
    rules = (counting(BAD, seen), counting(LONG, []))
    run(project, rules=rules, cache=tmp_path)
    seen.clear()
    run(project, rules=rules, cache=tmp_path, fix="safe")
    assert "docs/b.md" not in seen
    assert {"README.md", "docs/a.md", "docs/n.ipynb"} == set(seen)
    seen.clear()
    assert shown(run(project, rules=rules, cache=tmp_path)) == ALL[:1]


def test_a_file_that_changed_meanwhile_is_left_alone(project):
    def meddling(page, given):
        (project / "docs" / "a.md").write_text("by someone else\n")
        return LONG.check(page, given)

    rule = LONG.__class__(code="test.long", check=meddling, keeps=LONG.keeps)
    outcome = run(project, "docs/a.md", rules=(rule,), fix="safe")
    assert (project / "docs" / "a.md").read_text() == "by someone else\n"
    assert [f.code for f in outcome.found] == ["lint.not-written"]
    assert outcome.made == {}


# The baseline


def test_a_baseline_hides_what_is_known(project):
    from firstlight.lint.baseline import write_baseline

    settings = Settings(baseline="known.json")
    count = write_baseline(project / "known.json", run(project).found)
    assert count == len(ALL)
    outcome = run(project, settings=settings)
    assert (outcome.found, outcome.hidden) == ((), len(ALL))
    (project / "README.md").write_text("# One\n\nnew\n\nbad\n\nbad\n")
    outcome = run(project, settings=settings)
    assert shown(outcome) == [
        "README.md:1:1 lint.unused-baseline",
        "README.md:7:1 test.bad",
    ]
    assert run(project, settings=settings, with_baseline=False).hidden == 0


def test_names_cover_their_codes():
    assert covers(("a",), "a.b")
    assert not covers(("a.b",), "a")


def test_what_git_ignores_may_be_made_later(project):
    git = ("git", "-C", str(project))
    subprocess.run([*git, "init", "-q"], check=True)
    (project / "README.md").write_text("[a](docs/made.md) [b](docs/gone.md)\n")
    (project / ".gitignore").write_text("made.md\n")
    found = lint(project, [], Settings(), rules=(TARGETS,)).found
    said = [each.message for each in found if each.code == "test.target"]
    assert said == ["there is no docs/gone.md"]
