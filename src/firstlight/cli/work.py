"""``firstlight up``, ``down``, ``restart``: the workspace of a project."""

from __future__ import annotations

import time
import tomllib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from firstlight.cli import build, dry, wishes
from firstlight.cli import compression as encodings
from firstlight.cli.context import Context
from firstlight.errors import EngineError, UsageError
from firstlight.finding import Finding, Role

if TYPE_CHECKING:
    from firstlight.lock.workspace_table import Workspace
    from firstlight.oci.model import Image
    from firstlight.workspace.place import Place
    from firstlight.workspace.session import Session
    from firstlight.workspace.wish import Wish

__all__ = ["down", "restart", "show", "up"]


@click.command()
@wishes.options
@click.option(
    "--ports",
    metavar="PORTS",
    help="Ports of this machine, such as jupyter=8889,ssh=2223; 0 leaves a server out; "
    "default: the spec's, or else 8888 and 2222, or the next free ones.",
)
@click.option(
    "--bind",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="Where the servers listen; what is not loopback lets other machines in.",
)
@click.option("--ephemeral", is_flag=True, help="Start with an empty home, keep none.")
@click.option("--ssh-config", is_flag=True, help="Write a host entry to ~/.ssh/config.")
@click.option("--dry-run", is_flag=True, help="Print the exact command; start nothing.")
@click.pass_obj
def up(
    command: Context,
    engine: str | None,
    gpus: str | None,
    mount: tuple[str, ...],
    shm: str | None,
    env: tuple[str, ...],
    no_pull: bool,
    ports: str | None,
    bind: str,
    ephemeral: bool,
    ssh_config: bool,
    dry_run: bool,
) -> None:
    """Start the workspace: JupyterLab, SSH, and what they need.

    Locks, pulls or builds what is missing, and prints the address of JupyterLab and the
    line for ssh. A workspace that runs just so already is left alone.
    """
    from firstlight.workspace import ssh as entries
    from firstlight.workspace.place import place_of

    started = time.monotonic()
    values = wishes.environment(env)
    given = {"engine": engine, "gpus": gpus, "ports": ports, "shm": shm}
    table = wishes.over(command.spec().workspace, **given, mount=mount)
    wish = replace(_wish(command, table, bind), environment=values, ephemeral=ephemeral)
    place = place_of(command.folder)
    image = build.known(command) if dry_run else build.make(command, pulls=not no_pull)
    wish = _with_servers_there(command, wish)
    if dry_run:
        print_plan(command, image, place, wish)
        return
    running = _start(command, image, place, wish)
    if ssh_config or entries.has_entry(_ssh_config(), place.name):
        write_entry(command, place, running)
    show(command, image, wish, running, time.monotonic() - started)


def _start(command: Context, image: Image, place: Place, wish: Wish) -> Session:
    from firstlight.workspace import session

    image = encodings.readable(command, image, wish.engine)
    return session.up(
        image, place, wish, store=command.store, progress=command.progress
    )


def _wish(command: Context, table: Workspace, bind: str) -> Wish:
    from ipaddress import ip_address

    from firstlight.workspace.keys import public_keys
    from firstlight.workspace.ports import parse_address

    address = parse_address(bind)
    if not ip_address(address).is_loopback:
        command.progress.warn(_exposed(bind))
    return replace(
        wishes.settle(command, table, command.progress.say),
        address=address,
        keys=public_keys(),
    )


def _with_servers_there(command: Context, wish: Wish) -> Wish:
    """Leave out servers that the image does not have; that is told.

    Raises:
        UsageError: when nobody could work in the image.
    """
    from firstlight.pack.start import starts

    lock, pylock = command.read_lock()
    if not starts(lock.profile):
        raise UsageError(
            f'an image with profile = "{lock.profile}" has nothing to work in',
            hint='write profile = "workspace", or `firstlight run -- COMMAND`',
        )
    wheels = {each["name"] for each in tomllib.loads(pylock)["packages"]}
    debs = {deb.name for part in lock.platforms for deb in part.debs}
    there = {"jupyter": "jupyterlab" in wheels, "ssh": "openssh-server" in debs}
    if not there["jupyter"] and wish.ports.get("jupyter", 1):
        command.progress.say("no JupyterLab in the image: `firstlight add jupyterlab`")
    if there["ssh"] and not wish.keys:
        command.progress.say("no SSH: no public key in ~/.ssh or the agent")
    gone = {name: 0 for name, is_there in there.items() if not is_there}
    return replace(wish, ports={**wish.ports, **gone})


def _exposed(bind: str) -> Finding:
    return Finding(
        code="up.exposed",
        role=Role.WARNING,
        message=f"JupyterLab and SSH listen at {bind}: whoever reaches that address "
        "and has the token or a key may run anything here; JupyterLab's traffic, with "
        "its token, is not encrypted",
        hint="leave --bind out and come in through `ssh -L`",
    )


def print_plan(command: Context, image: Image, place: Place, wish: Wish) -> None:
    """Print what would run; nothing is made, loaded or started."""
    from firstlight.workspace import session
    from firstlight.workspace.wish import workspace_plan

    running, record = None, place.record()
    with suppress(EngineError):  # What runs may do so under an engine that has gone.
        running = session.find(place)
    held = [port.outside for port in running.record.ports] if running else []
    say = command.progress.say
    chosen = session.choose_ports(record, wish, say, held=held)
    dry.show(command, wish.engine, workspace_plan(image, place, wish, chosen))


def show(
    command: Context, image: Image, wish: Wish, running: Session, seconds: float
) -> None:
    """Print where everything is."""
    from firstlight.workspace import jupyter

    record = running.record
    lab, ssh = running.port("jupyter"), running.port("ssh")
    address = jupyter.address(lab, running.token) if lab else ""
    line = f"ssh -p {ssh.outside} user@{ssh.host}" if ssh else ""
    verb = "started" if running.started else "runs already"
    command.say(
        f"{Path(record.project).name} {verb} ({record.engine}, {seconds:.1f} s)"
    )
    command.say(f"  image       {image.name}")
    if address:
        command.say(f"  JupyterLab  {address}")
    if line:
        command.say(f"  SSH         {line}")
        command.say("  VS Code     `firstlight code`, or Remote-SSH to that address")
    elif wish.keys and wish.ports.get("ssh", 1):
        command.say("  SSH         off; `firstlight restart` starts it with your key")
    else:
        command.say("  SSH         off")
    command.say(
        "  next        `firstlight shell`, `firstlight status`, `firstlight down`"
    )
    command.result(
        {
            "engine": record.engine,
            "container": record.container,
            "image_id": record.image,
            "started": running.started,
            "jupyter": address,
            "ssh": line,
            "seconds": round(seconds, 2),
        }
    )


@click.command()
@click.pass_obj
def down(command: Context) -> None:
    """End the workspace; its home folder stays."""
    from firstlight.workspace import session, ssh
    from firstlight.workspace.place import place_of

    place = place_of(command.folder)
    ended = session.down(place, command.progress)
    removed = ssh.remove_entry(_ssh_config(), place.name)
    command.say("ended" if ended else "nothing was running")
    if removed:
        command.say("the entry in ~/.ssh/config is removed")
    command.result({"ended": ended, "host_entry_removed": removed})


@click.command()
@click.pass_obj
def restart(command: Context) -> None:
    """Start the workspace anew on the same engine.

    All else is as the spec says: options of an earlier `up` do not hold.
    """
    from firstlight.workspace import session
    from firstlight.workspace.place import place_of

    started = time.monotonic()
    place = place_of(command.folder)
    record = place.record()
    if record is None:
        raise UsageError("nothing runs here", hint="`firstlight up` starts it")
    table = replace(command.spec().workspace, engine=record.engine)
    # What cannot be wished or built leaves alone what runs.
    wish = _wish(command, table, "localhost")
    image = build.make(command, pulls=True)
    wish = _with_servers_there(command, wish)
    session.down(place, command.progress)
    running = _start(command, image, place, wish)
    show(command, image, wish, running, time.monotonic() - started)


def _ssh_config() -> Path:
    return Path.home() / ".ssh" / "config"


def write_entry(command: Context, place: Place, running: Session) -> None:
    """Write the host entry that was asked for."""
    from firstlight.workspace import ssh

    port = running.port("ssh")
    if port is None:
        raise UsageError(
            "no SSH server runs, so there is no host to write down",
            hint="make a key with `ssh-keygen -t ed25519`, then `firstlight restart`",
        )
    config = _ssh_config()
    text = ssh.entry(place.name, port, place.known_hosts)
    ssh.add_entry(config, place.name, text)
    command.say(f"wrote the host {place.name} to {config}")
