"""What a started program returns, also when the terminal interrupts it."""

from __future__ import annotations

import signal

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
