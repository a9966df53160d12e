"""``firstlight docs``: what is wrong in pages, what they lack, how they read."""

from __future__ import annotations

import click

from firstlight.cli.commands import Commands

__all__ = ["docs"]

COMMANDS = {
    "lint": "docs_lint",
    "mark": "docs_mark",
    "convert": "docs_convert",
    "score": "docs_score",
    "explain": "docs_explain",
    "lsp": "docs_lsp",
}
"""Command -> the module that has it under the command's name."""


@click.group(cls=Commands, modules=COMMANDS)
def docs() -> None:
    """Check, mark, convert and score the pages of a project."""
