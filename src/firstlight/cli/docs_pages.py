"""Pages as commands read them, change them and put them back; what became of each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firstlight.errors import UsageError
from firstlight.finding import Finding, Role, plain
from firstlight.report import has_symbols, words

if TYPE_CHECKING:
    from firstlight.cli.context import Context

__all__ = [
    "Page",
    "counted",
    "end",
    "from_project",
    "is_failed",
    "opened",
    "put",
    "sent",
    "show_diffs",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A file before and after, how much changed in it, and what there is to say."""

    path: str
    before: bytes = b""
    after: bytes = b""
    count: int = 0
    findings: tuple[Finding, ...] = ()
    told: tuple[dict[str, Any], ...] = ()

    @property
    def failures(self) -> list[dict[str, Any]]:
        """What went wrong with it, as plain data."""
        return [plain(each) for each in self.findings if each.role == Role.FAILURE]

    @property
    def is_changed(self) -> bool:
        """Whether it is another after than before."""
        return self.before != self.after


def from_project(command: Context, paths: Iterable[str]) -> tuple[str, ...]:
    """People name paths from where they are, which need not be the project."""
    if Path.cwd() == command.folder:
        return tuple(paths)
    return tuple(
        each if each in ("-", "") else str(Path.cwd() / each) for each in paths
    )


def sent(paths: Sequence[str], name: str) -> tuple[str, bytes] | None:
    """Return the path and bytes of a page on standard input, None without ``-``.

    Raises:
        UsageError: when options do not fit together.
    """
    if "-" not in paths:
        if name:
            raise UsageError(
                "--stdin-filename names what is read from standard input",
                hint="write - in place of the paths",
            )
        return None
    if len(paths) > 1:
        raise UsageError(
            "- is standard input, and goes with no other path",
            hint="leave one of them out",
        )
    return name or "stdin.md", sys.stdin.buffer.read()


def opened(path: str, make: Callable[[], Page]) -> Page:
    """Return a page, or one with the finding that it cannot be read.

    So that one damaged notebook does not stand in the way of all others.
    """
    try:
        return make()
    except OSError as error:
        reason = error.strerror or str(error)
    except UsageError as error:
        reason = error.message.removeprefix(f"{path}: ").removeprefix(f"{path} ")
    return Page(path=path, findings=(_failure("docs.unreadable", path, reason),))


def put(command: Context, page: Page) -> Page:
    """Write a page into its file; what stands in the way becomes a finding."""
    from firstlight.lint.write import put_back

    if not page.is_changed:
        return page
    reason = put_back(command.folder / page.path, page.before, page.after)
    if not reason:
        return page
    failure = _failure("docs.not-written", page.path, f"not written: {reason}")
    return replace(page, after=page.before, count=0, findings=(*page.findings, failure))


def _failure(code: str, path: str, message: str) -> Finding:
    return Finding(code=code, role=Role.FAILURE, message=message, where=path)


def is_failed(pages: Iterable[Page]) -> bool:
    """Whether a page could not be read or written."""
    return any(page.failures for page in pages)


def show_diffs(pages: Iterable[Page]) -> None:
    """Print what changes as a unified diff."""
    from firstlight.lint.write import diff

    for page in pages:
        if page.is_changed:
            text = diff(page.path, page.before, page.after)
            sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def end(
    command: Context, pages: Sequence[Page], thing: str, verb: str, hint: str = ""
) -> None:
    """Say on standard error what was found on the way, and how much was done.

    Args:
        command: The run.
        pages: All that were looked at.
        thing: What is counted in them.
        verb: What became of these things.
        hint: What to do next where there are any.
    """
    command.findings(each for page in pages for each in page.findings)
    if command.quiet or command.as_json:
        return
    symbols = has_symbols(sys.stderr)
    count = sum(page.count for page in pages)
    if not pages:
        said = f"{words(Role.WARNING, symbols=symbols)}: there is no page to look at"
        hint = "name files or folders, or write paths in [docs] of firstlight.toml"
    else:
        changed = counted(sum(page.is_changed for page in pages), "page")
        what = f"{counted(count, thing)} {verb} in {changed}"
        if not count:
            what = f"{counted(len(pages), 'page')}, no {thing} {verb}"
        said = f"{words(Role.SUCCESS, symbols=symbols)}: {what}"
        hint = hint if count else ""
    sys.stderr.write(f"{said}\n" + f"hint: {hint}\n" * bool(hint))


def counted(number: int, thing: str) -> str:
    """Return a number of things: ``1 page``, ``2 fixes``."""
    ending = "" if number == 1 else "es" if thing.endswith("x") else "s"
    return f"{number} {thing}{ending}"
