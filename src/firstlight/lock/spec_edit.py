"""Edits to the spec that keep its comments and layout, and the first spec itself.

A package is added where the project lists its packages already: in the spec, in a
requirements file, or in a dependency group or extra of `pyproject.toml`.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tomlkit
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array

from firstlight.errors import SpecError, StoreError, UsageError
from firstlight.fields import did_you_mean
from firstlight.lock.spec import FILE, find_spec

__all__ = ["add_packages", "remove_packages", "write_template"]


def add_packages(folder: Path, requirements: Sequence[str]) -> Path:
    """Add requirements to the project's list and return the file that was changed.

    A requirement for a package that is listed already replaces it. All of them are
    added or, on an error, none.

    Raises:
        UsageError: when a requirement is malformed.
        SpecError: when there is no spec to add to.
    """
    parsed = [_parsed(text) for text in requirements]
    torch = [one for one in parsed if _name(one) == "torch"]
    if torch:
        raise UsageError(
            "torch is not one of the packages: it has a field of its own",
            hint=f'write torch = "{str(torch[0].specifier).removeprefix("==")}" '
            "in the spec",
        )

    def change(lines: list[str]) -> list[str]:
        for requirement in parsed:
            same = [i for i, line in enumerate(lines) if _names(line, requirement.name)]
            if same:
                lines[same[0]] = str(requirement)
            else:
                lines.append(str(requirement))
        return lines

    return _edit(folder, change)


def remove_packages(folder: Path, names: Sequence[str]) -> Path:
    """Remove packages by name and return the file that was changed.

    Raises:
        UsageError: when a package is not listed; nothing is changed then.
        SpecError: when there is no spec.
    """

    def change(lines: list[str]) -> list[str]:
        for name in names:
            left = [line for line in lines if not _names(line, name)]
            if len(left) == len(lines):
                known = [_name(one) for one in map(_tried, lines) if one is not None]
                raise UsageError(
                    f'"{name}" is not in the list of packages',
                    hint=did_you_mean(name, known)
                    or "what other packages bring in is not listed there",
                )
            lines = left
        return lines

    return _edit(folder, change)


_Change = Callable[[list[str]], list[str]]


def _parsed(text: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise UsageError(
            f'"{text}" names no package: {str(error).splitlines()[0]}',
            hint='write it as "name" or "name>=1.2"',
        ) from error


def _tried(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def _name(requirement: Requirement) -> str:
    return canonicalize_name(requirement.name)


def _names(line: str, name: str) -> bool:
    requirement = _tried(line)
    return requirement is not None and _name(requirement) == canonicalize_name(name)


def _edit(folder: Path, change: _Change) -> Path:
    path, table, inside = find_spec(folder)
    packages = table.get("packages", [])
    if isinstance(packages, str):
        return _edit_lines(folder / packages, change)
    if isinstance(packages, dict):
        where = ["dependency-groups", packages.get("group")]
        if packages.get("extra"):
            where = ["project", "optional-dependencies", packages["extra"]]
        return _edit_toml(folder / "pyproject.toml", where, change)
    keys = [*inside.split("."), "packages"] if inside else ["packages"]
    return _edit_toml(path, keys, change)


# TOML


def _edit_toml(path: Path, keys: Sequence[Any], change: _Change) -> Path:
    try:
        document = tomlkit.parse(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise SpecError(f"{path}: {error}") from error
    table: Any = document
    for key in keys[:-1]:
        table = table.get(_like(table, key), {})
    key = _like(table, keys[-1])
    if key not in table and keys[-1] == "packages":
        table["packages"] = tomlkit.array()
    array = table.get(key)
    if not isinstance(array, Array):
        raise SpecError(f"{path}: {'.'.join(keys)} is not a list of packages")
    old = [str(item) if isinstance(item, str) else "" for item in array]
    _update(array, old, change(list(old)))
    _replace(path, tomlkit.dumps(document))
    return path


def _like(table: Any, key: str) -> str:
    """The key as the file writes it: group and extra names are compared normalised."""
    for candidate in table:
        if canonicalize_name(str(candidate)) == canonicalize_name(key):
            return str(candidate)
    return key


def _update(array: Array, old: list[str], new: list[str]) -> None:
    """Change only the items that differ, so that comments stay with their lines."""
    for position in reversed(range(len(old))):
        if (
            old[position]
            and old[position] not in new
            and not _successor(old[position], new)
        ):
            array.pop(position)
            old.pop(position)
    for position, line in enumerate(old):
        if line and line not in new:
            array[position] = _successor(line, new)
    lines = "\n" in array.as_string()
    have = {str(item) for item in array}
    for line in (line for line in new if line and line not in have):
        if lines:
            array.add_line(line, indent=_indent(array))
        else:
            array.append(line)


def _successor(line: str, new: list[str]) -> str:
    requirement = _tried(line)
    names = [n for n in new if requirement and _names(n, requirement.name)]
    return names[0] if names else ""


def _indent(array: Array) -> str:
    found = re.search(r"\n([ \t]+)\S", array.as_string())
    return found.group(1) if found else "    "


# Requirements files


def _edit_lines(path: Path, change: _Change) -> Path:
    """Change a requirements file: a line that stays keeps its comment and place."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: {error}") from error
    blocks = _blocks(text)
    old = [_content(block) for block in blocks]
    new = change(list(old))
    kept = [
        _rewritten(block, content, new)
        for block, content in zip(blocks, old, strict=True)
        if content in new or _successor(content, new)
    ]
    written = {_content(block) for block in kept}
    added = [f"{line}\n" for line in new if line not in written]
    if kept and not kept[-1].endswith("\n"):
        kept[-1] += "\n"
    _replace(path, "".join([*kept, *added]))
    return path


def _blocks(text: str) -> list[str]:
    """Lines, each together with those that continue it."""
    blocks: list[str] = []
    open_ended = False
    for line in text.splitlines(keepends=True):
        if open_ended:
            blocks[-1] += line
        else:
            blocks.append(line)
        open_ended = line.rstrip("\r\n").endswith("\\")
    return blocks


def _content(block: str) -> str:
    """The requirement a block holds, without comment, hashes and continuation."""
    plain = re.sub(r"\\\r?\n", " ", block)
    plain = re.sub(r"(^|\s)#.*", "", plain).strip()
    return plain if plain.startswith("-") else re.split(r"\s+--(?=[a-z])", plain)[0]


def _rewritten(block: str, content: str, new: list[str]) -> str:
    if not content or content in new:
        return block
    comment = re.search(r"[ \t]+#.*", block)
    tail = comment.group(0).rstrip("\r\n") if comment else ""
    return f"{_successor(content, new)}{tail}\n"


def _replace(path: Path, text: str) -> None:
    """Put the new text in place in one step; a link stays a link."""
    path = path.resolve()
    try:
        mode = path.stat().st_mode if path.exists() else 0o644
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
                stream.write(text)
            Path(name).chmod(mode & 0o777)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path}: {error.strerror}", hint="check the disk and your rights there"
        ) from error


# The first spec


def write_template(
    folder: Path,
    *,
    name: str,
    python: str,
    torch: str = "",
    cuda: str = "auto",
    gpus: Sequence[str] = (),
    driver: str = "",
    packages: Sequence[str] | str = (),
) -> Path:
    """Write a first spec that says what each field is for, and return its path.

    Raises:
        UsageError: when the project has a spec already; it is left as it is.
    """
    path = folder / FILE
    try:
        existing: Path | None = find_spec(folder)[0]
    except SpecError:
        existing = path if path.exists() else None
    if existing is not None:
        raise UsageError(
            f"{existing} holds a spec already",
            hint="edit it, or remove it and run `firstlight init` again",
        )
    text = "\n".join(
        [
            *_head(name, python, torch, cuda),
            *_list(packages),
            '# system = ["git"]          # OS packages',
            *_target(gpus, driver),
            "",
            "# [workspace]  # how it is run: no part of the image",
            '# mounts = ["~/data:/data:ro"]',
        ]
    )
    _replace(path, text + "\n")
    return path


def _quoted(text: str) -> str:
    return tomlkit.string(text).as_string()


def _head(name: str, python: str, torch: str, cuda: str) -> list[str]:
    pinned = f"torch = {_quoted(torch)}" if torch else '# torch = "2.7.1"'
    return [
        "# What this project's image is made of; `firstlight lock` makes it exact.",
        f"name = {_quoted(name)}",
        f"python = {_quoted(python)}",
        f"{pinned}  # a version or a range",
        f'cuda = {_quoted(cuda)}  # "auto", "cpu", or a version such as "12.6"',
    ]


def _list(packages: Sequence[str] | str) -> list[str]:
    if isinstance(packages, str):
        return [f"packages = {_quoted(packages)}"]
    if not packages:
        return ["packages = []"]
    return ["packages = [", *(f"    {_quoted(one)}," for one in packages), "]"]


def _target(gpus: Sequence[str], driver: str) -> list[str]:
    names = ", ".join(map(_quoted, gpus))
    return [
        "",
        "[target]  # where it will run: what is chosen must work there",
        f"gpus = [{names}]" if gpus else '# gpus = ["A100"]',
        f"driver = {_quoted(driver)}" if driver else '# driver = "550"',
        'platforms = ["linux/amd64"]',
    ]
