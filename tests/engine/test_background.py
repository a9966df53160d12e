"""Sandboxes that live on: found, entered, read and ended by those who come later."""

from __future__ import annotations

import os
import pickle
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.boxes import Box
from firstlight.engine import processes
from firstlight.engine.base import ContainerPlan, State
from firstlight.engine.sandbox import SANDBOX
from firstlight.errors import EngineError

SCRIPT = "echo started; rm /usr/lib/keep; while :; do sleep 0.1; done"


@pytest.fixture
def kept(box: Box, tmp_path: Path) -> Iterator[ContainerPlan]:
    """A plan for the background, which a test starts; ended afterwards."""
    folder = tmp_path / "kept"
    folder.mkdir()
    # The name after the script tells its process from those of other tests.
    words = ("bash", "-c", SCRIPT, tmp_path.name)
    plan = box.plan(*words, project=tmp_path.name, writable=True)
    yield replace(plan, kept=folder)
    for state in SANDBOX.find(tmp_path.name):
        SANDBOX.stop(state)


def comes(happens: Callable[[], object]) -> bool:
    """Whether something happens soon."""
    until = time.monotonic() + 10
    while not happens() and time.monotonic() < until:
        time.sleep(0.02)
    return bool(happens())


def started(box: Box, plan: ContainerPlan) -> State:
    """Start it and wait until its program runs."""
    state = SANDBOX.start(plan, box.store)
    assert comes(lambda: "started" in Path(state.log).read_text())
    return state


def pid_of(state: State) -> int:
    """The process that the sandbox is known by."""
    return int(state.id.partition(":")[0])


def left_of(plan: ContainerPlan) -> list[bytes]:
    """The command line of every process on the machine that belongs to a plan."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        if plan.project.encode() in line.split(b"\0"):
            found.append(line)
    return found


def shown(state: State, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a sandbox that runs."""
    made = SANDBOX.inside(state, command, terminal=False)
    environ = dict(made.environment)
    return subprocess.run(made.command, env=environ, capture_output=True, text=True)


# Found


def test_it_is_found_by_its_project(box, kept):
    state = started(box, kept)
    assert state.running
    assert SANDBOX.find(kept.project) == (state,)
    assert state in SANDBOX.find("")
    assert SANDBOX.find("another") == ()
    assert state.image == box.image.id
    assert state.log == str(kept.kept / "log")


STARTER = """
import pickle, sys
from firstlight.engine.sandbox import SANDBOX
SANDBOX.start(*pickle.load(sys.stdin.buffer))
"""


def test_it_lives_on_when_its_starter_has_ended(box, kept):
    given = pickle.dumps((kept, box.store))
    subprocess.run([sys.executable, "-P", "-c", STARTER], input=given, check=True)
    log = kept.kept / "log"
    assert comes(lambda: "started" in log.read_text())
    (state,) = SANDBOX.find(kept.project)
    assert (state.image, state.log) == (box.image.id, str(log))
    assert shown(state, "id", "-un").stdout == "user\n"
    SANDBOX.stop(state)
    assert not left_of(kept)


def test_two_of_one_project_are_two(box, kept, tmp_path):
    one = started(box, kept)
    other = tmp_path / "other"
    other.mkdir()
    two = started(box, replace(kept, kept=other))
    assert set(SANDBOX.find(kept.project)) == {one, two}
    SANDBOX.stop(one)
    assert SANDBOX.find(kept.project) == (two,)


def test_one_that_ends_at_once_does_not_run_and_tells_why(box, kept):
    state = SANDBOX.start(replace(kept, command=("no-such-program",)), box.store)
    assert not state.running or comes(lambda: not SANDBOX.find(kept.project))
    assert "no-such-program" in Path(state.log).read_text()
    assert Path(state.log).stat().st_mode & 0o077 == 0


# Entered


def test_others_are_started_inside_and_see_the_same(box, kept):
    state = started(box, kept)
    told = shown(
        state, "bash", "-c", "id -un; pwd; ls /usr/lib; echo $FROM_IMAGE; exit 4"
    )
    assert told.returncode == 4
    lines = told.stdout.split()
    assert lines[:2] == ["user", "/workspace"]
    assert lines[-1] == "yes"
    assert "keep" not in lines
    rights = shown(state, "cat", "/proc/self/status").stdout
    assert re.search(r"^NoNewPrivs:\t1$", rights, re.MULTILINE)
    assert set(re.findall(r"^Cap\w+:\t(\w+)$", rights, re.MULTILINE)) == {"0" * 16}


def test_who_enters_gets_the_variables_of_the_program(box, kept):
    given = {"LD_LIBRARY_PATH": "/workspace", "TOKEN": "hunter2"}
    state = started(box, replace(kept, environment=given))
    made = SANDBOX.inside(state, ("env",), terminal=False)
    assert not [word for word in made.command if "hunter2" in word]
    lines = shown(state, "env").stdout.splitlines()
    assert {f"{name}={value}" for name, value in given.items()} <= set(lines)
    assert not [line for line in lines if line.startswith("FIRSTLIGHT_")]


def test_a_missing_program_and_a_signal_give_what_a_shell_gives(box, kept):
    state = started(box, kept)
    missing = shown(state, "no-such-program")
    assert missing.returncode == 127
    assert "no-such-program" in missing.stderr
    killed = shown(state, "bash", "-c", "kill -TERM $$")
    assert killed.returncode == 128 + signal.SIGTERM


def test_its_changes_reach_neither_the_root_nor_another(box, kept):
    state = started(box, kept)
    assert shown(state, "touch", "/usr/made-by-hand").returncode == 0
    assert (kept.kept / "upper/usr/made-by-hand").exists()
    assert box.shell("ls /usr/lib/keep /usr").stdout.split()[0] == "/usr/lib/keep"
    assert "made-by-hand" not in box.shell("ls /usr").stdout


# Read


def test_its_log_can_be_read_and_followed(box, kept):
    state = started(box, kept)
    whole = SANDBOX.logs(state, follow=False)
    done = subprocess.run(
        whole.command, env=whole.full_environment, capture_output=True, text=True
    )
    assert done.stdout == "started\n"
    on = SANDBOX.logs(state, follow=True)
    with subprocess.Popen(
        on.command, env=on.full_environment, stdout=subprocess.PIPE, text=True
    ) as following:
        assert following.stdout
        assert following.stdout.readline() == "started\n"
        assert following.poll() is None
        following.kill()


# Ended


def test_stopping_leaves_no_process(box, kept):
    state = started(box, kept)
    assert len(left_of(kept)) == 3
    SANDBOX.stop(state)
    assert SANDBOX.find(kept.project) == ()
    assert not left_of(kept)
    with pytest.raises(EngineError, match="ended"):
        SANDBOX.inside(state, ("id",), terminal=False)


def test_stopping_lets_the_program_end_in_its_own_way(box, kept):
    script = (
        "trap 'echo tidied > /workspace/ended; exit' TERM; echo started; "
        "while :; do sleep 0.1; done"
    )
    SANDBOX.stop(started(box, replace(kept, command=("bash", "-c", script))))
    ended = box.project / "ended"
    assert ended.read_text() == "tidied\n"
    ended.unlink()


def test_stopping_twice_is_harmless(box, kept):
    state = started(box, kept)
    SANDBOX.stop(state)
    SANDBOX.stop(state)
    assert SANDBOX.find(kept.project) == ()


def test_killed_it_leaves_no_process(box, kept):
    state = started(box, kept)
    os.kill(pid_of(state), signal.SIGKILL)
    assert comes(lambda: not left_of(kept)), left_of(kept)
    assert SANDBOX.find(kept.project) == ()


def test_without_who_waits_for_it_it_is_the_same_and_can_be_ended(box, kept):
    """bubblewrap waits outside for the first process inside; it may be killed alone."""
    state = started(box, kept)
    first = processes.read(pid_of(state))
    assert first is not None
    os.kill(first.parent, signal.SIGKILL)
    assert comes(lambda: len(left_of(kept)) == 2)
    assert SANDBOX.find(kept.project) == (state,)
    assert shown(state, "id", "-un").stdout == "user\n"
    SANDBOX.stop(state)
    assert not left_of(kept)
