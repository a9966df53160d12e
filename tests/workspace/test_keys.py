"""The person's public keys: from files and from the agent, and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstlight.workspace.keys import public_keys

OPENSSH = pytest.mark.skipif(
    not shutil.which("ssh-keygen"), reason="OpenSSH is not here"
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with an empty ``.ssh``."""
    (tmp_path / ".ssh").mkdir()
    return tmp_path


def data(kind: str, seed: str = "") -> str:
    """What stands behind the kind in a public key."""
    name = kind.encode()
    return b64encode(len(name).to_bytes(4) + name + seed.encode()).decode()


def line(kind: str = "ssh-ed25519", seed: str = "", comment: str = "me@here") -> str:
    """A public key as its file has it."""
    return f"{kind} {data(kind, seed)} {comment}"


def write(home: Path, **files: str) -> None:
    """Write ``NAME.pub``."""
    for name, text in files.items():
        (home / ".ssh" / f"{name}.pub").write_text(text, encoding="utf-8")


# Files


def test_without_a_folder_there_is_none(tmp_path: Path) -> None:
    assert public_keys(tmp_path, {}) == ()
    (tmp_path / ".ssh").touch()
    assert public_keys(tmp_path, {}) == ()


def test_a_key_in_two_files_counts_once(home: Path) -> None:
    write(home, one=line(comment="first"), two=line(comment="second"))
    assert public_keys(home, {}) == (line(comment="first"),)


def test_a_file_may_have_several_and_remarks(home: Path) -> None:
    kinds = ("ecdsa-sha2-nistp256", "sk-ssh-ed25519@openssh.com", "ssh-rsa")
    keys = [line(kind) for kind in kinds]
    write(home, all="# mine\r\n\r\n" + "\r\n".join(keys))
    assert public_keys(home, {}) == tuple(keys)


@OPENSSH
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_real_keys_are_found_and_private_ones_never(home: Path, kind: str) -> None:
    key = home / ".ssh" / f"id_{kind}"
    make(key, kind)
    # Whoever gives a private key the wrong name does not publish it here.
    shutil.copy(key, home / ".ssh/copy.pub")
    (only,) = public_keys(home, {})
    assert only == key.with_suffix(".pub").read_text().strip()


def make(key: Path, kind: str = "ed25519") -> None:
    """Make a pair of keys."""
    words = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "名 mine", "-f", str(key)]
    subprocess.run(words, check=True)


@OPENSSH
def test_certificates_are_left_out(home: Path) -> None:
    authority, key = home / "authority", home / ".ssh/key"
    for path in (authority, key):
        make(path)
    words = ["ssh-keygen", "-q", "-s", str(authority), "-I", "me", f"{key}.pub"]
    subprocess.run(words, check=True)
    certificate = home / ".ssh/key-cert.pub"
    certificate.rename(home / ".ssh/another-name.pub")
    assert public_keys(home, {}) == (Path(f"{key}.pub").read_text().strip(),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-ed25519 no-base64!",
        f"ssh-rsa {data('ssh-ed25519')}",
        f"ssh-copy-id {data('ssh-ed25519')}",
        f"ssh-rsa-cert-v01@openssh.com {data('ssh-rsa-cert-v01@openssh.com')}",
        f"strange {data('strange')}",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=",
    ],
)
def test_what_is_no_key_is_left_out(home: Path, text: str) -> None:
    write(home, broken=text, good=line())
    assert public_keys(home, {}) == (line(),)


@pytest.mark.parametrize(
    "options",
    ['command="rm -rf /"', "cert-authority", 'ssh-,environment="A=b"', "sk-x,restrict"],
)
def test_a_line_brings_no_options_with_it(home: Path, options: str) -> None:
    write(home, options=f"{options} {line()}")
    assert public_keys(home, {}) == ()


@given(text=st.text())
def test_whatever_a_file_holds_each_line_is_one_key(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / ".ssh").mkdir()
    mixed = f"{text}\n{line(seed='a')}{text}\n{line(seed='b')}"
    (home / ".ssh/x.pub").write_text(mixed, encoding="utf-8", newline="")
    for found in public_keys(home, {}):
        assert found.startswith(f"ssh-ed25519 {data('ssh-ed25519')[:16]}")
        assert "\n" not in found
    assert line(seed="b") in public_keys(home, {})


def test_what_cannot_be_read_is_left_out(home: Path) -> None:
    write(home, good=line())
    (home / ".ssh/broken.pub").write_bytes(b"\xff\xfe ssh-rsa")
    (home / ".ssh/folder.pub").mkdir()
    (home / ".ssh/gone.pub").symlink_to("nowhere")
    os.mkfifo(home / ".ssh/waits.pub")
    assert public_keys(home, {}) == (line(),)


# The agent


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """The socket of an agent of the test's own."""
    if not shutil.which("ssh-agent"):
        pytest.skip("OpenSSH is not here")
    socket = str(tmp_path / "agent")
    words = ["ssh-agent", "-a", socket]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    found = re.search(r"SSH_AGENT_PID=(\d+)", told)
    assert found
    yield socket
    os.kill(int(found[1]), signal.SIGTERM)


def test_keys_of_the_agent_count(home: Path, agent: str) -> None:
    """Also what it knows a certificate of, once."""
    environ = {"SSH_AUTH_SOCK": agent, "PATH": os.environ["PATH"]}
    assert public_keys(home, environ) == ()
    key, authority = home / "key", home / "authority"
    for path in (key, authority):
        make(path)
    words = ["ssh-keygen", "-q", "-s", str(authority), "-I", "me", f"{key}.pub"]
    subprocess.run(words, check=True)
    subprocess.run(["ssh-add", "-q", key], check=True, env=environ)
    listed = subprocess.run(
        ["ssh-add", "-L"], check=True, env=environ, capture_output=True, text=True
    ).stdout
    assert "-cert-v01@openssh.com" in listed
    public = Path(f"{key}.pub").read_text().strip()
    assert public_keys(home, environ) == (public,)
    write(home, same=public)
    assert public_keys(home, environ) == (public,)


def test_an_agent_that_has_gone_is_no_error(home: Path) -> None:
    write(home, good=line())
    environ = {"SSH_AUTH_SOCK": str(home / "gone"), "PATH": os.environ["PATH"]}
    assert public_keys(home, environ) == (line(),)
