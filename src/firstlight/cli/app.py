"""The table of commands, and the options they share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from firstlight import __version__
from firstlight.cli import build, cache, edit, init, lock, run, verify
from firstlight.cli.context import Context

__all__ = ["InterruptionError", "app"]


class InterruptionError(Exception):
    """Ctrl-C; Typer would turn it into an exit code and say nothing."""


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise InterruptionError from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="One spec, one lock, one PyTorch image: the same bits for everybody.",
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"firstlight {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    project: Annotated[
        Path, typer.Option("--project", "-C", help="Folder of the project.")
    ] = Path(),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object for machines.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only results and errors.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Read the shared options."""
    context.obj = Context.make(project, as_json=as_json, quiet=quiet)


app.command("init")(init.init)
app.command("lock")(lock.lock)
app.command("build")(build.build)
app.command("run", context_settings={"allow_interspersed_args": False})(run.run)
app.command("verify")(verify.verify)
app.command("add")(edit.add)
app.command("remove")(edit.remove)
app.add_typer(cache.app, name="cache")
