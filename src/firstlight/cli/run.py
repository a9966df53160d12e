"""``firstlight run``: a command inside the image."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from firstlight.cli import build, dry, wishes
from firstlight.cli.context import Context

if TYPE_CHECKING:
    from firstlight.oci.model import Image
    from firstlight.workspace.wish import Wish

__all__ = ["execute", "run"]


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True)
@wishes.options
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
    ephemeral: bool,
    dry_run: bool,
) -> int:
    """Run a command in the image; locks and builds what is missing.

    The project's folder is /workspace inside; no workspace need be up. Write -- before
    a command that has options of its own.
    """
    values = wishes.environment(env)
    table = ours.spec().workspace
    table = wishes.over(table, engine=engine, gpus=gpus, shm=shm, mount=mount)
    # Told only once there is an image: before that, only what is wrong is news.
    notes: list[str] = []
    wish = wishes.settle(ours, table, notes.append)
    wish = replace(wish, environment=values, ephemeral=ephemeral)
    image = build.known(ours) if dry_run else build.make(ours)
    for note in notes:
        ours.progress.say(note)
    if dry_run:
        return _show(ours, image, wish, command)
    return execute(ours, image, wish, command)


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
    from firstlight.workspace.place import place_of
    from firstlight.workspace.session import write_accounts
    from firstlight.workspace.wish import command_plan

    chosen, place = ENGINES[wish.engine], place_of(ours.folder)
    place = replace(place, owner=chosen.outer_user(place.owner))
    loaded = Digest(chosen.load(image, ours.store, ours.progress))
    place.make()
    write_accounts(image, place, wish, ours.store)
    passing = place.passing_home() if wish.ephemeral else nullcontext(place.home)
    with passing as home:
        plan = command_plan(image, place, wish, command, home=home)
        place.make_points(plan.mounts)
        plan = replace(plan, image=replace(image, id=loaded))
        return chosen.execute(plan, ours.store)
