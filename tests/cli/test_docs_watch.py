"""``firstlight docs lint --watch`` as a process, and what a run needs to start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from cli.docs_project import FEELING, PAGE, TWO

WATCHING = "watching; Ctrl-C ends\n"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "FIRSTLIGHT_STORE": str(tmp_path / "store"),
        "PYTHONUTF8": "1",
    }


@pytest.fixture
def pages(project: Path) -> Path:
    (project / "docs").mkdir()
    (project / "docs" / "a.md").write_text(PAGE, encoding="utf-8")
    return project / "docs"


@pytest.fixture
def watching(
    pages: Path, project: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """A process that watches the pages, with both of its streams in one."""
    words = ("docs", "lint", "--watch", "--output", "concise", "--no-cache")
    with subprocess.Popen(
        [sys.executable, "-m", "firstlight", *words],
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as process:
        yield process
        process.kill()


def said(process: subprocess.Popen[str]) -> str:
    """What it says until it waits, without the line that tells the time."""
    stream: IO[str] | None = process.stdout
    assert stream is not None
    lines = []
    for line in stream:
        if line == WATCHING:
            break
        lines.append(line)
    return "".join(line for line in lines if " in 0." not in line and "Tip" not in line)


def test_it_checks_again_what_changes_until_interrupted(
    watching: subprocess.Popen[str], pages: Path, project: Path
) -> None:
    # What was written just now is looked at twice, since it may be half of it.
    assert said(watching) == FEELING + TWO
    time.sleep(0.1)
    (pages / "b.md").write_text("😊\n", encoding="utf-8")
    while "docs/b.md" not in said(watching):
        pass
    (project / "firstlight.toml").write_text("[docs]\nwrong = 1\n", encoding="utf-8")
    while 'unknown key "wrong"' not in said(watching):
        pass
    (project / "firstlight.toml").write_text(
        '[docs]\nignore = ["symbols"]\n', encoding="utf-8"
    )
    while "symbols" in said(watching):
        pass
    watching.send_signal(signal.SIGINT)
    assert watching.wait(10) == 0


def test_a_run_in_which_nothing_changed_imports_no_rule_and_no_parser(
    pages: Path, project: Path, environment: dict[str, str]
) -> None:
    time.sleep(0.06)
    program = (
        "import sys; from firstlight.cli import main; main(['docs', 'lint', '-q']);"
        "heavy = {'pyromark', 'ahocorasick_rs', 'multiprocessing', 'rich',"
        " 'firstlight.lint.run', 'firstlight.lint.settings', 'firstlight.lock',"
        " 'firstlight.lexicon', 'firstlight.markdown', 'firstlight.lint.rules'};"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    first, second = (
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=project,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        for _ in range(2)
    )
    assert first.stdout == second.stdout != ""
    assert "'pyromark'" in first.stderr
    assert second.stderr == "[]\n"
