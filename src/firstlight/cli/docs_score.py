"""``firstlight docs score``: how well pages can be scanned, and what would help."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from firstlight.cli.context import Context
from firstlight.cli.docs_pages import from_project, sent
from firstlight.cli.docs_waiting import waiting
from firstlight.finding import Finding, Role, plain

if TYPE_CHECKING:
    from firstlight.score.project import Scores

__all__ = ["score"]

_TOP = 20


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=_TOP,
    show_default=True,
    metavar="NUMBER",
    help="How many pages are listed, the lowest first; 0 for all.",
)
@click.option(
    "--min",
    "least",
    type=click.FloatRange(0, 100),
    metavar="NUMBER",
    help="End with 1 when a page has a lower score.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=0),
    default=0,
    metavar="NUMBER",
    help="How many processes; default: one for each processor.",
)
@click.option(
    "--stdin-filename",
    default="",
    metavar="PATH",
    help="What page standard input is.",
)
@click.pass_obj
def score(
    command: Context,
    paths: tuple[str, ...],
    top: int,
    least: float | None,
    jobs: int,
    stdin_filename: str,
) -> int:
    """Measure how well pages can be scanned, from 0 to 100.

    PATHS are files and folders, or - for standard input; by default the pages that
    [docs] in firstlight.toml names. Each part of the score is shown with what was
    counted and its formula; then come the three changes that would raise it most.
    """
    found = _scores(command, paths, jobs, stdin_filename)
    low = _low(found, least)
    if command.as_json:
        _give(command, found, low)
    else:
        for line in _lines(command, found, top):
            command.say(_shown(line))
    command.findings([*found.unread, *low])
    return int(bool(low) or (least is not None and bool(found.unread)))


def _scores(
    command: Context, paths: Sequence[str], jobs: int, stdin_filename: str
) -> Scores:
    from firstlight.lint.settings import read_settings
    from firstlight.score import project

    settings = read_settings(command.folder)
    page = sent(paths, stdin_filename)
    if page is not None:
        return project.score(command.folder, (), settings, sources=dict([page]))
    here = from_project(command, paths)
    with waiting(io.StringIO() if command.quiet else sys.stderr):
        return project.score(command.folder, here, settings, jobs=jobs)


def _low(found: Scores, least: float | None) -> list[Finding]:
    """What is below the minimum."""
    if least is None:
        return []
    return [
        Finding(
            code="score.low",
            role=Role.FAILURE,
            message=f"its score is {page.score:.1f}, the minimum is {least:g}",
            where=page.path,
            hint=f"`firstlight docs score {page.path}` says what would help",
        )
        for page in found.pages
        if page.score is not None and page.score < least
    ]


def _give(command: Context, found: Scores, low: Sequence[Finding]) -> None:
    from firstlight.score.show import table

    unread = [plain(each) for each in found.unread]
    below = [each.where for each in low]
    command.result({**table(found), "unread": unread, "below_minimum": below})


def _lines(command: Context, found: Scores, top: int) -> Iterable[str]:
    from firstlight.report import has_symbols
    from firstlight.score.show import (
        CHANGES,
        change_lines,
        explained,
        ordered,
        table_lines,
        vector_lines,
    )
    from firstlight.signs import SIGNS

    if not found.pages:
        yield "there is no page to measure"
        yield "hint: name files or folders, or write paths in [docs] of firstlight.toml"
        return
    pages, name = ordered(found.pages), found.pages[0].path
    if len(pages) > 1:
        name = f"all {len(pages)} pages together"
        shown = pages[: top or None]
        yield from table_lines(shown)
        if len(shown) < len(pages):
            yield f"… and {len(pages) - len(shown)} with a higher score: --top 0"
        yield ""
    yield from vector_lines(name, found.vector)
    symbol = f"{SIGNS['action'].symbol} " if has_symbols(sys.stdout) else ""
    changes = list(change_lines(found.best(CHANGES), f"{symbol}What would help most:"))
    if changes:
        yield ""
        yield from changes
    if not command.quiet:
        yield ""
        yield from explained(found.vector)


def _shown(line: str) -> str:
    """A line as the terminal takes it; what it cannot show is written as its number."""
    encoding = sys.stdout.encoding or "utf-8"
    return line.encode(encoding, "backslashreplace").decode(encoding)
