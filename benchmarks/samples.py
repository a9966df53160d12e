"""Prints findings of real projects by chance, for a person to judge each of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from random import Random

from measure import say

from firstlight.lint.result import Found
from firstlight.lint.run import lint

_KEPT = 12
"""Of one rule in one project: no project speaks for all of them."""
_AROUND = 2
"""Lines that are shown before and after those of a finding."""
_WIDTH = 200
"""Characters of a line that are shown."""


def sample(folders: Sequence[Path], count: int, seed: int, without: set[str]) -> None:
    """Print findings of the default rules, as many of each rule as there are."""
    random = Random(seed)
    found: defaultdict[str, list[tuple[Path, Found]]] = defaultdict(list)
    for project in chain.from_iterable(map(projects, folders)):
        say(str(project))
        for code, some in of_project(project, random).items():
            found[code] += some
    for code in without:
        found.pop(code, None)
    for row in found.values():
        random.shuffle(row)
    in_turn = chain.from_iterable(zip_longest(*(found[code] for code in sorted(found))))
    picked = [each for each in in_turn if each][:count]
    for number, (project, each) in enumerate(sorted(picked, key=_by_code), 1):
        print(f"\n[{number}] {each.code}  {project / each.path}:{each.line}")
        print(f"    {each.message}")
        print("\n".join(lines(project, each)))


def _by_code(picked: tuple[Path, Found]) -> tuple[str, str, int]:
    project, found = picked
    return found.code, str(project / found.path), found.line


def projects(folder: Path) -> list[Path]:
    """The folders right below one; itself when there are none."""
    below = sorted(path for path in folder.iterdir() if path.is_dir())
    return below or [folder]


def of_project(project: Path, random: Random) -> dict[str, list[tuple[Path, Found]]]:
    """A few findings of each rule in one project."""
    found: defaultdict[str, list[tuple[Path, Found]]] = defaultdict(list)
    for each in lint(project).found:
        found[each.code].append((project, each))
    return {c: random.sample(row, min(_KEPT, len(row))) for c, row in found.items()}


def lines(project: Path, found: Found) -> Iterator[str]:
    """The lines of the source around a finding; of a notebook the excerpt."""
    if found.cell:
        yield f"  > {found.excerpt}"
        return
    text = (project / found.path).read_bytes().decode("utf-8", "replace").split("\n")
    last = min(found.end_line, found.line + 6)
    first = max(found.line - _AROUND, 1)
    for number in range(first, min(last + _AROUND, len(text)) + 1):
        sign = ">" if found.line <= number <= last else " "
        cut = max(found.column - _WIDTH // 2, 0) if number == found.line else 0
        shown = text[number - 1].rstrip()[cut : cut + _WIDTH]
        yield f"  {sign} {number:4} {'…' * (cut > 0)}{shown}"
