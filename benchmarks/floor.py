"""The least work that any build from wheels has to do, and nothing else.

Reads every wheel once, hashes its compressed bytes, inflates every entry with ISA-L and
hashes what comes out, on all cores. It writes nothing: no builder that names layers by
digest can be faster on the same machine, so this is what a build is measured against.

    python benchmarks/floor.py FOLDER_OF_WHEELS
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from isal import igzip_lib

__all__ = ["Floor", "measure"]

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """What one pass over the wheels took."""

    seconds: float
    compressed: int
    inflated: int
    peak: int


def measure(wheels: Sequence[Path], *, jobs: int) -> Floor:
    """Read, inflate and hash the wheels once; the pieces of work are longest first."""
    started = time.perf_counter()
    tasks = sorted(
        (task for wheel in wheels for task in _tasks(wheel)),
        key=lambda task: task[0],
        reverse=True,
    )
    with ThreadPoolExecutor(jobs) as pool:
        inflated = sum(pool.map(lambda task: task[1](), tasks))
    return Floor(
        seconds=time.perf_counter() - started,
        compressed=sum(wheel.stat().st_size for wheel in wheels),
        inflated=inflated,
        peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def _tasks(wheel: Path) -> Iterator[tuple[int, Callable[[], int]]]:
    """Pairs of weight and work: one hash of the file, one inflate per entry."""
    yield wheel.stat().st_size // 2, partial(_hash, wheel)
    with zipfile.ZipFile(wheel) as archive:
        entries = [info for info in archive.infolist() if info.file_size]
    small = [info for info in entries if info.file_size < CHUNK]
    for info in entries:
        if info.file_size >= CHUNK:
            yield info.file_size, partial(_inflate, wheel, [info])
    if small:
        total = sum(info.file_size for info in small)
        yield total, partial(_inflate, wheel, small)


def _hash(path: Path) -> int:
    with path.open("rb", buffering=0) as stream:
        hashlib.file_digest(stream, "sha256")
    return 0


def _inflate(wheel: Path, entries: Sequence[zipfile.ZipInfo]) -> int:
    total = 0
    with wheel.open("rb", buffering=0) as stream:
        for info in entries:
            # The local header repeats the name, but its extra field may differ.
            stream.seek(info.header_offset + 26)
            lengths = stream.read(4)
            stream.seek(
                int.from_bytes(lengths[:2], "little")
                + int.from_bytes(lengths[2:], "little"),
                os.SEEK_CUR,
            )
            total += _one(stream.read, info)
    return total


def _one(read: Callable[[int], bytes], info: zipfile.ZipInfo) -> int:
    digest, total, left = hashlib.sha256(), 0, info.compress_size
    stored = info.compress_type == zipfile.ZIP_STORED
    inflater = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_DEFLATE)
    while left > 0:
        data = read(min(CHUNK, left))
        left -= len(data)
        if stored:
            digest.update(data)
            total += len(data)
            continue
        for piece in _pieces(inflater, data):
            digest.update(piece)
            total += len(piece)
    if total != info.file_size:
        raise SystemExit(f"{info.filename}: {total} bytes, not {info.file_size}")
    return total


def _pieces(inflater: igzip_lib.IgzipDecompressor, data: bytes) -> Iterator[bytes]:
    yield inflater.decompress(data, CHUNK)
    while not inflater.needs_input and not inflater.eof:
        yield inflater.decompress(b"", CHUNK)


def main() -> int:
    """Print the figures as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    floor = measure(sorted(options.folder.glob("*.whl")), jobs=options.jobs)
    print(
        json.dumps(
            {
                "seconds": round(floor.seconds, 3),
                "compressed": floor.compressed,
                "inflated": floor.inflated,
                "peak": floor.peak,
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
