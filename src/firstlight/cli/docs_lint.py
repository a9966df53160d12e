"""``firstlight docs lint``: what is wrong in pages, and the edits that mend it.

This module imports little: a run in which nothing has changed needs nothing else.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TextIO

import click

from firstlight import __version__
from firstlight.cli.context import Context
from firstlight.cli.docs_pages import from_project
from firstlight.cli.docs_wishes import Wanted, options
from firstlight.lint.garbage import without_garbage
from firstlight.lint.record import Printed, now, recall, remember
from firstlight.lint.terminal import Style
from firstlight.report import has_symbols

__all__ = ["TIME", "lint", "put", "style_of"]

TIME = "\0"
"""Stands in the output for the time of the run, which no two runs share."""


@click.command()
@options
@click.pass_obj
def lint(command: Context, /, **chosen: Any) -> int:
    """Find what is wrong in pages and notebooks, and mend it.

    PATHS are files and folders, or - for standard input; by default the pages that
    [docs] in firstlight.toml names. Ends with 1 when failures or warnings are left
    (with --diff: when there is something to change); notes are advice.
    """
    wanted = Wanted(**chosen)
    wanted.check()
    (baseline,) = from_project(command, (wanted.baseline,))
    wanted = replace(
        wanted, paths=from_project(command, wanted.paths), baseline=baseline
    )
    if wanted.watch:
        from firstlight.cli.docs_watch import watch

        return watch(command, wanted)
    return _once(command, wanted)


def _once(command: Context, wanted: Wanted) -> int:
    """Print what is found, or what was printed before where nothing has changed."""
    began, started = time.perf_counter(), now()
    style = style_of(sys.stdout)
    cache = None if wanted.no_cache else command.settings.store
    manner = (command.as_json, command.quiet, sys.stdout.encoding, style)
    key = repr((__version__, wanted, manner))
    is_kept = cache is not None and wanted.only_looks
    printed = recall(cache, command.folder, key) if cache and is_kept else None
    if printed is None:
        with without_garbage():
            from firstlight.cli.docs_run import fresh

            printed, watched = fresh(command, wanted, style, cache)
        if cache and is_kept:
            remember(cache, command.folder, key, watched, printed, started)
    put(printed, time.perf_counter() - began)
    return printed.code


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
