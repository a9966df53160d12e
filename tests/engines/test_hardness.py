"""Builds that are killed, starved or fed damaged files: never a wrong image."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from engine_tools import LEAN, Built, Project, read_layout, seeding, unlinked

pytestmark = pytest.mark.slow

KILLS = (4, 4, 12)
"""How many builds of each kind of `starts` are killed."""
# A proxy that nobody listens to: every download fails at once.
NO_NETWORK = {
    name: "http://127.0.0.1:9"
    for plain in ("http_proxy", "https_proxy")
    for name in (plain, plain.upper())
} | {"no_proxy": "", "NO_PROXY": ""}
FULL = """
set -e
mount -t tmpfs -o size="$1" tmpfs "$2"; cp -r "$3"/. "$2"; shift 3
set +e; "$@"; echo "first: $?"
mount -o remount,size=4g "$FIRSTLIGHT_STORE"
"$@"; echo "second: $?"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How much a build finds in its store, and how long it takes from there."""

    facts: Sequence[str] = ()
    fetched: bool = True
    layers: bool = False
    seconds: float = 0


@pytest.fixture(scope="module")
def lean(workspace: Path) -> Project:
    """A smaller project, so that it can be built a hundred times."""
    project = Project.make(workspace / "lean", einops="0.8.0", spec=LEAN)
    project.run("lock")
    return project


@pytest.fixture(scope="module")
def lean_image(lean: Project, workspace: Path) -> Built:
    """What the smaller project gives when nobody disturbs it."""
    return lean.copy(workspace / "calm", store=lean.store).build(workspace / "calm-oci")


@pytest.fixture(scope="module")
def starts(lean: Project, lean_image: Built, workspace: Path) -> list[Start]:
    """Builds that fetch, that read every package, and that miss only some layers."""
    assert lean_image.image_id
    found = []
    for start in (
        Start(fetched=False),
        Start(),
        Start(facts=("scan", "stamp"), layers=True),
    ):
        with _begun(lean, start, workspace) as project:
            began = time.monotonic()
            project.build(project.folder / "layout")
            seconds = time.monotonic() - began
        found.append(replace(start, seconds=seconds))
    return found


@pytest.fixture(scope="module")
def seeded(
    lean: Project, lean_image: Built, workspace: Path
) -> Iterator[Callable[[], Project]]:
    """Make a smaller project whose own store holds the inputs and no layer yet."""
    assert lean_image.image_id
    with seeding(lean, workspace) as make:
        yield make


@contextmanager
def _begun(lean: Project, start: Start, workspace: Path) -> Iterator[Project]:
    folder = Path(tempfile.mkdtemp(prefix="killed-", dir=workspace))
    project = lean.copy(folder / "project", lean.seed(folder / "s", facts=start.facts))
    if not start.fetched:
        for name, (digest, size) in lean.inputs().items():
            if size is not None and size < 1 << 20 and name.endswith(".deb"):
                (project.store / "blobs/sha256" / digest).unlink()
    if start.layers:
        _link_layers(lean.store, project.store)
    try:
        yield project
    finally:
        shutil.rmtree(folder)


def _link_layers(source: Path, target: Path) -> None:
    """Let a store have every second layer, as an earlier build would leave it."""
    (target / "facts/layer").mkdir(parents=True)
    for fact in sorted((source / "facts/layer").iterdir())[::2]:
        digest = json.loads(fact.read_bytes())["digest"].removeprefix("sha256:")
        os.link(fact, target / "facts/layer" / fact.name)
        os.link(source / "blobs/sha256" / digest, target / "blobs/sha256" / digest)


def test_a_build_killed_at_any_moment_is_taken_up_again(
    lean: Project, lean_image: Built, starts: list[Start], workspace: Path
) -> None:
    unfinished = torn = 0
    for start, moment in _moments(starts):
        with _begun(lean, start, workspace) as project:
            layout = project.folder / "layout"
            unfinished += _kill_after(project, layout, moment)
            torn += any((project.store / "tmp").glob("blob-*"))
            _check_blobs(project.store)
            built = project.build(layout)
            assert built.image_id == lean_image.image_id, f"{start} {moment}"
            assert built.manifest_digest == lean_image.manifest_digest, moment
    # Otherwise the moments were not inside the build and nothing was shown.
    assert unfinished > sum(KILLS) // 2
    assert torn > sum(KILLS) // 10


def _moments(starts: Sequence[Start]) -> Iterator[tuple[Start, float]]:
    """Moments all over each build, by chance, but in every part of it the same number.

    Nothing is done in the first 50 ms but to start Python.
    """
    chance = random.Random(20261123)
    for start, count in zip(starts, KILLS, strict=True):
        part = (start.seconds - 0.05) / count
        for number in range(count):
            yield start, 0.05 + part * (number + chance.random())


def test_many_kills_on_one_store_leave_it_whole(
    lean: Project, lean_image: Built, starts: list[Start], workspace: Path
) -> None:
    chance = random.Random(7)
    with _begun(lean, starts[1], workspace) as project:
        layout = project.folder / "layout"
        for _ in range(12):
            _kill_after(project, layout, chance.uniform(0.3, 1.5))
        _check_blobs(project.store)
        built = project.build(layout)
        assert built.manifest_digest == lean_image.manifest_digest


@pytest.mark.parametrize("seconds", [0.6, 0.8, 1.0, 1.3])
def test_an_interrupt_ends_quietly_and_leaves_nothing_half_done(
    seconds: float, seeded: Callable[[], Project], lean_image: Built
) -> None:
    project = seeded()
    process = project.start("build")
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode in (130, -signal.SIGINT, 0)
    assert b"Traceback" not in said
    built = project.build(project.store.parent / "layout")
    assert built.image_id == lean_image.image_id


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
@pytest.mark.parametrize("part", [0, 0.02, 0.3, 0.8])
def test_a_full_disk_is_told_and_more_space_helps(
    part: float, seeded: Callable[[], Project], lean_image: Built
) -> None:
    project = seeded()
    inputs = sum(path.stat().st_size for path in project.store.rglob("*"))
    disk = project.store.parent / "disk"
    disk.mkdir()
    layout = project.store.parent / "layout"
    blobs = (lean_image.layout / "blobs/sha256").iterdir()
    spare = int(part * sum(path.stat().st_size for path in blobs))
    done = subprocess.run(
        [
            *("unshare", "-m", "sh", "-c", FULL, "sh"),
            *(str(inputs + spare + (1 << 19)), str(disk), str(project.store)),
            *(*project.command, "build", "-o", f"oci:{layout}"),
        ],
        cwd=project.folder,
        env={**project.environ, "FIRSTLIGHT_STORE": str(disk)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "first: 7" in done.stdout, done.stdout + done.stderr
    assert "second: 0" in done.stdout, done.stdout + done.stderr
    assert "No space left" in done.stderr
    assert "FIRSTLIGHT_STORE" in done.stderr
    assert "Traceback" not in done.stderr
    assert read_layout(layout).manifest_digest == lean_image.manifest_digest


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _flip(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.seek(path.stat().st_size // 2)
        byte = stream.read(1)[0]
        stream.seek(-1, os.SEEK_CUR)
        stream.write(bytes([byte ^ 0x10]))


def _flip_in_secret(path: Path) -> None:
    """Alter a byte and set the times back, as a failing disk would leave it."""
    found = path.stat()
    _flip(path)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


DAMAGES = (_cut, _empty, _flip, _flip_in_secret)


@pytest.mark.parametrize("turn", [0, 2])
def test_damaged_inputs_are_fetched_anew(
    turn: int, seeded: Callable[[], Project], lean_image: Built
) -> None:
    """All of them are, each in its way; in two turns every way hits a wheel."""
    project = seeded()
    for kind in (".whl", ".deb"):
        for number, (_, blob) in enumerate(_inputs(project, kind)):
            unlinked(blob)
            DAMAGES[(number + turn) % len(DAMAGES)](blob)
    built = project.build(project.store.parent / "layout")
    assert built.manifest_digest == lean_image.manifest_digest


def test_a_damaged_input_that_cannot_be_had_again_is_named(
    seeded: Callable[[], Project], lean_image: Built
) -> None:
    """Each is made whole before the next is damaged: an error names one of them."""
    project = seeded()
    by_size = sorted(_inputs(project, ".deb"), key=lambda p: p[1].stat().st_size)
    for damage, (name, blob) in zip(DAMAGES, reversed(by_size), strict=False):
        whole = blob.rename(project.store / "whole")
        shutil.copyfile(whole, blob)
        damage(blob)
        done = project.attempt("build", environ=NO_NETWORK)
        assert done.returncode in (5, 6), done.stdout + done.stderr
        assert name in done.stderr.replace("\n", "")
        assert "Traceback" not in done.stderr
        assert not blob.exists()
        whole.rename(blob)
    by_size[-1][1].unlink()
    built = project.build(project.store.parent / "layout")
    assert built.manifest_digest == lean_image.manifest_digest


# What changed in secret is found by whoever reads it, and by `firstlight cache check`:
# a build that changes nothing does not read gigabytes to find out that it may stop.
def test_damaged_results_are_made_anew(
    seeded: Callable[[], Project], lean_image: Built
) -> None:
    project = seeded()
    first = project.build(project.store.parent / "first")
    results = sorted(path.name for path in (first.layout / "blobs/sha256").iterdir())
    assert len(results) > 3
    for number, name in enumerate(results):
        blob = project.store / "blobs/sha256" / name
        unlinked(blob)
        DAMAGES[number % 3](blob)
    built = project.build(project.store.parent / "second")
    assert built.manifest_digest == lean_image.manifest_digest


def test_damaged_facts_are_computed_anew(
    seeded: Callable[[], Project], lean_image: Built
) -> None:
    project = seeded()
    project.run("build")
    for number, fact in enumerate(sorted((project.store / "facts").rglob("*.json"))):
        fact.chmod(0o644)
        fact.write_bytes((b"", b"{", b"[]", b"null", b'{"layers": 3}')[number % 5])
    built = project.build(project.store.parent / "layout")
    assert built.manifest_digest == lean_image.manifest_digest


def test_two_builds_share_a_store(
    seeded: Callable[[], Project], lean_image: Built
) -> None:
    first = seeded()
    folder = first.store.parent
    second = first.copy(folder / "second", store=first.store)
    layouts = [folder / "layout-1", folder / "layout-2"]
    running = [
        project.start("build", "-o", f"oci:{layout}")
        for project, layout in zip((first, second), layouts, strict=True)
    ]
    for process in running:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said.decode()
    for layout in layouts:
        assert read_layout(layout).manifest_digest == lean_image.manifest_digest
    _check_blobs(first.store)
    assert not [path for path in (first.store / "tmp").iterdir() if path.is_dir()]


def test_one_of_two_builds_on_a_store_is_killed(
    seeded: Callable[[], Project], lean_image: Built
) -> None:
    first = seeded()
    folder = first.store.parent
    second = first.copy(folder / "second", store=first.store)
    victim = first.start("build")
    survivor = second.start("build", "-o", f"oci:{folder / 'layout'}")
    time.sleep(1)
    os.killpg(victim.pid, signal.SIGKILL)
    victim.communicate(timeout=30)
    _, said = survivor.communicate(timeout=300)
    assert survivor.returncode == 0, said.decode()
    found = read_layout(folder / "layout")
    assert found.manifest_digest == lean_image.manifest_digest


def _kill_after(project: Project, layout: Path, seconds: float) -> bool:
    """Kill a build after some time; whether it was still running."""
    process = project.start("build", "-o", f"oci:{layout}")
    with suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=seconds)
        return False
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    return True


def _inputs(project: Project, kind: str) -> Iterator[tuple[str, Path]]:
    for name, (digest, _) in sorted(project.inputs().items()):
        blob = project.store / "blobs" / "sha256" / digest
        if name.endswith(kind) and blob.exists():
            yield name, blob


def _check_blobs(store: Path) -> None:
    for blob in (store / "blobs" / "sha256").iterdir():
        if blob.stat().st_nlink > 1:
            continue  # An input that was linked in.
        with blob.open("rb") as stream:
            assert hashlib.file_digest(stream, "sha256").hexdigest() == blob.name
