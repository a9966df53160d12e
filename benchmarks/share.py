"""Pushes and pulls the same wheels in every way, one after the other, and compares.

    python benchmarks/share.py --rounds 1 --set full

Two images are shared, which differ in one small package: the first to an empty
registry and into empty stores, then the other. Registries run on loopback, one for each
side, with data of their own. The table goes to stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import peer
from measure import Measure, Series, say, timed
from project import FIRSTLIGHT, Project, strip

TORCH = ("python3.11", "-c", "import torch; print(torch.zeros(1))")
NUMPY = ("python3.11", "-c", "import numpy; print(numpy.zeros(1))")
SETS: dict[str, tuple[str, list[str], tuple[str, ...]]] = {
    "full": ("2.7.1", ["torchvision", "jupyterlab", "pip"], TORCH),
    "small": ("", ["numpy==2.2.6", "scipy==1.15.3", "jupyterlab", "pip"], NUMPY),
}
ENCODINGS = ("gzip", "zstd", "estargz")
SIDES = (*(f"firstlight {each}" for each in ENCODINGS), "skopeo", "docker")
PULLERS = ("docker", "podman")
FIRST, CHANGE = "first push", "push after a change"
PULL, AGAIN = "pull", "pull after a change"
LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000")


@dataclass(slots=True)
class Bench:
    """The two projects, and what was measured of each side."""

    work: Path
    base: Project
    changed: Project
    keep: set[str]
    program: tuple[str, ...]
    ids: tuple[str, str]
    pullers: tuple[str, ...]
    sides: dict[tuple[str, str], Series] = field(default_factory=dict)
    moved: dict[tuple[str, str], int] = field(default_factory=dict)

    def note(self, what: str, side: str, seconds: float, moved: int = 0) -> None:
        """Remember one run of a side, and the bytes it moved."""
        series = self.sides.setdefault((what, side), Series(side, []))
        series.runs.append(Measure(seconds=seconds, peak=0, stdout=""))
        self.moved[what, side] = moved
        say(f"{what}, {side}: {seconds:.2f} s, {moved / 1e6:.1f} MB")

    def seconds(self, what: str, side: str) -> float | None:
        """The median, if the side was measured."""
        found = self.sides.get((what, side))
        return found.seconds if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """A registry on loopback that tells how much it took and gave."""

    address: str
    folder: Path

    @property
    def name(self) -> str:
        """The one repository in it."""
        return f"{self.address}/benchmark"

    def holds(self) -> int:
        """Bytes of all blobs."""
        blobs = (self.folder / "data").rglob("blobs/sha256/*/*/data")
        return sum(blob.stat().st_size for blob in blobs)

    def gave(self) -> int:
        """Bytes of all answers to GET, from its log."""
        log = (self.folder / "log").read_text(errors="replace")
        found = re.finditer(r'"GET /v2/\S+ HTTP/1.1" 20[06] (\d+)', log)
        return sum(int(each[1]) for each in found)


@contextmanager
def registry(bench: Bench) -> Iterator[Registry]:
    """Run an empty registry while the block runs; nothing of it stays."""
    folder = bench.work / "registry"
    with peer.registry(folder) as address:
        yield Registry(address=address, folder=folder)
    shutil.rmtree(folder)


def setup(work: Path, which: str, pullers: tuple[str, ...]) -> Bench:
    """Lock both projects, fetch what they need and build both."""
    torch, packages, program = SETS[which]
    projects = []
    for name, einops in (("base", "0.8.0"), ("changed", "0.8.1")):
        say(f"locking and building {name}")
        wanted = [*packages, f"einops=={einops}"]
        project = Project.lock(work / name, work / "store", wanted, torch=torch)
        project.build()
        projects.append(project)
    base, changed = projects
    return Bench(
        work=work,
        base=base,
        changed=changed,
        keep={*base.inputs().values(), *changed.inputs().values()},
        program=program,
        ids=(base.image_id, changed.image_id),
        pullers=pullers,
    )


# firstlight


def ours(bench: Bench, encoding: str) -> None:
    """Push both images, pull them into an empty store, and with other engines."""
    side = f"firstlight {encoding}"
    strip(bench.base.store, bench.keep)
    bench.base.build(facts=True)
    with registry(bench) as where:
        first = _push(bench, bench.base, where, encoding, FIRST)
        built = bench.changed.build()
        other = _push(bench, bench.changed, where, encoding, CHANGE)
        _sum(bench, f"{CHANGE}, with build", side, built.seconds, CHANGE)
        _pull(bench, where, side)
        if encoding == "gzip":
            pulled(bench, where, side, (first, other), bench.ids)


def _push(
    bench: Bench, project: Project, where: Registry, encoding: str, what: str
) -> str:
    before = where.holds()
    measure = project.command(
        *("-q", "--json", "push", where.name, "--compression", encoding)
    )
    side = f"firstlight {encoding}"
    bench.note(what, side, measure.seconds, where.holds() - before)
    told = _told(measure)
    wanted = bench.ids[project is bench.changed]
    _expect(told["platforms"][0]["image_id"] == wanted, "another image was pushed")
    return str(told["tags"][0])


def _pull(bench: Bench, where: Registry, side: str) -> None:
    """What a colleague does who has the project and nothing else."""
    folder = bench.work / "colleague"
    there = Project(folder=folder / "project", store=folder / "store")
    for number, (project, what) in enumerate(
        ((bench.base, PULL), (bench.changed, AGAIN))
    ):
        shutil.copytree(project.folder, there.folder, dirs_exist_ok=True)
        before = where.gave()
        measure = there.command("-q", "--json", "pull", where.name)
        bench.note(what, side, measure.seconds, where.gave() - before)
        _expect(
            _told(measure)["image_id"] == bench.ids[number],
            "another image was pulled",
        )
        # A state folder of its own: no bytecode of before is in the home folder.
        words = ["-q", "run", "--engine", "sandbox", "--gpus", "none", "--no-pull"]
        ran = timed(
            [*FIRSTLIGHT, *words, "--", *bench.program],
            cwd=there.folder,
            environ={
                "FIRSTLIGHT_STORE": str(there.store),
                "XDG_STATE_HOME": str(folder / f"state-{number}"),
            },
        )
        _ran(bench, what, side, ran)
    subprocess.run(["chmod", "-R", "u+rwX", folder], check=True)
    shutil.rmtree(folder)


def _ran(bench: Bench, what: str, side: str, ran: Measure) -> None:
    _expect("0." in ran.stdout, f"{side}: no output: {ran.stdout[-400:]}")
    bench.note(f"{what}: run", side, ran.seconds)
    _sum(bench, f"{what} and run", side, ran.seconds, what)


def _sum(bench: Bench, what: str, side: str, seconds: float, other: str) -> None:
    """A side that is the sum of two; the bytes are those of the other."""
    last = bench.sides[other, side].runs[-1].seconds
    bench.note(what, side, seconds + last, bench.moved[other, side])


# Engines


def pulled(
    bench: Bench,
    where: Registry,
    side: str,
    tags: tuple[str, str],
    ids: tuple[str, str],
) -> None:
    """Pull both images with each engine, which has nothing before, and run them."""
    for puller in bench.pullers:
        folder = bench.work / "puller"
        who = f"{puller}, image of {side}"
        with engine(puller, folder) as words:
            for number, what in enumerate((PULL, AGAIN)):
                name, before = f"{where.name}:{tags[number]}", where.gave()
                options = ["--tls-verify=false"] if puller == "podman" else []
                measure = timed([*words, "pull", "-q", *options, name])
                bench.note(what, who, measure.seconds, where.gave() - before)
                told = timed(
                    [*words, "image", "inspect", "--format", "{{.Id}}", name]
                ).stdout.strip()
                _expect(told[-64:] == ids[number][-64:], f"{who}: another image")
                limits = LIMITS if puller == "podman" else ()
                run = [*words, "run", "--rm", "--network", "none", *limits, name]
                _ran(bench, what, who, timed([*run, *bench.program]))


@contextmanager
def engine(name: str, folder: Path) -> Iterator[list[object]]:
    """Start an engine that has no image; nothing of it stays."""
    if name == "docker":
        with peer.docker(folder) as docker:
            yield [*docker.words]
    else:
        folder.mkdir()
        roots = ["--root", folder / "root", "--runroot", folder / "run"]
        words: list[object] = [*peer.PODMAN, *roots]
        yield words
        timed([*words, "rmi", "--all", "--force"])
    shutil.rmtree(folder)


# The peers


def skopeo(bench: Bench) -> None:
    """Copy the same images from OCI layouts on disk."""
    bench.base.build(facts=True)
    bench.changed.build()
    with registry(bench) as where:
        for project, what in ((bench.base, FIRST), (bench.changed, CHANGE)):
            layout = bench.work / "layout"
            project.command("build", "-o", f"oci:{layout}")
            before = where.holds()
            target = f"docker://{where.name}:{project.folder.name}"
            words = ["skopeo", "copy", "-q", "--dest-tls-verify=false"]
            measure = timed([*words, f"oci:{layout}", target])
            bench.note(what, "skopeo", measure.seconds, where.holds() - before)
            shutil.rmtree(layout)


def docker(bench: Bench) -> None:
    """Build both images with BuildKit, push them, and pull them with each engine."""
    ids = []
    with registry(bench) as where:
        with peer.docker(bench.work / "docker") as builder:
            for project, what in ((bench.base, FIRST), (bench.changed, CHANGE)):
                context, before = bench.work / "context", where.holds()
                shutil.rmtree(context, ignore_errors=True)
                peer.prepare(builder, project, context, "")
                built = builder.build(context)
                name = f"{where.name}:{project.folder.name}"
                builder.run("tag", "benchmark", name)
                pushed = builder.run("push", "-q", name)
                moved = where.holds() - before
                bench.note(what, "docker", pushed.seconds, moved)
                _sum(bench, f"{what}, with build", "docker", built.seconds, what)
                told = builder.run("image", "inspect", "--format", "{{.Id}}", name)
                ids.append(told.stdout.strip())
        shutil.rmtree(bench.work / "docker")
        shutil.rmtree(bench.work / "context")
        tags = (bench.base.folder.name, bench.changed.folder.name)
        pulled(bench, where, "docker", tags, (ids[0], ids[1]))


# The tables


def report(bench: Bench) -> Iterator[str]:
    """One table for each thing that was measured, then each claim with its bar."""
    for what in dict.fromkeys(what for what, _ in bench.sides):
        yield f"| {what} | seconds (median) | fastest | slowest | MB |"
        yield "|---|---:|---:|---:|---:|"
        for (kind, side), series in bench.sides.items():
            if kind != what:
                continue
            times = [run.seconds for run in series.runs]
            moved = bench.moved[what, side] / 1e6
            yield (
                f"| {side} | {series.seconds:.2f} | {min(times):.2f} "
                f"| {max(times):.2f} | {moved:.1f} |"
            )
        yield ""
    yield "| what | found | bar | |"
    yield "|---|---:|---:|---|"
    for text, found, bar, unit, is_least in _claims(bench):
        holds = found >= bar if is_least else found <= bar
        sign = "≥" if is_least else "≤"
        yield (
            f"| {text} | {found:.2f}{unit} | {sign} {bar:g}{unit} "
            f"| {'holds' if holds else 'MISSED'} |"
        )


def _claims(bench: Bench) -> Iterator[tuple[str, float, float, str, bool]]:
    mine = f"firstlight {ENCODINGS[0]}"
    first = bench.seconds(FIRST, mine)
    for what, bar in ((FIRST, 20), (f"{FIRST}, with build", 20)):
        theirs = bench.seconds(what, "docker")
        if first and theirs:
            yield f"docker: {what} ÷ firstlight push", theirs / first, bar, "×", True
    change = bench.seconds(CHANGE, mine)
    if change:
        yield CHANGE, change, 2, " s", False
        yield "  its bytes", bench.moved[CHANGE, mine] / 1e6, 15, " MB", False
    theirs = bench.seconds(f"{PULL} and run", "docker, image of docker")
    for encoding in ENCODINGS:
        pull = bench.seconds(f"{PULL} and run", f"firstlight {encoding}")
        if pull and theirs:
            text = f"docker pull and run ÷ firstlight {encoding}, pull and run"
            yield text, theirs / pull, 1, "×", True


def main() -> int:
    """Measure what the options name and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--set", choices=sorted(SETS), default="full", dest="which")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES)
    parser.add_argument("--pullers", nargs="*", choices=PULLERS, default=PULLERS)
    parser.add_argument("--json", type=Path, help="write every run there")
    parser.add_argument("--work", type=Path, help="a folder on a disk with 40 GB free")
    options = parser.parse_args()
    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="firstlight-", dir=options.work) as made:
        bench = setup(Path(made), options.which, tuple(options.pullers))
        for number in range(options.rounds):
            say(f"round {number + 1} of {options.rounds}")
            _round(bench, options.sides)
    print(f"{os.cpu_count()} cores, {options.rounds} rounds, set {options.which}\n")
    print("\n".join(report(bench)))
    if options.json:
        found = {
            f"{what}, {side}": {
                "seconds": [run.seconds for run in series.runs],
                "bytes": bench.moved[what, side],
            }
            for (what, side), series in bench.sides.items()
        }
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


def _round(bench: Bench, sides: tuple[str, ...]) -> None:
    for encoding in ENCODINGS:
        if f"firstlight {encoding}" in sides:
            ours(bench, encoding)
    if "skopeo" in sides:
        skopeo(bench)
    if "docker" in sides:
        docker(bench)


def _told(measure: Measure) -> dict[str, Any]:
    text = measure.stdout
    found: dict[str, Any] = json.loads(text[text.index("{") :])
    return found


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SystemExit(otherwise)


if __name__ == "__main__":
    sys.exit(main())
