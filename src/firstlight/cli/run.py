"""``firstlight run``: a command inside the image."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from firstlight.cli import build, dry, wishes
from firstlight.cli import compression as encodings
from firstlight.cli.context import Context
from firstlight.errors import SpecError

if TYPE_CHECKING:
    from firstlight.lock.workspace_table import Workspace
    from firstlight.oci.model import Image
    from firstlight.workspace.wish import Wish

__all__ = ["execute", "run"]


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True)
@wishes.options
@click.option(
    "--image",
    metavar="REFERENCE",
    help="Run this image, pulled where it is not here, instead of the project's; needs "
    "no project.",
)
@click.option("--ephemeral", is_flag=True, help="Keep no home folder afterwards.")
@click.option("--dry-run", is_flag=True, help="Print the exact command; start nothing.")
@click.pass_obj
def run(
    ours: Context,
    command: tuple[str, ...],
    engine: str | None,
    gpus: str | None,
    mount: tuple[str, ...],
    shm: str | None,
    env: tuple[str, ...],
    no_pull: bool,
    image: str | None,
    ephemeral: bool,
    dry_run: bool,
) -> int:
    """Run a command in the image, with the project as /workspace.

    Locks, pulls or builds what is missing; no workspace need be up. Write -- before a
    command that has options of its own.
    """
    values = wishes.environment(env)
    table = _table(ours, image)
    table = wishes.over(table, engine=engine, gpus=gpus, shm=shm, mount=mount)
    # Told only once there is an image: before that, only what is wrong is news.
    notes: list[str] = []
    wish = wishes.settle(ours, table, notes.append)
    wish = replace(wish, environment=values, ephemeral=ephemeral)
    chosen = _image(ours, image, pulls=not no_pull, is_built=dry_run)
    for note in notes:
        ours.progress.say(note)
    if dry_run:
        return _show(ours, chosen, wish, command)
    return execute(ours, chosen, wish, command)


def _table(ours: Context, image: str | None) -> Workspace:
    """How the spec wants it run; an image that was named needs no project."""
    from firstlight.lock.spec import FILE, find_spec
    from firstlight.lock.workspace_table import Workspace

    if image is not None and not (ours.folder / FILE).exists():
        try:
            find_spec(ours.folder)
        except SpecError:
            return Workspace()
    return ours.spec().workspace


def _image(ours: Context, name: str | None, *, pulls: bool, is_built: bool) -> Image:
    from firstlight.cli.pull import image_of

    if name is not None:
        return image_of(ours, name)
    return build.known(ours) if is_built else build.make(ours, pulls=pulls)


def _show(ours: Context, image: Image, wish: Wish, command: Sequence[str]) -> int:
    from firstlight.workspace.place import place_of
    from firstlight.workspace.wish import command_plan

    plan = command_plan(image, place_of(ours.folder), wish, command)
    dry.show(ours, wish.engine, plan)
    return 0


def execute(ours: Context, image: Image, wish: Wish, command: Sequence[str]) -> int:
    """Run a command in a container of its own and return its exit code."""
    from firstlight.digest import Digest
    from firstlight.engine.table import ENGINES
    from firstlight.leases import lease
    from firstlight.workspace.place import place_of
    from firstlight.workspace.session import write_accounts
    from firstlight.workspace.wish import command_plan

    chosen, place = ENGINES[wish.engine], place_of(ours.folder)
    image = encodings.readable(ours, image, wish.engine)
    place = replace(place, owner=chosen.outer_user(place.owner))
    with lease(ours.store, image.id):
        loaded = Digest(chosen.load(image, ours.store, ours.progress))
        place.make()
        write_accounts(image, place, wish, ours.store)
        passing = place.passing_home() if wish.ephemeral else nullcontext(place.home)
        with passing as home:
            plan = command_plan(image, place, wish, command, home=home)
            place.make_points(plan.mounts)
            plan = replace(plan, image=replace(image, id=loaded))
            return chosen.execute(plan, ours.store)
