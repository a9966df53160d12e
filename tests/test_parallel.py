"""Workers: each piece once, the first error out, the others told to stop."""

from __future__ import annotations

import io
import threading

import pytest

from firstlight.parallel import GuardedSink, StoppedError, WatchedFile, Workers
from firstlight.progress import Task


def test_results_come_in_the_order_asked_for_and_each_piece_is_done_once():
    done = []

    def piece(name: str):
        def work(stop: threading.Event) -> str:
            done.append(name)
            return name.upper()

        return work

    with Workers[str, str](2) as workers:
        for name in ("a", "b", "a"):
            workers.start(name, piece(name))
        assert workers.results(["b", "a", "b"]) == ["B", "A", "B"]
    assert sorted(done) == ["a", "b"]


def test_the_first_error_stops_the_others():
    seen = threading.Event()

    def waits(stop: threading.Event) -> None:
        assert stop.wait(10)
        seen.set()
        raise StoppedError

    def fails(stop: threading.Event) -> None:
        raise ValueError("this one")

    with pytest.raises(ValueError, match="this one"), Workers[str, None](2) as workers:
        workers.start("waits", waits)
        workers.start("fails", fails)
        workers.results(["waits", "fails"])
    assert seen.is_set()


def test_leaving_early_stops_what_runs():
    ended = threading.Event()

    def waits(stop: threading.Event) -> None:
        stop.wait(10)
        ended.set()

    with pytest.raises(KeyboardInterrupt), Workers[str, None](1) as workers:
        workers.start("a", waits)
        workers.start("never", waits)
        raise KeyboardInterrupt
    assert ended.is_set()


def test_pieces_begun_in_vain_do_not_matter():
    def fails(stop: threading.Event) -> str:
        raise ValueError

    with Workers[str, str](1) as workers:
        workers.start("guess", fails)
        workers.keep(["right"])
        workers.start("right", lambda stop: "r")
        assert workers.results(["right"]) == ["r"]


def test_files_and_sinks_end_the_work_behind_them():
    class Counted(Task):
        size = 0

        def advance(self, size: int) -> None:
            self.size += size

    task, stop, out = Counted(), threading.Event(), io.BytesIO()
    file = WatchedFile(io.BytesIO(b"12345"), task, stop)
    sink = GuardedSink(out, stop)
    assert file.read(3) == b"123"
    assert sink.write(b"abc") == 3
    assert (task.size, out.getvalue()) == (3, b"abc")
    stop.set()
    with pytest.raises(StoppedError):
        file.read(3)
    with pytest.raises(StoppedError):
        sink.write(b"abc")
