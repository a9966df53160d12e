"""The program that containers start with, and what login shells need to know of it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from firstlight.digest import Digest, of_bytes
from firstlight.pack.dpkg import file_entry
from firstlight.pack.entry import Entry

__all__ = ["ENTRY_POINT", "start_digest", "start_entries", "starts"]

ENTRY_POINT = ("/usr/bin/tini", "--", "/usr/local/bin/firstlight-start")
"""tini is the process with number 1: it passes signals on and leaves no zombies."""

_PROFILE = """\
# /etc/profile has just forgotten the PATH of the image.
case ":$PATH:" in
    *:/{prefix}/bin:*) ;;
    *) PATH="/{prefix}/bin:$PATH" ;;
esac
if [ -d /usr/local/nvidia/bin ]; then
    PATH="$PATH:/usr/local/nvidia/bin"
fi
export PATH
"""


def starts(profile: str) -> bool:
    """Whether images of a profile start with our program; ``serve`` has no shell."""
    return profile != "serve"


@cache
def _program() -> bytes:
    return files("firstlight.pack").joinpath("files/firstlight_start.py").read_bytes()


def start_digest(prefix: str = "opt/venv") -> Digest:
    """Return what changes when a file of `start_entries` does."""
    return of_bytes(_program() + _PROFILE.format(prefix=prefix).encode())


def start_entries(prefix: str = "opt/venv") -> list[Entry]:
    """Return the program and the lines for login shells, sorted by path."""
    return [
        file_entry("etc/profile.d/firstlight.sh", _PROFILE.format(prefix=prefix)),
        file_entry("usr/local/bin/firstlight-start", _program(), 0o755),
    ]
