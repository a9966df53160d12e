"""Several transfers at once."""

from __future__ import annotations

import threading
import time

import pytest

from firstlight.together import aside, for_all
from firstlight.web import Stop


def test_results_are_in_the_order_of_the_items() -> None:
    def work(item: int, stop: Stop) -> int:
        time.sleep(0.002 * (5 - item))
        return item * item

    assert for_all(range(5), work, workers=3, name="t") == [0, 1, 4, 9, 16]


def test_nothing_to_do_gives_nothing() -> None:
    assert for_all([], lambda item, stop: item, workers=3, name="t") == []


def test_no_more_run_at_once_than_asked() -> None:
    running: set[int] = set()
    most: list[int] = []
    lock = threading.Lock()

    def work(item: int, stop: Stop) -> None:
        with lock:
            running.add(item)
            most.append(len(running))
        time.sleep(0.005)
        with lock:
            running.discard(item)

    for_all(range(12), work, workers=4, name="t")
    assert max(most) <= 4


def test_the_first_error_stops_the_others() -> None:
    done: list[int] = []

    def work(item: int, stop: Stop) -> None:
        if item == 1:
            raise LookupError("one")
        stop.event.wait(5)
        done.append(item)

    start = time.monotonic()
    with pytest.raises(LookupError, match="one"):
        for_all(range(40), work, workers=4, name="t")
    assert time.monotonic() - start < 4
    assert len(done) < 10


def test_work_aside_goes_on_meanwhile_and_gives_its_result() -> None:
    may_end = threading.Event()

    def work() -> str:
        assert may_end.wait(10)
        return "done"

    result = aside(work, name="t")
    may_end.set()
    assert result() == "done"


def test_an_error_of_work_aside_is_raised_where_it_is_waited_for() -> None:
    def work() -> None:
        raise ValueError("no")

    result = aside(work, name="t")
    with pytest.raises(ValueError, match="no"):
        result()
