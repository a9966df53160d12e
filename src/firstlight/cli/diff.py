"""``firstlight diff``: how two images, or locks, differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from firstlight.cli import looking
from firstlight.cli.build import host_platform, platform_option
from firstlight.cli.context import Context
from firstlight.cli.inspect import table
from firstlight.report import size

if TYPE_CHECKING:
    from firstlight.inspect.difference import Change, Difference, Side, Slice

__all__ = ["diff"]

_LOCK = "lock:"
_KINDS = {"python": "Python", "system": "OS"}


@click.command()
@click.argument("a", metavar="A")
@click.argument("b", default="", metavar="[B]")
@platform_option
@click.option(
    "--packages",
    is_flag=True,
    help="Compare packages though layers must be fetched and read for it.",
)
@click.pass_context
def diff(context: click.Context, a: str, b: str, platform: str, packages: bool) -> None:
    """Say how two images, or two locks, differ.

    Images are named as for `inspect`; lock:FOLDER is the lock in a folder, such as a
    checkout of an earlier revision. The bytes that whoever has A must fetch for B are
    told; B is the project's image unless named. The exit code is 0 when both are the
    same image, 1 when they differ.
    """
    from firstlight.inspect.difference import compare

    command: Context = context.obj
    sides = [_side(command, text, platform, packages) for text in (a, b)]
    found = compare(*sides)
    command.result(_json(found))
    for line in _lines(found):
        command.say(line)
    if not found.is_empty:
        context.exit(1)


def _side(command: Context, text: str, platform: str, packages: bool) -> Side:
    from firstlight.inspect import difference
    from firstlight.inspect.inspect import inspect

    if text.startswith(_LOCK):
        path = Path(text.removeprefix(_LOCK))
        folder = path.parent if path.is_file() else path
        there = replace(command, folder=folder.absolute())
        own = looking.lock_of(there, platform or host_platform())
        return difference.of_lock(text, own)
    with looking.image(command, text, platform) as image:
        found = inspect(
            image,
            command.store,
            own=looking.own_lock(command, image.config.platform),
            packages=packages or image.source.is_here(image.manifest.layers),
            jobs=command.settings.jobs,
            progress=command.progress,
        )
    return difference.of_image(found)


def _lines(found: Difference) -> Iterator[str]:
    yield f"A  {found.before.name}  {found.before.image_id or 'never built'}"
    yield f"B  {found.after.name}  {found.after.image_id or 'never built'}"
    if found.is_empty:
        packed = f"; {_count(found.repacked)} packed otherwise"
        yield f"the same image{packed if found.repacked else ''}"
        return
    yield ""
    yield from _of_layers(found)
    yield from _of_changes("stack", found.stack)
    yield from _of_packages(found)
    yield from _of_changes("settings", found.settings)


def _of_layers(found: Difference) -> Iterator[str]:
    if found.before.layers is None or found.after.layers is None:
        yield "layers: not compared, since nobody has built one of the locks"
        return
    kept = sum(layer.size for layer in found.same)
    yield (
        f"layers: {_count(found.same)} ({size(kept)}) the same, "
        f"{size(found.to_move)} to move from A to B"
    )
    marked = [
        *(("-", each) for each in found.removed),
        *(("~", each) for each in found.repacked),
        *(("+", each) for each in found.added),
    ]
    if marked:
        rows = [
            (f"  {mark}", size(each.size), each.digest[7:19], each.title)
            for mark, each in marked
        ]
        yield from table(rows, " r")


def _of_packages(found: Difference) -> Iterator[str]:
    if found.packages is None:
        yield ""
        yield "packages: not compared; --packages fetches and reads the layers for it"
    else:
        yield from _of_changes("packages", found.packages)


def _of_changes(title: str, changes: Sequence[Change]) -> Iterator[str]:
    if not changes:
        return
    yield ""
    yield f"{title}:"
    rows: list[tuple[str, ...]] = []
    for each in changes:
        mark = "+" if not each.before else "-" if not each.after else " "
        arrow = f"{each.before} -> {each.after}" if mark == " " else ""
        text = arrow or each.before or each.after
        rows.append((f"  {mark}", _KINDS.get(each.kind, ""), each.name, text))
    if not any(row[1] for row in rows):
        rows = [(row[0], *row[2:]) for row in rows]
    yield from table(rows)


def _count(layers: Sequence[Slice]) -> str:
    return f"{len(layers)} layer{'s' if len(layers) != 1 else ''}"


def _json(found: Difference) -> dict[str, Any]:
    return {
        "before": {"name": found.before.name, "image_id": found.before.image_id},
        "after": {"name": found.after.name, "image_id": found.after.image_id},
        "same": found.is_empty,
        "bytes_to_move": found.to_move,
        "layers": {
            name: [asdict(layer) for layer in layers]
            for name, layers in (
                ("same", found.same),
                ("repacked", found.repacked),
                ("added", found.added),
                ("removed", found.removed),
            )
        },
        "packages": None
        if found.packages is None
        else [asdict(each) for each in found.packages],
        "stack": [asdict(each) for each in found.stack],
        "settings": [asdict(each) for each in found.settings],
    }
