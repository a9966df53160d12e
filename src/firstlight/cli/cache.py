"""``firstlight cache``: what the store holds, and what may go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from firstlight.cli.context import Context
from firstlight.errors import UsageError
from firstlight.finding import Finding, Role
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
    from firstlight.inventory import images
    from firstlight.leases import in_use

    found, known = items(command.store), images(command.store)
    totals = {
        kind: (
            sum(1 for i in found if i.kind == kind),
            sum(i.size for i in found if i.kind == kind),
        )
        for kind in ("blobs", "trees", "roots")
    }
    running = in_use(command.store)
    command.say(f"store     {command.store.root}")
    command.say(f"images    {len(known):>6}   {len(running)} in use")
    for kind, (count, total) in totals.items():
        command.say(f"{kind:<9} {count:>6}   {size(total)}")
    command.result(
        {
            "store": str(command.store.root),
            "images": {"count": len(known), "in_use": sorted(running)},
            **{kind: {"count": c, "bytes": t} for kind, (c, t) in totals.items()},
        }
    )


@cache.command()
@click.option("--older-than", default="", help="Not used for so long: 12h, 30d, 8w.")
@click.option("--max-size", default="", help="Until the rest is no larger: 500M, 20G.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.pass_obj
def prune(command: Context, older_than: str, max_size: str, dry_run: bool) -> None:
    """Remove what was not used for long; it can all be made or fetched again.

    An image goes with its layers or stays with them. What runs stays, whoever runs it.
    """
    from firstlight.hygiene import prune as remove

    if not older_than and not max_size:
        older_than = "30d"
    pruned = remove(
        command.store,
        older_than=_seconds(older_than) if older_than else None,
        max_size=_bytes(max_size) if max_size else None,
        dry_run=dry_run,
    )
    total = sum(item.size for item in pruned.gone)
    kept = sum(item.size for item in pruned.kept)
    verb = "would remove" if dry_run else "removed"
    command.say(f"{verb} {len(pruned.gone)} items, {size(total)}")
    if pruned.kept:
        names = ", ".join(pruned.running)
        command.say(f"kept {len(pruned.kept)} items, {size(kept)}, in use by {names}")
    command.result(
        {
            "items": len(pruned.gone),
            "bytes": total,
            "in_use": {
                "items": len(pruned.kept),
                "bytes": kept,
                "images": list(pruned.running),
            },
            "dry_run": dry_run,
        }
    )


@cache.command()
@click.option(
    "--trees", is_flag=True, help="Also compare what was unpacked with its layers."
)
@click.option(
    "--repair", is_flag=True, help="Bring back what this project's image lacks."
)
@click.pass_obj
def check(command: Context, trees: bool, repair: bool) -> None:
    """Hash every blob and remove the damaged ones.

    With --repair, in a project, what was damaged or lost is fetched again or made
    anew, so that the project's image is whole: layers come from the registry that the
    spec names, where it has them.
    """
    from firstlight.cli.repair import repair as bring_back
    from firstlight.integrity import check as hash_all

    project = command.read_lock() if repair else None
    jobs = command.settings.jobs
    found = hash_all(command.store, jobs=jobs, progress=command.progress)
    unpacked = _check_unpacked(command) if trees else {}
    gone = {*found.damaged, *found.lost}
    repaired = bring_back(command, *project, gone) if project else []
    command.say(f"{len(found.damaged)} damaged blobs removed")
    for digest in found.damaged:
        command.say(f"  {digest[7:]}")
    if found.lost:
        command.say(f"{len(found.lost)} blobs have gone that were here")
    for item in repaired:
        command.say(f"  repaired {item.kind} {item.name} ({item.source})")
    command.result(
        {
            "blobs": found.blobs,
            "bytes": found.bytes,
            "damaged": [digest[7:] for digest in found.damaged],
            "lost": [digest[7:] for digest in found.lost],
            "repaired": [asdict(item) for item in repaired],
            **unpacked,
        }
    )


def _check_unpacked(command: Context) -> dict[str, Any]:
    from firstlight.engine.intact import check_unpacked

    jobs = command.settings.jobs
    found = check_unpacked(command.store, jobs=jobs, progress=command.progress)
    command.say(f"{found.compared} trees and roots compared with their layers")
    command.say(f"{len(found.damaged)} damaged ones removed")
    for path in found.damaged:
        command.say(f"  {path.parent.name}/{path.name}")
    if found.unknown:
        command.say(f"{len(found.unknown)} could not be: their layers are not here")
    if found.running:
        command.progress.warn(_running(found.running))
    return {
        "compared": found.compared,
        "damaged_trees": [f"{p.parent.name}/{p.name}" for p in found.damaged],
        "unknown_trees": [f"{p.parent.name}/{p.name}" for p in found.unknown],
        "running_damaged": [path.name for path in found.running],
    }


def _running(roots: Sequence[Path]) -> Finding:
    return Finding(
        code="cache.running",
        role=Role.WARNING,
        message="what runs now was damaged: " + ", ".join(p.name[:12] for p in roots),
        hint="`firstlight restart` in its project starts it from whole layers",
    )


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
