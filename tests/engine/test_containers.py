"""The words that Docker and Podman are started with, and the line that is shown."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.digest import Digest
from firstlight.engine import containers
from firstlight.engine.base import (
    ContainerPlan,
    HostCommand,
    Limits,
    Mount,
    Port,
    State,
)
from firstlight.engine.containers import Containers
from firstlight.engine.podman import PODMAN
from firstlight.errors import EngineError
from firstlight.oci.model import Image
from firstlight.store import Store

IMAGE = Image(
    name="tiny",
    platform="linux/amd64",
    id=Digest("sha256:1"),
    manifest=Digest("sha256:2"),
    layers=(),
)
PLAN = ContainerPlan(
    image=IMAGE, command=("workspace",), environment={"TOKEN": "hunter2"}
)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True)


def made(user: tuple[int, int] = (1000, 1000), *, rootless: bool = False) -> Containers:
    """An engine that needs no program to say what it would run."""
    return Containers(
        name="engine",
        trouble=lambda: "",
        loader=lambda image, store, progress: image.id,
        gpu_words=lambda _: (),
        inner_user=lambda _: user,
        user_words=lambda _: ("--user", f"{user[0]}:{user[1]}"),
        is_rootless=lambda: rootless,
    )


def words(plan: ContainerPlan, tmp_path: Path, **more: Any) -> list[str]:
    """The words of a plan."""
    return list(made(**more).host_command(plan, Store.open(tmp_path)).command)


def after(found: list[str], name: str) -> list[str]:
    """The values of an option."""
    return [found[i + 1] for i, word in enumerate(found) if word == name]


# Rights


def test_rights_are_the_smallest(tmp_path: Path) -> None:
    found = words(PLAN, tmp_path)
    assert after(found, "--cap-drop") == ["ALL"]
    assert after(found, "--cap-add") == []
    assert "no-new-privileges" in after(found, "--security-opt")
    assert "--privileged" not in found


def test_only_sshd_of_root_keeps_three(tmp_path: Path) -> None:
    ssh = Port(name="ssh", inside=2222, outside=2222)
    root = words(replace(PLAN, ports=(ssh,)), tmp_path, user=(0, 0))
    assert after(root, "--cap-add") == ["SETUID", "SETGID", "SYS_CHROOT"]
    assert after(words(PLAN, tmp_path, user=(0, 0)), "--cap-add") == []
    assert after(words(replace(PLAN, ports=(ssh,)), tmp_path), "--cap-add") == []


@pytest.mark.parametrize("has_selinux", [True, False])
def test_selinux_is_told_to_leave_the_persons_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_selinux: bool
) -> None:
    enforce = tmp_path / "enforce"
    if has_selinux:
        enforce.touch()
    monkeypatch.setattr(containers, "_SELINUX", enforce)
    options = after(words(PLAN, tmp_path), "--security-opt")
    assert ("label=disable" in options) is has_selinux


def test_one_is_who_the_engine_says_and_in_the_group_of_the_environment(
    tmp_path: Path,
) -> None:
    found = words(PLAN, tmp_path, user=(7, 8))
    assert after(found, "--user") == ["7:8"]
    assert after(found, "--group-add") == ["0"]


def test_without_a_network_there_is_none(tmp_path: Path) -> None:
    assert after(words(PLAN, tmp_path), "--network") == []
    assert after(words(replace(PLAN, network=False), tmp_path), "--network") == ["none"]


# What goes in


def test_a_secret_is_only_in_the_environment(tmp_path: Path) -> None:
    command = made().host_command(PLAN, Store.open(tmp_path))
    assert command.environment == {"TOKEN": "hunter2"}
    assert after(list(command.command), "--env") == ["TOKEN"]
    assert "hunter2" not in command.line
    assert command.full_environment["TOKEN"] == "hunter2"


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "TMPDIR", "LD_PRELOAD", "LD_LIBRARY_PATH", "XDG_RUNTIME_DIR"),
        *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "CONTAINERS_CONF"),
    ],
)
def test_what_an_engines_own_program_would_obey_does_not_reach_it(
    tmp_path: Path, name: str
) -> None:
    """Else a PATH for the container would hide the engine, and a HOME its settings."""
    plan = replace(PLAN, environment={name: "/inside"})
    command = made().host_command(plan, Store.open(tmp_path))
    assert after(list(command.command), "--env") == [f"{name}=/inside"]
    assert command.full_environment == dict(os.environ)


@pytest.mark.parametrize("name", ["DOCKER_AUTH_CONFIG", "HF_HOME", "MY_PATH"])
def test_what_only_looks_alike_stays_a_secret(tmp_path: Path, name: str) -> None:
    plan = replace(PLAN, environment={name: "hunter2"})
    assert after(words(plan, tmp_path), "--env") == [name]


def test_ports_are_published_where_they_listen(tmp_path: Path) -> None:
    ports = (
        Port(name="jupyter", inside=8888, outside=8889),
        Port(name="ssh", inside=2222, outside=2223, address="::1"),
    )
    found = words(replace(PLAN, ports=ports), tmp_path)
    assert after(found, "--publish") == ["127.0.0.1:8889:8888", "[::1]:2223:2222"]


# A carriage return before a newline is the one thing that Go's reader does not keep.
@given(path=TEXT.filter(lambda text: text and "\r\n" not in text))
def test_any_path_can_be_mounted(
    path: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = Path("/") / path
    mount = Mount(source=source, target="/data")
    found = words(replace(PLAN, mounts=(mount,)), tmp_path_factory.getbasetemp() / "s")
    (text,) = after(found, "--mount")
    # Docker and Podman read the value as a line of CSV.
    (row,) = csv.reader(io.StringIO(text, newline=""))
    assert row == ["type=bind", f"source={source}", "target=/data", "readonly"]


def test_only_what_may_be_written_is_not_read_only(tmp_path: Path) -> None:
    mounts = (
        Mount(source=Path("/a"), target="/a", writable=True),
        Mount(source=Path("/b"), target="/b"),
    )
    found = after(words(replace(PLAN, mounts=mounts), tmp_path), "--mount")
    assert found == [
        "type=bind,source=/a,target=/a",
        "type=bind,source=/b,target=/b,readonly",
    ]


# Limits


def test_limits_are_passed_and_missing_ones_are_not(tmp_path: Path) -> None:
    limits = Limits(shm="8g", memory="32g", cpus=1.5, pids=99, ipc="private")
    found = words(replace(PLAN, limits=limits), tmp_path)
    pairs = {"--shm-size": "8g", "--memory": "32g", "--cpus": "1.5"}
    for name, value in {**pairs, "--pids-limit": "99", "--ipc": "private"}.items():
        assert after(found, name) == [value]
    without = words(PLAN, tmp_path)
    for name in (*pairs, "--pids-limit", "--ipc", "--ulimit"):
        assert name not in without
    shared = words(replace(PLAN, limits=Limits(shm="8g", ipc="host")), tmp_path)
    assert "--shm-size" not in shared  # The host's own is used, and none may be given.


def test_gpus_need_locked_pages_and_a_large_stack(tmp_path: Path) -> None:
    found = after(words(replace(PLAN, gpus="all"), tmp_path), "--ulimit")
    assert found == ["memlock=-1:-1", "stack=67108864:67108864"]


@pytest.mark.parametrize(
    ("locked", "stack", "found"),
    [
        (8 << 20, 8 << 20, ["memlock=8388608:8388608", "stack=8388608:8388608"]),
        (8 << 20, 1 << 30, ["memlock=8388608:8388608", "stack=67108864:67108864"]),
        (-1, -1, ["memlock=-1:-1", "stack=67108864:67108864"]),
    ],
)
def test_without_root_an_engine_raises_nothing_above_its_callers_own(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    locked: int,
    stack: int,
    found: list[str],
) -> None:
    """What it may not raise it refuses, and starts nothing at all."""
    most = {resource.RLIMIT_MEMLOCK: locked, resource.RLIMIT_STACK: stack}
    monkeypatch.setattr(resource, "getrlimit", lambda which: (0, most[which]))
    plan = replace(PLAN, gpus="all")
    assert after(words(plan, tmp_path, rootless=True), "--ulimit") == found


# How it lives


def test_one_of_a_project_is_detached_and_others_are_removed(tmp_path: Path) -> None:
    found = words(replace(PLAN, project="0a1b", name="firstlight-x"), tmp_path)
    assert "--detach" in found
    assert "org.firstlight.project=0a1b" in after(found, "--label")
    assert after(found, "--name") == after(found, "--hostname") == ["firstlight-x"]
    assert "--rm" not in found
    single = words(PLAN, tmp_path)
    assert "--rm" in single
    assert "--interactive" in single
    assert "--tty" not in single
    assert "--tty" in words(replace(PLAN, terminal=True), tmp_path)


def test_the_command_stands_last_behind_the_image(tmp_path: Path) -> None:
    plan = replace(PLAN, command=("ls", "--all"), folder="/here")
    assert words(plan, tmp_path)[-5:] == [
        "--workdir",
        "/here",
        "sha256:1",
        "ls",
        "--all",
    ]


def test_commands_for_what_runs() -> None:
    state = State(id="0a1b", image="sha256:1", running=True)
    engine = made()
    assert engine.inside(state, ("bash", "-l"), terminal=True).line == (
        "engine exec --interactive --tty --workdir /workspace --env HOME=/home/user "
        "0a1b bash -l"
    )
    assert "--tty" not in engine.inside(state, ("ls",), terminal=False).command
    assert engine.logs(state, follow=False).line == "engine logs 0a1b"
    assert engine.logs(state, follow=True).line == "engine logs --follow 0a1b"


# The line


def pasted(made: HostCommand, environ: dict[str, str]) -> list[str]:
    """What a line prints in a shell, between zeros."""
    done = subprocess.run(
        ["/bin/sh", "-c", made.line], check=True, capture_output=True, env=environ
    )
    return os.fsdecode(done.stdout).split("\0")[:-1]


@settings(deadline=None)
@given(command=st.lists(TEXT, min_size=1), inherits=st.booleans())
def test_the_line_has_the_same_words_in_a_shell(
    command: list[str], inherits: bool
) -> None:
    program = ("/usr/bin/printf", "%s\\0")
    made = HostCommand(command=(*program, *command), inherits=inherits)
    assert pasted(made, {"PATH": "/usr/bin:/bin"}) == command


@settings(deadline=None)
@given(
    secrets=st.dictionaries(NAMES.map("S_{}".format), TEXT),
    shown=st.dictionaries(NAMES.map("T_{}".format), TEXT),
    inherits=st.booleans(),
)
def test_the_line_gives_the_same_variables_where_secrets_are_exported(
    secrets: dict[str, str], shown: dict[str, str], inherits: bool
) -> None:
    made = HostCommand(
        command=("/usr/bin/env", "-0"),
        environment={**secrets, **shown},
        shown=frozenset(shown),
        inherits=inherits,
    )
    there = {"PATH": "/usr/bin:/bin", "PWD": "/", **secrets}
    found = dict(each.split("=", 1) for each in pasted(made, there))
    for name in ("PATH", "PWD", "OLDPWD", "SHLVL", "_"):
        found.pop(name, None)
    assert found == {**secrets, **shown}
    assert shlex.split(made.line).count("-i") == (0 if inherits else 1)


def test_the_line_shows_names_of_secrets_alone() -> None:
    made = HostCommand(
        command=("run", "it"),
        environment={"TOKEN": "hunter2", "COLOUR": "dark blue"},
        shown=frozenset(["COLOUR"]),
        inherits=True,
    )
    assert made.line == "TOKEN=\"$TOKEN\" COLOUR='dark blue' run it"


# A real engine


@pytest.fixture
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Podman with storage of its own, and the root of a container that never starts."""
    if not shutil.which("podman"):
        pytest.skip("Podman is not here")
    (tmp_path / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/storage"\n'
        f'runroot = "{tmp_path}/running"\n'
    )
    (tmp_path / "containers.conf").write_text(
        '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n'
    )
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(tmp_path / "storage.conf"))
    monkeypatch.setenv("CONTAINERS_CONF", str(tmp_path / "containers.conf"))
    root = tmp_path / "root"
    root.mkdir()
    yield root
    subprocess.run(["podman", "rm", "--all", "--force"], check=True)


def create(plan: ContainerPlan, root: Path, store: Store) -> str:
    """Make, but not start, the container of a plan on a root; return its ID."""
    command = PODMAN.host_command(plan, store)
    kept = [word for word in command.command if word not in ("--detach", plan.image.id)]
    at = len(kept) - len(plan.command)
    full = ["podman", "create", *kept[2:at], "--rootfs", str(root), *kept[at:]]
    done = subprocess.run(
        full, env=command.full_environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


@pytest.mark.engine
@pytest.mark.slow
def test_podman_understands_the_words(podman: Path, tmp_path: Path) -> None:
    """And finds the container by its project, and removes it."""
    source = tmp_path / 'a folder, with "signs" and a 名'
    source.mkdir()
    plan = replace(
        PLAN,
        project="0a1b",
        name="firstlight-words",
        environment={"TOKEN": "hun=ter 2", "PATH": "/odd", "EMPTY": ""},
        mounts=(
            Mount(source=source, target="/data", writable=True),
            Mount(source=source, target="/read"),
        ),
        ports=(Port(name="jupyter", inside=8888, outside=28889),),
        limits=Limits(shm="1g", pids=99, ipc="private"),
        user=(1234, 1235),
    )
    identity = create(plan, podman, Store.open(tmp_path / "store"))
    (told,) = json.loads(
        subprocess.run(
            ["podman", "inspect", identity], check=True, capture_output=True
        ).stdout
    )
    config, host = told["Config"], told["HostConfig"]
    assert {"TOKEN=hun=ter 2", "PATH=/odd", "EMPTY="} <= set(config["Env"])
    assert config["User"] == "1234:1235"
    assert config["Hostname"] == told["Name"] == "firstlight-words"
    assert config["Labels"]["org.firstlight.project"] == "0a1b"
    assert config["WorkingDir"] == "/workspace"
    assert config["Cmd"] == ["workspace"]
    assert told["EffectiveCaps"] in ([], None)
    assert "no-new-privileges" in host["SecurityOpt"]
    mounted = {each["Destination"]: each for each in told["Mounts"]}
    assert {k: (v["Source"], v["RW"]) for k, v in mounted.items()} == {
        "/data": (str(source), True),
        "/read": (str(source), False),
    }
    published = {"HostIp": "127.0.0.1", "HostPort": "28889"}
    assert host["PortBindings"] == {"8888/tcp": [published]}
    assert (host["ShmSize"], host["PidsLimit"]) == (1 << 30, 99)
    (state,) = PODMAN.find("0a1b")
    assert (state.id, state.running) == (identity, False)
    assert PODMAN.find("another") == ()
    assert PODMAN.find("") == (state,)
    PODMAN.stop(state)
    assert PODMAN.find("0a1b") == ()


@pytest.mark.engine
@pytest.mark.slow
def test_a_refusal_is_told_in_the_engines_words_and_leaves_nothing(
    podman: Path, tmp_path: Path
) -> None:
    plan = replace(PLAN, project="0a1b", name="firstlight-refused")
    with pytest.raises(EngineError, match="podman could not start firstlight-refused"):
        PODMAN.start(plan, Store.open(tmp_path / "store"))
    assert PODMAN.find("0a1b") == ()
    assert PODMAN.identify(IMAGE, Store.open(tmp_path / "store")) == ""
