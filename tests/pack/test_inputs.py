"""Offline, everything comes from this machine, or all that is missing is listed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from firstlight.config import Settings
from firstlight.errors import NetworkError, UsageError
from firstlight.lock.lockfile import Lock
from firstlight.oci.layout import write
from firstlight.oci.model import Image
from firstlight.pack.build import build_project, verify
from firstlight.store import Store
from pack.hand_locks import Bench, Ear, hex_of

MASTERS = {
    "usr/share/base-passwd/passwd.master": b"root:*:0:0:root:/root:/bin/bash\n",
    "usr/share/base-passwd/group.master": b"root:*:0:\nshadow:*:42:\n",
}
AMD64 = "linux/amd64"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path, Store.open(tmp_path / "store"))
    bench.deb("base-passwd", MASTERS)
    bench.deb("tool", {"usr/bin/tool": b"#!/bin/sh\n"})
    bench.wheel("alpha", {"alpha/__init__.py": "a = 1\n" * 200})
    return bench


def build(bench: Bench, lock: Lock, settings: Settings) -> Image:
    return build_project(
        lock,
        bench.frozen,
        platform=AMD64,
        folder=bench.folder / "nowhere",
        store=Store.open(settings.store),
        settings=settings,
        progress=Ear(),
    )


@pytest.fixture
def vendored(bench: Bench) -> Path:
    """A layout with the inputs, by hand; wheels and mirror are gone afterwards."""
    bench.frozen = bench.pylock()
    folder = bench.folder / "vendor"
    image = bench.build(bench.lock())
    write(image, bench.store, folder)
    for path in (*bench.wheels.values(), *bench.debs.values()):
        path.rename(folder / "blobs/sha256" / hex_of(path))
    return folder


def offline(bench: Bench, *places: Path, name: str = "other") -> Settings:
    return Settings(store=bench.folder / name, jobs=2, offline=True, vendored=places)


@pytest.fixture
def lock(bench: Bench) -> Lock:
    return bench.lock()


def test_the_vendored_files_are_enough(
    bench: Bench, lock: Lock, vendored: Path
) -> None:
    expected = bench.build(lock)
    assert build(bench, lock, offline(bench, vendored)) == expected


def test_verify_takes_them_as_well(bench: Bench, lock: Lock, vendored: Path) -> None:
    settings = offline(bench, vendored)
    found, _ = verify(
        lock,
        bench.frozen,
        platform=AMD64,
        folder=bench.folder / "nowhere",
        store=Store.open(settings.store),
        settings=settings,
        progress=Ear(),
    )
    assert found == bench.build(lock).id


def test_with_them_no_mirror_need_be_known(
    bench: Bench, lock: Lock, vendored: Path
) -> None:
    settings = replace(offline(bench, vendored), offline=False)
    assert build(bench, lock, settings).id == bench.build(lock).id


def test_all_that_is_missing_is_listed(bench: Bench, lock: Lock) -> None:
    bench.frozen = bench.pylock()
    with pytest.raises(NetworkError, match="3 of 3 files are not on") as caught:
        build(bench, lock, offline(bench))
    (wheel,) = {each.message for each in caught.value.findings if "whl" in each.message}
    assert wheel == "alpha-1.0-py3-none-any.whl"
    assert any(
        "tool_1.0-1_amd64.deb (" in each.message for each in caught.value.findings
    )
    assert "firstlight vendor" in caught.value.hint


def test_only_the_first_of_many_are_listed(bench: Bench) -> None:
    for number in range(20):
        bench.wheel(f"many{number}")
    bench.frozen, lock = bench.pylock(), bench.lock()
    with pytest.raises(NetworkError, match=r"23 of 23 .*the first 10:") as caught:
        build(bench, lock, offline(bench))
    assert len(caught.value.findings) == 10


def test_local_wheels_are_here(bench: Bench, lock: Lock) -> None:
    bench.frozen = bench.pylock()
    settings = offline(bench)
    with pytest.raises(NetworkError, match="2 of 3 files"):
        build_project(
            lock,
            bench.frozen,
            platform=AMD64,
            folder=bench.folder,
            store=Store.open(settings.store),
            settings=settings,
            progress=Ear(),
        )


def test_online_without_a_mirror_the_setting_is_asked_for(
    bench: Bench, lock: Lock
) -> None:
    bench.frozen = bench.pylock()
    with pytest.raises(UsageError, match="no mirror of the debian archive"):
        build(bench, lock, replace(offline(bench), offline=False))
