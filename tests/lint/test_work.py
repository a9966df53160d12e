"""A share of pages is looked at in any process, and comes back as plain bytes."""

from __future__ import annotations

import marshal
import pickle

import pytest

from firstlight.finding import Role
from firstlight.lint.plan import plan_of
from firstlight.lint.settings import Settings
from firstlight.lint.work import Done, Task, packed, unpacked
from lint.small_rules import BAD, plan


@pytest.fixture
def task(tmp_path):
    """All rules on a folder with two pages."""
    (tmp_path / "a.md").write_text("# 🎉 A\n\n<!-- firstlight: ignore -->\n")
    (tmp_path / "b.md").write_bytes(b"\xff")
    settings = Settings(roles={"symbols": Role.NOTE}, ignored={"c.md": ("steps",)})
    return Task(root=str(tmp_path), plan=plan_of(settings))


def test_a_process_that_shares_nothing_finds_the_same(task):
    other = pickle.loads(pickle.dumps(task))
    assert other.plan.digest == task.plan.digest
    for path in ("a.md", "b.md"):
        one, same = task.one(path), other.one(path)
        assert unpacked(same.result) == unpacked(one.result)
        assert marshal.loads(same.facts) == marshal.loads(one.facts)


def test_what_was_found_is_unpacked_as_it_was(task):
    done = Done(*marshal.loads(task(["a.md"]))[0])
    checked = unpacked(done.result)
    assert "symbols.feeling" in [each.code for each in checked.found]
    assert checked.marks
    assert unpacked(packed(checked)) == checked


def test_a_page_that_is_not_there_is_a_finding(task):
    (found,) = unpacked(task.one("gone.md").result).found
    assert found.message == "it cannot be read: No such file or directory"


def test_a_page_that_cannot_be_parsed_is_a_finding(task, monkeypatch):
    def refuse(*_):
        raise RuntimeError("too deep")

    monkeypatch.setattr("firstlight.lint.check_page.parse", refuse)
    (found,) = unpacked(task.one("a.md").result).found
    assert found.message == "it cannot be read: RuntimeError: too deep"


def test_only_pages_that_are_asked_about_are_mended(tmp_path):
    (tmp_path / "a.md").write_text("bad\n")
    small = Task(root=str(tmp_path), plan=plan(BAD), fix="all", shown=frozenset())
    done = small.one("a.md")
    assert (done.before, done.after, dict(done.made)) == (b"", b"", {})
    codes = [found.code for found in unpacked(done.result).found]
    assert codes == ["test.bad"]
