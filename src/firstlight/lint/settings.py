"""What a project wants of its pages: ``[docs]`` in its settings, as a value.

The table is ``[docs]`` in firstlight.toml, or ``[tool.firstlight.docs]`` in
pyproject.toml; without one, the defaults hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from firstlight.errors import SpecError, UsageError
from firstlight.fields import Fields, did_you_mean, read_toml, shown
from firstlight.finding import Finding, Role
from firstlight.lexicon.table import DEFAULT, Lexicon
from firstlight.lint.limits import Limits, read_limits
from firstlight.lint.rule import ENGINE, FORMS, TARGETS
from firstlight.lint.rules import codes
from firstlight.lint.sites import Site, sites

__all__ = ["FILES", "PATHS", "Settings", "read_settings", "settings_of"]

FILES = ("firstlight.toml", "pyproject.toml")
"""Where the settings may be, in the order in which they are looked for."""

PATHS = ("*.md", "*.markdown", "docs/**/*.md", "docs/**/*.ipynb")
_ROLES = (Role.FAILURE, Role.WARNING, Role.NOTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What to look at and what to look for.

    `paths` and `exclude` are globs relative to the folder; `targets` are where pages
    are read, unless they are in the folder of one of the `sites`; `select` and `ignore`
    are codes or topics, which extend and narrow the default set of rules; `roles` grade
    findings by code or topic; `ignored` are codes or topics that do not count in the
    files of a glob. `symbols` and `words` change the lexicon.
    """

    paths: tuple[str, ...] = PATHS
    exclude: tuple[str, ...] = ()
    targets: tuple[str, ...] = ("github",)
    sites: tuple[Site, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)
    form: str = ""
    baseline: str = ""
    ignored: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    symbols: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def lexicon(self) -> Lexicon:
        """The grammar with the project's own symbols and words.

        Raises:
            UsageError: when these contradict each other.
        """
        if self.symbols or self.words:
            return DEFAULT.extended(self.symbols, self.words)
        return DEFAULT


def read_settings(folder: Path) -> Settings:
    """Return the settings of the project in a folder, the defaults where it has none.

    Raises:
        SpecError: when they have errors: all of them are in `findings`, each with the
            file and the path of the field.
    """
    for name in FILES:
        path = folder / name
        if not path.is_file():
            continue
        try:
            table: Any = read_toml(path)
        except UsageError as error:
            raise SpecError(error.message, hint=error.hint) from error
        inside = ("docs",) if name == FILES[0] else ("tool", "firstlight", "docs")
        for key in inside:
            table = table.get(key) if isinstance(table, dict) else None
        if table is not None:
            settings = settings_of(table, file=name, path=".".join(inside))
            if "targets" in table:
                return settings
            return replace(settings, sites=sites(folder))
    return Settings(sites=sites(folder))


def settings_of(table: Any, *, file: str = FILES[0], path: str = "docs") -> Settings:
    """Return the settings that a table holds.

    Raises:
        SpecError: when it has errors; see `read_settings`.
    """
    findings: list[Finding] = []
    *outside, key = path.split(".")
    fields = Fields(
        {key: table}, file=file, findings=findings, path=".".join(outside), code="docs"
    )
    settings = _read(fields.inner(key))
    if findings:
        count = "an error" if len(findings) == 1 else f"{len(findings)} errors"
        raise SpecError(f"[{path}] in {file} has {count}", findings=findings)
    return settings


def _read(fields: Fields) -> Settings:
    settings = Settings(
        paths=fields.texts("paths", PATHS),
        exclude=fields.texts("exclude"),
        targets=_targets(fields),
        select=_codes(fields, "select"),
        ignore=_codes(fields, "ignore"),
        roles=_roles(fields.inner("roles")),
        form=fields.choice("form", FORMS),
        baseline=fields.text("baseline"),
        ignored=_ignored(fields.inner("per-file-ignores")),
        limits=read_limits(fields.inner("limits")),
        symbols=_symbols(fields.inner("symbols")),
        words=_words(fields.inner("words")),
    )
    fields.end()
    return settings


def _targets(fields: Fields) -> tuple[str, ...]:
    return fields.texts(
        "targets",
        ("github",),
        pattern="|".join(TARGETS),
        allowed=" | ".join(TARGETS),
    )


def _codes(fields: Fields, key: str) -> tuple[str, ...]:
    found = fields.texts(key)
    return tuple(code for code in found if _is_known(fields, key, code))


def _is_known(fields: Fields, key: str, code: str) -> bool:
    known = (*codes(), *ENGINE)
    topics = {each.partition(".")[0] for each in known}
    if code in known or code in topics:
        return True
    hint = did_you_mean(code, (*known, *sorted(topics)))
    fields.problem(key, f"there is no rule or topic {shown(code)}", hint)
    return False


def _roles(fields: Fields) -> dict[str, Role]:
    """``"symbols.alone" = "note"``; without quotes, TOML makes a table of the topic."""
    roles: dict[str, Role] = {}
    for topic in fields.table:
        if isinstance(fields.table[topic], dict):
            inner = fields.inner(topic)
            found = {f"{topic}.{name}": _role(inner, name) for name in inner.table}
        else:
            found = {topic: _role(fields, topic)}
        roles |= {
            code: Role(role)
            for code, role in found.items()
            if role and _is_known(fields, code, code)
        }
    return roles


def _role(fields: Fields, key: str) -> str:
    return fields.choice(key, _ROLES)


def _ignored(fields: Fields) -> dict[str, tuple[str, ...]]:
    return {glob: _codes(fields, glob) for glob in fields.table}


def _symbols(fields: Fields) -> dict[str, dict[str, Any]]:
    """Read what may be said of a function; the lexicon knows which there are."""
    tables = {}
    for function in fields.table:
        table = fields.inner(function)
        known = {
            "symbol": table.text("symbol"),
            "aliases": table.texts("aliases"),
            "english": table.text("english"),
            "chinese": table.text("chinese"),
        }
        table.end()
        tables[function] = {key: value for key, value in known.items() if value}
    return tables


def _words(fields: Fields) -> dict[str, tuple[str, ...]]:
    return {kind: fields.texts(kind) for kind in fields.table}
