"""``firstlight run``: a command inside the image."""

from __future__ import annotations

from typing import Annotated

import typer

from firstlight.cli import build
from firstlight.cli.context import Context
from firstlight.errors import UsageError

__all__ = ["run"]


def run(
    context: typer.Context,
    command: Annotated[
        list[str], typer.Argument(help="The command; write -- before it.")
    ],
    gpus: Annotated[
        str, typer.Option(help="auto, all, none, or indices such as 0,1.")
    ] = "auto",
    env: Annotated[
        list[str] | None, typer.Option("--env", "-e", help="NAME=VALUE to set inside.")
    ] = None,
) -> None:
    """Run a command in the image; locks and builds what is missing."""
    from firstlight.engine import sandbox

    ours: Context = context.obj
    environment = _environment(env or [])
    image = build.make(ours)
    code = sandbox.run(
        image,
        command,
        store=ours.store,
        project=ours.folder,
        environment=environment,
        gpus=gpus,
        progress=ours.progress,
    )
    raise typer.Exit(code)


def _environment(pairs: list[str]) -> dict[str, str]:
    values = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise UsageError(f"--env {pair!r}: write NAME=VALUE")
        values[name] = value
    return values
