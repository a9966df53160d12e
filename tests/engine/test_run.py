"""Single commands in a real sandbox: what stays of them, and their line in a shell."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from engine.boxes import Box
from firstlight.cli import dry, run
from firstlight.cli.context import Context
from firstlight.workspace.place import Place, place_of
from firstlight.workspace.wish import Wish, command_plan


@pytest.fixture
def work(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A project and a store with that root."""
    project = tmp_path / "my project"
    project.mkdir()
    monkeypatch.setenv("FIRSTLIGHT_STORE", str(box.store.root))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Context.make(project, as_json=False, quiet=True)


@pytest.fixture
def place(work: Context) -> Place:
    """Where the project's workspace is kept."""
    return place_of(work.folder)


def shell(work: Context, box: Box, script: str, wish: Wish) -> int:
    """Run a line of shell in a container of its own."""
    return run.execute(work, box.image, wish, ("bash", "-c", script))


def test_the_home_folder_stays(
    work: Context, box: Box, place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    assert shell(work, box, "touch ~/note", Wish()) == 0
    assert shell(work, box, "ls ~", Wish()) == 0
    assert capfd.readouterr().out == "note\n"
    assert (place.home / "note").exists()


def test_an_ephemeral_home_is_empty_each_time_and_gone(
    work: Context, box: Box, place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    wish = Wish(ephemeral=True)
    for _ in range(2):
        script = "ls -A ~; mkdir -p ~/a/b; touch ~/a/b/c; chmod 0 ~/a/b; exit 7"
        assert shell(work, box, script, wish) == 7
    assert capfd.readouterr().out == ""
    assert list(place.folder.glob("fleeting-*")) == []
    assert list(place.home.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root works in others' projects")
def test_root_in_somebodys_project_can_work(
    work: Context, box: Box, capfd: pytest.CaptureFixture[str]
) -> None:
    """In the sandbox it has no rights over others' files, but its home is its own."""
    (work.folder / "data").write_text("theirs\n")
    os.chown(work.folder, 4321, 4321)
    assert shell(work, box, "cat data; echo mine > ~/x; cat ~/x", Wish()) == 0
    assert capfd.readouterr().out == "theirs\nmine\n"
    assert shell(work, box, "echo x > new", Wish()) != 0
    assert "Permission denied" in capfd.readouterr().err


# The line that is shown


@pytest.mark.parametrize("proxy", ["", "http://user:secret@proxy:1"])
def test_the_pasted_line_does_what_the_command_does(
    work: Context,
    box: Box,
    place: Place,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    proxy: str,
) -> None:
    """Also where the shell's own PATH, HOME and LANG are quite other ones."""
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.setenv("TERM", "xterm")
    wish = Wish(environment={"TOKEN": "hunter2 $HOME"})
    script = "env | grep -v ^_=; id; pwd; touch ~/here made; ls ~ ."
    assert shell(work, box, script, wish) == 0
    told = capfd.readouterr().out
    plan = command_plan(box.image, place, wish, ("bash", "-c", script))
    dry.show(work, "sandbox", plan)
    line = capfd.readouterr().out
    assert "hunter2" not in line
    assert "secret" not in line
    there = {
        "PATH": os.environ["PATH"],
        "HOME": "/nowhere",
        "LANG": "C",
        "TERM": "xterm",
        "TOKEN": "hunter2 $HOME",
        "https_proxy": proxy,
    }
    done = subprocess.run(
        ["sh", "-c", line], env=there, capture_output=True, text=True, check=True
    )
    assert done.stdout == told


def test_what_the_line_needs_is_said_until_it_is_there(
    work: Context, box: Box, place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    loud = replace(work, quiet=False)
    plan = command_plan(box.image, place, Wish(environment={"TOKEN": "x"}), ("id",))
    dry.show(loud, "sandbox", plan)
    told = capfd.readouterr()
    assert told.err.splitlines() == [
        "before you paste it: make what `up` and `run` make by themselves: "
        f"{place.home}/",
        "before you paste it: export TOKEN, whose values are not shown",
    ]
    assert not place.folder.exists()
    place.home.mkdir(parents=True)
    environ = {"TOKEN": "x", "PATH": os.environ["PATH"]}
    subprocess.run(["sh", "-c", told.out], env=environ, check=True)
    dry.show(loud, "sandbox", replace(plan, environment={}))
    assert capfd.readouterr().err == ""
