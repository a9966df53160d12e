"""What a started program returns, also when the terminal interrupts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from firstlight import proc
from firstlight.errors import EngineError


def test_the_exit_code_is_the_program_s():
    assert proc.call(["sh", "-c", "exit 5"]) == 5


def test_a_signal_gives_what_a_shell_gives():
    assert proc.call(["sh", "-c", "kill -TERM $$"]) == 128 + signal.SIGTERM


def test_an_interrupt_as_the_program_ends_does_not_lose_its_exit_code():
    command = ["sh", "-c", "kill -INT $PPID; exit 3"]
    assert {proc.call(command) for _ in range(100)} == {3}


@pytest.mark.parametrize("handling", [signal.SIG_IGN, signal.default_int_handler])
def test_how_interrupts_are_handled_is_as_before(handling):
    before = signal.signal(signal.SIGINT, handling)
    try:
        proc.call(["true"])
        assert signal.getsignal(signal.SIGINT) is handling
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_program_inherits_that_interrupts_are_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert proc.call(["sh", "-c", "kill -INT $$; exit 4"]) == 4
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_program_does_not_inherit_that_we_wait_for_it():
    assert proc.call(["sh", "-c", "kill -INT $$; exit 4"]) == 128 + signal.SIGINT


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(EngineError, match="cannot start nothing-of-that-name"):
        proc.call(["nothing-of-that-name"])


# What lives on


def finished(path: Path) -> str:
    """What a started program has written when it says that it is done."""
    until = time.monotonic() + 10
    while not path.exists() or "done" not in path.read_text():
        assert time.monotonic() < until
        time.sleep(0.01)
    return path.read_text()


def spawned(script: str, output: Path) -> int:
    """Start a line of shell and take its exit code, so that nothing is left of it."""
    pid = proc.spawn(["/bin/sh", "-c", script], env={"ONLY": "this"}, output=output)
    os.waitpid(pid, 0)
    return pid


def test_what_lives_on_has_a_session_of_its_own_and_hears_nothing(tmp_path):
    log = tmp_path / "log"
    script = "read -r line || echo nothing; ps -o sid= -p $$; echo $$"
    pid = spawned(f"PATH={os.environ['PATH']}; {script}", log)
    heard, *numbers = log.read_text().split()
    assert heard == "nothing"
    assert numbers == [str(pid)] * 2


def test_both_streams_are_written_where_only_the_owner_reads(tmp_path):
    log = tmp_path / "log"
    spawned("echo out; echo err >&2", log)
    assert log.read_text() == "out\nerr\n"
    assert log.stat().st_mode & 0o777 == 0o600
    spawned("echo again", log)
    assert log.read_text() == "again\n"


def test_it_gets_the_variables_that_are_given_and_no_others(tmp_path, monkeypatch):
    monkeypatch.setenv("OTHER", "not this")
    log = tmp_path / "log"
    spawned('echo "$ONLY $OTHER"', log)
    assert log.read_text() == "this \n"


def test_it_lives_on_when_its_starter_ends(tmp_path):
    log = tmp_path / "log"
    script = (
        "import sys; from pathlib import Path; from firstlight import proc;"
        "words = ['/bin/sh', '-c', 'while kill -0 $0; do :; done; echo done'];"
        "import os; words.append(str(os.getpid()));"
        "proc.spawn(words, env={}, output=Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-P", "-c", script, log], check=True)
    assert finished(log).endswith("done\n")


def test_a_program_that_cannot_be_started_is_named(tmp_path):
    with pytest.raises(EngineError, match="cannot start /no/such/program: No such"):
        proc.spawn(["/no/such/program"], env={}, output=tmp_path / "log")
