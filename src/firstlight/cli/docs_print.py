"""How output of the documents' commands gets to the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from typing import TextIO

from firstlight.lint.record import Printed
from firstlight.lint.terminal import Style
from firstlight.report import has_symbols

__all__ = ["TIME", "put", "style_of"]

TIME = "\0"
"""Stands in the output for the time of the run, which no two runs share."""


def put(printed: Printed, seconds: float) -> None:
    """Write what a run printed, with the time that it took."""
    took = f"{seconds:.2f} s".encode()
    messages, output = printed.messages, printed.output
    for stream, data in ((sys.stderr, messages), (sys.stdout, output)):
        stream.flush()
        stream.buffer.write(data.replace(TIME.encode(), took))
        stream.flush()


def style_of(stream: TextIO, environ: Mapping[str, str] = os.environ) -> Style:
    """Return how things are shown on a stream; NO_COLOR and FORCE_COLOR decide."""
    colour = stream.isatty() and environ.get("TERM") != "dumb"
    return Style(
        symbols=has_symbols(stream, environ),
        colour=not environ.get("NO_COLOR")
        and bool(colour or environ.get("FORCE_COLOR")),
        width=shutil.get_terminal_size((100, 24)).columns,
    )
