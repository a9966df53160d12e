"""``firstlight inspect``: what is inside an image, wherever it is."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from firstlight.cli import looking
from firstlight.cli.build import platform_option
from firstlight.cli.context import Context
from firstlight.report import size

if TYPE_CHECKING:
    from firstlight.inspect.contents import Package
    from firstlight.inspect.inspect import Inspected, InspectedLayer

__all__ = ["inspect", "plain", "table"]

_WIDTH = 100
_INDENT = " " * 7
_SOURCES = {
    "lock": "told by firstlight.lock",
    "bill": "told by the bill of materials attached in the registry",
    "layers": "found in the layers",
}


@click.command()
@click.argument("image", default="", metavar="[IMAGE]")
@platform_option
@click.option("--layers", is_flag=True, help="List every layer and what is in it.")
@click.option(
    "--packages",
    is_flag=True,
    help="List every package; where neither lock nor registry knows them, layers are "
    "fetched and read.",
)
@click.option("--licences", is_flag=True, help="List packages with their licences.")
@click.pass_obj
def inspect(
    command: Context,
    image: str,
    platform: str,
    layers: bool,
    packages: bool,
    licences: bool,
) -> None:
    """Say what is in an image: stack, layers, packages, settings.

    IMAGE is REGISTRY/NAME[:TAG][@DIGEST], oci:DIR[:TAG], or a name, image ID or digest
    in the store; without it, the project's own. Of an image in a registry only its
    documents are fetched, unless packages are asked for and nothing else knows them.
    """
    from firstlight.inspect.inspect import inspect as look

    with looking.image(command, image, platform) as opened:
        found = look(
            opened,
            command.store,
            own=looking.own_lock(command, opened.config.platform),
            packages=packages or licences,
            with_licences=licences,
            layers=layers,
            jobs=command.settings.jobs,
            progress=command.progress,
        )
    command.result(_json(found))
    for line in _summary(found):
        command.say(line)
    if layers:
        command.say()
        for line in _layers(found.layers):
            command.say(line)
    if (packages or licences) and found.packages is not None:
        command.say()
        for line in _packages(found, licences=licences):
            command.say(line)


def table(rows: Sequence[Sequence[str]], right: str = "") -> Iterator[str]:
    """Return rows as lines whose columns are as wide as their widest cell.

    Args:
        right: A letter for each column: ``r`` for numbers, which end below each other.
    """
    rows = [[plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if right[at : at + 1] == "r" else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def plain(text: str) -> str:
    """Return a text of somebody's image without what a terminal would obey."""
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def _summary(found: Inspected) -> Iterator[str]:
    rows = [
        ("image", found.name),
        ("image ID", found.image_id),
        ("manifest", found.manifest),
    ]
    if found.index:
        rows.append(("index", f"{found.index} for {', '.join(found.platforms)}"))
    rows.append(("platform", found.platform))
    unpacked = f", {size(found.unpacked)} unpacked" if found.unpacked else ""
    rows.append(("size", f"{size(found.size)} in {len(found.layers)} layers{unpacked}"))
    counts = Counter(layer.encoding for layer in found.layers)
    rows.append(
        ("encoding", ", ".join(f"{count} {name}" for name, count in counts.items()))
    )
    rows += found.stack
    if found.packages is not None:
        kinds = Counter(each.kind for each in found.packages)
        text = f"{kinds['python']} Python, {kinds['system']} OS"
        rows.append(("packages", f"{text}; {_SOURCES[found.packages_from]}"))
    rows += _start(found)
    rows += [
        ("attached" if not at else "", f"{each.kind}  {each.digest}")
        for at, each in enumerate(found.attached)
    ]
    yield from table(rows)


def _start(found: Inspected) -> Iterator[tuple[str, str]]:
    start = found.start
    yield "starts", " ".join((*start.entry_point, *start.command)) or "nothing"
    yield "user", start.user or "root"
    if start.folder:
        yield "folder", start.folder
    if start.ports:
        yield "ports", " ".join(start.ports)
    if start.volumes:
        yield "volumes", " ".join(start.volumes)
    for at, line in enumerate(start.environment):
        yield "" if at else "environment", line


def _layers(layers: Sequence[InspectedLayer]) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [
        ("layer", "size", "unpacked", "share", "digest", "what")
    ]
    rows += [
        (
            str(number),
            size(layer.size),
            size(layer.unpacked) if layer.unpacked is not None else "",
            f"{layer.share:.1%}",
            layer.digest[7:19],
            layer.title,
        )
        for number, layer in enumerate(layers, 1)
    ]
    if not any(row[2] for row in rows[1:]):
        rows = [(*row[:2], *row[3:]) for row in rows]
    lines = list(table(rows, "rrrr" if len(rows[0]) == 6 else "rrr"))
    yield lines[0]
    for layer, line in zip(layers, lines[1:], strict=True):
        yield line
        if len(layer.packages) > 1:
            yield from _owners(layer.packages)


def _owners(packages: Sequence[Package]) -> list[str]:
    # A name and its version stay on one line: the space between them does not break.
    words = ", ".join(f"{each.name}\0{each.version}" for each in packages)
    lines = textwrap.wrap(
        words,
        _WIDTH,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_on_hyphens=False,
    )
    return [" ".join(map(plain, line.split("\0"))) for line in lines]


def _packages(found: Inspected, *, licences: bool) -> Iterator[str]:
    listed = sorted(found.packages or (), key=lambda each: (each.kind, each.name))
    head = ["package", "version", "kind", *(["licence"] if licences else [])]
    rows = [head]
    for each in listed:
        row = [each.name, each.version, "Python" if each.kind == "python" else "OS"]
        rows.append([*row, each.licence] if licences else row)
    yield from table(rows)
    bound = [each.name for each in listed if "proprietary" in each.licence.lower()]
    if bound:
        yield ""
        yield plain(f"proprietary: {', '.join(bound)}")
        yield "who may have copies of these is for their licences to say, and for you"


def _json(found: Inspected) -> dict[str, Any]:
    value = asdict(found)
    return {**value, "size": found.size, "unpacked": found.unpacked}
