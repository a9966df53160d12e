"""One run over pages, from the command line's wishes to what is printed."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firstlight.cli.docs_pages import counted
from firstlight.cli.docs_shown import FORMS, Shown, below_repository, log, table, tail
from firstlight.cli.docs_waiting import waiting
from firstlight.cli.docs_wishes import ROLES, Wanted, over
from firstlight.errors import UsageError
from firstlight.finding import Finding, Role
from firstlight.lint.baseline import write_baseline
from firstlight.lint.globs import matcher
from firstlight.lint.record import Printed
from firstlight.lint.run import Outcome
from firstlight.lint.run import lint as look
from firstlight.lint.settings import FILES, read_settings
from firstlight.lint.terminal import Style
from firstlight.lint.write import diff, put
from firstlight.report import finding_lines, words

if TYPE_CHECKING:
    from firstlight.cli.context import Context
    from firstlight.lint.environment import Environment

__all__ = ["fresh"]

_SPEC_SUFFIXES = (".toml", ".lock", ".txt", ".in")
"""Of files beside the spec that it may include, on which its environment depends."""

_COUNTS = (Role.FAILURE, Role.WARNING)


def fresh(
    command: Context, wanted: Wanted, style: Style, cache: Path | None
) -> tuple[Printed, set[str]]:
    """Return what a run prints, and the paths whose change may change that.

    Raises:
        SpecError: when the settings are wrong.
        UsageError: when a path, rule or baseline does not exist.
    """
    return _Fresh(command, wanted, style, cache).printed()


@dataclass(slots=True)
class _Page:
    """What comes from standard input: its path in the project, and its bytes."""

    path: str
    data: bytes


class _Fresh:
    def __init__(
        self, command: Context, wanted: Wanted, style: Style, cache: Path | None
    ) -> None:
        self._command = command
        self._wanted = wanted
        self._style = style
        self._cache = cache
        self._warnings: list[Finding] = []
        self._settings = over(wanted, read_settings(command.folder))
        self._page = _standard_input(command, wanted) if wanted.is_stdin else None

    def printed(self) -> tuple[Printed, set[str]]:
        """Look, write what is to be written, and return what is to be said."""
        paths = self._paths()
        if self._wanted.paths and not paths and self._page is None:
            return Printed(b"", b"", 0), set()  # All that was named is excluded.
        with waiting(io.StringIO() if self._command.quiet else sys.stderr):
            outcome = self._look(paths)
        if self._wanted.write_baseline:
            return self._baseline(self._wanted.write_baseline, outcome), set()
        shown = self._shown(outcome)
        if self._wanted.sarif:
            _write(self._wanted.sarif, log(shown))
        watched = {*outcome.watched, *_spec_files(self._command.folder)}
        return self._told(shown, outcome), watched

    def _paths(self) -> list[str]:
        paths = [path for path in self._wanted.paths if path != "-"]
        if not self._wanted.force_exclude:
            return paths
        is_excluded = matcher(self._settings.exclude)
        return [path for path in paths if not is_excluded(_inside(self._command, path))]

    def _look(self, paths: list[str]) -> Outcome:
        wanted, page = self._wanted, self._page
        return look(
            self._command.folder,
            paths,
            self._settings,
            environment=self._environment(),
            jobs=wanted.jobs,
            cache=self._cache,
            fix=wanted.fixing,
            write=not wanted.diff and page is None,
            sources={page.path: page.data} if page else None,
            with_baseline=wanted.write_baseline is None,
        )

    def _environment(self) -> Environment | None:
        """The facts of the image; to look for a spec costs more than a small page."""
        folder = self._command.folder
        if not any((folder / name).is_file() for name in FILES):
            return None
        from firstlight.cli.docs_environment import environment_of

        return environment_of(folder, self._warnings.append)

    def _shown(self, outcome: Outcome) -> Shown:
        roles = ROLES[: ROLES.index(self._wanted.min_role) + 1]
        return Shown(
            found=[each for each in outcome.found if each.role in roles],
            pages=len(outcome.pages),
            style=self._style,
            hidden=outcome.hidden,
            made=outcome.made,
            is_dry=self._wanted.diff,
            warnings=self._warnings,
            prefix=below_repository(self._command.folder),
            read=self._reader(outcome),
        )

    def _reader(self, outcome: Outcome) -> Callable[[str], bytes | None]:
        """Return what gives the bytes that findings are about."""

        def read(path: str) -> bytes | None:
            if path in outcome.changed:
                return outcome.changed[path][1]
            if self._page is not None and path == self._page.path:
                return self._page.data
            try:
                return (self._command.folder / path).read_bytes()
            except OSError:
                return None

        return read

    # What is said

    def _told(self, shown: Shown, outcome: Outcome) -> Printed:
        wanted = self._wanted
        is_left = any(each.role in _COUNTS for each in shown.found)
        code = int(bool(outcome.changed) if wanted.diff else is_left)
        if self._command.as_json:
            output, messages = self._json(shown, outcome), ""
        else:
            output, messages = self._text(shown, outcome)
        return Printed(
            output,
            _encoded(_lines(self._warned()) + messages),
            0 if wanted.exit_zero else code,
        )

    def _json(self, shown: Shown, outcome: Outcome) -> bytes:
        value: dict[str, Any] = table(shown)
        if self._wanted.diff:
            value["diff"] = _diff(outcome)
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
        return text.encode("utf-8", "backslashreplace") + b"\n"

    def _text(self, shown: Shown, outcome: Outcome) -> tuple[bytes, str]:
        """What goes to standard output, and what to standard error."""
        wanted, page = self._wanted, self._page
        end = "" if self._command.quiet else _lines(tail(shown))
        if wanted.diff:
            return _diff(outcome).encode("utf-8", "surrogateescape"), end
        form = "counts" if wanted.statistics else wanted.output
        body = _lines(FORMS[form](shown))
        if page and wanted.fixing:  # Whoever sent the page reads it back.
            return outcome.changed.get(page.path, (b"", page.data))[1], body + end
        if form in ("text", "counts"):
            return _encoded(body + end), ""
        return _encoded(body), end

    def _warned(self) -> Iterator[str]:
        for each in self._warnings:
            yield from finding_lines(each, symbols=self._style.symbols)

    def _baseline(self, path: Path, outcome: Outcome) -> Printed:
        """Write all findings but those of the engine, which are about this run."""
        known = [each for each in outcome.found if not each.code.startswith("lint.")]
        number = write_baseline(path, known)
        if self._command.as_json:
            return Printed(_encoded(_lines([f'{{"hidden": {number}}}'])), b"", 0)
        done = words(Role.SUCCESS, symbols=self._style.symbols)
        said = [f"{done}: {path} lists {counted(number, 'finding')}"]
        name = _inside(self._command, str(path))
        if self._settings.baseline != name:
            said.append(f'hint: write baseline = "{name}" in [docs]')
        return Printed(_encoded(_lines(said)), b"", 0)


def _standard_input(command: Context, wanted: Wanted) -> _Page:
    name = _inside(command, wanted.stdin_filename or "stdin.md")
    return _Page(name, sys.stdin.buffer.read())


def _inside(command: Context, path: str) -> str:
    """The path below the project's folder, with ``/``, as pages are named."""
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - a link keeps its name.
    if whole.is_relative_to(command.folder):
        return whole.relative_to(command.folder).as_posix()
    return whole.as_posix()


def _diff(outcome: Outcome) -> str:
    changed = sorted(outcome.changed.items())
    return "".join(diff(path, before, after) for path, (before, after) in changed)


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _encoded(text: str) -> bytes:
    """Text as the terminal takes it; what that cannot show is written as its number."""
    return text.encode(sys.stdout.encoding or "utf-8", "backslashreplace")


def _spec_files(folder: Path) -> Iterator[str]:
    for path in folder.iterdir():
        if path.suffix in _SPEC_SUFFIXES:
            yield path.name


def _write(path: Path, text: str) -> None:
    try:
        put(path, text.encode("utf-8", "backslashreplace") + b"\n")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
