"""The same files in few layers and in many: what a layer costs to push and to pull.

    python benchmarks/layers.py --rounds 3 FOLDER

Makes images of the files in a folder, which are cut into more and more layers of about
the same size, and times skopeo, Docker, Podman and firstlight with them.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import chart
import peer
from isal import igzip
from measure import Measure, say, timed
from project import FIRSTLIGHT

from firstlight.digest import of_bytes
from firstlight.oci import model

PIECE = 4 << 20
COUNTS = (4, 16, 32, 64, 120)


@dataclass(slots=True)
class Bench:
    """Images by their number of layers, and the seconds of each side with each."""

    work: Path
    address: str
    seconds: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    def note(self, side: str, count: int, measure: Measure) -> None:
        """Remember one run."""
        self.seconds.setdefault((side, count), []).append(measure.seconds)
        say(f"{side}, {count} layers: {measure.seconds:.2f} s")

    def layout(self, count: int) -> Path:
        """Where the image with so many layers is."""
        return self.work / f"layout-{count}"

    def name(self, count: int) -> str:
        """How it is called in the registry."""
        return f"{self.address}/layers:{count}"


def pieces(folder: Path) -> list[tuple[str, bytes]]:
    """Return the files below a folder; large ones in pieces, so that cuts are even."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        data, name = path.read_bytes(), str(path.relative_to(folder))
        for start in range(0, max(len(data), 1), PIECE):
            part = f"{name}.{start // PIECE}" if len(data) > PIECE else name
            found.append((f"data/{part}", data[start : start + PIECE]))
    return found


def make(files: list[tuple[str, bytes]], count: int, folder: Path) -> None:
    """Write an image of the files in so many layers as an OCI layout."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes) -> tuple[str, int]:
        digest = of_bytes(data)
        (blobs / digest[7:]).write_bytes(data)
        return digest, len(data)

    layers = []
    for number, members in enumerate(_cut(files, count)):
        tar = _tar(members)
        digest, size = put(igzip.compress(tar, 1))
        layers.append(
            model.Layer(
                digest=digest,
                diff_id=of_bytes(tar),
                size=size,
                title=f"part {number}",
            )
        )
    settings = model.Settings(environment=(), labels={}, user="0:0", folder="/")
    config = put(model.config_json("linux/amd64", layers, settings))
    digest, size = put(model.manifest_json(config, layers, {}))
    manifest = {"mediaType": model.MANIFEST_TYPE, "digest": digest, "size": size}
    index = {
        "schemaVersion": 2,
        "mediaType": model.INDEX_TYPE,
        "manifests": [
            {**manifest, "annotations": {"org.opencontainers.image.ref.name": "it"}}
        ],
    }
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')


def _cut(
    files: list[tuple[str, bytes]], count: int
) -> Iterator[list[tuple[str, bytes]]]:
    total = sum(len(data) for _, data in files)
    groups: list[list[tuple[str, bytes]]] = [[] for _ in range(count)]
    before = 0
    for name, data in files:
        groups[min(before * count // total, count - 1)].append((name, data))
        before += len(data)
    return (group for group in groups if group)


def _tar(members: list[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


# The rounds


def one_round(bench: Bench, docker: peer.Docker, counts: tuple[int, ...]) -> None:
    """Push and pull every image with every tool; nobody has a layer before."""
    for count in counts:
        _push(bench, count)
        bench.note("docker pull", count, docker.run("pull", bench.name(count)))
        docker.run("rmi", bench.name(count))
        podman = _podman(bench)
        words = [*podman, "pull", "--tls-verify=false", bench.name(count)]
        bench.note("podman pull", count, timed(words))
        timed([*podman, "rmi", "--all", "--force"])
        store = bench.work / "store"
        bench.note(
            *("firstlight pull", count),
            timed(
                [*FIRSTLIGHT, "-q", "pull", bench.name(count)],
                cwd=bench.work,
                environ={"FIRSTLIGHT_STORE": str(store)},
            ),
        )
        shutil.rmtree(store)


def _push(bench: Bench, count: int) -> None:
    with peer.registry(bench.work / "empty") as address:
        target = f"docker://{address}/layers:{count}"
        words = ["skopeo", "copy", "-q", "--dest-tls-verify=false"]
        source = f"oci:{bench.layout(count)}:it"
        bench.note("skopeo push", count, timed([*words, source, target]))
    shutil.rmtree(bench.work / "empty")


def _podman(bench: Bench) -> list[object]:
    roots = ("--root", bench.work / "podman", "--runroot", bench.work / "podman-run")
    return [*peer.PODMAN, *roots]


def report(bench: Bench, counts: tuple[int, ...]) -> Iterator[str]:
    """The table, with what a further layer costs."""
    yield f"| side | {' | '.join(f'{count} layers' for count in counts)} | per layer |"
    yield "|---|" + "---:|" * (len(counts) + 1)
    for side in dict.fromkeys(side for side, _ in bench.seconds):
        found = [median(bench.seconds[side, count]) for count in counts]
        line = chart.fit(list(zip(map(float, counts), found, strict=True)))
        cells = " | ".join(f"{seconds:.2f}" for seconds in found)
        yield f"| {side} | {cells} | {line.slope * 1000:+.0f} ms |"


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="files to make the images of")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, help="a folder on a disk with 10 GB free")
    options = parser.parse_args()
    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="firstlight-", dir=options.work) as made:
        work = Path(made)
        files = pieces(options.folder)
        with (
            peer.registry(work / "registry") as address,
            peer.docker(work / "docker") as docker,
        ):
            bench = Bench(work=work, address=address)
            for count in COUNTS:
                make(files, count, bench.layout(count))
                words = ["skopeo", "copy", "-q", "--dest-tls-verify=false"]
                source = f"oci:{bench.layout(count)}:it"
                timed([*words, source, f"docker://{bench.name(count)}"])
            for _ in range(options.rounds):
                one_round(bench, docker, COUNTS)
        size = sum(len(data) for _, data in files)
        print(f"{os.cpu_count()} cores, {options.rounds} rounds, {size / 1e6:.0f} MB\n")
        print("\n".join(report(bench, COUNTS)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
