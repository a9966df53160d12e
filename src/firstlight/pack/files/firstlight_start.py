#!/opt/venv/bin/python -IS
"""The first program of a container, below tini: decides who runs what.

    firstlight-start COMMAND…     runs the command
    firstlight-start sshd         runs an OpenSSH server for keys only, on port 2222
    firstlight-start workspace    runs the servers that FIRSTLIGHT_JUPYTER and
                                  FIRSTLIGHT_SSH (both ADDRESS:PORT) ask for

Started as root, it first becomes the owner of /workspace and gives up every capability,
so that files written there belong to the person outside. FIRSTLIGHT_USER=UID:GID names
somebody else; FIRSTLIGHT_USER=0:0 stays root. Started as anybody else, it stays so.

It runs inside images, with the standard library of any Python from 3.9 on.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn

HOME = "/home/user"
WORKSPACE = "/workspace"
KEYS = "/run/firstlight/authorized_keys"
KEYS_COPY = "/run/firstlight-authorized_keys"
TOKEN = "/run/firstlight/jupyter-token"
SSH_FOLDER = HOME + "/.local/state/firstlight/ssh"
NOBODY = 65534
# What sshd must be able to do when the one who works here has the number 0.
ROOT_KEEPS = "-all,+setuid,+setgid,+sys_chroot"
SHELLS = ("bash", "sh", "/bin/bash", "/bin/sh")
NOT_FOR_SSH = {"HOME", "USER", "LOGNAME", "PWD", "OLDPWD", "SHLVL", "_", "TERM", "MAIL"}


def main(words: list[str]) -> int:
    """Become the right person, then run the words."""
    if words[:1] == ["--started"]:
        words = words[1:]
    elif os.geteuid() == 0 and may_become():
        become(*person(), words)
    os.environ.update(HOME=HOME, USER="user", LOGNAME="user", SHELL="/bin/bash")
    words = words or ["bash"]
    if words[0] == "sshd":
        words = ssh_command(os.environ.get("FIRSTLIGHT_SSH", ""), words[1:])
    elif words[0] == "workspace":
        return supervise()
    elif words[0] in SHELLS and os.isatty(0):
        return attend(words)
    try:
        os.execvp(words[0], words)
    except FileNotFoundError:
        fail(127, f"there is no program {words[0]} in this image")
    except OSError as error:
        fail(126, f"cannot start {words[0]}: {error.strerror}")


def attend(words: list[str]) -> int:
    """Run a shell for a person, and end it when the container is to stop.

    A shell with a terminal ignores SIGTERM; that its person has gone it understands.
    """
    shell = subprocess.Popen(words)

    def stop(number: int, frame: FrameType | None) -> None:
        shell.send_signal(signal.SIGHUP)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, stop)
    code = shell.wait()
    return code if code >= 0 else 128 - code


def fail(code: int, message: str) -> NoReturn:
    """Say why nothing runs."""
    sys.stderr.write(f"firstlight-start: {message}\n")
    sys.exit(code)


# Who


def person() -> tuple[int, int]:
    """Return UID and GID of whoever owns the work."""
    chosen = os.environ.get("FIRSTLIGHT_USER", "")
    if chosen:
        uid, _, gid = chosen.partition(":")
        if not uid.isdecimal() or not (gid or uid).isdecimal():
            fail(2, f"FIRSTLIGHT_USER={chosen}: write UID:GID")
        return int(uid), int(gid or uid)
    found = os.stat(WORKSPACE)
    if NOBODY in (found.st_uid, found.st_gid):  # Nobody that this container knows.
        return 1000, 1000
    return found.st_uid, found.st_gid


def may_become() -> bool:
    """Whether root has the capabilities SETGID and SETUID; else it stays who it is."""
    with open("/proc/self/status") as stream:
        found = [line.split()[1] for line in stream if line.startswith("CapEff:")]
    return int(found[0], 16) & 0xC0 == 0xC0


def become(uid: int, gid: int, words: list[str]) -> None:
    """Start anew as that person, without capabilities."""
    adopt(uid, gid)
    if os.environ.get("FIRSTLIGHT_USER") and uid == 0:
        return
    for stream in (0, 1, 2):
        with suppress(OSError):  # /dev/stdout can be opened only by its owner.
            os.fchown(stream, uid, gid)
    keeps = (
        ROOT_KEEPS if uid == 0 and words[:1] in (["sshd"], ["workspace"]) else "-all"
    )
    command = ["setpriv", "--reuid", str(uid), "--regid", str(gid)]
    command += ["--groups", "0"]  # Whose members may install into the environment.
    command += ["--bounding-set", keeps, "--inh-caps=-all", "--no-new-privs", "--"]
    os.execv("/usr/bin/setpriv", [*command, sys.argv[0], "--started", *words])


def adopt(uid: int, gid: int) -> None:
    """Give the account `user` these numbers, and its home to them."""
    for path, number in (("/etc/passwd", uid), ("/etc/group", gid)):
        with suppress(OSError):  # A root that cannot be written keeps 1000.
            renumber(path, number, gid)
    with suppress(OSError):
        shutil.copyfile(KEYS, KEYS_COPY)
        os.chmod(KEYS_COPY, 0o644)
    if os.stat(HOME).st_uid == uid:
        return
    for folder, folders, files in os.walk(HOME):
        for name in ["", *folders, *files]:
            with suppress(OSError):
                os.lchown(os.path.join(folder, name).rstrip("/"), uid, gid)


def renumber(path: str, number: int, gid: int) -> None:
    """Write a table of accounts anew with another number for `user`."""
    with open(path) as stream:
        rows = [line.split(":") for line in stream]
    for row in rows:
        if row[0] == "user":
            row[2] = str(number)
            if len(row) == 7:
                row[3] = str(gid)
    with open(path, "w") as stream:
        stream.writelines(":".join(row) for row in rows)


# Servers


def supervise() -> int:
    """Run the servers until told to stop, or until the last of them has ended.

    Without a server, be there for those who open a shell.
    """
    commands: list[list[str]] = []
    running: list[subprocess.Popen[bytes]] = []
    told: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if not commands:
            sys.exit(0)
        told.append(number)
        for one in running:
            one.terminate()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    commands += asked_for()
    for command in commands:
        running.append(subprocess.Popen(command))
    if told:  # One was just being started, and did not hear of it.
        stop(told[0], None)
    while not running:
        signal.pause()
    codes = [one.wait() for one in running]
    return int(any(codes))


def asked_for() -> list[list[str]]:
    """Return the commands of the servers that the environment asks for."""
    jupyter = os.environ.pop("FIRSTLIGHT_JUPYTER", "")
    ssh = os.environ.pop("FIRSTLIGHT_SSH", "")
    commands = [jupyter_command(jupyter)] if jupyter else []
    return [*commands, ssh_command(ssh, [])] if ssh else commands


def jupyter_command(listen: str) -> list[str]:
    """Return the command of JupyterLab; its token is read from a file."""
    if not shutil.which("jupyter-lab"):
        fail(3, "there is no JupyterLab in this image: add jupyterlab to its packages")
    address, _, port = listen.rpartition(":")
    if os.path.exists(TOKEN):
        os.environ["JUPYTER_TOKEN_FILE"] = TOKEN
    words = ["jupyter-lab", "--no-browser", "--ServerApp.ip=" + address.strip("[]")]
    words += ["--ServerApp.port=" + port, "--ServerApp.port_retries=0"]
    words += ["--ServerApp.root_dir=" + WORKSPACE]
    return [*words, "--allow-root"] if os.geteuid() == 0 else words


def ssh_command(listen: str, more: list[str]) -> list[str]:
    """Write what sshd needs into the home folder and return its command."""
    if not os.path.exists("/usr/sbin/sshd"):
        fail(3, "there is no sshd in this image: its profile is not workspace")
    if not os.path.exists(KEYS):
        fail(3, f"no key may log in: mount your public key as {KEYS}:ro")
    # The file itself where it can be read: outside, keys may be added while sshd runs.
    keys = KEYS if os.access(KEYS, os.R_OK) else KEYS_COPY
    if not os.access(keys, os.R_OK):
        fail(3, f"{keys} cannot be read by {os.geteuid()}")
    os.makedirs(SSH_FOLDER, mode=0o700, exist_ok=True)
    config = SSH_FOLDER + "/sshd_config"
    with open(config, "w") as stream:
        stream.write(ssh_config(listen, keys, host_key()))
    return ["/usr/sbin/sshd", "-D", "-e", "-f", config, *more]


def host_key() -> str:
    """Return the path of the host key, which is made once and kept with the home."""
    path = SSH_FOLDER + "/ssh_host_ed25519_key"
    if not os.path.exists(path):
        new = f"{path}.{os.getpid()}"
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "firstlight"]
        subprocess.run([*words, "-f", new], check=True, stdin=subprocess.DEVNULL)
        os.replace(new + ".pub", path + ".pub")
        os.replace(new, path)
    os.chmod(path, stat.S_IRUSR | stat.S_IWUSR)
    return path


def ssh_config(listen: str, keys: str, key: str) -> str:
    """Return the whole configuration: keys only, one person, the image's variables."""
    addresses = [listen] if listen else ["0.0.0.0:2222", "[::]:2222"]
    values = [
        f'{name}="{value}"'
        for name, value in sorted(os.environ.items())
        if name not in NOT_FOR_SSH
        and not name.startswith(("FIRSTLIGHT_", "JUPYTER_TOKEN"))
        and (name + value).isprintable()
        and not set('"\\') & set(name + value)
        and not set(" '#") & set(name)
    ]
    lines = ["ListenAddress " + address for address in addresses]
    lines += [
        "HostKey " + key,
        "AuthorizedKeysFile " + keys,
        # The folders above a mounted file have owners that mean nothing in here.
        "StrictModes no",
        "AllowUsers user",
        "AuthenticationMethods publickey",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "UsePAM no",
        "PidFile none",
        "PrintMotd no",
        "ClientAliveInterval 60",
        "Subsystem sftp internal-sftp",
        "SetEnv " + " ".join(values),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
