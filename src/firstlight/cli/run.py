"""``firstlight run``: a command inside the image."""

from __future__ import annotations

from collections.abc import Sequence

import click

from firstlight.cli import build
from firstlight.cli.context import Context
from firstlight.errors import UsageError

__all__ = ["run"]


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True)
@click.option(
    "--gpus",
    default="auto",
    show_default=True,
    help="auto, all, none, or indices such as 0,1.",
)
@click.option(
    "--env",
    "-e",
    multiple=True,
    metavar="NAME=VALUE",
    help="To set inside; repeatable.",
)
@click.pass_obj
def run(
    ours: Context, command: tuple[str, ...], gpus: str, env: tuple[str, ...]
) -> int:
    """Run a command in the image; locks and builds what is missing.

    Write -- before a command that has options of its own.
    """
    from firstlight.engine import sandbox

    environment = _environment(env)
    image = build.make(ours)
    return sandbox.run(
        image,
        command,
        store=ours.store,
        project=ours.folder,
        environment=environment,
        gpus=gpus,
        progress=ours.progress,
    )


def _environment(pairs: Sequence[str]) -> dict[str, str]:
    values = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise UsageError(f"--env {pair!r}: write NAME=VALUE")
        values[name] = value
    return values
