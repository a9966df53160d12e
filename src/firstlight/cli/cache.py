"""``firstlight cache``: what the store holds, and what may go."""

from __future__ import annotations

import re

import click

from firstlight.cli.context import Context
from firstlight.errors import UsageError
from firstlight.report import size

__all__ = ["cache"]

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_TIMES = {"h": 3600, "d": 86400, "w": 7 * 86400}


@click.group(invoke_without_command=True)
@click.pass_context
def cache(context: click.Context) -> None:
    """Show what the store holds; prune or check it."""
    if context.invoked_subcommand is None:
        show(context.obj)


def show(command: Context) -> None:
    """Print what the store holds."""
    from firstlight.hygiene import items

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


@cache.command()
@click.option("--older-than", default="", help="Not used for so long: 12h, 30d, 8w.")
@click.option("--max-size", default="", help="Until the rest is no larger: 500M, 20G.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.pass_obj
def prune(command: Context, older_than: str, max_size: str, dry_run: bool) -> None:
    """Remove what was not used for long; it can all be made or fetched again."""
    from firstlight.hygiene import prune as remove

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


@cache.command()
@click.pass_obj
def check(command: Context) -> None:
    """Hash every blob and remove the damaged ones."""
    from firstlight.hygiene import check as hash_all

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
