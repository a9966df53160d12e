"""``firstlight add`` and ``remove``: edit the spec, lock again, rebuild."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import click

from firstlight.cli import build
from firstlight.cli import lock as locking
from firstlight.cli.context import Context
from firstlight.errors import FirstlightError

__all__ = ["add", "remove"]

_no_build = click.option("--no-build", is_flag=True, help="Only edit and lock.")


@click.command()
@click.argument("packages", nargs=-1, required=True)
@_no_build
@click.pass_obj
def add(command: Context, packages: tuple[str, ...], no_build: bool) -> None:
    """Add Python packages, such as einops or 'numpy<3'.

    Edits the spec, locks with the least change, rebuilds.
    """
    from firstlight.lock.spec_edit import add_packages

    _edited(command, lambda: add_packages(command.folder, packages), no_build)


@click.command()
@click.argument("packages", nargs=-1, required=True)
@_no_build
@click.pass_obj
def remove(command: Context, packages: tuple[str, ...], no_build: bool) -> None:
    """Remove Python packages by name.

    Edits the spec, locks with the least change, rebuilds.
    """
    from firstlight.lock.spec_edit import remove_packages

    _edited(command, lambda: remove_packages(command.folder, packages), no_build)


def _edited(command: Context, edit: Callable[[], Path], no_build: bool) -> None:
    started = time.monotonic()
    before = _contents(command.folder)
    path = edit()
    try:
        lock, pylock = locking.make(command)
    except (FirstlightError, KeyboardInterrupt):
        # A spec that cannot be locked helps nobody: leave things as they were.
        path.write_bytes(before[path])
        raise
    command.write_lock(lock, pylock)
    command.say(f"edited {path.name}, locked again")
    if not no_build:
        build.show(command, build.make(command), time.monotonic() - started)


def _contents(folder: Path) -> dict[Path, bytes]:
    """What the files that an edit may change hold now."""
    from firstlight.lock.spec import find_spec

    spec, table, _ = find_spec(folder)
    paths = {spec, folder / "pyproject.toml"}
    if isinstance(table.get("packages"), str):
        paths.add(folder / table["packages"])
    return {path: path.read_bytes() for path in paths if path.is_file()}
