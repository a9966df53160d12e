"""``firstlight cache``: what the store holds, and what may go."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from firstlight.cli.context import Context
from firstlight.errors import UsageError
from firstlight.report import size

__all__ = ["app"]

app = typer.Typer(help="Show, prune or check the store.", invoke_without_command=True)

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_TIMES = {"h": 3600, "d": 86400, "w": 7 * 86400}


@app.callback()
def show(context: typer.Context) -> None:
    """Print what the store holds."""
    if context.invoked_subcommand is not None:
        return
    from firstlight.hygiene import items

    command: Context = context.obj
    found = items(command.store)
    totals = {
        kind: (
            sum(1 for i in found if i.kind == kind),
            sum(i.size for i in found if i.kind == kind),
        )
        for kind in ("blobs", "trees", "roots")
    }
    command.say(f"store     {command.store.root}")
    for kind, (count, total) in totals.items():
        command.say(f"{kind:<9} {count:>6}   {size(total)}")
    command.result(
        {
            "store": str(command.store.root),
            **{kind: {"count": c, "bytes": t} for kind, (c, t) in totals.items()},
        }
    )


@app.command()
def prune(
    context: typer.Context,
    older_than: Annotated[
        str, typer.Option(help="Not used for so long: 12h, 30d, 8w.")
    ] = "",
    max_size: Annotated[
        str, typer.Option(help="Until the rest is no larger: 500M, 20G.")
    ] = "",
    dry_run: Annotated[bool, typer.Option(help="Only say what would go.")] = False,
) -> None:
    """Remove what was not used for long; it can all be made or fetched again."""
    from firstlight.hygiene import prune as remove

    command: Context = context.obj
    if not older_than and not max_size:
        older_than = "30d"
    gone = remove(
        command.store,
        older_than=_seconds(older_than) if older_than else None,
        max_size=_bytes(max_size) if max_size else None,
        dry_run=dry_run,
    )
    total = sum(item.size for item in gone)
    verb = "would remove" if dry_run else "removed"
    command.say(f"{verb} {len(gone)} items, {size(total)}")
    command.result({"items": len(gone), "bytes": total, "dry_run": dry_run})


@app.command()
def check(context: typer.Context) -> None:
    """Hash every blob and remove the damaged ones."""
    from firstlight.hygiene import check as hash_all

    command: Context = context.obj
    damaged = hash_all(command.store)
    command.say(f"{len(damaged)} damaged blobs removed")
    for path in damaged:
        command.say(f"  {path.name}")
    command.result({"damaged": [path.name for path in damaged]})


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+)([hdw])", text)
    if not found:
        raise UsageError(f"--older-than {text!r}: write 12h, 30d or 8w")
    return int(found[1]) * _TIMES[found[2]]


def _bytes(text: str) -> int:
    found = re.fullmatch(r"(\d+)([KMGT]?)B?", text.upper())
    if not found:
        raise UsageError(f"--max-size {text!r}: write 500M or 20G")
    return int(found[1]) * _UNITS[found[2]]
