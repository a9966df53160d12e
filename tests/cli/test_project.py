"""Commands on a project: a first spec, locks that do not fit, edits that fail."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cli.started import SPEC, Firstlight
from firstlight.digest import of_bytes
from firstlight.lock.lockfile import Lock
from firstlight.lock.spec import read_spec
from firstlight.lock.text import dump_lock

PYLOCK = 'lock-version = "1.0"\ncreated-by = "test"\npackages = []\n'


def locked(project: Path) -> Lock:
    """Write a lock that fits the project's spec."""
    lock = Lock(
        name="tiny",
        spec=read_spec(project).digest,
        pylock=of_bytes(PYLOCK.encode()),
        python="3.11",
        suite="bookworm",
        profile="workspace",
        environment=(),
        archives=(),
        platforms=(),
    )
    (project / "firstlight.lock").write_text(dump_lock(lock))
    (project / "pylock.toml").write_text(PYLOCK)
    return lock


@pytest.fixture
def spec(project: Path) -> Path:
    """The project's spec."""
    path = project / "firstlight.toml"
    path.write_text(SPEC)
    return path


def test_init_writes_a_spec_that_can_be_read(
    firstlight: Firstlight, project: Path
) -> None:
    done = firstlight("init")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("wrote firstlight.toml (")
    assert read_spec(project).name == "project"


def test_init_takes_the_requirements_that_are_there(
    firstlight: Firstlight, project: Path
) -> None:
    (project / "requirements.txt").write_text("einops\n")
    told = json.loads(firstlight("init", "--json").out)
    assert told["path"] == "~/project/firstlight.toml"
    assert 'packages = "requirements.txt"' in (project / "firstlight.toml").read_text()


def test_init_never_overwrites(firstlight: Firstlight, spec: Path) -> None:
    done = firstlight("init")
    assert done.code == 2
    assert "hint: " in done.err
    assert spec.read_text() == SPEC


def test_a_lock_that_fits(firstlight: Firstlight, project: Path, spec: Path) -> None:
    locked(project)
    done = firstlight("lock", "--check")
    assert (done.code, done.out, done.err) == (0, "the lock is up to date\n", "")
    told = json.loads(firstlight("lock", "--check", "--json").out)
    assert told == {"stale": False, "warnings": []}


@pytest.mark.parametrize("command", [["lock", "--check"], ["build"], ["run", "true"]])
def test_a_lock_older_than_the_spec(
    firstlight: Firstlight, project: Path, spec: Path, command: list[str]
) -> None:
    locked(project)
    spec.write_text(SPEC.replace("[]", '["einops"]'))
    done = firstlight(*command)
    assert (done.code, done.out) == (4, "")
    assert done.err == (
        "❌ Error: the spec changed since it was locked\n"
        "hint: run `firstlight lock`, which changes as little as possible\n"
    )


def test_a_pylock_of_another_lock(
    firstlight: Firstlight, project: Path, spec: Path
) -> None:
    locked(project)
    (project / "pylock.toml").write_text(PYLOCK + "# edited\n")
    done = firstlight("build")
    assert (done.code, done.out) == (4, "")
    assert "pylock.toml is not the one firstlight.lock was made with" in done.err
    assert "hint: restore both from version control" in done.err


def test_a_lock_that_is_half_a_file(
    firstlight: Firstlight, project: Path, spec: Path
) -> None:
    locked(project)
    path = project / "firstlight.lock"
    path.write_text(path.read_text()[:60])
    done = firstlight("verify")
    assert done.code == 4
    assert "firstlight.lock" in done.err


def test_a_lock_of_a_later_format(
    firstlight: Firstlight, project: Path, spec: Path
) -> None:
    later = replace(locked(project), format=99)
    (project / "firstlight.lock").write_text(dump_lock(later))
    done = firstlight("build")
    assert done.code == 4
    assert "hint: " in done.err


def test_a_platform_that_is_not_locked(
    firstlight: Firstlight, project: Path, spec: Path
) -> None:
    locked(project)
    done = firstlight("build", "--platform", "linux/arm64")
    assert done.code == 4
    assert "linux/arm64" in done.err


@pytest.mark.parametrize("name", ["firstlight.toml", "wanted/base.txt"])
def test_an_addition_that_cannot_be_locked_changes_nothing(
    firstlight: Firstlight, project: Path, spec: Path, name: str
) -> None:
    (project / "wanted").mkdir()
    (project / "wanted" / "base.txt").write_bytes(b"# nothing yet\r\n")
    (project / "data.txt").write_bytes(b"\xff\xfe no text at all")
    if name != spec.name:
        spec.write_text(SPEC.replace("[]", '"wanted/base.txt"'))
    before = (project / name).read_bytes()
    done = firstlight("add", "a-package-nobody-has", "--no-build")
    assert (done.code, done.out) == (3, ""), done.err
    assert "a-package-nobody-has" in done.err
    assert (project / name).read_bytes() == before


def test_what_is_no_requirement_is_refused(firstlight: Firstlight, spec: Path) -> None:
    done = firstlight("add", "not a requirement", "--no-build")
    assert done.code == 2
    assert "not a requirement" in done.err
    assert spec.read_text() == SPEC


def test_removing_what_is_not_there(firstlight: Firstlight, spec: Path) -> None:
    done = firstlight("remove", "einops", "--no-build")
    assert done.code == 2
    assert "einops" in done.err
