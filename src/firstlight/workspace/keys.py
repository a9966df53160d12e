"""The person's public keys: they go in when a workspace starts, and into no image."""

from __future__ import annotations

import os
import shutil
from base64 import b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path

from firstlight import proc

__all__ = ["public_keys"]

_KINDS = ("ssh-", "ecdsa-", "sk-")


def public_keys(
    home: Path | None = None, environ: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """Return the public keys in ``~/.ssh`` and of the agent, each once."""
    found = [*_from_files(home or Path.home()), *_from_agent(environ)]
    first: dict[str, str] = {}
    for line in found:
        first.setdefault(" ".join(line.split()[:2]), line)
    return tuple(first.values())


def _from_files(home: Path) -> Iterator[str]:
    for path in sorted((home / ".ssh").glob("*.pub")):
        try:
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
        except (OSError, UnicodeDecodeError):
            continue
        yield from _keys(text)


def _from_agent(environ: Mapping[str, str]) -> Iterator[str]:
    if environ.get("SSH_AUTH_SOCK") and shutil.which("ssh-add"):
        done = proc.capture(["ssh-add", "-L"], env=environ)
        if done.code == 0:
            yield from _keys(done.stdout)


def _keys(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        words = line.split()
        if len(words) >= 2 and _is_key(*words[:2]):
            yield line.strip()


def _is_key(kind: str, data: str) -> bool:
    """Whether the data is of the kind that it says it is (RFC 4253, section 6.6).

    So a line can bring no options with it. Certificates are left out: they name a key
    that stands in a file of its own.
    """
    try:
        found = b64decode(data, validate=True)
    except ValueError:
        return False
    name = kind.encode()
    is_so = found.startswith(len(name).to_bytes(4) + name)
    return is_so and kind.startswith(_KINDS) and "-cert-v" not in kind
