"""Reads TOML tables field by field, and collects what is wrong instead of stopping."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from firstlight.errors import UsageError
from firstlight.finding import Finding, Role

__all__ = ["Fields", "did_you_mean", "read_toml"]

_KINDS = {
    bool: "true or false",
    dict: "a table",
    float: "a number",
    int: "a number",
    list: "a list",
    str: "a string",
}


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean "x"?`` for a word close to a known one, or nothing."""
    close = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f'did you mean "{close[0]}"?' if close else ""


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Raises:
        UsageError: when it cannot be read, or is no TOML; the message says where.
    """
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path}: byte {error.start} is no UTF-8", hint="save the file as UTF-8"
        ) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from error


class Fields:
    """One table: read each known field once, then `end` reports all the others.

    A problem is appended to `findings` with the file and the path of the field, and the
    reader returns the default, so that one reading finds every problem.
    """

    def __init__(
        self,
        table: Mapping[str, Any],
        *,
        file: str,
        findings: list[Finding],
        path: str = "",
        code: str = "spec",
    ) -> None:
        self.table = table
        self.file = file
        self.findings = findings
        self._path = path
        self._code = code
        self._known: list[str] = []

    def where(self, key: str) -> str:
        """The file and the path of a field, as findings show them."""
        joint = "." if self._path and not key.startswith("[") else ""
        return f"{self.file}: {self._path}{joint}{key}"

    def problem(self, key: str, message: str, hint: str = "", kind: str = "") -> None:
        """Note that a field is wrong."""
        self.findings.append(
            Finding(
                code=f"{self._code}.{kind or 'invalid-value'}",
                role=Role.FAILURE,
                message=message,
                where=self.where(key),
                hint=hint,
            )
        )

    def has(self, key: str) -> bool:
        """Whether the table has this field, which counts as known from now on."""
        self._known.append(key)
        return key in self.table

    def value(self, key: str, *kinds: type) -> Any:
        """Return a field of one of these types, or None when absent or wrong."""
        if not self.has(key):
            return None
        found = self.table[key]
        # In Python a bool is an int; in TOML it is not.
        if type(found) in kinds:
            return found
        allowed = " or ".join(dict.fromkeys(_KINDS[kind] for kind in kinds))
        hint = ""
        if str in kinds and type(found) in (int, float):
            # TOML reads 3.10 as 3.1: only quotes keep what was meant.
            hint = f'write it in quotes: {key} = "…"'
        self.problem(key, f"found {shown(found)}, allowed is {allowed}", hint, "type")
        return None

    def text(
        self, key: str, default: str = "", *, pattern: str = "", allowed: str = ""
    ) -> str:
        """Return a string that matches the pattern; `allowed` says which, in words."""
        found = self.value(key, str)
        if found is None:
            return default
        if pattern and not re.fullmatch(pattern, found):
            self.problem(key, f"found {shown(found)}, allowed is {allowed}")
            return default
        return str(found)

    def choice(self, key: str, choices: Sequence[str], default: str = "") -> str:
        """Return one of the choices."""
        found = self.value(key, str)
        if found is None or found in choices:
            return default if found is None else str(found)
        self.problem(
            key,
            f"found {shown(found)}, allowed is {' | '.join(choices)}",
            did_you_mean(found, choices),
        )
        return default

    def flag(self, key: str, default: bool = False) -> bool:
        """Return true or false."""
        found = self.value(key, bool)
        return default if found is None else bool(found)

    def number(self, key: str, default: int, *, least: int = 1) -> int:
        """Return a whole number."""
        found = self.value(key, int)
        if found is None:
            return default
        if found < least:
            self.problem(key, f"found {found}, allowed is {least} or more")
            return default
        return int(found)

    def texts(
        self,
        key: str,
        default: tuple[str, ...] = (),
        *,
        pattern: str = r"(?s).*\S.*",
        allowed: str = "a non-empty string",
    ) -> tuple[str, ...]:
        """Return a list of strings that each match the pattern."""
        found = self.value(key, list)
        if found is None:
            return default
        good = []
        for position, item in enumerate(found):
            if isinstance(item, str) and re.fullmatch(pattern, item):
                good.append(item)
            else:
                self.problem(
                    f"{key}[{position}]", f"found {shown(item)}, allowed is {allowed}"
                )
        return tuple(good)

    def inner(self, key: str) -> Fields:
        """Return a table inside this one; an absent one is empty."""
        return self._under(key, self.value(key, dict) or {})

    def inners(self, key: str) -> list[Fields]:
        """Return the tables of a list of tables (``[[key]]``)."""
        tables = []
        for position, item in enumerate(self.value(key, list) or ()):
            name = f"{key}[{position}]"
            if isinstance(item, dict):
                tables.append(self._under(name, item))
            else:
                self.problem(
                    name, f"found {shown(item)}, allowed is a table", kind="type"
                )
        return tables

    def end(self) -> None:
        """Report every field that nothing has asked for."""
        for key in self.table:
            if key not in self._known:
                hint = did_you_mean(key, self._known)
                known = ", ".join(sorted(set(self._known)))
                message = f'unknown key "{key}"' + (
                    "" if hint else f"; known here are {known}"
                )
                self.problem(key, message, hint, kind="unknown-key")

    def _under(self, key: str, table: Mapping[str, Any]) -> Fields:
        path = self.where(key).removeprefix(f"{self.file}: ")
        return Fields(
            table,
            file=self.file,
            findings=self.findings,
            path=path,
            code=self._code,
        )


def shown(value: object) -> str:
    """Return a found value as TOML would write it, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 60 else f'"{value[:57]}..."'
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    return str(value)
