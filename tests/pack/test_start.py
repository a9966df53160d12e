"""The program that containers start with: pure parts; engines try the rest."""

from __future__ import annotations

import ast
import importlib.util
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firstlight.lock.lockfile import FORMAT
from firstlight.pack import start

SOURCE = Path(start.__file__).with_name("files") / "firstlight_start.py"


@pytest.fixture(scope="module")
def program() -> ModuleType:
    """The program as a module."""
    spec = importlib.util.spec_from_file_location("firstlight_start", SOURCE)
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_every_python_of_an_image_can_read_it() -> None:
    tree = ast.parse(SOURCE.read_text(), feature_version=(3, 9))
    names = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    names |= {
        a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names
    }
    assert {str(name).partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_it_is_in_the_image_and_its_digest_follows_it() -> None:
    entries = {entry.path: entry for entry in start.start_entries()}
    assert entries["usr/local/bin/firstlight-start"].mode == 0o755
    assert start.start_digest() != start.start_digest("elsewhere")


@pytest.mark.parametrize(
    ("chosen", "found"), [("1001:1002", (1001, 1002)), ("7", (7, 7)), ("0:0", (0, 0))]
)
def test_a_person_can_be_named(
    program: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    chosen: str,
    found: tuple[int, int],
) -> None:
    monkeypatch.setenv("FIRSTLIGHT_USER", chosen)
    assert program.person() == found


@pytest.mark.parametrize("chosen", ["me", "1:", ":1", "-1:1", "1:x", "1:2:3"])
def test_a_name_that_is_no_number_is_refused(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    monkeypatch.setenv("FIRSTLIGHT_USER", chosen)
    if chosen == "1:":
        assert program.person() == (1, 1)
        return
    with pytest.raises(SystemExit):
        program.person()


def test_the_owner_of_the_folder_is_the_person(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("FIRSTLIGHT_USER", raising=False)
    monkeypatch.setattr(program, "WORKSPACE", str(tmp_path))
    assert program.person() == (os.getuid(), os.getgid())
    if os.geteuid() == 0:
        os.chown(tmp_path, 65534, 65534)
        assert program.person() == (1000, 1000)


def test_only_the_users_row_is_renumbered(program: ModuleType, tmp_path: Path) -> None:
    passwd = tmp_path / "passwd"
    passwd.write_text(
        "root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1000::/home/user:/bin/bash\n"
    )
    program.renumber(str(passwd), 7, 8)
    assert passwd.read_text() == (
        "root:x:0:0:root:/root:/bin/bash\nuser:x:7:8::/home/user:/bin/bash\n"
    )
    group = tmp_path / "group"
    group.write_text("root:x:0:\nuser:x:1000:\n")
    program.renumber(str(group), 8, 8)
    assert group.read_text() == "root:x:0:\nuser:x:8:\n"


ANYTHING = st.characters(exclude_categories=["Cs"], exclude_characters="\0")


@given(
    name=st.text(ANYTHING, min_size=1).filter(lambda name: "=" not in name),
    value=st.text(ANYTHING),
)
@example(name="A B", value="1")
@example(name="it's", value="1")
@example(name="ODD", value='", PermitRootLogin="yes')
@example(name="ODD", value="1\nPermitRootLogin yes")
def test_no_variable_can_write_a_line_of_the_settings(
    program: ModuleType, name: str, value: str
) -> None:
    before = dict(os.environ)
    os.environ.clear()
    others = {"PATH": "/bin", "FIRSTLIGHT_SSH": "x", "JUPYTER_TOKEN_FILE": "y"}
    os.environ.update({name: value} | others)
    try:
        lines = program.ssh_config("127.0.0.1:22", "/keys", "/key").splitlines()
    finally:
        os.environ.clear()
        os.environ.update(before)
    (found,) = [line for line in lines if line.startswith("SetEnv ")]
    values = dict(word.split("=", 1) for word in shlex.split(found)[1:])
    assert set(values) <= {name, "PATH"}
    assert values["PATH"] == "/bin"
    assert values.get(name, value) == value
    assert "PasswordAuthentication no" in lines
    assert "AllowUsers user" in lines


def test_jupyter_takes_its_token_from_a_file(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "jupyter-lab").touch(mode=0o755)
    token = tmp_path / "token"
    token.write_text("secret")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("JUPYTER_TOKEN_FILE", "")
    monkeypatch.setattr(program, "TOKEN", str(token))
    words = program.jupyter_command("[::1]:8889")
    assert {"--ServerApp.ip=::1", "--ServerApp.port=8889"} <= set(words)
    assert os.environ["JUPYTER_TOKEN_FILE"] == str(token)
    assert not [word for word in words if "secret" in word]
    assert ("--allow-root" in words) == (os.geteuid() == 0)


def test_a_plain_image_says_what_is_missing(
    program: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit) as caught:
        program.jupyter_command("127.0.0.1:8888")
    assert caught.value.code == 3
    assert "add jupyterlab" in capsys.readouterr().err


# As a program, which is nobody but who starts it: as root it would become the owner of
# this machine's /workspace.


def words(*more: str) -> list[str]:
    """The words that start it as it starts itself anew."""
    return [sys.executable, "-IS", str(SOURCE), "--started", *more]


def run(*more: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    full = {"PATH": os.environ["PATH"], **environ}
    return subprocess.run(words(*more), env=full, capture_output=True, text=True)


def test_it_becomes_the_command() -> None:
    with subprocess.Popen(
        words("sh", "-c", "echo $$ $HOME $USER $SHELL $GIVEN; exit 5"),
        env={"PATH": os.environ["PATH"], "HOME": "/root", "GIVEN": "variable"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        said, _ = process.communicate()
    pid = str(process.pid)
    assert said.split() == [pid, "/home/user", "user", "/bin/bash", "variable"]
    assert process.returncode == 5


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("no-such-program", 127, "no program no-such-program"),
        ("/", 126, "cannot start /"),
    ],
)
def test_what_cannot_run_is_said_and_gives_what_a_shell_gives(
    command: str, code: int, said: str
) -> None:
    done = run(command)
    assert done.returncode == code
    assert done.stderr.startswith("firstlight-start: ")
    assert said in done.stderr


def test_ssh_without_a_key_says_what_to_mount() -> None:
    done = run("sshd")
    assert done.returncode == 3
    assert "/run/firstlight/authorized_keys" in done.stderr or "no sshd" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_without_servers_it_is_there_until_it_is_told_to_stop(
    number: signal.Signals,
) -> None:
    with subprocess.Popen(words("workspace"), env={"PATH": ""}) as process:
        await_handlers(process.pid, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(10) == 0


def await_handlers(pid: int, *numbers: signal.Signals) -> None:
    """Wait until a process would hear of signals, which end it before."""
    until = time.monotonic() + 10
    wanted = sum(1 << (number - 1) for number in numbers)
    caught = 0
    while caught & wanted != wanted and time.monotonic() < until:
        time.sleep(0.02)
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        (line,) = (line for line in status if line.startswith("SigCgt:"))
        caught = int(line.split()[1], 16)


def server(folder: Path, script: str) -> dict[str, str]:
    """The environment in which JupyterLab is a line of shell."""
    program = folder / "jupyter-lab"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    return {"PATH": path, "FIRSTLIGHT_JUPYTER": "127.0.0.1:8888"}


def test_a_server_does_not_see_what_was_asked_of_us(tmp_path: Path) -> None:
    done = run("workspace", **server(tmp_path, 'echo "$*"; env'))
    assert done.returncode == 0, done.stderr
    assert "--ServerApp.ip=127.0.0.1 --ServerApp.port=8888" in done.stdout
    assert "FIRSTLIGHT_" not in done.stdout


def test_when_a_server_fails_so_do_we(tmp_path: Path) -> None:
    done = run("workspace", **server(tmp_path, "echo no such luck >&2; exit 9"))
    assert done.returncode == 1
    assert done.stderr == "no such luck\n"


def test_told_to_stop_the_servers_are_ended_in_their_own_way(tmp_path: Path) -> None:
    script = "trap 'echo tidied; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    environ = server(tmp_path, script)
    with subprocess.Popen(
        words("workspace"), env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        process.terminate()
        assert process.communicate(timeout=10)[0] == "tidied\n"
    assert process.returncode == 0


def test_a_shell_at_a_terminal_ends_when_the_container_stops() -> None:
    pid, terminal = os.forkpty()
    if not pid:
        os.execve(
            sys.executable, words("sh"), {"PATH": os.environ["PATH"], "PS1": "$ "}
        )
    seen = b""
    while b"$ " not in seen:
        seen += os.read(terminal, 1000)
    await_handlers(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGTERM)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    assert code == 128 + signal.SIGHUP


# What is in images


def test_the_files_have_not_moved() -> None:
    """A store finds images by their lock: if these move, FORMAT must be raised."""
    assert (FORMAT, start.start_digest()[7:23]) == GOLDEN


GOLDEN = (3, "2bd8ada15f50b5e3")
