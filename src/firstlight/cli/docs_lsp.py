"""``firstlight docs lsp``: the language server, which an editor starts."""

from __future__ import annotations

import sys

import click

from firstlight.cli.context import Context
from firstlight.errors import UsageError

__all__ = ["lsp"]


@click.command()
@click.option(
    "--tcp",
    "port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="For debugging: listen on a port of this machine, for one editor.",
)
@click.pass_obj
def lsp(command: Context, port: int | None) -> int:
    """Serve an editor: findings, fixes and marks while you write.

    Editors start this themselves; editors/README.md says how to tell them.
    """
    if port is None and sys.stdin.isatty():
        raise UsageError(
            "the language server speaks to an editor, not to a terminal",
            hint="set it up in your editor; to check pages here: firstlight docs lint",
        )
    from firstlight.cli.docs_environment import environment_of
    from firstlight.editor.server import serve

    return serve(environment_of, command.settings.store, port or 0)
