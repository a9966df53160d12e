"""Long work shows that it goes on."""

from __future__ import annotations

import io
import signal
import threading
import time

from firstlight.cli.docs_waiting import waiting


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_is_told_and_cleaned() -> None:
    stream = Terminal()
    before = signal.getsignal(signal.SIGALRM)
    with waiting(stream, every=0.01):
        time.sleep(0.05)
    assert stream.getvalue().startswith("\r\x1b[Kchecking pages … 0 s")
    assert stream.getvalue().endswith("\r\x1b[K")
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_short_work_and_other_streams_are_told_nothing() -> None:
    stream, file = Terminal(), io.StringIO()
    with waiting(stream, every=10):
        pass
    with waiting(file, every=0.01):
        time.sleep(0.03)
    assert stream.getvalue() == file.getvalue() == ""


def test_another_thread_works_without() -> None:
    stream = Terminal()

    def work() -> None:
        with waiting(stream, every=0.01):
            time.sleep(0.03)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert stream.getvalue() == ""
