"""``firstlight completion``: the script that lets a shell complete our commands."""

from __future__ import annotations

import click
from click.shell_completion import (
    BashComplete,
    FishComplete,
    ZshComplete,
    shell_complete,
)

from firstlight.cli.app import COMPLETE

__all__ = ["answer", "completion"]


_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command()
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands in your shell.

    In bash, for instance: eval "$(firstlight completion bash)"
    """
    root = context.find_root().command
    click.echo(_SHELLS[shell](root, {}, "firstlight", COMPLETE).source())


def answer(root: click.Command, asked: str) -> int:
    """Answer the script of a shell; return the exit code."""
    return shell_complete(root, {}, "firstlight", COMPLETE, asked)
