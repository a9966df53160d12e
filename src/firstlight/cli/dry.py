"""``--dry-run`` of ``up`` and ``run``: the exact command, and what it needs before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from firstlight.cli.context import Context
from firstlight.digest import Digest

if TYPE_CHECKING:
    from firstlight.engine.base import ContainerPlan

__all__ = ["show"]


def show(command: Context, engine: str, plan: ContainerPlan) -> None:
    """Print the command that would run; nothing is made, loaded or started."""
    from firstlight.engine.table import ENGINES

    known = ENGINES[engine].identify(plan.image, command.store)
    image = replace(plan.image, id=Digest(known)) if known else plan.image
    made = ENGINES[engine].host_command(replace(plan, image=image), command.store)
    secrets = [
        name
        for name in plan.environment
        if name in made.environment and name not in made.shown
    ]
    needs = list(_needs(engine, plan, secrets, is_loaded=bool(known)))
    for need in needs:
        command.progress.say(f"before you paste it: {need}")
    command.say(made.line)
    command.result({"engine": engine, "command": made.line, "needs": needs})


def _needs(
    engine: str, plan: ContainerPlan, secrets: Sequence[str], *, is_loaded: bool
) -> Iterator[str]:
    """What the command takes for granted, and what gives it."""
    from firstlight.engine.base import HOME

    if not is_loaded:
        yield f"`firstlight build -o {engine}`, which brings the image in"
    missing = [
        f"{mount.source}{'/' if mount.target == HOME else ''}"
        for mount in plan.mounts
        if not mount.source.exists()
    ]
    if missing:
        yield f"make what `up` and `run` make by themselves: {', '.join(missing)}"
    if secrets:
        yield f"export {' '.join(secrets)}, whose values are not shown"
