"""The packages a project asks for, from wherever it lists them already.

`packages` in the spec is a list, the name of a requirements file, or a dependency group
or extra of `pyproject.toml`. All become PEP 508 strings; what no image can be made from
(editable installs, paths, source repositories) is refused with the line it stands on.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from firstlight.errors import UsageError
from firstlight.fields import Fields, did_you_mean, read_toml, shown
from firstlight.finding import Finding, Role

__all__ = ["Gathered", "Link", "Wanted", "gather", "url_problem"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One requirement and where it stands."""

    requirement: Requirement
    where: str


@dataclass(frozen=True, slots=True)
class Link:
    """An index, or a folder of wheels, that a requirements file names."""

    url: str
    find_links: bool = False
    default: bool = False


@dataclass(slots=True)
class Gathered:
    """Everything found; `texts` are the included files, for the spec's digest."""

    folder: Path
    findings: list[Finding]
    wanted: list[Wanted] = field(default_factory=list)
    constraints: list[Wanted] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def problem(self, where: str, message: str, hint: str = "") -> None:
        """Note that something cannot be used."""
        self.findings.append(
            Finding(
                code="spec.requirement",
                role=Role.FAILURE,
                message=message,
                where=where,
                hint=hint,
            )
        )

    def add(self, text: str, where: str, *, constraint: bool = False) -> None:
        """Add a requirement written as text."""
        requirement = self._parsed(text, where)
        if requirement is not None:
            target = self.constraints if constraint else self.wanted
            target.append(Wanted(requirement, where))

    def _parsed(self, text: str, where: str) -> Requirement | None:
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            reason = str(error).splitlines()[0]
            hint = 'write it as "name", "name>=1.2" or "name[extra]==1.2.3"'
            self.problem(where, f"found {shown(text)}: {reason}", hint)
            return None
        url = requirement.url or ""
        if url and not url.startswith(("https://", "http://", "file:")):
            self.problem(
                where,
                f"found {shown(text)}: source repositories cannot go into an image",
                "build a wheel of it, and name its folder in [[index]] "
                "with find-links = true",
            )
            return None
        return requirement


def gather(fields: Fields, folder: Path) -> Gathered:
    """Return what the field `packages` of a spec asks for; problems become findings."""
    found = Gathered(folder, fields.findings)
    packages = fields.value("packages", list, str, dict)
    if isinstance(packages, list):
        for position, text in enumerate(fields.texts("packages")):
            found.add(text, fields.where(f"packages[{position}]"))
    elif isinstance(packages, str):
        where = fields.where("packages")
        if packages.endswith((".txt", ".in")):
            _read_file(found, folder / packages, where)
        else:
            found.problem(
                where,
                f"found {shown(packages)}, allowed is a list, the name of a "
                "requirements file (.txt), { group = … } or { extra = … }",
                f'for one package write packages = ["{packages}"]',
            )
    elif isinstance(packages, dict):
        _from_project(found, fields.inner("packages"))
    return found


# Requirements files

_OPTION = re.compile(r"(--?[A-Za-z][A-Za-z-]*)(?:\s*=\s*|\s+|(?<=-[a-z]))?(.*)", re.S)
_SHORT = {
    "-r": "--requirement",
    "-c": "--constraint",
    "-i": "--index-url",
    "-f": "--find-links",
    "-e": "--editable",
}
# These change nothing: only wheels are taken, and the lock holds a hash of each.
_HARMLESS = ("--only-binary", "--prefer-binary", "--require-hashes", "--hash")


def _read_file(
    found: Gathered, path: Path, where: str, *, constraint: bool = False
) -> None:
    name = os.path.relpath(path, found.folder)
    if name in found.texts:
        return
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        found.problem(where, f"{name}: not UTF-8", "save the file as UTF-8")
        return
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        found.problem(where, f"{name}: {reason}", "correct the file's name")
        return
    found.texts[name] = text
    for number, line in _logical_lines(text):
        here = f"{name}:{number}"
        if line.startswith("-"):
            _option(found, path, line, here)
        elif _is_path(line):
            _refuse_path(found, line, here)
        else:
            found.add(re.split(r"\s+--(?=[a-z])", line)[0], here, constraint=constraint)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with continuations joined and comments gone, by their first number."""
    joined, start = "", 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        start = start or number
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            joined += line[:-1]
            continue
        whole = re.sub(r"(^|\s)#.*", "", joined + line).strip()
        if whole:
            yield start, whole
        joined, start = "", 0


def _is_path(line: str) -> bool:
    word = line.split()[0]
    return (
        word.startswith((".", "/", "~", "file:", "http://", "https://", "git+"))
        or word.endswith((".whl", ".zip", ".tar.gz"))
        or bool(re.match(r"[A-Za-z]:\\", word))
    ) and " @ " not in line


def _refuse_path(found: Gathered, line: str, where: str) -> None:
    found.problem(
        where,
        f"found {shown(line)}: a path or URL without a package's name",
        "write NAME @ URL, or name the folder of the wheel with --find-links "
        "and the package by its name",
    )


def _option(found: Gathered, path: Path, line: str, where: str) -> None:
    match = _OPTION.fullmatch(line)
    name, value = match.groups() if match else (line, "")
    if len(name) > 2 and name[1] != "-":  # -rbase.txt
        name, value = name[:2], name[2:] + value
    name, value = _SHORT.get(name, name), _unquoted(value)
    if name in ("--requirement", "--constraint"):
        constraint = name == "--constraint"
        _read_file(found, path.parent / value, where, constraint=constraint)
    elif name in ("--index-url", "--extra-index-url", "--find-links"):
        _link(found, path, name, value, where)
    elif name == "--editable":
        found.problem(
            where,
            f"found {shown(line)}: an editable install cannot go into an image",
            "your project's folder is mounted when the image runs; list only its "
            "dependencies here",
        )
    elif name not in _HARMLESS:
        known = [*_SHORT.values(), "--extra-index-url", *_HARMLESS]
        close = did_you_mean(name, known)
        found.problem(
            where,
            f"the option {name} is not understood here",
            close or "remove the line, or set it in uv's or pip's configuration",
        )


def _unquoted(value: str) -> str:
    try:
        words = shlex.split(value)
    except ValueError:
        return value.strip()
    return words[0] if words else ""


def _link(found: Gathered, path: Path, name: str, value: str, where: str) -> None:
    problem, hint = url_problem(value)
    if problem:
        found.problem(where, problem, hint)
        return
    find_links = name == "--find-links"
    if find_links and "://" not in value:
        value = os.path.relpath(path.parent / value, found.folder)
    found.links.append(Link(value, find_links, name == "--index-url"))


def url_problem(url: str) -> tuple[str, str]:
    """Return why an index's URL must not stand in a shared file, and what to do."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        return f"malformed URL: {error}", ""
    if not url.strip():
        return "found an empty URL", ""
    if parts.password or "${" in url:
        return (
            "the URL carries credentials, or a variable for them",
            "take them out: they are looked for in ~/.netrc and in "
            "UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD",
        )
    return "", ""


# pyproject.toml


def _from_project(found: Gathered, fields: Fields) -> None:
    group, extra = fields.text("group"), fields.text("extra")
    fields.end()
    if bool(group) == bool(extra):
        found.problem(
            fields.where(""),
            "exactly one of group and extra is allowed",
            'write packages = { group = "train" }',
        )
        return
    try:
        project = read_toml(found.folder / "pyproject.toml")
    except UsageError as error:
        found.problem(fields.where("group" if group else "extra"), error.message)
        return
    if group:
        _group(found, project, group, fields.where("group"), ())
    else:
        _extra(found, project, extra, fields.where("extra"), ())


def _group(
    found: Gathered,
    project: dict[str, Any],
    name: str,
    where: str,
    seen: tuple[str, ...],
) -> None:
    """Add the requirements of a PEP 735 group and of those it includes."""
    groups = project.get("dependency-groups")
    found_name = _lookup(found, groups, name, "dependency group", where)
    if found_name is None or not isinstance(groups, dict):
        return
    if found_name in seen:
        circle = " -> ".join([*seen, found_name])
        found.problem(where, f"the groups include each other: {circle}")
        return

    def include(item: object, here: str) -> None:
        inner = item.get("include-group") if isinstance(item, dict) else None
        if isinstance(inner, str):
            _group(found, project, inner, here, (*seen, found_name))
        else:
            found.problem(
                here,
                f"found {shown(item)}, allowed is a string or "
                '{ include-group = "name" }',
            )

    where = f"pyproject.toml: dependency-groups.{found_name}"
    _add_list(found, groups[found_name], where, include)


def _extra(
    found: Gathered,
    project: dict[str, Any],
    name: str,
    where: str,
    seen: tuple[str, ...],
) -> None:
    """Add what the project needs with this extra; an extra may name others of it."""
    table = project.get("project")
    table = table if isinstance(table, dict) else {}
    extras = table.get("optional-dependencies")
    found_name = _lookup(found, extras, name, "extra", where)
    if found_name is None or found_name in seen or not isinstance(extras, dict):
        return
    if not seen:
        dependencies = table.get("dependencies", [])
        _add_list(found, dependencies, "pyproject.toml: project.dependencies")
    before = len(found.wanted)
    here = f"pyproject.toml: project.optional-dependencies.{found_name}"
    _add_list(found, extras[found_name], here)
    own = canonicalize_name(str(table.get("name", "")))
    for wanted in found.wanted[before:]:
        if canonicalize_name(wanted.requirement.name) == own:
            found.wanted.remove(wanted)
            for inner in sorted(wanted.requirement.extras):
                _extra(found, project, inner, wanted.where, (*seen, found_name))


def _lookup(
    found: Gathered, tables: object, name: str, kind: str, where: str
) -> str | None:
    known = list(tables) if isinstance(tables, dict) else []
    for candidate in known:
        if canonicalize_name(candidate) == canonicalize_name(name):
            return str(candidate)
    names = f"it has {', '.join(known)}" if known else "it has none"
    hint = did_you_mean(name, known) or names
    found.problem(where, f'pyproject.toml has no {kind} "{name}"', hint)
    return None


def _add_list(
    found: Gathered,
    items: object,
    where: str,
    other: Callable[[object, str], None] | None = None,
) -> None:
    if not isinstance(items, list):
        found.problem(where, f"found {shown(items)}, allowed is a list")
        return
    for position, item in enumerate(items):
        here = f"{where}[{position}]"
        if isinstance(item, str):
            found.add(item, here)
        elif other is not None:
            other(item, here)
        else:
            found.problem(here, f"found {shown(item)}, allowed is a string")
