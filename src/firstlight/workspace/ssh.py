"""The entry of a workspace in ``~/.ssh/config``: shown, written only with consent."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from firstlight.engine.base import Port
from firstlight.errors import EngineError, UsageError

__all__ = [
    "HOST_KEY",
    "add_entry",
    "entry",
    "has_entry",
    "known_host",
    "quoted",
    "remove_entry",
]

HOST_KEY = ".local/state/firstlight/ssh/ssh_host_ed25519_key.pub"
"""Where the server inside keeps its public host key, below the home folder."""

_BEGIN = "# firstlight: begin {name}"
_END = "# firstlight: end {name}"


def entry(name: str, port: Port, known_hosts: Path) -> str:
    """Return the lines that make ``ssh NAME`` work.

    Host keys of workspaces are kept in a file of their own: every port of localhost
    would else be one host with changing keys in the person's own file.
    """
    return (
        f"Host {name}\n"
        f"    HostName {port.host}\n"
        f"    Port {port.outside}\n"
        f"    User user\n"
        f"    HostKeyAlias {name}\n"
        f"    UserKnownHostsFile {quoted(known_hosts)}\n"
        f"    StrictHostKeyChecking yes\n"
    )


def quoted(path: Path) -> str:
    """Return a path as ssh reads it in a configuration, or after ``-o NAME=``."""
    text = re.sub(r'(["\\])', r"\\\1", str(path))
    return '"' + text.replace("%", "%%") + '"'


def known_host(name: str, home: Path) -> str:
    """Return the line by which ssh outside knows the workspace.

    It is read from the home folder, not from the network: nobody can stand between.

    Raises:
        EngineError: when the server's key is not there.
    """
    path = home / HOST_KEY
    try:
        kind, key = path.read_text(encoding="ascii").split()[:2]
    except (OSError, ValueError) as error:
        raise EngineError(
            f"the SSH server's public key {path} is missing or damaged",
            hint=f"remove {path.parent}, and the next start makes new keys",
        ) from error
    return f"{name} {kind} {key}\n"


def add_entry(config: Path, name: str, text: str) -> None:
    """Put the entry, in place of an older one, in front of all others.

    The first value that ssh finds counts, so it must stand before ``Host *``.
    """
    block = f"{_BEGIN.format(name=name)}\n{text}{_END.format(name=name)}\n\n"
    _write(config, block + _without(_read(config), name))


def has_entry(config: Path, name: str) -> bool:
    """Whether the entry is there; what cannot be read has none."""
    try:
        text = _read(config)
    except UsageError:
        return False
    return _without(text, name) != text


def remove_entry(config: Path, name: str) -> bool:
    """Remove the entry, and the file if that was all of it; whether there was one."""
    if not has_entry(config, name):
        return False
    rest = _without(_read(config), name)
    if rest or config.is_symlink():
        _write(config, rest)
    else:
        config.unlink()
    return True


def _without(text: str, name: str) -> str:
    begin, end = (re.escape(each.format(name=name)) for each in (_BEGIN, _END))
    return re.sub(rf"^{begin}\n(?:.*\n)*?{end}\n\n?", "", text, flags=re.MULTILINE)


def _read(config: Path) -> str:
    """Read the text with every byte of it: only our own lines are ours to change."""
    try:
        return os.fsdecode(config.read_bytes())
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise UsageError(
            f"{config} cannot be read: {error.strerror}", hint="add the entry by hand"
        ) from error


def _write(config: Path, text: str) -> None:
    """Write through a link, keeping mode and owner: people keep theirs elsewhere."""
    target = config.resolve()
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".config-", dir=target.parent)
        new = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(os.fsencode(text))
            _take_over(new, target if target.exists() else target.parent)
            new.replace(target)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"{config} cannot be written: {error.strerror}", hint="add it by hand"
        ) from error


def _take_over(new: Path, old: Path) -> None:
    """Give a new file the owner of an old one, and its mode where it is a file.

    Under `sudo`, HOME often is still the person's, and ssh refuses what is not theirs.
    """
    found = old.stat()
    if os.geteuid() == 0:
        os.chown(new, found.st_uid, found.st_gid)
    if old.is_file():
        new.chmod(found.st_mode & 0o777)
