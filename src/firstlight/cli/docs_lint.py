"""``firstlight docs lint``: what is wrong in pages, and the edits that mend it.

This module imports little: a run in which nothing has changed needs nothing else.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import Any

import click

from firstlight import __version__
from firstlight.cli.context import Context
from firstlight.cli.docs_pages import from_project
from firstlight.cli.docs_print import put, style_of
from firstlight.cli.docs_wishes import Wanted, options
from firstlight.lint.garbage import without_garbage
from firstlight.lint.record import now, recall, remember

__all__ = ["lint"]


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
