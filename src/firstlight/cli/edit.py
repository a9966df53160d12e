"""``firstlight add`` and ``remove``: edit the spec, lock again, rebuild."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from firstlight.cli import build
from firstlight.cli import lock as locking
from firstlight.cli.context import Context
from firstlight.errors import FirstlightError

__all__ = ["add", "remove"]

NoBuild = Annotated[bool, typer.Option("--no-build", help="Only edit and lock.")]


def add(
    context: typer.Context,
    packages: Annotated[
        list[str], typer.Argument(help="Requirements, such as einops or 'numpy<3'.")
    ],
    no_build: NoBuild = False,
) -> None:
    """Add Python packages: edit the spec, lock with the least change, rebuild."""
    from firstlight.lock.spec_edit import add_packages

    command: Context = context.obj
    _edited(command, lambda: add_packages(command.folder, packages), no_build)


def remove(
    context: typer.Context,
    packages: Annotated[list[str], typer.Argument(help="Names of packages.")],
    no_build: NoBuild = False,
) -> None:
    """Remove Python packages: edit the spec, lock with the least change, rebuild."""
    from firstlight.lock.spec_edit import remove_packages

    command: Context = context.obj
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
