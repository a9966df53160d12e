"""What goes wrong around a workspace, and that the next `up` puts it right."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from workspaces.desk import PERSON, Desk, Lab

# What no engine has a part in is tried once.
ONCE = pytest.mark.parametrize("desk", ["sandbox"], indirect=True)
TWICE = pytest.mark.parametrize("desk", ["sandbox", "docker"], indirect=True)


@pytest.fixture
def clean(desk: Desk) -> Iterator[Desk]:
    """Nothing runs before and after."""
    yield desk
    desk.run("down")


def _answers(up: dict[str, Any]) -> bool:
    return Lab(address=up["jupyter"]).status("status") == 200


def _kill(desk: Desk, container: str) -> None:
    """End a workspace as no engine would: by SIGKILL to everything in it."""
    if desk.engine == "sandbox":
        os.kill(int(container.partition(":")[0]), signal.SIGKILL)
    else:
        done = desk.as_person(desk.engine, "kill", container)
        assert done.returncode == 0, done.stderr


def test_a_killed_container_is_replaced(clean: Desk) -> None:
    first = clean.up()
    _kill(clean, first["container"])
    assert clean.json("status")["running"] is False
    second = clean.up()
    assert second["started"] is True
    assert second["container"] != first["container"]
    assert _answers(second)


def test_a_lost_state_folder_is_made_anew(clean: Desk) -> None:
    first = clean.up()
    shutil.rmtree(clean.home / "state")
    second = clean.up()
    assert second["started"] is True
    assert second["jupyter"] != first["jupyter"]
    assert _answers(second)
    if clean.engine != "sandbox":
        listed = clean.as_person(clean.engine, "ps", "-aq", "--no-trunc").stdout.split()
        assert listed == [second["container"]]


@ONCE
def test_down_ends_what_runs_after_a_lost_state_folder(clean: Desk) -> None:
    first = clean.up()
    shutil.rmtree(clean.home / "state")
    assert clean.json("down")["ended"] is True
    with pytest.raises(OSError):
        _answers(first)


def test_firstlight_killed_while_it_starts(clean: Desk) -> None:
    starting = clean.start("up", "--engine", clean.engine)
    time.sleep(1.5)
    os.killpg(starting.pid, signal.SIGKILL)
    starting.communicate()
    up = clean.up()
    assert _answers(up)
    clean.run("down")
    place = next((clean.home / "state/firstlight/workspaces").glob("lab-*"))
    assert {path.name for path in place.iterdir()} <= {"home", "known_hosts"}


@TWICE
def test_an_interrupt_leaves_nothing(clean: Desk) -> None:
    starting = clean.start("up", "--engine", clean.engine)
    time.sleep(2)
    os.killpg(starting.pid, signal.SIGINT)
    out, err = starting.communicate(timeout=60)
    if starting.returncode == 0:
        pytest.skip("it had started before the interrupt")
    assert "Traceback" not in out + err
    assert clean.json("status")["running"] is False
    assert clean.json("down")["ended"] is False


def test_two_ups_at_once_make_one_workspace(clean: Desk) -> None:
    both = [clean.start("--json", "up", "--engine", clean.engine) for _ in range(2)]
    told = [each.communicate(timeout=120) for each in both]
    assert [each.returncode for each in both] == [0, 0], told
    containers = {re.search(r'"container": "(.*)"', out).group(1) for out, _ in told}  # type: ignore[union-attr]
    assert len(containers) == 1


@ONCE
def test_a_taken_port_is_said_and_the_next_one_used(clean: Desk) -> None:
    with socket.create_server(("127.0.0.1", 8888)):
        done = clean.attempt("--json", "up", "--engine", clean.engine)
    assert done.returncode == 0, done.stderr
    assert "port 8888 is taken: using 8889" in done.stderr
    assert ":8889/" in done.stdout


@ONCE
def test_another_plan_starts_anew_and_the_same_does_not(clean: Desk) -> None:
    first = clean.up()
    second = clean.up("--env", "COLOUR=blue")
    assert second["started"] is True
    assert second["container"] != first["container"]
    assert clean.up("--env", "COLOUR=blue")["started"] is False
    code = "import os; print(os.environ['COLOUR'])"
    assert (
        Lab(address=second["jupyter"]).execute(code, notebook="env.ipynb") == "blue\n"
    )


@TWICE
def test_another_key_is_let_in_without_a_new_start(clean: Desk) -> None:
    """As from a terminal with another agent; kernels go on."""
    first = clean.up()
    port = int(re.search(r"-p (\d+)", first["ssh"]).group(1))  # type: ignore[union-attr]
    new = clean.home / ".ssh/id_new"
    made = clean.as_person("ssh-keygen", "-qt", "ed25519", "-N", "", "-f", str(new))
    assert made.returncode == 0, made.stderr
    try:
        assert clean.ssh(port, "true", key=new).returncode != 0
        assert clean.up()["container"] == first["container"]
        assert clean.ssh(port, "id -un", key=new).stdout == "user\n"
    finally:
        new.with_suffix(".pub").unlink()
    assert clean.up()["started"] is False
    assert clean.ssh(port, "true", key=new).returncode != 0
    new.unlink()


@TWICE
def test_what_ends_at_once_did_not_start(clean: Desk) -> None:
    """Without a server there is nobody to ask."""
    without = ("up", "--engine", clean.engine, "--ports", "jupyter=0,ssh=0")
    broken = ("--mount", "/bin/false:/usr/local/bin/firstlight-start:ro")
    done = clean.attempt(*without, *broken)
    assert done.returncode != 0
    assert "ended at once" in done.stderr
    assert clean.json("status")["running"] is False
    clean.run(*without)
    assert clean.run("shell", stdin="id -un\n") == "user\n"


@ONCE
def test_restart_gives_a_new_one_on_the_same_engine(clean: Desk) -> None:
    first = clean.up()
    second = clean.json("restart")
    assert second["engine"] == clean.engine
    assert second["container"] != first["container"]
    assert _answers(second)


@TWICE
def test_a_server_that_cannot_start_shows_why(clean: Desk) -> None:
    """A JupyterLab whose settings are broken ends, and its last lines are shown."""
    settings = clean.folder / ".broken"
    settings.mkdir()
    (settings / "jupyter_server_config.py").write_text(
        "raise SystemExit('no such luck')"
    )
    os.chown(settings, PERSON, PERSON)
    where = "JUPYTER_CONFIG_DIR=/workspace/.broken"
    done = clean.attempt(
        "up", "--engine", clean.engine, "--env", where, "--ports", "ssh=0"
    )
    shutil.rmtree(settings)
    assert done.returncode != 0
    assert "no such luck" in done.stderr
    assert "Traceback" not in done.stderr.partition("no such luck")[0]
    assert clean.json("status")["running"] is False


@TWICE
def test_two_projects_do_not_meet(clean: Desk) -> None:
    other = clean.beside(f"other-{clean.engine}")
    try:
        one, two = clean.up(), other.up()
        assert one["jupyter"] != two["jupyter"]
        assert _answers(one)
        assert _answers(two)
        everything = clean.json("status", "--all")["workspaces"]
        running = {each["project"] for each in everything if each["running"]}
        assert running >= {str(clean.folder), str(other.folder)}
        other.run("down")
        assert _answers(one)
    finally:
        other.run("down")


@TWICE
def test_logs_can_be_followed(clean: Desk) -> None:
    clean.up()
    following = clean.start("logs", "-f")
    time.sleep(1.5)
    assert following.poll() is None
    os.killpg(following.pid, signal.SIGINT)
    out, err = following.communicate(timeout=30)
    assert "Jupyter Server" in out + err
    assert "Traceback" not in out + err


@ONCE
def test_the_host_entry_is_written_when_asked_and_removed_by_down(clean: Desk) -> None:
    config = clean.home / ".ssh/config"
    config.write_text("Host elsewhere\n    User me\n")
    os.chown(config, PERSON, PERSON)
    clean.up("--ssh-config")
    name = re.search(r"^Host (firstlight-\S+)$", config.read_text(), re.M).group(1)  # type: ignore[union-attr]
    key = str(clean.home / ".ssh/id_ed25519")
    words = ["ssh", "-F", str(config), "-o", "BatchMode=yes", "-i", key, name, "id -un"]
    done = clean.as_person(*words)
    assert (done.returncode, done.stdout) == (0, "user\n"), done.stderr
    clean.run("down")
    assert config.read_text() == "Host elsewhere\n    User me\n"


@ONCE
def test_firstlights_own_ssh_knows_the_host(clean: Desk) -> None:
    clean.up()
    key = str(clean.home / ".ssh/id_ed25519")
    assert clean.run("ssh", "-i", key, "id -un") == "user\n"
    place = next((clean.home / "state/firstlight/workspaces").glob("lab-*"))
    known = (place / "known_hosts").read_text()
    clean.run("down")
    clean.up()
    assert (place / "known_hosts").read_text() == known
    subprocess.run(["ssh-keygen", "-lf", place / "known_hosts"], check=True)


def test_a_dry_run_starts_nothing(clean: Desk) -> None:
    before = sorted(Path(clean.home / "state").rglob("*"))
    done = clean.attempt("up", "--engine", clean.engine, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert clean.json("status")["running"] is False
    assert sorted(Path(clean.home / "state").rglob("*")) == before
