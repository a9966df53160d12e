"""Pruning never takes what a running sandbox stands on, whoever prunes and when."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from workspaces.desk import Desk, Lab

TORCH = "import torch; print(torch.__version__, int(torch.ones(3, 4).sum()))"
TOLD = "2.13.0+cpu 12\n"
WAITING = f"""\
touch started
while [ ! -e go ]; do sleep 0.1; done
python -c '{TORCH}'
"""


@pytest.fixture
def apart(desk: Desk) -> Iterator[Desk]:
    """The project beside itself, with a copy of the store that may be emptied."""
    store = desk.home / "pruned-store"
    script = 'mkdir "$1" && cp -a --reflink=auto "$0"/* "$1" && rm -rf "$1"/[rt]*/*'
    made = desk.as_person(
        "sh", "-c", script, desk.environ["FIRSTLIGHT_STORE"], str(store)
    )
    assert made.returncode == 0, made.stderr
    environ = {**desk.environ, "FIRSTLIGHT_STORE": str(store)}
    own = replace(desk.beside("pruned"), environ=environ)
    yield own
    own.run("down")


@pytest.fixture
def stranger(apart: Desk) -> Desk:
    """Another project of the same store, whose state is elsewhere."""
    environ = {**apart.environ, "XDG_STATE_HOME": str(apart.home / "other-state")}
    return replace(apart.beside("elsewhere"), environ=environ)


@contextmanager
def foreground(desk: Desk, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run firstlight, and wait until what it runs has begun."""
    process = desk.start(*words)
    end = time.monotonic() + 120
    while not (desk.folder / "started").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.1)
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def empty(stranger: Desk, *words: str) -> dict[str, Any]:
    """Prune everything, however young it is."""
    store = Path(stranger.environ["FIRSTLIGHT_STORE"])
    stamps = (store / "facts/stamp").iterdir()
    folders = (store / each for each in ("blobs/sha256", "trees", "roots", "leases"))
    for path in (*stamps, *(inner for each in folders for inner in each.iterdir())):
        os.utime(path, (0, 0))
    return stranger.json("cache", "prune", "--older-than", "0h", *words)


def held(store: Path) -> list[str]:
    """What the store holds besides facts."""
    folders = (store / each for each in ("blobs/sha256", "trees", "roots", "leases"))
    return [path.name for folder in folders for path in folder.iterdir()]


@pytest.mark.parametrize("desk", ["sandbox"], indirect=True)
def test_what_runs_outlives_pruning_and_then_goes(apart: Desk, stranger: Desk) -> None:
    store = Path(apart.environ["FIRSTLIGHT_STORE"])
    up = apart.up()
    waiting = ("run", "--engine", "sandbox", "--", "sh", "-c", WAITING)
    with foreground(apart, *waiting) as command:
        dry = empty(stranger, "--dry-run")
        done = empty(stranger)
        assert done["in_use"] == dry["in_use"]
        assert done["items"] == dry["items"] > 0
        assert len(done["in_use"]["images"]) == 1
        told = apart.run("shell", stdin=f'python -c "{TORCH}"\n')
        assert told == TOLD
        assert Lab(address=up["jupyter"]).status("contents") == 200
        assert apart.up()["started"] is False
        apart.run("down")

        # The command goes on without the workspace.
        assert len(empty(stranger)["in_use"]["images"]) == 1
        (apart.folder / "go").touch()
        out, err = command.communicate(timeout=120)
        assert out == TOLD, err
    gone = empty(stranger)
    assert gone["in_use"] == {"items": 0, "bytes": 0, "images": []}
    assert held(store) == []
