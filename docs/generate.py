"""Write ``docs/cli.md`` from the commands themselves: ``python docs/generate.py``."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

import click

from firstlight.cli.app import app
from firstlight.errors import FirstlightError

PAGE = Path(__file__).resolve().parent / "cli.md"

HEAD = """\
# Commands

<!-- Written by docs/generate.py from the commands themselves; do not edit. -->
"""

EXITS = """\
## Exit codes

| Code | Meaning |
|---|---|
| 0 | done |
{rows}
| 70 | a mistake of firstlight's own; a file for the report was written |
| 130 | stopped with Ctrl-C; what was finished is kept |
| 141 | whoever read the output left |

`firstlight run` ends with the code of the command it ran.
"""


def page() -> str:
    """Return the text of the page; equal commands give equal text."""
    parts = [HEAD, *_sections(app, "firstlight", 2), EXITS.format(rows=_exit_rows())]
    return "\n".join(parts)


def _sections(command: Any, name: str, level: int) -> Iterator[str]:
    """One section for each command, those of a group below it."""
    yield f"{'#' * level} `{name}`\n"
    yield f"{cleandoc(command.help)}\n"
    yield f"```text\n{_usage(command, name)}\n```\n"
    rows = [_row(param) for param in command.params if isinstance(param, click.Option)]
    if rows:
        yield "\n".join(["| Option | Meaning |", "|---|---|", *rows, ""])
    for inner in _inner(command):
        yield from _sections(inner, f"{name} {inner.name}", min(level + 1, 4))


def _inner(command: Any) -> list[click.Command]:
    if not isinstance(command, click.Group):
        return []
    context = click.Context(command)
    found = [
        command.get_command(context, name) for name in command.list_commands(context)
    ]
    return [each for each in found if each is not None]


def _usage(command: Any, name: str) -> str:
    options = any(isinstance(param, click.Option) for param in command.params)
    words = [name, "[OPTIONS]"] if options else [name]
    for param in command.params:
        if param.param_type_name == "argument":
            words.append(f"{param.name.upper()}{'...' if param.nargs == -1 else ''}")
    if _inner(command):
        optional = command.invoke_without_command
        words.append("[COMMAND]" if optional else "COMMAND")
    return " ".join(words)


def _row(param: click.Option) -> str:
    name = param.metavar or (param.name or "").upper()
    value = "" if param.is_flag else f" {name}"
    names = ", ".join(f"`{option}{value}`" for option in param.opts)
    meaning = _escaped(param.help or "") + _choices(param) + _default(param)
    return f"| {names} | {meaning} |"


def _choices(param: click.Option) -> str:
    if not isinstance(param.type, click.Choice):
        return ""
    return f" One of {', '.join(f'`{each}`' for each in param.type.choices)}."


def _default(param: click.Option) -> str:
    return f" Default: `{param.default}`." if param.show_default else ""


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _exit_rows() -> str:
    found: dict[int, list[str]] = {}
    for kind in [FirstlightError, *FirstlightError.__subclasses__()]:
        line = (kind.__doc__ or "").partition("\n")[0].partition(";")[0].rstrip(".")
        found.setdefault(kind.exit_code, []).append(line[:1].lower() + line[1:])
    return "\n".join(f"| {code} | {'; '.join(said)} |" for code, said in found.items())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
