"""What a run over pages says, in each form that people and programs read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firstlight.cli.docs_pages import counted
from firstlight.cli.docs_print import TIME
from firstlight.finding import Finding, Role, plain
from firstlight.lint.github import workflow_commands
from firstlight.lint.result import Found
from firstlight.lint.sarif import sarif
from firstlight.lint.show import concise_line, finding_lines, statistics
from firstlight.lint.terminal import Style
from firstlight.report import words

__all__ = [
    "FORMS",
    "Shown",
    "below_repository",
    "log",
    "table",
    "tail",
]

_ROLES = (Role.FAILURE, Role.WARNING, Role.NOTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What there is to show: findings, and what was looked at and done.

    `made` are fixes by page and rule, which `is_dry` says are not written. `prefix` is
    the folder of the project below that of its repository; `read` gives the bytes of a
    page.
    """

    found: Sequence[Found]
    pages: int
    style: Style
    hidden: int = 0
    made: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    is_dry: bool = False
    warnings: Sequence[Finding] = ()
    prefix: str = ""
    read: Callable[[str], bytes | None] = lambda path: None


def below_repository(folder: Path) -> str:
    """Return the path of a folder in its repository, with ``/`` at the end, or ""."""
    for above in (folder, *folder.parents):
        if (above / ".git").exists():
            path = folder.relative_to(above).as_posix()
            return "" if path == "." else f"{path}/"
    return ""


# The forms


def text(shown: Shown) -> Iterator[str]:
    """Yield every finding as people read it, with an empty line after each."""
    for each in shown.found:
        yield from finding_lines(each, shown.style)
        yield ""


def counts(shown: Shown) -> Iterator[str]:
    """Yield how often each rule found something."""
    yield from statistics(shown.found, shown.style)
    if shown.found:
        yield ""


def _concise(shown: Shown) -> Iterator[str]:
    return map(concise_line, shown.found)


def _github(shown: Shown) -> Iterator[str]:
    return workflow_commands(shown.found, shown.prefix)


def _sarif(shown: Shown) -> Iterator[str]:
    yield log(shown)


def log(shown: Shown) -> str:
    """Return the text of a SARIF log."""
    made = sarif(shown.found, prefix=shown.prefix, read=shown.read)
    return json.dumps(made, indent=1, ensure_ascii=False)


FORMS: dict[str, Callable[[Shown], Iterator[str]]] = {
    "text": text,
    "concise": _concise,
    "github": _github,
    "sarif": _sarif,
    "counts": counts,
}
"""Form -> what it prints, line by line."""


def table(shown: Shown) -> dict[str, Any]:
    """Return everything as one object for machines."""
    return {
        "pages": shown.pages,
        "findings": [each.plain() for each in shown.found],
        "counts": {str(role): _number(shown, role) for role in _ROLES},
        "rules": dict(sorted(Counter(each.code for each in shown.found).items())),
        "fixable": {
            "safe": sum(1 for each in shown.found if each.fix and each.fix.safe),
            "unsafe": sum(1 for each in shown.found if each.fix and not each.fix.safe),
        },
        "fixed": {path: dict(made) for path, made in shown.made.items() if made},
        "hidden": shown.hidden,
        "warnings": [plain(each) for each in shown.warnings],
    }


# The last lines


def tail(shown: Shown) -> Iterator[str]:
    """Yield what was done, what is left, and what to do next."""
    symbols = shown.style.symbols
    done = _painted(shown, Role.SUCCESS)
    made: Counter[str] = sum(map(Counter, shown.made.values()), Counter())
    if made:
        rules = ", ".join(f"{code} {number}" for code, number in made.most_common(5))
        more = ", …" if len(made) > 5 else ""
        pages = counted(sum(1 for each in shown.made.values() if each), "page")
        fixes = counted(made.total(), "fix")
        if shown.is_dry:
            note = _painted(shown, Role.NOTE)
            yield f"{note}: {fixes} in {pages} would be made ({rules}{more})"
            return
        yield f"{done}: {fixes} in {pages} ({rules}{more})"
    looked = f"{counted(shown.pages, 'page')} in {TIME}"
    hidden = f"; {shown.hidden} more are in the baseline" if shown.hidden else ""
    if not shown.pages:
        yield f"{_painted(shown, Role.WARNING)}: there is no page to look at"
        yield "hint: name files or folders, or write paths in [docs] of firstlight.toml"
        return
    if not shown.found:
        left = "nothing is left" if made else "nothing to mend"
        yield f"{done}: {looked}, {left}{hidden}"
        return
    numbers = ((role, _number(shown, role)) for role in _ROLES)
    told = ", ".join(counted(number, role) for role, number in numbers if number)
    yield f"{looked}: {told}{hidden}"
    yield f"{words(Role.TIP, symbols=symbols)}: {_next(shown)}"


def _painted(shown: Shown, role: Role) -> str:
    return shown.style.paint(role, words(role, symbols=shown.style.symbols))


def _number(shown: Shown, role: Role) -> int:
    return sum(1 for each in shown.found if each.role == role)


def _next(shown: Shown) -> str:
    fixable = Counter(each.fix.safe for each in shown.found if each.fix)
    ways = []
    if fixable[True]:
        ways.append(f"--fix mends {fixable[True]} of them")
    if fixable[False]:
        ways.append(f"--unsafe-fixes {'also ' * bool(ways)}mends {fixable[False]}")
    worst = min(shown.found, key=lambda each: _ROLES.index(each.role))
    ways.append(f"`firstlight docs explain {worst.code}` says more")
    return "; ".join(ways)
