"""All pages of a project: found, checked, compared, mended; the one way in.

What a run finds depends on the files and the settings alone: not on the number of
processes, on what is in the cache, or on the order of anything.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from firstlight.finding import Finding, Role
from firstlight.lint.baseline import compared, read_baseline
from firstlight.lint.cache import Cache, Entry
from firstlight.lint.comparison import Comparison, comparison, folders_of
from firstlight.lint.crew import cores
from firstlight.lint.discover import discover
from firstlight.lint.fixes import has_fix
from firstlight.lint.look import look
from firstlight.lint.pairs import candidates
from firstlight.lint.plan import Plan, package_files, plan_of
from firstlight.lint.record import file_of
from firstlight.lint.result import Found, found
from firstlight.lint.settings import FILES, Settings, read_settings
from firstlight.lint.sites import CONFIGS
from firstlight.lint.work import Done, Task, unpacked
from firstlight.lint.write import put_back
from firstlight.markdown.lines import Lines

if TYPE_CHECKING:
    from firstlight.lint.environment import Environment
    from firstlight.lint.rule import Rule

__all__ = ["Outcome", "lint"]

_ROUNDS = 5
"""How often pages are compared again after fixes of what a comparison found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run found and did.

    `found` is in the order of paths and places, `pages` are those it is about,
    `hidden` counts what the baseline hides. `changed` are the bytes of pages before
    and after their fixes, `made` the number of fixes by page and rule. `watched` are
    the paths whose change may change all this; see `firstlight.lint.record`.
    """

    found: tuple[Found, ...]
    pages: tuple[str, ...]
    hidden: int = 0
    changed: Mapping[str, tuple[bytes, bytes]] = field(default_factory=dict)
    made: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    watched: frozenset[str] = frozenset()
    seconds: float = 0.0


def lint(
    folder: Path,
    paths: Sequence[str] = (),
    settings: Settings | None = None,
    *,
    environment: Environment | None = None,
    jobs: int = 0,
    cache: Path | None = None,
    fix: str = "",
    write: bool = True,
    sources: Mapping[str, bytes] | None = None,
    with_baseline: bool = True,
    rules: Iterable[Rule] | None = None,
) -> Outcome:
    """Check the pages of a project in a folder, and mend them if asked.

    Args:
        paths: Files and folders to look at; by default what the settings name.
        settings: Those of the project, read from it by default.
        environment: The facts of the project's image.
        jobs: How many processes; 0 for as many as there are processors.
        cache: The folder of caches; None keeps nothing.
        fix: Empty, ``safe``, or ``all`` for those that need a person's judgement too.
        write: Whether fixes go into the files, or only into the outcome.
        sources: Bytes of pages by path, which are looked at instead of files.
        with_baseline: Whether what the baseline knows is hidden.
        rules: Those that the settings choose from, all by default.

    Raises:
        SpecError: when the settings are wrong.
        UsageError: when a path does not exist, or the baseline cannot be read.
    """
    started = time.perf_counter()
    settings = settings or read_settings(folder)
    pages = _Pages(folder, settings, paths, sources or {})
    plan = plan_of(settings, environment=environment, rules=rules)
    run = _Run(pages, plan, fix, cache)
    run.look(jobs or cores())
    return run.outcome(write, settings.baseline if with_baseline else "", started)


class _Pages:
    """Which pages a run is about, and which others it compares them with.

    Rules that compare pages need all of them, even where only some are asked about.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        paths: Sequence[str],
        sources: Mapping[str, bytes],
    ) -> None:
        self.folder = folder
        self.sources = sources
        whole = discover(folder, settings)
        about = discover(folder, settings, paths) if paths else whole
        self.shown = {*(() if sources and not paths else about.files), *sources}
        self.all = {*self.shown, *whole.files}
        own = (*FILES, *CONFIGS, *filter(None, (settings.baseline,)), *package_files())
        self.watched = {*whole.watched, *about.watched, *self.all, *own}


class _Run:
    """The pages of one run, and what is known of each so far."""

    def __init__(self, pages: _Pages, plan: Plan, fix: str, cache: Path | None) -> None:
        self._pages = pages
        self._task = Task(
            root=str(pages.folder),
            plan=plan,
            fix=fix,
            sources=pages.sources,
            shown=frozenset(pages.shown),
            paired=candidates(pages.all) if plan.compares else frozenset(),
        )
        file = file_of(cache, pages.folder, "pages") if cache else None
        self._cache = Cache(file, plan.digest)
        self._done: dict[str, Done] = {}
        self._compared = Comparison({}, {}, {})
        self._changed: dict[str, tuple[bytes, bytes]] = {}
        self._made: dict[str, Counter[str]] = {}

    def look(self, jobs: int) -> None:
        """Check each page, then all together, again while that gives fixes to make."""
        needs_all = self._task.plan.compares
        paths = sorted(self._pages.all if needs_all else self._pages.shown)
        for each in look(self._task, self._cache, paths, jobs).values():
            self._take(each)
        for _ in range(_ROUNDS if self._task.fix else 1):
            self._compared = comparison(
                self._task.root, self._task.plan, self._cache, self._done, self._read
            )
            if not self._mend():
                break

    def _read(self, path: str) -> bytes:
        changed = self._changed.get(path)
        return changed[1] if changed else self._task.read(path)

    def _take(self, done: Done) -> None:
        path = done.path
        self._done[path] = done
        if done.before or done.after:
            first = self._changed[path][0] if path in self._changed else done.before
            self._changed[path] = first, done.after
        if done.made:
            self._made.setdefault(path, Counter()).update(done.made)

    def _mend(self) -> bool:
        """Make fixes of what the comparison found; whether there were any."""
        task = self._task
        unsafe = task.fix == "all"
        before = sum(each.total() for each in self._made.values())
        for path, findings in self._compared.found.items():
            more = [each for each in findings if has_fix(each, unsafe=unsafe)]
            if task.fix and more and path in task.shown:
                data, last = self._read(path), self._done[path].stamp
                self._take(task.mended(path, data, last, more))
        return sum(each.total() for each in self._made.values()) > before

    def _write(self) -> dict[str, str]:
        """Put what changed into its files; why that could not be, by page."""
        refused = {}
        for path, (before, after) in self._changed.items():
            if path not in self._task.sources:
                reason = put_back(Path(self._task.root, path), before, after)
                if reason:
                    refused[path] = reason
        return refused

    def _keep(self, refused: Mapping[str, str]) -> None:
        """Cache what was found; what fixing has to tell belongs to this run only."""
        for path, done in self._done.items():
            is_kept = done.content and path not in self._task.sources
            if is_kept and path not in refused and not self._is_told(path):
                self._cache.put(path, Entry(*done[1:5], done.whole))
        self._cache.save(self._pages.all)

    def _is_told(self, path: str) -> bool:
        if not self._task.fix:
            return False
        found = unpacked(self._done[path].result).found
        return any(each.code.startswith("lint.fix-") for each in found)

    def outcome(self, write: bool, baseline: str, started: float) -> Outcome:
        """Write what is to be written; return all that is not in the baseline."""
        refused = self._write() if write else {}
        self._keep(refused)
        left, hidden = self._found(refused), 0
        if baseline:
            known = read_baseline(self._pages.folder / baseline)
            left, hidden = compared(left, known, self._pages.shown)
        return Outcome(
            found=tuple(sorted(left, key=lambda each: each[:3])),
            pages=tuple(sorted(self._pages.shown)),
            hidden=hidden,
            changed={p: c for p, c in self._changed.items() if p not in refused},
            made={p: dict(m) for p, m in self._made.items() if p not in refused},
            watched=frozenset(
                self._pages.watched | folders_of(self._task.root, self._compared.asked)
            ),
            seconds=time.perf_counter() - started,
        )

    def _found(self, refused: Mapping[str, str]) -> list[Found]:
        left: list[Found] = []
        for path in sorted(self._task.shown):
            checked = unpacked(self._done[path].result)
            left += checked.found
            left += self._compared.found.get(path, ())
            used = self._compared.used.get(path, set())
            left += [note for mark, note in checked.idle if mark not in used]
            if path in refused:
                left.append(_not_written(path, refused[path]))
        return left


def _not_written(path: str, reason: str) -> Found:
    finding = Finding(
        code="lint.not-written",
        role=Role.FAILURE,
        message=f"its fixes are not written: {reason}",
        hint="run it again",
    )
    return found(finding, path, Lines(b""))
