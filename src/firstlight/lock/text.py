"""`firstlight.lock` as text: one line a package, so that a change reads well in a diff.

Written by hand rather than through a TOML library: 300 packages in a few milliseconds,
and the same bytes whatever version of a library is installed.
"""

from __future__ import annotations

import json
import tomllib
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from firstlight.digest import Digest, parse_digest
from firstlight.errors import FirstlightError, LockError
from firstlight.lock.lockfile import FORMAT, Lock

__all__ = ["FILE", "dump_lock", "parse_lock"]

FILE = "firstlight.lock"

_VERSION = 1
_HEAD = """\
# Exactly what goes into the image: `firstlight lock` makes it, `build` reads it.
# Keep it in version control beside pylock.toml; do not edit it.
"""
_HINT = "restore it from version control, or run `firstlight lock`"
_T = TypeVar("_T")


def dump_lock(lock: Lock) -> str:
    """Return the text of a lock; the same lock gives the same text."""
    return "\n".join([_HEAD + f"lock-version = {_VERSION}", *_lines(lock)]) + "\n"


def parse_lock(text: str, where: str = FILE) -> Lock:
    """Return the lock that a text holds.

    Raises:
        LockError: when it is damaged (the path of the field is named), or was written
            by a firstlight with another format.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LockError(f"{where} is not valid TOML: {error}", hint=_HINT) from error
    version = table.pop("lock-version", None)
    if version != _VERSION:
        raise LockError(
            f"{where} has lock-version {version!r}, this firstlight reads {_VERSION}",
            hint="use the firstlight it was made with, or run `firstlight lock`",
        )
    table.setdefault("platforms", [])
    environment = table.get("environment", {})
    if not isinstance(environment, dict):
        raise _wrong(where, "environment", "a table is missing")
    table["environment"] = tuple(environment.items())
    lock = _read(Lock, table, where, "")
    if lock.format != FORMAT:
        raise LockError(
            f"{where} was made for builder format {lock.format}, this firstlight "
            f"builds format {FORMAT}: it would give other bits",
            hint="use the firstlight it was made with, or run `firstlight lock`",
        )
    return lock


# Writing


def _lines(lock: Lock) -> Iterator[str]:
    top = asdict(lock)
    platforms, archives = top.pop("platforms"), top.pop("archives")
    environment = top.pop("environment")
    yield from _pairs(top)
    yield f"archives = {_rows(archives)}"
    yield "\n[environment]"
    yield from (f"{_value(key)} = {_value(value)}" for key, value in environment)
    for part in platforms:
        stack, debs, layers = part.pop("stack"), part.pop("debs"), part.pop("layers")
        yield "\n[[platforms]]"
        yield from _pairs(part)
        yield f"layers = {_rows(layers)}"
        yield f"debs = {_rows(debs)}"
        yield "\n[platforms.stack]"
        yield from _pairs(stack)


def _pairs(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        if value is not None and value != "":
            yield f"{key.replace('_', '-')} = {_value(value)}"


def _rows(tables: Sequence[Mapping[str, Any]]) -> str:
    rows = ["    { " + ", ".join(_pairs(table)) + " }," for table in tables]
    return "\n".join(["[", *rows, "]"]) if rows else "[]"


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    # JSON's strings and numbers are TOML's, but for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


# Reading


def _read(kind: type[_T], table: object, where: str, path: str) -> _T:
    """Build a frozen value from a table, naming the path of what is wrong."""
    if not isinstance(table, dict):
        raise _wrong(where, path, "a table is missing")
    hints = _hints(kind)  # type: ignore[arg-type]
    given = {key.replace("-", "_"): value for key, value in table.items()}
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    if unknown := given.keys() - known.keys():
        raise _wrong(where, f"{path}{min(unknown)}", "nothing has this name")
    values = {
        name: _convert(hints[name], value, where, f"{path}{name.replace('_', '-')}")
        for name, value in given.items()
    }
    try:
        return kind(**values)
    except TypeError as error:
        raise _wrong(where, path.rstrip("."), str(error)) from error


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    """The types of a value's fields, found once and not for each of 200 packages."""
    return get_type_hints(kind)


def _convert(hint: Any, value: object, where: str, path: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _convert(get_args(hint)[0], value, where, path)
    if origin is tuple:
        return _convert_tuple(get_args(hint), value, where, path)
    if hint is Digest:
        return _convert_digest(value, where, path)
    if is_dataclass(hint) and isinstance(hint, type):
        return _read(hint, value, where, f"{path}.")
    if type(value) is not hint:
        raise _wrong(where, path, f"{value!r} is not of type {hint.__name__}")
    return value


def _convert_tuple(
    inner: tuple[Any, ...], value: object, where: str, path: str
) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong(where, path, f"{value!r} is not a list")
    kinds = inner if inner[-1] is not ... else (inner[0],) * len(value)
    if len(kinds) != len(value):
        raise _wrong(where, path, f"{value!r} has not {len(kinds)} parts")
    return tuple(
        _convert(kind, each, where, f"{path}[{number}]")
        for number, (kind, each) in enumerate(zip(kinds, value, strict=True))
    )


def _convert_digest(value: object, where: str, path: str) -> Digest:
    try:
        return parse_digest(str(value))
    except FirstlightError as error:
        raise _wrong(where, path, error.message) from error


def _wrong(where: str, path: str, why: str) -> LockError:
    return LockError(f"{where}: in '{path}': {why}", hint=_HINT)
