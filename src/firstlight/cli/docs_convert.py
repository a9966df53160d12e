"""``firstlight docs convert``: notices in the syntax of another place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from firstlight.cli.context import Context
from firstlight.cli.docs_pages import (
    Page,
    end,
    from_project,
    is_failed,
    opened,
    put,
    sent,
    show_diffs,
)
from firstlight.finding import Role

if TYPE_CHECKING:
    from firstlight.lexicon.table import Lexicon

__all__ = ["convert"]

_SYNTAXES = ("github", "mkdocs", "myst", "docusaurus", "vitepress", "symbols")


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@click.option(
    "--to",
    type=click.Choice(_SYNTAXES),
    required=True,
    help="The syntax to write; symbols are understood everywhere.",
)
@click.option("--diff", is_flag=True, help="Show what would change; write nothing.")
@click.option(
    "--check", is_flag=True, help="Write nothing; end with 1 when a page would change."
)
@click.option(
    "--stdin-filename",
    default="",
    metavar="PATH",
    help="What page standard input is.",
)
@click.pass_obj
def convert(
    command: Context,
    paths: tuple[str, ...],
    to: str,
    diff: bool,
    check: bool,
    stdin_filename: str,
) -> int:
    """Write the notices of pages and notebooks in another syntax.

    PATHS are files and folders, or - for standard input; by default the pages that
    [docs] in firstlight.toml names. Titles, text and nesting are kept; what the syntax
    cannot say is left as it is, and named. Where it is not understood (GitHub knows
    no alert inside a list), a symbol and its word are written.
    """
    pages = list(_pages(command, paths, to, stdin_filename))
    is_dry = diff or check
    if "-" in paths and not (is_dry or command.as_json):
        sys.stdout.buffer.write(pages[0].after)
    elif not (is_dry or "-" in paths):
        pages = [put(command, page) for page in pages]
    if diff and not command.as_json:
        show_diffs(pages)
    end(command, pages, "notice", "to write anew" if is_dry else "written anew")
    command.result(
        {
            "notices": sum(page.count for page in pages),
            "written": not is_dry and "-" not in paths,
            "pages": [_plain(page) for page in pages if page.count or page.findings],
        }
    )
    is_changed = any(page.is_changed for page in pages)
    return int(is_failed(pages) or (is_changed and is_dry))


def _pages(
    command: Context, paths: tuple[str, ...], to: str, name: str
) -> Iterator[Page]:
    from firstlight.lint.discover import discover
    from firstlight.lint.settings import read_settings

    settings = read_settings(command.folder)
    lexicon = settings.lexicon
    page = sent(paths, name)
    if page is not None:
        yield _converted(*page, to, lexicon)
        return
    for path in discover(command.folder, settings, from_project(command, paths)).files:

        def made(path: str = path) -> Page:
            data = (command.folder / path).read_bytes()
            return _converted(path, data, to, lexicon)

        yield opened(path, made)


def _converted(path: str, data: bytes, to: str, lexicon: Lexicon) -> Page:
    from firstlight.convert.pages import convert as converted
    from firstlight.convert.write import SYNTAXES
    from firstlight.markdown.notebook import Notebook

    syntax = SYNTAXES[to]
    if not path.endswith(".ipynb"):
        done = converted(data, syntax, path=path, lexicon=lexicon)
        return Page(
            path=path,
            before=data,
            after=done.data,
            count=done.count,
            findings=done.left,
        )
    notebook = Notebook.read(data, path)
    cells = {
        cell.number: converted(
            cell.source,
            syntax,
            path=f"{path}:cell {cell.number + 1}",
            lexicon=lexicon,
        )
        for cell in notebook.cells
    }
    changed = {number: done.data for number, done in cells.items() if done.count}
    return Page(
        path=path,
        before=data,
        after=notebook.with_sources(changed) if changed else data,
        count=sum(done.count for done in cells.values()),
        findings=tuple(each for done in cells.values() for each in done.left),
    )


def _plain(page: Page) -> dict[str, Any]:
    left = [each.message for each in page.findings if each.role != Role.FAILURE]
    return {
        "path": page.path,
        "notices": page.count,
        "left": left,
        "failures": page.failures,
    }
