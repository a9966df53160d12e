"""Times how long a person waits: for JupyterLab, and for the first tensor.

    python benchmarks/start.py --rounds 5

Everything is made on the spot: a project with PyTorch for CPUs and JupyterLab, its
image in a store of the benchmark's own, and a plain virtual environment with the same
wheels. Engines are those that work for whoever calls (`DOCKER_HOST` and the settings of
Podman count). The table goes to stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from measure import Measure, Series, say, timed
from project import FIRSTLIGHT, Project, link_wheels

from firstlight.engine.table import ENGINES

PYTHON, TORCH = "3.11", "2.13.0"
EINOPS = "0.8.0"
CHANGES = ("0.8.1", "0.7.0", "0.6.1", "0.6.0", "0.5.0", "0.4.1", "0.4.0", "0.3.2")
"""What einops is changed to: in each round a version that nobody has seen."""
SPEC = """\
name = "start"
python = "{python}"
torch = "{torch}"
cuda = "cpu"
packages = ["jupyterlab", "numpy==2.2.6", "einops=={einops}"]
{index}"""
INDEX = """
[[index]]
url = "../links"
find-links = true
"""
# Flushed, because Python keeps back what it prints into a pipe until it ends.
TENSOR = ("-c", "import torch; print(torch.ones(1), flush=True)")
TOKEN = "benchmark"
CONTAINER = "firstlight-benchmark-start"
PATIENCE = 300.0
FIRST_TENSOR, JUPYTER = "first tensor", "JupyterLab"
NEW_HOME = f"{FIRST_TENSOR}, new home folder"
NEW_IMAGE = f"{JUPYTER}, image not loaded before"
CHANGED, BACK = "up after one package changed", "up after it was changed back"
AND_LOCK = ", with the lock before it"
MOST_TIMES_VENV, MOST_SECONDS_CHANGED = 1.2, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The project, the plain environment, and what was measured of each side."""

    work: Path
    engines: tuple[str, ...]
    links: bool
    sides: dict[str, Series] = field(default_factory=dict)
    image: dict[str, str] = field(default_factory=dict)
    loaded: set[str] = field(default_factory=set)

    @property
    def project(self) -> Path:
        """The folder of the project."""
        return self.work / "project"

    @property
    def venv(self) -> Path:
        """Where the programs of the plain environment are."""
        return self.work / "venv" / "bin"

    def environ(self, state: str = "state") -> dict[str, str]:
        """A store of the benchmark's own, and home folders below `state`."""
        return {
            "FIRSTLIGHT_STORE": str(self.work / "store"),
            "XDG_STATE_HOME": str(self.work / state),
            "NO_COLOR": "1",
        }

    def pin(self, einops: str) -> None:
        """Write the spec with this version of einops."""
        index = INDEX if self.links else ""
        text = SPEC.format(python=PYTHON, torch=TORCH, einops=einops, index=index)
        (self.project / "firstlight.toml").write_text(text)

    def firstlight(self, *words: object) -> Measure:
        """Run firstlight in the project, to its end."""
        return timed([*FIRSTLIGHT, *words], cwd=self.project, environ=self.environ())

    def tensor(self, engine: str, state: str = "state") -> Measure:
        """Run a command that makes a tensor, until that is printed."""
        words = [*FIRSTLIGHT, "-q", "run", "--engine", engine, "--gpus", "none", "--"]
        environ = self.environ(state)
        return first_line([*words, "python", *TENSOR], self.project, environ)

    def up(self, engine: str) -> Measure:
        """Start the workspace; `up` returns when JupyterLab answers."""
        words = ("--engine", engine, "--gpus", "none", "--ports", "ssh=0")
        return self.firstlight("up", *words)

    def build(self) -> None:
        """Build the image, and remember how it is called."""
        told = self.firstlight("build", "--json").stdout
        self.image.update(json.loads(told[told.index("{") :]))  # After the progress.
        self.loaded.update((self.image["image_id"], self.image["manifest"]))

    def note(self, who: str, what: str, measure: Measure) -> None:
        """Remember one run of a side."""
        name = f"{who}: {what}"
        self.sides.setdefault(name, Series(name, [])).runs.append(measure)
        say(f"{name}: {measure.seconds:.2f} s")


def setup(work: Path, python: str) -> Bench:
    """Lock, build, and install the same wheels into a plain environment."""
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
    words = [*pip, f"torch=={TORCH}+cpu", "-d", str(work / "links")]
    links = subprocess.run(words, check=False, capture_output=True).returncode == 0
    engines = tuple(name for name, each in ENGINES.items() if not each.trouble())
    bench = Bench(work=work, engines=engines, links=links)
    bench.project.mkdir()
    bench.pin(EINOPS)
    say(f"locking and building; engines: {', '.join(engines)}")
    bench.build()
    say("installing the same wheels into a plain environment")
    link_wheels(Project(folder=bench.project, store=work / "store"), work / "wheels")
    timed([python, "-m", "venv", work / "venv"])
    wheels = sorted((work / "wheels").glob("*.whl"))
    timed([bench.venv / "pip", "install", "-q", "--no-index", "--no-deps", *wheels])
    return bench


def python_like_the_images() -> str:
    """Return a Python of the image's version, the system's own before others."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    for name in (f"/usr/bin/python{PYTHON}", f"python{PYTHON}", sys.executable):
        try:
            done = subprocess.run([name, "-c", code], capture_output=True, check=False)
        except OSError:
            continue
        if done.stdout.decode().strip() == PYTHON:
            return name
    raise SystemExit(
        f"no Python {PYTHON} for the plain environment: name it (--python)"
    )


# The rounds


def first_times(bench: Bench) -> None:
    """Start once where the engine lacks the image and nobody has a home folder yet.

    That is also the warm-up of the sides: afterwards images are loaded, and bytecode
    is in the home folder as it is in the plain environment.
    """
    for engine in bench.engines:
        bench.note(engine, NEW_IMAGE, bench.up(engine))
        bench.firstlight("down")
        bench.tensor(engine)
    for words in plain(bench, "python", *TENSOR).values():
        first_line(words, bench.project)
    for who in plain(bench, "jupyter"):
        lab(bench, who)


def one_round(bench: Bench, number: int) -> None:
    """One run of every side, interleaved."""
    for who, words in plain(bench, "python", *TENSOR).items():
        bench.note(who, FIRST_TENSOR, first_line(words, bench.project))
    for engine in bench.engines:
        bench.note(engine, FIRST_TENSOR, bench.tensor(engine))
    for who in plain(bench, "jupyter"):
        bench.note(who, JUPYTER, lab(bench, who))
    for engine in bench.engines:
        bench.note(engine, JUPYTER, bench.up(engine))
        bench.firstlight("down")
    for engine in bench.engines:
        measure = bench.tensor(engine, state=f"state-{number}-{engine}")
        bench.note(engine, NEW_HOME, measure)


def changes(bench: Bench, rounds: int) -> None:
    """A package changes while the workspace runs: lock, build, pull, start, in all."""
    engine = "docker" if "docker" in bench.engines else bench.engines[0]
    bench.up(engine)
    for version in CHANGES[:rounds]:
        for what, einops in ((CHANGED, version), (BACK, EINOPS)):
            bench.pin(einops)
            lock, up = bench.firstlight("lock"), bench.up(engine)
            both = Measure(seconds=lock.seconds + up.seconds, peak=0, stdout="")
            bench.note(engine, what, up)
            bench.note(engine, f"{what}{AND_LOCK}", both)
            bench.build()
    bench.firstlight("down")


# Without firstlight


def plain(
    bench: Bench, program: str, *words: str, port: int = 0
) -> dict[str, list[object]]:
    """Return the command that runs a program on each side that has no firstlight.

    Containers are thrown away, and so is the bytecode that Python wrote in them.
    """
    environ = ("env", "-u", "PYTHONPATH", f"HOME={bench.work / 'home'}")
    found: dict[str, list[object]] = {"venv": [*environ, bench.venv / program, *words]}
    for engine in bench.engines:
        if engine == "sandbox":
            continue
        run = [engine, "run", "--rm", "--name", CONTAINER]
        run += ["-v", f"{bench.project}:/workspace"]
        run += ["-p", f"127.0.0.1:{port}:{port}"] if port else []
        image = bench.image["name" if engine == "docker" else "image_id"]
        listens = ["--ip=0.0.0.0"] if port else []
        found[f"plain {engine} run"] = [*run, image, program, *words, *listens]
    return found


def lab(bench: Bench, who: str) -> Measure:
    """Start JupyterLab on a side, wait until it answers, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["lab", "--no-browser", "--allow-root", f"--ServerApp.token={TOKEN}"]
    words += [f"--port={port}", "--ServerApp.port_retries=0"]
    command = plain(bench, "jupyter", *words, port=port)[who]
    os.sync()
    started = time.perf_counter()
    with running(command, bench.project) as process:
        while not answers(port):
            late = time.perf_counter() - started > PATIENCE
            if late or process.poll() is not None:
                raise SystemExit(f"{who}: no answer\n{process.communicate()[0]}")
            time.sleep(0.05)
        seconds = time.perf_counter() - started
    return Measure(seconds=seconds, peak=0, stdout="")


def answers(port: int) -> bool:
    """Whether JupyterLab is there and knows the token: what `up` asks, too."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/status",
        headers={"Authorization": f"token {TOKEN}"},
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, http.client.HTTPException):
        return False


def first_line(
    command: Sequence[object], folder: Path, environ: Mapping[str, str] | None = None
) -> Measure:
    """Run a command to a good end; the time is that until its first line."""
    os.sync()
    started = time.perf_counter()
    with running(command, folder, environ) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            seconds = time.perf_counter() - started
            said.append(line)
            if line.startswith("tensor("):  # An engine may have something to say first.
                break
        rest = process.communicate()[0]
        if process.returncode or not said or not said[-1].startswith("tensor("):
            raise SystemExit(f"{command}: {process.returncode}\n{said}\n{rest}")
    return Measure(seconds=seconds, peak=0, stdout=said[-1])


@contextmanager
def running(
    command: Sequence[object], folder: Path, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Start a command, and end it with the block if it still runs then."""
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=folder,
        env={**os.environ, **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=60)


# The tables


def report(bench: Bench) -> Iterator[str]:
    """The table, then each claim with its bar."""
    yield "| side | seconds (median) | fastest | slowest | runs | ÷ venv |"
    yield "|---|---:|---:|---:|---:|---:|"
    for name, series in bench.sides.items():
        times = [run.seconds for run in series.runs]
        kind = name.partition(": ")[2].partition(",")[0]
        venv = bench.sides.get(f"venv: {kind}")
        ratio = f"{series.seconds / venv.seconds:.2f}" if venv else ""
        yield (
            f"| {name} | {series.seconds:.2f} | {min(times):.2f} | {max(times):.2f} "
            f"| {len(times)} | {ratio} |"
        )
    yield ""
    yield "| what | found | bar | |"
    yield "|---|---:|---:|---|"
    for what, found, bar, unit in _claims(bench):
        holds = "holds" if found <= bar else "MISSED"
        yield f"| {what} | {found:.2f}{unit} | ≤ {bar:g}{unit} | {holds} |"


def _claims(bench: Bench) -> Iterator[tuple[str, float, float, str]]:
    seconds = {name: series.seconds for name, series in bench.sides.items()}
    ours, venv = f"sandbox: {FIRST_TENSOR}", f"venv: {FIRST_TENSOR}"
    if ours in seconds:
        ratio = seconds[ours] / seconds[venv]
        yield f"{ours} ÷ venv", ratio, MOST_TIMES_VENV, "×"
    for changed in (f"docker: {CHANGED}", f"docker: {CHANGED}{AND_LOCK}"):
        if changed in seconds:
            yield changed, seconds[changed], MOST_SECONDS_CHANGED, " s"


def main() -> int:
    """Measure what the options name and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--python", default="", help="of the plain environment")
    parser.add_argument("--json", type=Path, help="write every run there")
    parser.add_argument("--work", type=Path, help="a folder on a disk with 10 GB free")
    options = parser.parse_args()
    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
    python = options.python or python_like_the_images()
    with tempfile.TemporaryDirectory(prefix="firstlight-", dir=options.work) as made:
        bench = setup(Path(made), python)
        before = {engine: images(engine) for engine in bench.engines}
        try:
            _measure(bench, options.rounds)
        finally:
            _clean(bench, before)
    print(f"{os.cpu_count()} cores, {options.rounds} rounds, venv of {python}\n")
    print("\n".join(report(bench)))
    if options.json:
        runs = {n: [run.seconds for run in s.runs] for n, s in bench.sides.items()}
        options.json.write_text(json.dumps(runs, indent=1) + "\n")
    return 0


def _measure(bench: Bench, rounds: int) -> None:
    first_times(bench)
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        one_round(bench, number)
    changes(bench, rounds)


def images(engine: str) -> set[str]:
    """The images that a container engine has."""
    if engine == "sandbox":
        return set()
    words = [engine, "images", "--all", "--quiet", "--no-trunc"]
    return set(timed(words).stdout.split())


def _clean(bench: Bench, before: Mapping[str, set[str]]) -> None:
    """Leave engines without our images, and folders that can be removed."""
    bench.firstlight("down")
    for engine, had in before.items():
        for image in (images(engine) - had) & bench.loaded:
            timed([engine, "image", "rm", "--force", image])
    # Roots hold folders that take away their own write bits.
    subprocess.run(["chmod", "-R", "u+rwX", bench.work], check=False)


if __name__ == "__main__":
    sys.exit(main())
