"""A working day under every engine: up, JupyterLab, SSH, files, drift, down."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from workspaces.desk import PERSON, Desk, Lab

TORCH = "import torch; print(torch.__version__, int(torch.ones(3, 4).sum()))"


@pytest.fixture(scope="module")
def up(desk: Desk) -> Iterator[dict[str, Any]]:
    """The workspace that the tests below share."""
    yield desk.up()
    desk.run("down")


def _ssh_port(up: dict[str, Any]) -> int:
    return int(re.search(r"-p (\d+)", up["ssh"]).group(1))  # type: ignore[union-attr]


def test_up_says_where_everything_is(desk: Desk, up: dict[str, Any]) -> None:
    assert up["started"] is True
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/lab\?token=[\w-]{40,}", up["jupyter"])
    assert re.fullmatch(r"ssh -p \d+ user@127\.0\.0\.1", up["ssh"])
    again = desk.up()
    assert again["started"] is False
    assert again["container"] == up["container"]
    assert again["jupyter"] == up["jupyter"]


def test_a_notebook_runs_a_cell_that_uses_torch(desk: Desk, up: dict[str, Any]) -> None:
    lab = Lab(address=up["jupyter"])
    told = lab.execute(TORCH, notebook="first.ipynb")
    assert told.split() == ["2.13.0+cpu", "12"]
    found = (desk.folder / "first.ipynb").stat()
    assert (found.st_uid, found.st_gid) == (PERSON, PERSON)


@pytest.mark.parametrize("token", ["", "wrong"])
def test_jupyter_refuses_without_the_token(up: dict[str, Any], token: str) -> None:
    stranger = Lab(address=up["jupyter"], token=token)
    assert Lab(address=up["jupyter"]).status("contents") == 200
    assert stranger.status("contents") == 403
    assert stranger.status("kernels", {}) == 403
    kernel = Lab(address=up["jupyter"]).ask("kernels", {})["id"]
    try:
        with pytest.raises(InvalidStatus, match="403"), stranger.channels(kernel):
            pass
    finally:
        Lab(address=up["jupyter"]).ask(f"kernels/{kernel}", method="DELETE")


def test_ssh_runs_a_command_with_the_key(desk: Desk, up: dict[str, Any]) -> None:
    done = desk.ssh(_ssh_port(up), f"python -c '{TORCH}'; env; command -v python")
    assert done.returncode == 0, done.stderr
    assert "2.13.0+cpu 12" in done.stdout
    values = dict(
        line.split("=", 1) for line in done.stdout.splitlines() if "=" in line
    )
    assert values["VIRTUAL_ENV"] == "/opt/venv"
    assert values["HOME"] == "/home/user"
    assert "/opt/venv/bin/python" in done.stdout.splitlines()


def test_ssh_refuses_passwords_and_strangers(
    desk: Desk, up: dict[str, Any], tmp_path: Path
) -> None:
    port = _ssh_port(up)
    password = ["-o", "PreferredAuthentications=password,keyboard-interactive"]
    refused = desk.ssh(port, "true", more=password)
    assert refused.returncode == 255
    assert "Permission denied (publickey)" in refused.stderr
    key = tmp_path / "stranger"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True
    )
    shutil.copy(key, own := desk.home / "stranger")
    own.chmod(0o600)
    os.chown(own, PERSON, PERSON)
    refused = desk.ssh(port, "true", key=own)
    own.unlink()
    assert refused.returncode == 255
    assert "Permission denied (publickey)" in refused.stderr


def test_files_are_copied_by_sftp_scp_and_rsync(desk: Desk, up: dict[str, Any]) -> None:
    port = str(_ssh_port(up))
    options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    options += ["-F", "none", "-i", str(desk.home / ".ssh/id_ed25519")]
    here = desk.folder / "firstlight.toml"
    target = "user@localhost:/workspace/by-"
    done = desk.as_person("scp", "-P", port, *options, str(here), f"{target}scp")
    assert done.returncode == 0, done.stderr
    if shutil.which("rsync"):
        through = f"ssh -p {port} {' '.join(options)}"
        done = desk.as_person("rsync", "-e", through, str(here), f"{target}rsync")
        assert done.returncode == 0, done.stderr
    for copied in (*desk.folder.glob("by-scp"), *desk.folder.glob("by-rsync")):
        assert copied.read_text() == here.read_text()
        assert copied.stat().st_uid == PERSON
        copied.unlink()


def test_the_shell_and_run_leave_the_persons_files(
    desk: Desk, up: dict[str, Any]
) -> None:
    desk.run("shell", stdin="touch by-shell; mkdir -p deep/er; exit\n")
    desk.run("run", "--engine", desk.engine, "--", "touch", "by-run")
    for path in ("by-shell", "by-run", "deep/er"):
        found = (desk.folder / path).stat()
        assert (found.st_uid, found.st_gid) == (PERSON, PERSON), path


@pytest.mark.parametrize("desk", ["sandbox", "docker"], indirect=True)
def test_the_home_folder_is_kept(desk: Desk, up: dict[str, Any]) -> None:
    desk.run("shell", stdin="echo kept > ~/note; exit\n")
    found = desk.run("run", "--engine", desk.engine, "--", "cat", "/home/user/note")
    assert found == "kept\n"
    fresh = ("run", "--engine", desk.engine, "--ephemeral", "--", "ls", "/home/user")
    assert "note" not in desk.run(*fresh)


def test_what_was_installed_by_hand_is_seen(desk: Desk, up: dict[str, Any]) -> None:
    assert desk.json("status")["findings"] == []
    wheel = desk.folder / "byhand-1.5-py3-none-any.whl"
    _write_wheel(wheel)
    install = f"pip install -q --no-index {wheel.name}; pip uninstall -q -y einops"
    done = desk.attempt("shell", stdin=f"cd /workspace; {install}; exit\n")
    wheel.unlink()
    findings = desk.json("status")["findings"]
    told = {
        each["message"]: each["hint"].partition(" makes it")[0] for each in findings
    }
    assert told == {
        "byhand 1.5 was installed by hand": "`firstlight add 'byhand==1.5'`",
        "einops 0.8.0 was removed by hand": "`firstlight remove einops`",
    }, done.stderr


def test_a_stale_lock_is_seen(desk: Desk, up: dict[str, Any]) -> None:
    spec = desk.folder / "firstlight.toml"
    before = spec.read_text()
    try:
        spec.write_text(before.replace('"einops==0.8.0"', '"einops"'))
        codes = [each["code"] for each in desk.json("status")["findings"]]
    finally:
        spec.write_text(before)
    assert "status.lock" in codes


def test_logs_show_what_jupyter_wrote(desk: Desk, up: dict[str, Any]) -> None:
    done = desk.attempt("logs")
    assert "Jupyter Server" in done.stdout + done.stderr
    token = Lab(address=up["jupyter"]).own_token
    assert token not in done.stdout + done.stderr


def test_down_leaves_nothing(desk: Desk) -> None:
    started = desk.up()
    ports = [int(re.search(r":(\d+)/", started["jupyter"]).group(1))]  # type: ignore[union-attr]
    ports.append(_ssh_port(started))
    assert desk.json("down")["ended"] is True
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert _processes() == []
    place = next((desk.home / "state/firstlight/workspaces").glob("lab-*"))
    assert {path.name for path in place.iterdir()} == {"home", "known_hosts"}
    assert desk.json("down")["ended"] is False
    assert desk.json("status")["running"] is False


def _processes() -> list[str]:
    """Command lines of the person's processes that are a workspace's."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.stat().st_uid != PERSON:
                continue
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if "firstlight-start" in line or "jupyter-lab" in line or "sshd_config" in line:
            found.append(line)
    return found


def _write_wheel(path: Path) -> None:
    info = "byhand-1.5.dist-info"
    files = {
        "byhand.py": "",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: byhand\nVersion: 1.5\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(name, text)
