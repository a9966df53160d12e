"""``--dry-run`` of ``up`` and ``run``: nothing is started, and nothing is written."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cli import test_workspace_options as options
from cli.started import SPEC, Firstlight
from cli.test_workspace_options import SANDBOX, shown
from firstlight.lock.text import dump_lock, parse_lock
from firstlight.oci.model import Image

# A project that is locked and built.
store, image, built = options.store, options.image, options.built
COMMANDS = pytest.mark.parametrize(
    "command", [("up", "--dry-run"), ("run", "--dry-run", "true")], ids=["up", "run"]
)


def state(folder: Path) -> dict[str, tuple[int, float]]:
    """Everything below a folder but the store, with its mode and time."""
    paths = [path for path in folder.rglob("*") if "store" not in path.parts]
    return {str(path): (path.lstat().st_mode, path.lstat().st_mtime) for path in paths}


@COMMANDS
def test_nothing_is_written(
    firstlight: Firstlight, built: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    options.write(built, SANDBOX + 'mounts = ["firstlight.toml:/workspace/new/x"]\n')
    before = state(tmp_path)
    done = firstlight(*command, "--ephemeral") if command[0] == "up" else None
    done = done or firstlight("run", "--ephemeral", *command[1:])
    assert done.code == 0, done.err
    assert state(tmp_path) == before


@COMMANDS
def test_without_a_lock_none_is_made(
    firstlight: Firstlight, project: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (project / "firstlight.toml").write_text(SPEC)
    before = state(tmp_path)
    done = firstlight(*command)
    assert (done.code, done.out) == (4, "")
    assert "hint: run `firstlight lock`" in done.err
    assert state(tmp_path) == before


@COMMANDS
def test_without_an_image_none_is_made(
    firstlight: Firstlight, built: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    shutil.rmtree(tmp_path / "store/facts/image")
    before = state(tmp_path)
    done = firstlight(*command)
    assert (done.code, done.out) == (2, "")
    assert "there is no image yet, so there is no command to show" in done.err
    assert "hint: `firstlight build` makes it and starts nothing" in done.err
    assert state(tmp_path) == before


@COMMANDS
def test_the_lock_is_not_completed(
    firstlight: Firstlight, built: Path, command: tuple[str, ...]
) -> None:
    """A build would write into it which image it gave."""
    options.write(built, SANDBOX)
    path = built / "firstlight.lock"
    lock = parse_lock(path.read_text(), "lock")
    (part,) = lock.platforms
    unbuilt = replace(part, image_id=None, manifest=None)
    text = dump_lock(replace(lock, platforms=(unbuilt,)))
    path.write_text(text)
    done = firstlight(*command)
    assert done.code == 0, done.err
    assert path.read_text() == text


def test_an_image_that_is_not_unpacked_is_not_called_broken(
    firstlight: Firstlight, built: Path, tmp_path: Path
) -> None:
    options.write(built, SANDBOX)
    shutil.rmtree(tmp_path / "store/roots")
    done = firstlight("up", "--dry-run")
    assert (done.code, done.out) == (8, "")
    assert "hint: `firstlight run --engine sandbox -- true` unpacks it" in done.err


def test_what_the_line_needs_is_said_beside_it(
    firstlight: Firstlight, built: Path, tmp_path: Path
) -> None:
    options.write(built, SANDBOX)
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBoring me@here"
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/id.pub").write_text(key)
    words = ("up", "--dry-run", "--env", "HF_TOKEN=hunter2", "--env", "B=2")
    done = firstlight(*words, "--ports", "jupyter=41237")
    assert "hunter2" not in done.out + done.err
    assert "AAAAC3" not in done.out + done.err
    made, exported = (
        line.removeprefix("before you paste it: ")
        for line in done.err.splitlines()
        if line.startswith("before you paste it: ")
    )
    assert exported == "export HF_TOKEN B, whose values are not shown"
    place = "~/.local/state/firstlight/workspaces/project-"
    home, token = made.split(": ", 1)[1].split(", ")
    assert home.startswith(place)
    assert home.endswith("/home/")
    assert token.endswith("/jupyter-token")
    told = json.loads(firstlight(*words, "--ports", "jupyter=41237", "--json").out)
    assert told["needs"] == [made, exported]
    assert told["command"] == done.out.strip()
    assert told["engine"] == "sandbox"


def test_what_is_no_secret_stands_in_the_line(
    firstlight: Firstlight, built: Path
) -> None:
    options.write(built, SANDBOX)
    words = shown(firstlight("up", "--dry-run", "--ports", "jupyter=41236"))
    assert words[:2] == ["env", "-i"]
    assert "FIRSTLIGHT_JUPYTER=127.0.0.1:41236" in words
    assert "HOME=/home/user" in words


def test_run_speaks_json_too(firstlight: Firstlight, built: Path) -> None:
    options.write(built, SANDBOX)
    told = json.loads(firstlight("run", "--json", "--dry-run", "ls", "-l").out)
    assert told["command"].endswith(" ls -l")


@pytest.mark.skipif(not shutil.which("podman"), reason="Podman is not here")
@pytest.mark.engine
def test_an_engine_without_the_image_is_said_to_need_it(
    firstlight: Firstlight, built: Path, image: Image, tmp_path: Path
) -> None:
    (tmp_path / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/storage"\n'
        f'runroot = "{tmp_path}/running"\n'
    )
    environ = {"CONTAINERS_STORAGE_CONF": str(tmp_path / "storage.conf")}
    options.write(built, 'engine = "podman"\ngpus = "none"\n')
    done = firstlight("up", "--dry-run", **environ)
    assert done.code == 0, done.err
    assert "before you paste it: `firstlight build -o podman`" in done.err
    assert "FIRSTLIGHT_JUPYTER=0.0.0.0:8888 podman run --detach" in done.out
    assert f" {image.id} workspace" in done.out


# Options that a plan is made from


@pytest.mark.parametrize(
    ("bind", "said"),
    [
        ("everywhere", "--bind 'everywhere' is no IP address"),
        ("203.0.113.7", "--bind 203.0.113.7: this machine has no such address"),
    ],
)
def test_an_address_that_is_none_of_ours_is_told(
    firstlight: Firstlight, built: Path, bind: str, said: str
) -> None:
    options.write(built, SANDBOX)
    done = firstlight("up", "--dry-run", "--bind", bind)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize(
    ("bind", "warns"),
    [("localhost", False), ("127.0.0.2", False), ("0.0.0.0", True)],
)
def test_only_what_lets_others_in_is_warned_of(
    firstlight: Firstlight, built: Path, bind: str, warns: bool
) -> None:
    options.write(built, SANDBOX)
    done = firstlight("up", "--dry-run", "--bind", bind)
    assert done.code == 0, done.err
    assert (f"listen at {bind}" in done.err) is warns


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("=secret", "--env '': write NAME=VALUE"),
        ("A B=secret", "--env 'A B': a name has letters, digits and _ only"),
        ("a-b=secret", "--env 'a-b': a name has letters, digits and _ only"),
        ("1A=secret", "--env '1A': a name has letters, digits and _ only"),
        ("Ä=secret", "--env 'Ä': a name has letters, digits and _ only"),
    ],
)
def test_a_variable_without_a_good_name_is_told_without_its_value(
    firstlight: Firstlight, built: Path, pair: str, said: str
) -> None:
    done = firstlight("up", "--dry-run", "--env", pair)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "secret" not in done.err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root works in others' projects")
def test_root_is_told_what_a_sandbox_cannot_do_for_it(
    firstlight: Firstlight, built: Path
) -> None:
    options.write(built, SANDBOX)
    assert "belongs to UID" not in firstlight("run", "--dry-run", "true").err
    os.chown(built, 4321, 4321)
    done = firstlight("run", "--dry-run", "true")
    assert "the project belongs to UID 4321" in done.err
    built.chmod(0o777)
    assert "belongs to UID" not in firstlight("run", "--dry-run", "true").err
