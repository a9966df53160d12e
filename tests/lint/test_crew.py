"""Work is shared out, comes back whole, and no process outlives its run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from firstlight.errors import FirstlightError
from firstlight.lint.crew import cores, spread


def squared(number: int) -> bytes:
    return str(number * number).encode()


def who(number: int) -> bytes:
    time.sleep(0.02)
    return str(os.getpid()).encode()


def dying(number: int) -> bytes:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return b""


@pytest.mark.parametrize("jobs", [1, 2, 5, 100])
def test_every_chunk_is_done_once(jobs):
    found = sorted(int(each) for each in spread(squared, range(30), jobs))
    assert found == sorted(n * n for n in range(30))


def test_nothing_to_do_is_done():
    assert list(spread(squared, [], 4)) == []


def test_one_job_starts_no_process():
    assert set(spread(who, range(3), 1)) == {str(os.getpid()).encode()}


def test_several_jobs_work_in_processes_of_their_own():
    found = set(spread(who, range(6), 2))
    assert str(os.getpid()).encode() not in found
    assert len(found) == 2


def test_large_answers_come_back():
    answers = spread(lambda n: bytes(n), [3_000_000] * 4, 2)
    assert [len(each) for each in answers] == [3_000_000] * 4


def test_a_process_that_dies_is_told():
    with pytest.raises(FirstlightError, match="ended before its work was done"):
        list(spread(dying, range(6), 2))


def test_there_is_a_processor():
    assert cores() >= 1


SCRIPT = """
import os, time
from firstlight.lint.crew import spread
def work(number):
    os.write(1, b"%d\\n" % number)
    time.sleep(60)
    return b""
list(spread(work, range(4), 2))
"""


def test_an_interrupt_ends_every_process():
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout
    assert {process.stdout.readline(), process.stdout.readline()} == {b"0\n", b"1\n"}
    process.send_signal(signal.SIGINT)  # To the first process only, as `kill` does.
    _, said = process.communicate(timeout=10)
    assert said.rstrip().endswith(b"KeyboardInterrupt")
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
