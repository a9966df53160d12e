"""Provenance names every input by digest and nothing of whoever built the image."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from firstlight.attest.provenance import BUILD_TYPE, BUILDER, provenance
from firstlight.digest import of_bytes
from firstlight.lock.lockfile import Archive, Lock, lock_digest
from firstlight.oci.model import Image, canonical_json
from firstlight.store import Store
from pack.hand_locks import Bench
from share.registries import MASTERS

ARCHIVE = Archive(
    name="debian",
    suite="bookworm",
    snapshot="20261101T083000Z",
    release=of_bytes(b"InRelease"),
)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path, Store.open(tmp_path / "store"))
    bench.wheel("alpha", {"alpha.py": b""})
    bench.deb("base-passwd", MASTERS)
    return bench


@pytest.fixture
def lock(bench: Bench) -> Lock:
    return replace(bench.lock(), archives=(ARCHIVE,))


@pytest.fixture
def image(bench: Bench) -> Image:
    return bench.build(bench.lock())


def made(bench: Bench, lock: Lock, image: Image, **more: Any) -> dict[str, Any]:
    return provenance(lock, bench.selected(), image, **{"compression": "zstd", **more})


def test_every_input_is_there_by_digest(bench: Bench, lock: Lock, image: Image) -> None:
    definition = made(bench, lock, image)["buildDefinition"]
    found = {
        each["name"]: "sha256:" + each["digest"]["sha256"]
        for each in definition["resolvedDependencies"]
    }
    files = [bench.wheels["alpha"], bench.debs["base-passwd"]]
    assert found == {
        "firstlight.lock": lock_digest(lock),
        "pylock.toml": lock.pylock,
        "InRelease of debian bookworm": ARCHIVE.release,
        **{path.name: of_bytes(path.read_bytes()) for path in files},
    }


def test_parameters_and_result_are_named(
    bench: Bench, lock: Lock, image: Image
) -> None:
    said = made(bench, lock, image)
    definition, run = said["buildDefinition"], said["runDetails"]
    assert definition["buildType"] == BUILD_TYPE
    assert definition["externalParameters"] == {
        "spec": {"digest": {"sha256": lock.spec[7:]}},
        "lock": {"digest": {"sha256": lock_digest(lock)[7:]}},
        "platform": image.platform,
        "compression": "zstd",
    }
    assert run["byproducts"] == [
        {"name": "image ID", "digest": {"sha256": image.id[7:]}}
    ]
    assert run["builder"]["version"]["format"] == str(lock.format)


def test_there_is_no_time_unless_it_is_given(
    bench: Bench, lock: Lock, image: Image
) -> None:
    text = canonical_json(made(bench, lock, image)).decode()
    assert not re.search(r"\d{4}-\d\d-\d\dT", text)
    assert canonical_json(made(bench, lock, image)).decode() == text
    when = "2026-11-01T08:30:00Z"
    run = made(bench, lock, image, finished=when)["runDetails"]
    assert run["metadata"] == {"finishedOn": when}


def test_nothing_of_this_machine_is_named(
    bench: Bench, lock: Lock, image: Image
) -> None:
    text = canonical_json(made(bench, lock, image)).decode()
    assert str(bench.folder) not in text
    assert "file:" not in text


def test_the_build_type_is_explained() -> None:
    docs = Path(__file__).resolve().parents[2] / "docs"
    note = (docs / "design/012-provenance.md").read_text(encoding="utf-8")
    assert BUILD_TYPE in note
    assert BUILDER in note
