"""The image without firstlight: the `docker run` that everyone knows."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
import urllib.error
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from engine_tools import Tool
from workspaces.desk import PERSON, Desk, Lab

NAME = "pytorch-cuda:v2.7"
T = TypeVar("T")


@pytest.fixture(scope="module")
def docker(bridged: Tool, person: Desk) -> Iterator[Tool]:
    """Docker, to which the image was given under the name that people know."""
    desk = replace(person, environ={**person.environ, **bridged.environ})
    desk.run("build", "-o", "docker")
    name = json.loads(desk.run("--json", "build"))["name"]
    bridged.run("tag", name, NAME)
    yield bridged
    bridged.run("rmi", NAME)


@pytest.fixture
def started(docker: Tool, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Start a container in the background; removed at the end."""
    made: list[str] = []

    def start(*words: object) -> str:
        made.append(docker.run("run", "-d", *words).strip())
        return made[-1]

    yield start
    for container in made:
        docker.attempt("rm", "-f", container)


def _until(seconds: float, attempt: Callable[[], T | None]) -> T:
    end = time.monotonic() + seconds
    while True:
        found = attempt()
        if found:
            return found
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the person, as ``$(pwd)``."""
    made = tmp_path / "work"
    made.mkdir()
    subprocess.run(["chown", f"{PERSON}:{PERSON}", made], check=True)
    for path in (tmp_path, *list(tmp_path.parents)[:-2]):
        path.chmod(path.stat().st_mode | 0o055)
    return made


def test_jupyter_lab_verbatim(
    docker: Tool, started: Callable[..., str], folder: Path
) -> None:
    words = ["jupyter", "lab", "--ip=0.0.0.0", "--allow-root", "--no-browser"]
    run = ("-it", "-v", f"{folder}:/workspace", "-p", "8888:8888", NAME)
    container = started(*run, *words)

    def address() -> str | None:
        told = docker.attempt("logs", container)
        found = re.search(r"http://127\.0\.0\.1:8888/lab\?token=\w+", told.stdout)
        return found[0] if found else None

    lab = Lab(address=_until(60, address))
    _until(30, lambda: _is_up(lab))
    told = lab.execute("import torch; print(torch.__version__)", notebook="n.ipynb")
    assert told == "2.13.0+cpu\n"
    found = (folder / "n.ipynb").stat()
    assert (found.st_uid, found.st_gid) == (PERSON, PERSON)
    assert lab.status("contents") == 200
    assert replace(lab, token="").status("contents") == 403


def _is_up(lab: Lab) -> bool:
    try:
        return lab.status("status") == 200
    except (urllib.error.URLError, ConnectionError):
        return False


def test_sshd_verbatim(
    docker: Tool, started: Callable[..., str], person: Desk, folder: Path
) -> None:
    key = person.home / ".ssh/id_ed25519.pub"
    run = ("-p", "2222:2222", "-v", f"{key}:/run/firstlight/authorized_keys:ro")
    started(*run, "-v", f"{folder}:/workspace", NAME, "sshd")
    _until(30, lambda: _greets(2222))
    done = person.ssh(2222, "id -un; touch /workspace/by-ssh; command -v python")
    assert done.stdout.split() == ["user", "/opt/venv/bin/python"], done.stderr
    assert (folder / "by-ssh").stat().st_uid == PERSON
    refused = person.ssh(2222, "true", more=["-o", "PreferredAuthentications=password"])
    assert refused.returncode == 255
    assert "publickey" in refused.stderr


def test_sshd_works_without_a_mounted_folder(
    started: Callable[..., str], person: Desk
) -> None:
    key = person.home / ".ssh/id_ed25519.pub"
    run = ("-p", "2222:2222", "-v", f"{key}:/run/firstlight/authorized_keys:ro")
    started(*run, NAME, "sshd")
    _until(30, lambda: _greets(2222))
    assert person.ssh(2222, "id -un").stdout == "user\n"


@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_keys_that_change_later_count_where_they_can_be_read(
    started: Callable[..., str], person: Desk, tmp_path: Path, mode: int
) -> None:
    """Work of root's: as `up` does, who is let in is written over in place."""
    keys = tmp_path / "keys"
    keys.touch(mode)
    keys.chmod(mode)
    (tmp_path / "work").mkdir()
    run = ("-p", "2222:2222", "-v", f"{keys}:/run/firstlight/authorized_keys:ro")
    started(*run, "-v", f"{tmp_path}/work:/workspace", NAME, "sshd")
    _until(30, lambda: _greets(2222))
    assert person.ssh(2222, "id -u").returncode == 255
    keys.write_text((person.home / ".ssh/id_ed25519.pub").read_text())
    assert person.ssh(2222, "id -u").stdout == "0\n"


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def test_sshd_without_a_key_says_what_to_mount(docker: Tool) -> None:
    done = docker.attempt("run", "--rm", NAME, "sshd")
    assert done.returncode == 3
    assert "/run/firstlight/authorized_keys" in done.stderr


@pytest.mark.parametrize(
    "command", [["sleep", "600"], ["bash"], ["sshd"], ["jupyter", "lab"]]
)
def test_docker_stop_takes_no_two_seconds(
    docker: Tool, started: Callable[..., str], person: Desk, command: list[str]
) -> None:
    key = person.home / ".ssh/id_ed25519.pub"
    mount = ("-v", f"{key}:/run/firstlight/authorized_keys:ro")
    container = started("-it", *mount, NAME, *command)
    time.sleep(3)
    begin = time.monotonic()
    docker.run("stop", container)
    assert time.monotonic() - begin < 2


def test_no_zombie_is_left(docker: Tool, started: Callable[..., str]) -> None:
    orphan = "(sleep 0.2 & exec true) & (sleep 0.3 &); sleep 600; :"
    container = started(NAME, "bash", "-c", orphan)
    time.sleep(2)
    told = docker.run("exec", container, "ps", "-eo", "stat=,comm=")
    assert not [line for line in told.splitlines() if line.startswith("Z")]


def test_exit_codes_and_arguments_pass_through(docker: Tool) -> None:
    done = docker.attempt(
        "run", "--rm", NAME, "sh", "-c", 'echo "$1"; exit 7', "-", "a b"
    )
    assert (done.returncode, done.stdout) == (7, "a b\n")
    assert docker.attempt("run", "--rm", NAME, "no-such-program").returncode == 127
    assert (
        docker.run("run", "--rm", NAME, "python", "-c", "import torch; print(1)")
        == "1\n"
    )


def test_it_becomes_the_owner_of_the_folder(docker: Tool, folder: Path) -> None:
    mount = ("-v", f"{folder}:/workspace")
    told = docker.run(
        "run", "--rm", *mount, NAME, "sh", "-c", "id -u; id -un; touch new"
    )
    assert told.split() == [str(PERSON), "user"]
    assert (folder / "new").stat().st_uid == PERSON
    root = ("-e", "FIRSTLIGHT_USER=0:0")
    assert docker.run("run", "--rm", *root, *mount, NAME, "id", "-u") == "0\n"
    other = ("-e", "FIRSTLIGHT_USER=4321:100")
    assert docker.run("run", "--rm", *other, NAME, "id", "-u") == "4321\n"
    given = ("--user", "777:777")
    assert docker.run("run", "--rm", *given, NAME, "id", "-u") == "777\n"


def test_history_and_labels_hold_no_secret(docker: Tool, person: Desk) -> None:
    told = docker.run("history", "--no-trunc", NAME) + docker.run("inspect", NAME)
    key = (person.home / ".ssh/id_ed25519.pub").read_text().split()[1]
    assert key not in told
    assert "token" not in told.lower()
