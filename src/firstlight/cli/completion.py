"""``firstlight completion``: the script that lets a shell complete our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class, shell_complete

from firstlight.cli.app import COMPLETE
from firstlight.errors import UsageError

__all__ = ["answer", "completion"]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands in your shell.

    In bash, for instance: eval "$(firstlight completion bash)"
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"no completion is known for {shell}")
    root = context.find_root().command
    click.echo(kind(root, {}, "firstlight", COMPLETE).source())


def answer(root: click.Command, asked: str) -> int:
    """Answer the script of a shell; return the exit code."""
    return shell_complete(root, {}, "firstlight", COMPLETE, asked)
