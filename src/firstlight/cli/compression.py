"""Layers encoded anew on their way out: into an OCI layout, or to an older Docker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from firstlight.errors import UsageError
from firstlight.lock.share_table import COMPRESSIONS

if TYPE_CHECKING:
    from firstlight.cli.context import Context
    from firstlight.oci.model import Image

__all__ = ["check", "compressed", "option", "readable"]

option = click.option(
    "--compression",
    type=click.Choice(COMPRESSIONS),
    default=None,
    help="How the layers in oci:DIR are compressed; default: gzip, as they are built.",
)


def check(compression: str | None, output: str) -> None:
    """Raise `UsageError` unless layers so compressed can go there."""
    if compression is None or output.startswith("oci:"):
        return
    raise UsageError(
        f"--compression {compression} has no place to write layers to",
        hint="write -o oci:DIR, or `firstlight push --compression`",
    )


def compressed(
    command: Context, image: Image, compression: str | None, folder: Path | None
) -> Image:
    """Return the image encoded; the one of its tables is written to the folder."""
    if compression is None or folder is None:
        return image
    from firstlight.encoding.encode import Encoding, encode
    from firstlight.oci import layout

    store, progress = command.store, command.progress
    jobs = command.settings.jobs
    encoded = encode(image, Encoding(compression), store, jobs=jobs, progress=progress)
    if encoded.companion is not None:
        layout.write(encoded.companion, store, folder, progress=progress)
    return encoded.image


def readable(command: Context, image: Image, engine: str) -> Image:
    """Return the image as this engine can read it; its image ID is the same.

    Docker before 23 takes a layer of zstd for a damaged tar. What was pulled so is
    turned into gzip once, and found again the next time.
    """
    from firstlight.oci.model import ZSTD_LAYER_TYPE

    is_zstd = any(each.media_type == ZSTD_LAYER_TYPE for each in image.layers)
    if engine != "docker" or not is_zstd:
        return image
    from firstlight.encoding.encode import Encoding, encode

    jobs, progress = command.settings.jobs, command.progress
    return encode(
        image, Encoding.GZIP, command.store, jobs=jobs, progress=progress
    ).image
