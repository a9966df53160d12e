"""``firstlight docs mark``: which blocks deserve which symbol, and writing it."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from firstlight.cli.context import Context
from firstlight.cli.docs_pages import (
    Page,
    end,
    from_project,
    is_failed,
    opened,
    put,
    sent,
    show_diffs,
)
from firstlight.errors import UsageError
from firstlight.finding import Finding, Role
from firstlight.report import has_symbols

if TYPE_CHECKING:
    from firstlight.lexicon.table import Lexicon
    from firstlight.lint.settings import Settings
    from firstlight.lint.sources import Source
    from firstlight.mark.propose import Proposal
    from firstlight.markdown.page import Page as Parsed

__all__ = ["mark"]

_LINK = re.compile(rb"\]\(<?([^)\s#<>]+)#([^)\s<>]+)>?(?:\s[^)]*)?\)")
_EXCERPT = 60


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@click.option("--write", is_flag=True, help="Write the marks into the pages.")
@click.option("--interactive", is_flag=True, help="Ask before each mark; write it.")
@click.option("--diff", is_flag=True, help="Show what would change; write nothing.")
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    metavar="NUMBER",
    default=0.9,
    show_default=True,
    help="Leave out what is less sure.",
)
@click.option(
    "--stdin-filename",
    default="",
    metavar="PATH",
    help="What page standard input is.",
)
@click.pass_obj
def mark(command: Context, /, **chosen: Any) -> int:
    """Say which blocks deserve which symbol and word, and why.

    PATHS are files and folders, or - for standard input; by default the pages that
    [docs] in firstlight.toml names. A hazard gets a block of its own before the step
    it concerns. With --diff, ends with 1 when there is something to change.
    """
    wanted = _Wanted(**chosen)
    run = _Run(command, wanted)
    if wanted.is_written and not run.is_stdin:
        # One by one: what was answered before Ctrl-C counts.
        pages = [put(command, page) for page in run.pages()]
    else:
        pages = list(run.pages())
    _show(command, pages, wanted, is_stdin=run.is_stdin)
    is_changed = any(page.is_changed for page in pages)
    return int(is_failed(pages) or (wanted.diff and is_changed))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """The command line."""

    paths: tuple[str, ...]
    write: bool
    interactive: bool
    diff: bool
    min_confidence: float
    stdin_filename: str

    @property
    def is_written(self) -> bool:
        return (self.write or self.interactive) and not self.diff


class _Run:
    """Reads pages and asks for their marks."""

    def __init__(self, command: Context, wanted: _Wanted) -> None:
        from firstlight.lint.settings import read_settings

        self._command = command
        self._wanted = wanted
        self._sent = sent(wanted.paths, wanted.stdin_filename)
        if self._sent is not None and wanted.interactive:
            raise UsageError(
                "--interactive cannot ask while a page comes from standard input",
                hint="name the file of the page",
            )
        self._settings: Settings = read_settings(command.folder)
        self._lexicon: Lexicon = self._settings.lexicon
        self._answers = _Answers()

    @property
    def is_stdin(self) -> bool:
        """Whether the page comes from standard input."""
        return self._sent is not None

    def pages(self) -> Iterator[Page]:
        """Yield each page with the marks in it."""
        from firstlight.lint.discover import discover

        if self._sent is not None:
            yield self._marked(*self._sent, ())
            return
        folder = self._command.folder
        named = from_project(self._command, self._wanted.paths)
        files = discover(folder, self._settings, named).files
        # Links to the headings of a page may be in any other.
        every = {*files, *discover(folder, self._settings).files}
        linked = _linked(folder / path for path in every)
        for path in files:

            def made(path: str = path) -> Page:
                data = (folder / path).read_bytes()
                return self._marked(path, data, linked[Path(path).name])

            yield opened(path, made)

    def _marked(self, path: str, data: bytes, linked: Collection[str]) -> Page:
        from firstlight.lint.sources import open_source
        from firstlight.mark.propose import proposals
        from firstlight.mark.write import write
        from firstlight.markdown.parse import parse

        def propose(page: Parsed) -> list[Proposal]:
            return proposals(
                page,
                self._lexicon,
                form=self._settings.form,
                min_confidence=self._wanted.min_confidence,
                linked=linked,
            )

        def agreed(page: Parsed) -> list[Proposal]:
            found = propose(page)
            if not self._wanted.interactive:
                return found
            agree = self._answers.agree
            return [each for each in found if agree(source, page, each)]

        source = open_source(path, data)
        page = parse(source.text, path, self._lexicon)
        told = tuple(_told(source, page, each) for each in propose(page))
        done = write(source, self._lexicon, agreed)
        return Page(
            path=path,
            before=data,
            after=done.source.data,
            told=told,
            count=len(done.made),
        )


class _Answers:
    """What the user said, so that nothing is asked twice."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], bool] = {}
        self._rest: bool | None = None

    def agree(self, source: Source, page: Parsed, proposal: Proposal) -> bool:
        """Whether a proposal is to be written; asks when it is new."""
        if proposal.fix is None:
            return False
        key = (page.path, proposal.mark.function, page.cut(proposal.mark.span))
        if key not in self._known:
            self._known[key] = self._asked(source, page, proposal)
        return self._known[key]

    def _asked(self, source: Source, page: Parsed, proposal: Proposal) -> bool:
        if self._rest is not None:
            return self._rest
        for line in _lines(page.path, _told(source, page, proposal)):
            click.echo(line, err=True)
        answer = _answer()
        if answer in "aq":
            self._rest = answer == "a"
        return bool(answer in "ya")


def _answer() -> str:
    """What the user types; the end of the input ends the questions."""
    try:
        answer = click.prompt(
            "write it? (y)es, (n)o, (a)ll that follow, (q)uit",
            type=click.Choice(["y", "n", "a", "q"]),
            show_choices=False,
            err=True,
        )
    except click.Abort as ended:
        if isinstance(ended.__context__, EOFError):
            click.echo(err=True)
            return "q"
        raise
    return str(answer)


def _linked(files: Iterable[Path]) -> defaultdict[str, set[str]]:
    """File name -> the anchors in it that links of other pages go to."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in files:
        with suppress(OSError):  # Whoever wants to mark it will say so.
            for name, anchor in _LINK.findall(path.read_bytes()):
                file = name.decode("utf-8", "replace").rpartition("/")[2]
                found[file].add(anchor.decode("utf-8", "replace"))
    return found


def _told(source: Source, page: Parsed, proposal: Proposal) -> dict[str, Any]:
    """A proposal as plain data; in a notebook, its place is that in its cell."""
    found = proposal.mark
    place: dict[str, int] = page.lines.place(found.span.start)._asdict()
    if page.data == source.text:  # Else marks before it have moved it.
        finding = Finding(code="", role=Role.NOTE, message="", span=found.span)
        told = source.found(finding, page)
        place = {"line": told.line, "column": told.column}
        place |= {"cell": told.cell} if told.cell else {}
    return {
        **place,
        "function": found.function,
        "symbol": proposal.symbol,
        "word": proposal.word,
        "confidence": found.confidence,
        "reasons": list(found.reasons),
        "text": page.read(found.span),
        "why_not": proposal.why_not,
    }


# What is shown


def _show(
    command: Context, pages: Sequence[Page], wanted: _Wanted, *, is_stdin: bool
) -> None:
    is_sent_back = is_stdin and wanted.is_written and not command.as_json
    if is_sent_back:  # Whoever sent it reads it back.
        sys.stdout.buffer.write(pages[0].after)
    elif wanted.diff and not command.as_json:
        show_diffs(pages)
    elif not wanted.interactive:
        for page in pages:
            for told in page.told:
                for line in _lines(page.path, told):
                    command.say(line)
    command.result(
        {
            "written": sum(p.count for p in pages) if wanted.is_written else 0,
            "pages": [
                {"path": p.path, "marks": list(p.told), "failures": p.failures}
                for p in pages
                if p.told or p.failures
            ],
        }
    )
    verb = "written" if wanted.is_written else "can be written"
    hint = "" if wanted.is_written else "`firstlight docs mark --write` writes them"
    end(command, pages, "mark", verb, hint)


def _lines(path: str, told: Mapping[str, Any]) -> Iterator[str]:
    """What people read of a proposal: place, mark, text and reasons."""
    cell = f"cell {told['cell']}:" if "cell" in told else ""
    place = f"{path}:{cell}{told['line']}:{told['column']}"
    excerpt = told["text"][:_EXCERPT] + "…" * (len(told["text"]) > _EXCERPT)
    sign = (
        f"{told['symbol']} {told['word']}" if has_symbols(sys.stdout) else told["word"]
    )
    yield f"{place}: {sign} ({told['confidence']:.2f}) {excerpt}"
    yield f"  because: {'; '.join(told['reasons'])}"
    if told["why_not"]:
        yield f"  not written: {told['why_not']}"
