"""The entry in ``~/.ssh/config``: it goes as it came, and OpenSSH understands it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstlight.cli.enter import ssh_words
from firstlight.engine.base import Port
from firstlight.errors import EngineError, UsageError
from firstlight.workspace import ssh
from firstlight.workspace.place import Place

PORT = Port(name="ssh", inside=2222, outside=2345)
NAME = "firstlight-demo-0a1b2c3d"
TEXT = ssh.entry(NAME, PORT, Path("/known"))
LINES = st.sampled_from(
    [
        f"# firstlight: begin {NAME}\n".encode(),
        f"# firstlight: end {NAME}\n".encode(),
        f"# firstlight: end {NAME}".encode(),
        *(b"\n", b"\r\n", b"Host *\n", b"  User me\n", b"# caf\xe9\n", b"\x00"),
    ]
)
OPENSSH = pytest.mark.skipif(not shutil.which("ssh"), reason="OpenSSH is not here")


def settings(*words: str) -> dict[str, str]:
    """What ssh makes of its options, without connecting."""
    done = subprocess.run(
        ["ssh", "-G", *words], check=True, capture_output=True, text=True
    )
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


# Adding and removing


@given(before=st.binary())
def test_removing_gives_back_every_byte(
    before: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = tmp_path_factory.mktemp("ssh") / "config"
    config.write_bytes(before)
    assert not ssh.has_entry(config, NAME)
    assert not ssh.remove_entry(config, NAME)
    ssh.add_entry(config, NAME, TEXT)
    assert ssh.has_entry(config, NAME)
    assert ssh.remove_entry(config, NAME)
    assert not ssh.has_entry(config, NAME)
    assert _bytes(config) == before


def _bytes(config: Path) -> bytes:
    """What ssh reads there: of an empty file as much as of none."""
    return config.read_bytes() if config.exists() else b""


def test_a_file_that_held_nothing_else_goes_too(tmp_path: Path) -> None:
    config = tmp_path / "config"
    ssh.add_entry(config, NAME, TEXT)
    assert ssh.remove_entry(config, NAME)
    assert not config.exists()


@given(lines=st.lists(LINES))
def test_marks_that_somebody_cut_do_no_harm(
    lines: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever is left of older entries: adding and removing is as only removing."""
    one, two = (tmp_path_factory.mktemp("ssh") / "config" for _ in range(2))
    for config in (one, two):
        config.write_bytes(b"".join(lines))
        ssh.remove_entry(config, NAME)
    ssh.add_entry(two, NAME, TEXT)
    assert two.read_text(encoding="latin-1").count(TEXT) == 1
    ssh.remove_entry(two, NAME)
    assert _bytes(one) == _bytes(two)


def test_adding_twice_keeps_the_last(tmp_path: Path) -> None:
    config = tmp_path / "new/config"
    for port in (1111, 2222):
        one = Port(name="ssh", inside=2222, outside=port)
        ssh.add_entry(config, NAME, ssh.entry(NAME, one, Path("/known")))
    text = config.read_text()
    assert text.count(f"Host {NAME}") == 1
    assert "Port 2222" in text
    assert config.stat().st_mode & 0o777 == 0o600
    assert config.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in config.parent.iterdir()] == ["config"]


def test_entries_of_other_workspaces_stay(tmp_path: Path) -> None:
    config = tmp_path / "config"
    for name in (NAME, NAME + "0", NAME[:-1]):
        ssh.add_entry(config, name, ssh.entry(name, PORT, Path("/known")))
    ssh.remove_entry(config, NAME)
    assert not ssh.has_entry(config, NAME)
    assert ssh.has_entry(config, NAME + "0")
    assert ssh.has_entry(config, NAME[:-1])


# The file


def test_a_linked_config_stays_a_link_with_its_mode(tmp_path: Path) -> None:
    real, config = tmp_path / "dotfiles", tmp_path / "config"
    real.write_text("Host *\n")
    real.chmod(0o640)
    config.symlink_to(real)
    ssh.add_entry(config, NAME, TEXT)
    assert config.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert "Host *" in real.read_text()


def test_a_link_to_what_is_not_there_yet_is_followed(tmp_path: Path) -> None:
    real, config = tmp_path / "dotfiles/ssh", tmp_path / "config"
    config.symlink_to(real)
    ssh.add_entry(config, NAME, TEXT)
    assert config.is_symlink()
    assert ssh.has_entry(real, NAME)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can own others' files")
@pytest.mark.parametrize("is_there", [True, False])
def test_under_sudo_it_stays_the_persons(tmp_path: Path, is_there: bool) -> None:
    """ssh refuses a configuration that belongs to somebody else."""
    config = tmp_path / "config"
    os.chown(tmp_path, 1234, 1235)
    if is_there:
        config.touch()
        os.chown(config, 1234, 1235)
    ssh.add_entry(config, NAME, TEXT)
    assert (config.stat().st_uid, config.stat().st_gid) == (1234, 1235)


def test_a_config_that_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    assert not ssh.has_entry(config, NAME)
    assert not ssh.remove_entry(config, NAME)
    with pytest.raises(UsageError, match="config cannot be read: Is a directory"):
        ssh.add_entry(config, NAME, TEXT)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / ".ssh").symlink_to("/proc/nowhere")
    with pytest.raises(UsageError, match="config cannot be written") as caught:
        ssh.add_entry(tmp_path / ".ssh/config", NAME, TEXT)
    assert caught.value.hint == "add it by hand"


# What OpenSSH makes of it


@OPENSSH
def test_openssh_reads_what_was_meant(tmp_path: Path) -> None:
    """Two spaces would be one if the path were taken for two."""
    config = tmp_path / "config"
    known = tmp_path / 'a  folder at 100% of "x\\y"' / "known_hosts"
    config.write_text("Host *\n    Port 22\n    User somebody\n")
    ssh.add_entry(config, NAME, ssh.entry(NAME, PORT, known))
    told = settings("-F", str(config), NAME)
    assert told["port"] == "2345"
    assert told["user"] == "user"
    assert told["hostname"] == "127.0.0.1"
    assert told["hostkeyalias"] == NAME
    assert told["userknownhostsfile"] == str(known)
    assert told["stricthostkeychecking"] in ("true", "yes")
    assert settings("-F", str(config), "elsewhere")["port"] == "22"


@OPENSSH
def test_firstlights_own_words_mean_the_same(tmp_path: Path) -> None:
    place = Place(
        folder=tmp_path / 'a  folder at 100% of "x\\y"',
        here=tmp_path,
        key="0a1b",
        name=NAME,
        project=tmp_path,
        owner=(1, 1),
    )
    program, *words = ssh_words(place, PORT)
    assert program == "ssh"
    told = settings("-F", "none", *words)
    assert told["port"] == "2345"
    assert told["user"] == "user"
    assert told["hostkeyalias"] == NAME
    assert told["userknownhostsfile"] == str(place.known_hosts)


@OPENSSH
@pytest.mark.parametrize(
    ("listens", "reached"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("::1", "::1"), ("10.1.2.3", "10.1.2.3")],
)
def test_a_server_at_any_address_is_reached_here(
    tmp_path: Path, listens: str, reached: str
) -> None:
    port = Port(name="ssh", inside=2222, outside=2345, address=listens)
    config = tmp_path / "config"
    ssh.add_entry(config, NAME, ssh.entry(NAME, port, Path("/known")))
    assert settings("-F", str(config), NAME)["hostname"] == reached


# The host's key


def test_the_host_is_known_by_the_key_in_the_home_folder(tmp_path: Path) -> None:
    key = tmp_path / ssh.HOST_KEY
    key.parent.mkdir(parents=True)
    key.write_text("ssh-ed25519 AAAAC3 firstlight\n")
    assert ssh.known_host(NAME, tmp_path) == f"{NAME} ssh-ed25519 AAAAC3\n"


@pytest.mark.parametrize("data", [None, b"", b"ssh-ed25519", b"\xff\xfe \x80"])
def test_a_key_that_is_lost_says_how_to_get_another(
    tmp_path: Path, data: bytes | None
) -> None:
    key = tmp_path / ssh.HOST_KEY
    if data is not None:
        key.parent.mkdir(parents=True)
        key.write_bytes(data)
    with pytest.raises(EngineError, match="missing or damaged") as caught:
        ssh.known_host(NAME, tmp_path)
    assert (
        caught.value.hint == f"remove {key.parent}, and the next start makes new keys"
    )
