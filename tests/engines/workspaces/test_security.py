"""Nothing listens, leaks or may do more than a workspace needs, under any engine."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from workspaces.desk import PERSON, Desk, Lab

RIGHTS = "grep -E '^(Cap|NoNewPrivs)' /proc/self/status"


@pytest.fixture(scope="module")
def up(desk: Desk) -> Iterator[dict[str, Any]]:
    """The workspace that the tests below share."""
    yield desk.up()
    desk.run("down")


def _token(up: dict[str, Any]) -> str:
    return Lab(address=up["jupyter"]).own_token


def _listening() -> set[str]:
    """Addresses that TCP servers of the tests' network listen at."""
    done = subprocess.run(["ss", "-Hltn"], check=True, capture_output=True, text=True)
    return {line.split()[3] for line in done.stdout.splitlines()}


def test_only_loopback_listens(up: dict[str, Any]) -> None:
    found = _listening()
    assert "127.0.0.1:8888" in found
    outside = {each for each in found if not each.startswith(("127.", "[::1]"))}
    assert outside == set()


def test_a_wider_bind_says_what_it_exposes(desk: Desk, up: dict[str, Any]) -> None:
    beside = desk.beside(f"wide-{desk.engine}")
    try:
        words = ("up", "--engine", desk.engine, "--bind", "0.0.0.0")
        done = beside.attempt(*words, "--ports", "jupyter=9001,ssh=0")
        assert done.returncode == 0, done.stderr
        assert "listen at 0.0.0.0" in done.stderr
        assert "not encrypted" in done.stderr
        assert {"0.0.0.0:9001", "*:9001"} & _listening()
    finally:
        beside.run("down")


def test_no_secret_is_on_a_command_line_or_in_an_environment(
    up: dict[str, Any],
) -> None:
    token = _token(up).encode()
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                assert token not in (process / name).read_bytes(), process
            except OSError:
                continue


def test_no_secret_is_in_what_the_engine_knows_or_firstlight_writes(
    desk: Desk, up: dict[str, Any]
) -> None:
    token = _token(up)
    key = (desk.home / ".ssh/id_ed25519.pub").read_text().split()[1]
    told = desk.run("logs") + desk.run("--json", "status")
    if desk.engine != "sandbox":
        for words in (("inspect", up["container"]), ("history", up["image_id"])):
            done = desk.as_person(desk.engine, *words)
            assert done.returncode == 0, done.stderr
            told += done.stdout
    for secret in (token, key):
        assert secret not in told
        holders = _files_with(desk.home, secret)
        assert holders <= {"jupyter-token", "authorized_keys", "id_ed25519.pub"}
    assert not _files_with(desk.folder, token)


def _files_with(folder: Path, text: str) -> set[str]:
    """Names of files that hold a text; the store's blobs are hashed and older."""
    words = ["grep", "-rlF", "--exclude-dir=store", "--exclude-dir=storage"]
    words += ["--exclude-dir=jupyter", text, str(folder)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    return {Path(line).name for line in done.stdout.splitlines()}


def test_what_is_kept_is_for_its_owner_alone(desk: Desk, up: dict[str, Any]) -> None:
    place = next((desk.home / "state/firstlight/workspaces").glob("lab-*"))
    (here,) = place.glob("on-*")
    for path in (place, here, here / "jupyter-token", here / "authorized_keys"):
        found = path.stat()
        assert found.st_mode & 0o077 == 0, path
        assert found.st_uid == PERSON


@pytest.mark.parametrize("way", ["shell", "ssh", "jupyter", "run"])
def test_nobody_has_capabilities_or_can_get_them(
    desk: Desk, up: dict[str, Any], way: str
) -> None:
    match way:
        case "shell":
            told = desk.run("shell", stdin=f"{RIGHTS}\n")
        case "ssh":
            port = int(re.search(r"-p (\d+)", up["ssh"]).group(1))  # type: ignore[union-attr]
            told = desk.ssh(port, RIGHTS).stdout
        case "jupyter":
            code = f"import os; print(os.popen({RIGHTS!r}).read())"
            told = Lab(address=up["jupyter"]).execute(code, notebook="rights.ipynb")
        case _:
            told = desk.run("run", "--engine", desk.engine, "--", "sh", "-c", RIGHTS)
    found = dict(line.split(":\t") for line in told.splitlines() if ":\t" in line)
    assert found.pop("NoNewPrivs") == "1"
    assert len(found) == 5
    assert {int(value, 16) for value in found.values()} == {0}


def test_the_host_is_not_seen(desk: Desk, up: dict[str, Any]) -> None:
    told = desk.run("shell", stdin="ls /root /home /tmp 2>&1; ps ax; id -u\n")
    assert "id_ed25519" not in told
    assert "pytest" not in told
    assert os.fspath(desk.home) not in desk.run("shell", stdin="ls -d /tmp/*; true\n")
