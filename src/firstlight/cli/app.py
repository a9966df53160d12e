"""The table of commands, and the options they share."""

from __future__ import annotations

from pathlib import Path

import click

from firstlight import __version__
from firstlight.cli.commands import Commands
from firstlight.cli.context import Context

__all__ = ["COMPLETE", "app"]

COMPLETE = "_FIRSTLIGHT_COMPLETE"
"""A shell sets it when it asks how a line may go on."""

COMMANDS = {
    "init": "init",
    "lock": "lock",
    "build": "build",
    "up": "work",
    "run": "run",
    "shell": "enter",
    "jupyter": "enter",
    "ssh": "enter",
    "code": "enter",
    "status": "look",
    "logs": "look",
    "restart": "work",
    "down": "work",
    "push": "push",
    "pull": "pull",
    "vendor": "vendor",
    "inspect": "inspect",
    "diff": "diff",
    "sign": "sign",
    "key": "sign",
    "verify": "verify",
    "add": "edit",
    "remove": "edit",
    "docs": "docs",
    "cache": "cache",
    "completion": "completion",
}
"""Command -> the module that has it under the command's name."""


@click.group(
    cls=Commands,
    modules=COMMANDS,
    help="One spec, one lock, one PyTorch image: the same bits for everybody.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--project",
    "-C",
    type=click.Path(path_type=Path),
    default=".",
    show_default=True,
    help="Folder of the project.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object for machines."
)
@click.option(
    "--quiet", "-q", is_flag=True, help="Print only results, warnings and errors."
)
@click.option(
    "--offline",
    is_flag=True,
    help="Ask no network for anything: use what is on this machine.",
)
@click.version_option(
    __version__, message="%(prog)s %(version)s", help="Print the version."
)
@click.pass_context
def app(
    context: click.Context, project: Path, as_json: bool, quiet: bool, offline: bool
) -> None:
    """Read the shared options."""
    context.obj = Context.make(project, as_json=as_json, quiet=quiet, offline=offline)
