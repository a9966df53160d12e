"""A small project that is locked and can be pushed, for tests of commands."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from cli.started import Firstlight
from firstlight.digest import of_bytes
from firstlight.lock.lockfile import Lock
from firstlight.lock.spec import read_spec
from firstlight.lock.text import dump_lock, parse_lock
from firstlight.oci.model import Image
from firstlight.pack.known import find
from pack.hand_locks import AMD64, Bench

__all__ = ["built", "read_lock", "told", "write_project"]

SPEC = """\
name = "tiny"
python = "3.11"
packages = []

[share]
image = "{image}"
"""


def write_project(bench: Bench, image: str) -> None:
    """Write spec and lock into the bench's folder."""
    (bench.folder / "firstlight.toml").write_text(SPEC.format(image=image))
    pylock, spec = bench.pylock(), read_spec(bench.folder)
    lock = replace(
        bench.lock(), spec=spec.digest, pylock=of_bytes(pylock.encode()), name="tiny"
    )
    (bench.folder / "firstlight.lock").write_text(dump_lock(lock))
    (bench.folder / "pylock.toml").write_text(pylock)


def read_lock(bench: Bench) -> Lock:
    """The lock as it is now."""
    return parse_lock((bench.folder / "firstlight.lock").read_text(), "it")


def built(bench: Bench) -> Image:
    """The image that was built from it."""
    image = find(read_lock(bench), AMD64, bench.store)
    assert image is not None
    return image


def told(run: Firstlight, *arguments: str, code: int = 0) -> dict[str, Any]:
    """What a command says to machines."""
    done = run("--json", *arguments)
    assert done.code == code, done.out + done.err
    found: dict[str, Any] = json.loads(done.out)
    return found
