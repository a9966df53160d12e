"""How long work is told where no terminal is, and that a terminal's bars add up."""

from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from firstlight.cli.view import LinesView, LiveView, View
from firstlight.finding import Finding, Role


class Eager(LinesView):
    """Tells how far it is at every step instead of every few seconds."""

    _EVERY = 0.0


def test_a_kind_of_work_is_announced_once() -> None:
    out = io.StringIO()
    view = LinesView(out)
    for name in ("first.whl", "second.whl"):
        with view.task("fetch", name, 10) as task:
            task.advance(10)
    with view.task("layer", "debian"):
        pass
    assert out.getvalue() == "Fetching …\nMaking layers …\n"


def test_an_unknown_kind_is_told_by_its_name() -> None:
    out = io.StringIO()
    with LinesView(out).task("dream", "of sheep"):
        pass
    assert out.getvalue() == "Dream …\n"


def test_what_is_said_is_a_line() -> None:
    out = io.StringIO()
    LinesView(out).say("no lock yet: locking first")
    assert out.getvalue() == "no lock yet: locking first\n"


@pytest.mark.parametrize("kind", [View, LinesView, LiveView])
def test_a_warning_is_shown_by_every_view_and_kept(kind: type[View]) -> None:
    out = io.StringIO()
    view = kind(out)
    finding = Finding(code="lock.x", role=Role.WARNING, message="old", hint="renew")
    view.warn(finding)
    assert "Warning: old [lock.x]\n  hint: renew\n" in out.getvalue()
    assert view.warnings == [finding]


def test_a_line_above_the_bars_stays_as_it_is() -> None:
    out = io.StringIO()
    line = "no mirror of :package: at http://host:100:/" + "x" * 200
    LiveView(out).say(line)
    assert out.getvalue() == line + "\n"


def test_quiet_tells_nothing_else() -> None:
    out = io.StringIO()
    view = View(out)
    view.say("locking first")
    with view.task("fetch", "a.whl", 10) as task:
        task.advance(10)
    assert out.getvalue() == ""


def test_lines_sum_up_what_all_threads_did() -> None:
    out = io.StringIO()
    view = Eager(out)

    def fetch(number: int) -> None:
        with view.task("fetch", f"{number}.whl") as task:
            task.total(1000)
            for _ in range(10):
                task.advance(100)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fetch, range(20)))
    lines = out.getvalue().splitlines()
    assert lines[0] == "Fetching …"
    assert len(lines) == 1 + 20 * 10
    assert any(re.fullmatch(r"Fetching … 20\.0 kB, \S+ \S+/s", line) for line in lines)


def test_a_task_that_fails_is_no_longer_running() -> None:
    view = LinesView(io.StringIO())
    with pytest.raises(OSError, match="cut"), view.task("fetch", "a.whl", 10):
        raise OSError("cut")
    assert view._running == {"fetch": 0}


def test_bars_know_all_bytes_and_leave_when_work_ends() -> None:
    view = LiveView(io.StringIO())
    with view.task("fetch", "a.whl", 300) as first:
        first.advance(100)
        with view.task("fetch", "b.whl") as second:
            second.advance(50)
            (row,) = view._bars.tasks
            assert (row.completed, row.total) == (150, 300)
            assert row.fields["item"] == "b.whl"
        # What had no total is known when it ends.
        (row,) = view._bars.tasks
        assert row.total == 350
    assert not view._bars.live.is_started
    (row,) = view._bars.tasks
    assert (row.completed, row.total) == (150, 150)
