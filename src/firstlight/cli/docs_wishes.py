"""What `firstlight docs lint` is asked for: its options, and what fits together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from firstlight.errors import UsageError

if TYPE_CHECKING:
    from firstlight.lint.settings import Settings

__all__ = ["ROLES", "Wanted", "options", "over"]

ROLES = ("failure", "warning", "note")
"""From the worst to the mildest."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The options of one command line; equal ones print the same of equal pages."""

    paths: tuple[str, ...] = ()
    fix: bool = False
    unsafe_fixes: bool = False
    diff: bool = False
    output: str = "text"
    sarif: Path | None = None
    statistics: bool = False
    only: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    min_role: str = "note"
    baseline: str = ""
    write_baseline: Path | None = None
    exit_zero: bool = False
    watch: bool = False
    force_exclude: bool = False
    no_cache: bool = False
    jobs: int = 0
    stdin_filename: str = ""

    @property
    def fixing(self) -> str:
        """Which fixes are made: none, the ``safe`` ones, or ``all``."""
        if self.unsafe_fixes:
            return "all"
        return "safe" if self.fix or self.diff else ""

    @property
    def is_stdin(self) -> bool:
        """Whether the page comes from standard input."""
        return "-" in self.paths

    @property
    def only_looks(self) -> bool:
        """Whether it reads files and prints, and nothing else."""
        acts = (self.fixing, self.sarif, self.write_baseline, self.is_stdin)
        return not any(acts) and not self.no_cache

    def check(self) -> None:
        """Say what does not fit together.

        Raises:
            UsageError: when something does not.
        """
        for first, second in self._clashes():
            raise UsageError(
                f"{first} does not go with {second}", hint="leave one of them out"
            )
        if self.stdin_filename and not self.is_stdin:
            raise UsageError(
                "--stdin-filename names what is read from standard input",
                hint="write - in place of the paths",
            )

    def _clashes(self) -> Iterator[tuple[str, str]]:
        given = {
            "- (standard input)": self.is_stdin,
            "other paths": len(self.paths) > self.is_stdin,
            "--watch": self.watch,
            "--write-baseline": self.write_baseline is not None,
            "--fix": self.fix,
            "--unsafe-fixes": self.unsafe_fixes,
            "--diff": self.diff,
            "--baseline": self.baseline,
        }
        apart = {
            "- (standard input)": ("other paths", "--watch", "--write-baseline"),
            "--write-baseline": (
                *("other paths", "--watch", "--fix", "--unsafe-fixes", "--diff"),
                "--baseline",
            ),
            "--watch": ("--diff",),
        }
        for first, others in apart.items():
            yield from (
                (first, each) for each in others if given[first] and given[each]
            )


def over(wanted: Wanted, settings: Settings) -> Settings:
    """Return the settings of a project with what the command line says over them.

    Raises:
        UsageError: when a rule or target is not known.
    """
    from firstlight.lint.rule import TARGETS

    only, select, ignore = map(_codes, (wanted.only, wanted.select, wanted.ignore))
    if only:
        # A code weighs more than its topic, so the others of a topic stay away.
        topics = {code.partition(".")[0] for code in _known()} - {"lint"}
        select, settings = (*select, *only), replace(settings, select=(), ignore=())
        ignore = (*ignore, *sorted(topics.difference(only)))
    targets = tuple(_split(wanted.target))
    for target in targets:
        _must_be(target, TARGETS, "target")
    return replace(
        settings,
        select=(*(s for s in settings.select if s not in ignore), *select),
        ignore=(*(i for i in settings.ignore if i not in select), *ignore),
        targets=targets or settings.targets,
        sites=() if targets else settings.sites,
        baseline=wanted.baseline or settings.baseline,
    )


def _known() -> tuple[str, ...]:
    from firstlight.lint.rule import ENGINE
    from firstlight.lint.rules import codes

    return (*codes(), *ENGINE)


def _codes(given: Sequence[str]) -> tuple[str, ...]:
    codes = tuple(_split(given))
    for code in codes:
        known = _known()
        topics = sorted({each.partition(".")[0] for each in known})
        _must_be(code, (*known, *topics), "rule or topic")
    return codes


def _split(given: Sequence[str]) -> Iterator[str]:
    """Options are repeatable, and take several names with commas."""
    for words in given:
        yield from filter(None, map(str.strip, words.split(",")))


def _must_be(word: str, known: Sequence[str], kind: str) -> None:
    from firstlight.fields import did_you_mean

    if word not in known:
        hint = did_you_mean(word, known) or "`firstlight docs explain` lists the rules"
        if kind == "target":
            hint = f"write {' | '.join(known)}"
        raise UsageError(f'there is no {kind} "{word}"', hint=hint)


_OPTIONS = (
    click.argument("paths", nargs=-1, metavar="[PATHS]..."),
    click.option("--fix", is_flag=True, help="Make the safe fixes."),
    click.option(
        "--unsafe-fixes",
        is_flag=True,
        help="Make also fixes that need your judgement: look at what changed.",
    ),
    click.option(
        "--diff", is_flag=True, help="Show what the fixes would change; write nothing."
    ),
    click.option(
        "--output",
        type=click.Choice(("text", "concise", "github", "sarif")),
        default="text",
        show_default=True,
        help="What is printed; --json is for programs.",
    ),
    click.option(
        "--sarif",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Also write a SARIF log into this file.",
    ),
    click.option(
        "--statistics", is_flag=True, help="Print how often each rule found something."
    ),
    click.option(
        "--only",
        multiple=True,
        metavar="RULES",
        help="Use only these rules or topics: symbols,steps.root-command.",
    ),
    click.option(
        "--select",
        multiple=True,
        metavar="RULES",
        help="Use these rules or topics too.",
    ),
    click.option(
        "--ignore",
        multiple=True,
        metavar="RULES",
        help="Leave these rules or topics out.",
    ),
    click.option(
        "--target",
        multiple=True,
        metavar="TARGETS",
        help="Where the pages are read, in place of the settings: github,mkdocs.",
    ),
    click.option(
        "--min-role",
        type=click.Choice(ROLES),
        default="note",
        show_default=True,
        help="The mildest findings that are shown and count.",
    ),
    click.option(
        "--baseline",
        default="",
        metavar="FILE",
        help="Hide the findings in this file, in place of the settings' one.",
    ),
    click.option(
        "--write-baseline",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write all findings into this file, so that later only new ones count.",
    ),
    click.option("--exit-zero", is_flag=True, help="End with 0 whatever is found."),
    click.option("--watch", is_flag=True, help="Go on, and check again what changes."),
    click.option(
        "--force-exclude",
        is_flag=True,
        help="Leave out what the settings exclude even where PATHS name it.",
    ),
    click.option(
        "--no-cache", is_flag=True, help="Look at every page anew; keep nothing."
    ),
    click.option(
        "--jobs",
        type=click.IntRange(min=0),
        default=0,
        metavar="NUMBER",
        help="How many processes; default: one for each processor.",
    ),
    click.option(
        "--stdin-filename",
        default="",
        metavar="PATH",
        help="What page standard input is.",
    ),
)


def options(function: _Function) -> _Function:
    """Give a command every option of `Wanted`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
