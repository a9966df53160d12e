"""What the tests of pushing and pulling share: small images, and repositories."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from firstlight.config import Settings
from firstlight.oci.model import Image
from firstlight.oci.reference import parse_reference
from firstlight.oci.registry import Repository
from firstlight.pack.describe import describe
from firstlight.progress import Progress
from firstlight.store import Store
from pack.hand_locks import AMD64, Bench
from registry_server import Registry

__all__ = ["AMD64", "ARM64", "MASTERS", "bench_in", "for_arm", "repository"]

ARM64 = "linux/arm64"
MASTERS = {
    "usr/share/base-passwd/passwd.master": b"root:*:0:0:root:/root:/bin/bash\n",
    "usr/share/base-passwd/group.master": b"root:*:0:\nshadow:*:42:\n",
}
"""The package that every image needs: who may own files."""


def bench_in(folder: Path) -> Bench:
    """A folder with what a small image is made of."""
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(folder, Store.open(folder / "store"))
    bench.deb("base-passwd", MASTERS)
    bench.deb("tool", {"usr/bin/tool": b"#!/bin/sh\n"})
    bench.wheel("alpha", {"alpha/__init__.py": "a = 1\n" * 2000})
    bench.wheel("beta", {"beta/__init__.py": "b = 1\n" * 2000})
    return bench


def for_arm(bench: Bench, image: Image) -> Image:
    """The same layers as an image for another platform."""
    lock = bench.lock()
    part = replace(lock.platforms[0], platform=ARM64)
    return describe(lock, part, image.layers, bench.store.put)


@contextmanager
def repository(
    registry: Registry,
    store: Store,
    name: str = "team/demo",
    progress: Progress | None = None,
) -> Iterator[Repository]:
    """A repository of a registry, with little patience."""
    made = Repository(
        parse_reference(f"{registry.host}/{name}"),
        Settings(store=store.root, jobs=2),
        store,
        progress,
        retries=2,
        pause=0.01,
        timeout=5,
    )
    try:
        yield made
    finally:
        made.close()
