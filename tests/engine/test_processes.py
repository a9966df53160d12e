"""Real processes, found again and ended; never another one with the same number."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from firstlight.engine import processes
from firstlight.engine.processes import Process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
Started = Callable[..., Process]


@pytest.fixture
def started() -> Iterator[Started]:
    """Starts a line of shell, with words after it that it does not look at."""
    all_of_them: list[subprocess.Popen[str]] = []

    def start(script: str, *words: str) -> Process:
        line = ["sh", "-c", f"{script}; echo up; while :; do sleep 0.05; done", *words]
        made = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
        all_of_them.append(made)
        assert made.stdout
        assert made.stdout.readline() == "up\n"
        found = processes.read(made.pid)
        assert found is not None
        return found

    yield start
    for each in all_of_them:
        each.kill()
        each.communicate()


def is_gone(pid: int) -> bool:
    """Whether the kernel knows no such process, or only that it has ended."""
    with suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state in "ZX"
    return True


def test_a_process_is_read_with_its_words(started):
    process = started(":", "a word", "")
    assert process.parent == os.getpid()
    assert process.words[0] == "sh"
    assert process.words[3:5] == ("a word", "")
    assert process.is_there


def test_a_name_may_hold_anything(tmp_path):
    odd = tmp_path / ") Z 1 (a b"
    shutil.copy(shutil.which("sleep") or "", odd)
    with subprocess.Popen([odd, "30"]) as made:
        found = processes.read(made.pid)
        made.kill()
    assert found is not None
    assert (found.parent, found.words[:2]) == (os.getpid(), (str(odd), "30"))


def test_who_has_ended_is_not_there_even_before_anybody_waited():
    made = subprocess.Popen(["true"])
    until = time.monotonic() + 5
    while not is_gone(made.pid) and time.monotonic() < until:
        time.sleep(0.01)
    assert Path(f"/proc/{made.pid}").exists()
    assert processes.read(made.pid) is None
    made.wait()
    assert processes.read(made.pid) is None


def test_found_by_words_in_a_row_the_oldest_first(started, tmp_path):
    key = str(tmp_path)
    one = started(":", "mark", key, "x")
    started(":", key, "mark")
    started(":", "mark", "x", key)
    started(":", "mark", f"{key}x")
    time.sleep(0.02)  # Starts are counted in hundredths of a second.
    two = started(":", "mark", key)
    assert processes.find("mark", key) == (one, two)
    assert processes.find("mark", f"{key}/none") == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_of_other_people_nothing_is_found(tmp_path):
    become = ["setpriv", "--reuid", "65534", "--clear-groups"]
    words = [*become, "sh", "-c", "echo up; read -r line", tmp_path.name]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe) as made:
        assert made.stdout
        assert made.stdout.readline() == b"up\n"
        assert processes.read(made.pid) is not None
        assert processes.find(tmp_path.name) == ()
        made.communicate()


def test_the_children_are_those_that_still_run(started):
    process = started("sleep 30 & sleep 31 & true")
    wanted = {("sleep", "30"), ("sleep", "31")}
    until = time.monotonic() + 5
    while len(sleeping(process) & wanted) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert sleeping(process) >= wanted
    for each in processes.children(process):
        assert each.parent == process.pid
        processes.kill(each)
    assert not sleeping(process) & wanted


def sleeping(process: Process) -> set[tuple[str, ...]]:
    """What the children of a process were started as."""
    return {each.words[:2] for each in processes.children(process)}


def test_one_that_listens_is_ended_in_its_own_way(started, tmp_path):
    process = started(f"trap 'echo tidied > {tmp_path}/end; exit' TERM")
    assert processes.end(process, seconds=5)
    assert (tmp_path / "end").read_text() == "tidied\n"
    assert is_gone(process.pid)


def test_one_that_does_not_listen_is_still_there_and_can_be_killed(started):
    process = started("trap '' TERM")
    start = time.monotonic()
    assert not processes.end(process, seconds=0.2)
    assert 0.2 <= time.monotonic() - start < 2
    assert process.is_there
    processes.kill(process)
    assert is_gone(process.pid)
    assert not process.is_there


def test_another_with_the_same_number_is_left_alone(started):
    process = started(":")
    before = replace(process, start=process.start - 1)
    assert not before.is_there
    assert processes.end(before, seconds=0.2)
    processes.kill(before)
    assert process.is_there
