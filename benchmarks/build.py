"""Builds the same wheels in every way, one after the other, and compares.

    python benchmarks/build.py --runs 3 --set full

Everything is made on the spot: a lock from this machine's package index, a store with
the inputs, a Docker daemon and a registry of the benchmark's own. All sides read the
same local wheels from a warm page cache. The table goes to stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import chart
import peer
from measure import Measure, Series, say, timed
from project import Project, link_wheels, strip

FLOOR = Path(__file__).with_name("floor.py")
MIB = 1 << 20
SETS: dict[str, tuple[str, list[str]]] = {
    "full": ("2.7.1", ["torchvision", "jupyterlab", "pip"]),
    "small": ("", ["numpy==2.2.6", "scipy==1.15.3", "jupyterlab", "pip"]),
}


@dataclass(slots=True)
class Bench:
    """The two projects, and what was measured of each side."""

    work: Path
    base: Project
    changed: Project
    keep: set[str]
    system: set[str]
    sides: dict[str, Series] = field(default_factory=dict)
    new_bytes: int = 0

    def note(self, name: str, measure: Measure) -> Measure:
        """Remember one run of a side."""
        self.sides.setdefault(name, Series(name, [])).runs.append(measure)
        say(f"{name}: {measure.seconds:.2f} s, {measure.peak / MIB:.0f} MiB")
        return measure


def setup(work: Path, which: str) -> Bench:
    """Lock both projects and fetch what they need."""
    torch, packages = SETS[which]
    store = work / "store"
    projects = []
    for name, einops in (("base", "0.8.0"), ("changed", "0.8.1")):
        say(f"locking and fetching {name}")
        project = Project.lock(
            work / name, store, [*packages, f"einops=={einops}"], torch=torch
        )
        project.build()
        projects.append(project)
    base, changed = projects
    keep = {*base.inputs().values(), *changed.inputs().values()}
    bench = Bench(
        work=work, base=base, changed=changed, keep=keep, system=base.system()
    )
    bench.base.build()
    wheels = link_wheels(base, work / "wheels")
    say(f"{len(wheels)} wheels, image {base.image_id}")
    return bench


def our_round(bench: Bench) -> None:
    """One run of each of our sides and of what they are held against."""
    base, changed = bench.base, bench.changed
    expected = base.image_id
    bench.note("floor", timed([sys.executable, FLOOR, bench.work / "wheels"]))
    strip(base.store, bench.keep)
    bench.note("cold build, OS packages too", base.build())
    # The peer starts from a base image that is there; so do we.
    strip(base.store, bench.keep | bench.system)
    bench.note("cold build", base.build())
    _expect(base.image_id == expected, "the cold build gave another image")
    bench.note("nothing changed", base.build(facts=True))
    before = set(base.layers())
    bench.note("one small package changed", changed.build())
    new = {name: size for name, size in changed.layers().items() if name not in before}
    bench.new_bytes = sum(new.values())
    base.build(facts=True)
    bench.note("cp of the same layers", _copy(bench))
    strip(base.store, bench.keep)
    bench.note("a colleague's build", base.build(facts=True))
    strip(base.store, bench.keep | bench.system)
    bench.note("a colleague's build, OS layers there", base.build(facts=True))
    _expect(base.image_id == expected, "the colleague's build gave another image")


def _copy(bench: Bench) -> Measure:
    target = bench.work / "copy"
    target.mkdir()
    blobs = [bench.base.blob(name) for name in bench.base.layers()]
    measure = timed(["cp", *blobs, target])
    shutil.rmtree(target)
    return measure


def peer_rounds(bench: Bench, runs: int) -> None:
    """The peer, with and without bytecode, and its push."""
    with peer.docker(bench.work / "docker") as docker:
        for name, options in (
            ("docker build", ""),
            ("docker build, no bytecode", "--no-compile"),
        ):
            context = bench.work / "context"
            shutil.rmtree(context, ignore_errors=True)
            peer.prepare(docker, bench.base, context, options)
            for _ in range(runs):
                built = bench.note(name, docker.build(context))
                if options:
                    continue
                pushed = bench.note("docker push", docker.push())
                both = Measure(
                    seconds=built.seconds + pushed.seconds, peak=0, stdout=""
                )
                bench.note("docker build + push", both)


def growth(bench: Bench, steps: int) -> list[tuple[float, float]]:
    """Gigabytes of wheels and seconds of a cold build, for sets of growing size."""
    sizes = {
        name: bench.base.blob(digest).stat().st_size
        for name, digest in bench.base.inputs().items()
        if name.startswith("nvidia_") and name.endswith(".whl")
    }
    names = sorted(sizes, key=lambda name: sizes[name])
    points = []
    for step in range(steps + 1):
        chosen = names[: round(len(names) * step / steps)]
        points.append(_grown(bench, step, chosen))
    return sorted(points)


def _grown(bench: Bench, step: int, chosen: list[str]) -> tuple[float, float]:
    pins = ["{}=={}".format(*name.split("-")[:2]).replace("_", "-") for name in chosen]
    folder = bench.work / f"grown-{step}"
    project = Project.lock(folder, bench.base.store, ["einops==0.8.0", *pins])
    project.build()
    keep = bench.keep | set(project.inputs().values()) | project.system()
    series = Series(folder.name, [])
    for _ in range(3):
        strip(project.store, keep)
        series.runs.append(project.build())
    # Not those that were chosen: some of them bring others along.
    wheels = [
        project.blob(digest).stat().st_size
        for name, digest in project.inputs().items()
        if name.endswith(".whl")
    ]
    size = sum(wheels) / 1e9
    say(f"{len(wheels)} wheels, {size:.2f} GB: {series.seconds:.2f} s")
    return size, series.seconds


def report(bench: Bench) -> Iterator[str]:
    """The table, then each claim with its bar."""
    cold = bench.sides["cold build"].seconds
    yield "| side | seconds (median) | fastest | slowest | peak MiB | ÷ cold build |"
    yield "|---|---:|---:|---:|---:|---:|"
    for name, series in bench.sides.items():
        times = [run.seconds for run in series.runs]
        peak = "" if name.startswith("docker") else f"{series.peak / MIB:.0f}"
        yield (
            f"| {name} | {series.seconds:.2f} | {min(times):.2f} | {max(times):.2f} "
            f"| {peak} | {series.seconds / cold:.2f} |"
        )
    yield ""
    yield "| what | found | bar | |"
    yield "|---|---:|---:|---|"
    for what, found, bar, holds in _claims(bench):
        yield f"| {what} | {found} | {bar} | {'holds' if holds else 'MISSED'} |"


def _claims(bench: Bench) -> Iterator[tuple[str, str, str, bool]]:
    seconds = {name: series.seconds for name, series in bench.sides.items()}
    cold = seconds["cold build"]
    for name, bar in (
        ("docker build", 6),
        ("docker build, no bytecode", 6),
        ("docker build + push", 15),
    ):
        if name in seconds:
            ratio = seconds[name] / cold
            yield f"{name} ÷ cold build", f"{ratio:.1f}×", f"≥ {bar}×", ratio >= bar
    ratio = cold / seconds["floor"]
    yield "cold build ÷ floor", f"{ratio:.2f}×", "≤ 1.4×", ratio <= 1.4
    same = seconds["nothing changed"]
    yield "nothing changed", f"{same:.2f} s", "≤ 0.5 s", same <= 0.5
    one = seconds["one small package changed"]
    yield "one small package changed", f"{one:.2f} s", "≤ 2 s", one <= 2
    new = bench.new_bytes / 1e6
    yield "  its new layers", f"{new:.2f} MB", "< 15 MB", new < 15
    for name in ("a colleague's build", "a colleague's build, OS layers there"):
        ratio = seconds[name] / seconds["cp of the same layers"]
        yield f"{name} ÷ cp", f"{ratio:.2f}×", "about 1×", ratio <= 1.2
    ours = [series for name, series in bench.sides.items() if name in OURS]
    peak = max(series.peak for series in ours) / MIB
    yield "peak memory", f"{peak:.0f} MiB", "≤ 400 MB", peak * MIB <= 400e6


OURS = {
    "cold build",
    "cold build, OS packages too",
    "nothing changed",
    "one small package changed",
    "a colleague's build",
    "a colleague's build, OS layers there",
}


def main() -> int:
    """Measure what the options name and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--set", choices=sorted(SETS), default="full", dest="which")
    parser.add_argument("--skip", action="append", choices=["docker", "growth"])
    parser.add_argument("--steps", type=int, default=7, help="points of the chart")
    parser.add_argument("--chart", type=Path, default=Path("growth.svg"))
    parser.add_argument("--json", type=Path, help="write every run there")
    parser.add_argument("--work", type=Path, help="a folder on a disk with 40 GB free")
    options = parser.parse_args()
    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="firstlight-", dir=options.work) as made:
        bench = setup(Path(made), options.which)
        _measure(bench, options)
    return 0


def _measure(bench: Bench, options: argparse.Namespace) -> None:
    skipped = options.skip or []
    for _ in range(options.runs):
        our_round(bench)
    if "docker" not in skipped:
        peer_rounds(bench, options.runs)
    print(f"{os.cpu_count()} cores, {options.runs} runs, set {options.which}\n")
    print("\n".join(report(bench)))
    if "growth" not in skipped and options.which == "full":
        points = growth(bench, options.steps)
        line = chart.fit(points)
        options.chart.write_text(
            chart.draw(points, title="Cold build", across="GB of wheels", up="seconds")
        )
        print(
            f"\nCost per added GB: {line.slope:.2f} s, start {line.intercept:.2f} s, "
            f"R² {line.r_squared:.4f} ({options.chart})"
        )
    if options.json:
        _write_json(bench, options.json)


def _write_json(bench: Bench, path: Path) -> None:
    runs = {
        name: [{"seconds": run.seconds, "peak": run.peak} for run in series.runs]
        for name, series in bench.sides.items()
    }
    path.write_text(json.dumps(runs, indent=1) + "\n")


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SystemExit(otherwise)


if __name__ == "__main__":
    sys.exit(main())
