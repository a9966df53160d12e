"""A small image, and a registry and a store that have nothing of it yet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from firstlight.oci.model import Image
from firstlight.store import Store
from pack.hand_locks import Bench
from registry_server import Registry, serving_registry
from share.registries import bench_in


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """What the image is made from."""
    return bench_in(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def image(bench: Bench) -> Image:
    """The image, built."""
    return bench.build(bench.lock())


@pytest.fixture
def server() -> Iterator[Registry]:
    """An empty registry."""
    with serving_registry() as found:
        yield found


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store that has nothing of the image."""
    return Store.open(tmp_path / "store")
