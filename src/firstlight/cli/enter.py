"""``firstlight shell``, ``ssh``, ``code``, ``jupyter``: into a running workspace."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from firstlight import proc
from firstlight.cli.context import Context
from firstlight.errors import EngineError, UsageError

if TYPE_CHECKING:
    from firstlight.engine.base import Port
    from firstlight.workspace.place import Place
    from firstlight.workspace.session import Session

__all__ = ["code", "jupyter", "shell", "ssh"]


def running(command: Context) -> tuple[Place, Session]:
    """Return the workspace that runs.

    Raises:
        EngineError: when none does.
    """
    from firstlight.workspace import session
    from firstlight.workspace.place import place_of

    place = place_of(command.folder)
    found = session.find(place)
    if found is None or not found.state.running:
        raise EngineError(
            f"no workspace of {place.project.name} runs",
            hint="`firstlight up` starts it",
        )
    return place, found


def ssh_words(place: Place, port: Port) -> list[str]:
    """Return the ssh command that knows the workspace's host key."""
    from firstlight.workspace.ssh import quoted

    return [
        *("ssh", "-p", str(port.outside), "-o", f"HostKeyAlias={place.name}"),
        *("-o", f"UserKnownHostsFile={quoted(place.known_hosts)}"),
        *("-o", "StrictHostKeyChecking=yes", f"user@{port.host}"),
    ]


@click.command()
@click.pass_obj
def shell(command: Context) -> int:
    """Open a shell in the running workspace."""
    from firstlight.engine.table import ENGINES

    _, found = running(command)
    inside = ENGINES[found.record.engine].inside(
        found.state, ("bash", "-l"), terminal=sys.stdin.isatty()
    )
    return proc.call(inside.command, env=inside.full_environment)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def ssh(command: Context, words: tuple[str, ...]) -> int:
    """Log in by SSH, or run a command there.

    What follows is for ssh: firstlight ssh nvidia-smi, or, to reach a server of yours
    from here, firstlight ssh -L 6006:localhost:6006.
    """
    place, found = running(command)
    port = found.port("ssh")
    if port is None:
        raise EngineError(
            "the workspace has no SSH server: there was no public key when it started",
            hint="make one with `ssh-keygen -t ed25519`, then `firstlight restart`",
        )
    return proc.call([*ssh_words(place, port), *words])


@click.command()
@click.option("--yes", is_flag=True, help="Write the host entry without asking.")
@click.pass_obj
def code(command: Context, yes: bool) -> int:
    """Open VS Code in the workspace, by SSH.

    It needs VS Code's extension Remote-SSH and a host entry in ~/.ssh/config, which is
    shown before it is written.
    """
    from firstlight.cli.work import write_entry
    from firstlight.workspace import ssh as entries

    place, found = running(command)
    program = shutil.which("code")
    if program is None:
        raise UsageError(
            "VS Code's command `code` is not on the PATH",
            hint="in VS Code, run “Shell Command: Install 'code' command in PATH”",
        )
    port = found.port("ssh")
    config = Path.home() / ".ssh" / "config"
    if port is not None and not entries.has_entry(config, place.name):
        command.say(entries.entry(place.name, port, place.known_hosts))
        if not yes and not click.confirm(f"VS Code needs this in {config}. Write it?"):
            return 1
    write_entry(command, place, found)
    return proc.call([program, "--remote", f"ssh-remote+{place.name}", "/workspace"])


@click.command()
@click.pass_obj
def jupyter(command: Context) -> None:
    """Print the address of JupyterLab and open it in the browser."""
    import webbrowser

    from firstlight.workspace import jupyter as lab

    _, found = running(command)
    port = found.port("jupyter")
    if port is None:
        raise EngineError(
            "the workspace has no JupyterLab", hint="`firstlight add jupyterlab`"
        )
    address = lab.address(port, found.token)
    command.say(address)
    command.result({"jupyter": address})
    if not command.as_json and not webbrowser.open(address):
        command.say("no browser could be opened here: open the address yourself")
