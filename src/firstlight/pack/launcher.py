"""The commands of a wheel: entry points made into scripts, and rewritten shebangs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.errors import ArtefactError

__all__ = ["shebang", "read_entry_points", "launcher", "retarget", "wraps"]

_GROUPS = ("console_scripts", "gui_scripts")
_TARGET = re.compile(r"(?P<module>[\w.]+)\s*:\s*(?P<attribute>[\w.]+)\s*(\[[^\]]*\])?")
_SHEBANG_LIMIT = 127
_SUFFIXES = (".exe", "-script.py", ".pya")
_VERSIONED = {
    "pip": (r"pip(\d+(\.\d+)?)?", ("pip", "pip{major}", "pip{version}")),
    "easy_install": (
        r"easy_install(-\d+\.\d+)?",
        ("easy_install", "easy_install-{version}"),
    ),
}
"""Commands whose names carry the Python that the wheel was *built* with."""


def shebang(interpreter: str) -> bytes:
    """Return the first line for an interpreter, or what stands in for a long one."""
    line = f"#!{interpreter}\n"
    if len(line) <= _SHEBANG_LIMIT and " " not in interpreter:
        return line.encode()
    # The kernel cuts long lines; sh runs the second line, Python reads a string there.
    return f"""#!/bin/sh\n'''exec' "{interpreter}" "$0" "$@"\n' '''\n""".encode()


def retarget(script: bytes, interpreter: str) -> bytes:
    """Replace a first line that starts with ``#!python``; options on it are dropped."""
    _, _, rest = script.partition(b"\n")
    return shebang(interpreter) + rest


def read_entry_points(text: str, *, python: str, filename: str) -> dict[str, str]:
    """Return the target of every command, console and graphical, by name.

    ``pip3.8`` and the like become the ones of this Python, as pip does for itself.

    Raises:
        ArtefactError: when a target cannot be called or a name is no file name.
    """
    console, graphical = (
        dict(_section(text, group, filename=filename)) for group in _GROUPS
    )
    major = python.partition(".")[0]
    for name, (pattern, replacements) in _VERSIONED.items():
        if (target := console.get(name)) is None:
            continue
        console = {
            at: it for at, it in console.items() if not re.fullmatch(pattern, at)
        }
        for replacement in replacements:
            console[replacement.format(major=major, version=python)] = target
    return console | graphical


def launcher(target: str, interpreter: str) -> bytes:
    """Return the script that calls ``module:attribute`` and exits with its result."""
    module, _, attribute = target.partition(":")
    name = attribute.partition(".")[0]
    return (
        shebang(interpreter)
        + (
            f"import sys\n\nfrom {module} import {name}\n\n"
            f'if __name__ == "__main__":\n    sys.exit({attribute}())\n'
        ).encode()
    )


def wraps(script: str, commands: dict[str, str]) -> bool:
    """Whether a script in a wheel is a build tool's wrapper for one of its commands."""
    for suffix in _SUFFIXES:
        if script.lower().endswith(suffix):
            return script[: -len(suffix)] in commands
    return script in commands


def _section(text: str, group: str, *, filename: str) -> Iterator[tuple[str, str]]:
    # Not configparser: it takes the indented lines of old wheels for continuations.
    current = ""
    for line in map(str.strip, text.splitlines()):
        if not line or line[0] in "#;":
            continue
        if line.startswith("["):
            current = line.strip("[]").strip()
        elif current == group:
            name, _, value = line.partition("=")
            yield _command(name.strip(), value.strip(), filename)


def _command(name: str, value: str, filename: str) -> tuple[str, str]:
    if not name or "/" in name or "\\" in name or not name.isprintable():
        raise _unusable(filename, f"{name!r} is no name for a command")
    match = _TARGET.fullmatch(value)
    if match is None:
        raise _unusable(filename, f"{name} = {value!r} names nothing to call")
    parts = f"{match['module']}.{match['attribute']}".split(".")
    if not all(part.isidentifier() for part in parts):
        raise _unusable(filename, f"{name} = {value!r} names nothing to call")
    return name, f"{match['module']}:{match['attribute']}"


def _unusable(filename: str, why: str) -> ArtefactError:
    return ArtefactError(
        f"{filename}: its entry_points.txt cannot be used: {why}",
        hint="pip would not install this wheel either; report it to its publisher",
    )
