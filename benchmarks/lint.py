"""Times how long a person waits for findings: in all pages, in those that changed.

    python benchmarks/lint.py FOLDER --rounds 5

FOLDER has Markdown pages; they are copied, so that caches and changes touch nothing.
`rumdl` and `markdownlint-cli2` take part where they are on the PATH or named. A round
is one run of every side; the table of medians goes to stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from chart import draw
from measure import say
from project import FIRSTLIGHT

COLD, ONE = "firstlight, no cache", "firstlight, one page"
SAME, CHANGED = "firstlight, nothing changed", "firstlight, one page changed"
RUMDL, RUMDL_SAME, RUMDL_ONE = "rumdl, no cache", "rumdl, its cache", "rumdl, one page"
CLI2, CLI2_ONE = "markdownlint-cli2", "markdownlint-cli2, one page"
WHOLE = (COLD, SAME, CHANGED, RUMDL, RUMDL_SAME, CLI2)
"""Sides that are about all pages."""
MOST_COLD, MOST_SAME, MOST_ONE = 1.5, 0.15, 0.25
MOST_TIMES_RUMDL, LEAST_TIMES_CLI2 = 1.5, 10.0
FOUND = (0, 1)
"""How linters end that have done their work."""
GROWTH = (1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8, 1)


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what a person waited, and what the processors did meanwhile."""

    seconds: float
    processor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Copies of the pages, the programs, and what was measured of each side.

    rumdl has a copy of its own, since it keeps its cache between the pages.
    """

    work: Path
    rumdl: str
    cli2: str
    runs: dict[str, list[Run]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where the pages are."""
        return self.work / "pages"

    @property
    def pages(self) -> list[Path]:
        """The pages, by their paths."""
        return sorted(p for p in self.folder.rglob("*") if p.suffix == ".md")

    def commands(self, page: Path) -> dict[str, list[str]]:
        """Return the sides and what each runs in the folder of the pages."""
        lint = [*FIRSTLIGHT, "docs", "lint"]
        one = page.relative_to(self.folder).as_posix()
        found = {
            COLD: [*lint, "--no-cache", "."],
            SAME: [*lint, "."],
            CHANGED: [*lint, "."],
            ONE: [*lint, "--no-cache", one],
        }
        if self.rumdl:
            found[RUMDL] = [self.rumdl, "check", "--no-cache", "."]
            found[RUMDL_SAME] = [self.rumdl, "check", "."]
            found[RUMDL_ONE] = [self.rumdl, "check", "--no-cache", one]
        if self.cli2:
            found[CLI2] = [self.cli2, "**/*.md"]
            found[CLI2_ONE] = [self.cli2, one]
        return found

    def run(self, command: Sequence[str]) -> Run:
        """Run a side to its end, with caches of the benchmark's own."""
        environ = {"FIRSTLIGHT_STORE": str(self.work / "store"), "NO_COLOR": "1"}
        folder = self.work / "rumdl" if command[0] == self.rumdl else self.folder
        return timed(command, folder, environ)

    def median(self, side: str) -> float:
        """The median time of a side; nothing where it did not take part."""
        return (
            median(run.seconds for run in self.runs[side]) if side in self.runs else 0
        )


def timed(command: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> Run:
    """Run a command that may find something; its output is read, and thrown away.

    Raises:
        SystemExit: when it cannot do its work; with what it said.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in FOUND:
        raise SystemExit(f"{command}\nexit {process.returncode}\n{said.decode()}")
    return Run(seconds, usage.ru_utime + usage.ru_stime)


def one_round(bench: Bench, number: int) -> None:
    """One run of every side, interleaved; for one of them, a page grows before."""
    pages = bench.pages
    page = pages[number * 7 % len(pages)]
    for side, command in bench.commands(page).items():
        if side == CHANGED:
            with page.open("ab") as file:
                file.write(f"\n\nA sentence of round {number}.\n".encode())
        if side in (SAME, CHANGED, RUMDL_SAME):
            # A change is seen by its time, which a run must not share with it.
            time.sleep(0.2)
        bench.runs.setdefault(side, []).append(bench.run(command))
        say(f"{side}: {bench.runs[side][-1].seconds:.2f} s")


def warm_up(bench: Bench) -> None:
    """Run each side once: files are in memory then, and what is kept is kept."""
    time.sleep(0.2)
    for side, command in bench.commands(bench.pages[0]).items():
        say(f"warm-up: {side}")
        bench.run(command)


def growth(bench: Bench) -> list[tuple[float, float]]:
    """Return megabytes, and the seconds that the processors work on so much of it."""
    pages, points = bench.pages, []
    pages.sort(key=lambda page: page.name)  # Each share has pages of all folders.
    for share in GROWTH:
        folder = bench.work / f"part-{share}"
        for page in pages[: round(len(pages) * share)]:
            target = folder / page.relative_to(bench.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(page, target)
        command = [*FIRSTLIGHT, "docs", "lint", "--no-cache", "."]
        best = min(timed(command, folder, {}).processor for _ in range(3))
        points.append((size_of(folder) / 1e6, best))
        say(f"{points[-1][0]:.1f} MB: {best:.2f} s")
    return points


def size_of(folder: Path) -> int:
    """Return the bytes of all pages in a folder."""
    return sum(p.stat().st_size for p in folder.rglob("*.md"))


# What is told


def told(bench: Bench) -> str:
    """Return the table, and a line for each claim."""
    pages, size = len(bench.pages), size_of(bench.folder)
    cores = len(os.sched_getaffinity(0))
    lines = [
        f"{pages} pages, {size / 1e6:.1f} MB, {cores} processors",
        "",
        "| side | seconds | processor seconds | MB/s | pages/s | times firstlight |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for side, runs in bench.runs.items():
        seconds = bench.median(side)
        work = median(run.processor for run in runs)
        rates = f"{size / 1e6 / seconds:.1f} | {pages / seconds:.0f}"
        base = bench.median(COLD if side in WHOLE else ONE)
        lines.append(
            f"| {side} | {seconds:.2f} | {work:.2f} "
            f"| {rates if side in WHOLE else '– | –'} | {seconds / base:.2f} |"
        )
    return "\n".join([*lines, "", *claims(bench)])


def claims(bench: Bench) -> list[str]:
    """Return a line for each claim: whether it holds in this run."""
    cold, same, one = map(bench.median, (COLD, SAME, ONE))
    found = [
        says(cold <= MOST_COLD, f"no cache: {cold:.2f} s, at most {MOST_COLD} s"),
        says(same <= MOST_SAME, f"nothing changed: {same:.2f} s, at most {MOST_SAME}"),
        says(one <= MOST_ONE, f"one page: {one:.2f} s, at most {MOST_ONE} s"),
    ]
    if bench.rumdl:
        times = cold / bench.median(RUMDL)
        text = f"{times:.1f} times rumdl, at most {MOST_TIMES_RUMDL}"
        found.append(says(times <= MOST_TIMES_RUMDL, text))
    if bench.cli2:
        times = bench.median(CLI2) / cold
        text = f"{times:.0f} times as fast as markdownlint-cli2, at least"
        found.append(says(times >= LEAST_TIMES_CLI2, f"{text} {LEAST_TIMES_CLI2:.0f}"))
    return found


def says(holds: bool, text: str) -> str:
    """Return a claim with its verdict."""
    return f"{'holds' if holds else 'FAILS'}: {text}"


def main() -> None:
    """Measure, print the table, and keep every single time if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rumdl", default=shutil.which("rumdl") or "")
    cli2 = shutil.which("markdownlint-cli2") or ""
    parser.add_argument("--markdownlint-cli2", default=cli2, dest="cli2")
    parser.add_argument("--json", type=Path, help="keep every single time here")
    parser.add_argument("--chart", type=Path, help="draw growth here")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(work=Path(work), rumdl=wanted.rumdl, cli2=wanted.cli2)
        for folder in (bench.folder, bench.work / "rumdl"):
            shutil.copytree(wanted.folder, folder)
        if wanted.rounds:
            warm_up(bench)
        for number in range(wanted.rounds):
            one_round(bench, number)
        if wanted.rounds:
            print(told(bench))
        if wanted.chart:
            title = "processor seconds, no cache"
            chart = draw(
                growth(bench), title=title, across="MB of pages", up=title, unit="MB"
            )
            wanted.chart.write_text(chart)
    if wanted.json:
        plain = {
            side: [[r.seconds, r.processor] for r in runs]
            for side, runs in bench.runs.items()
        }
        wanted.json.write_text(json.dumps(plain, indent=1) + "\n")


if __name__ == "__main__":
    main()
