"""Checking hashes everything, believes nothing, and removes only what is damaged."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from firstlight.digest import Digest
from firstlight.integrity import check
from firstlight.progress import Progress, Task
from firstlight.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store.open(tmp_path / "store")


def damage(store: Store, digest: Digest) -> None:
    """Alter a byte as a disk would: no time, size or inode tells."""
    path = store.path(digest)
    found = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.chmod(0o644)
    path.write_bytes(data)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


class Ear(Progress):
    """Adds up what it is told."""

    def __init__(self) -> None:
        self.bytes = 0

    def task(
        self, kind: str, name: str, total: int | None = None
    ) -> AbstractContextManager[Task]:
        """Remember the total."""
        self.total = total
        return super().task(kind, name, total)


def test_what_is_damaged_goes_and_is_named(store: Store) -> None:
    good, bad = store.put(b"good" * 100), store.put(b"bad" * 100)
    damage(store, bad)
    assert store.has(bad)
    found = check(store)
    assert (found.damaged, found.lost, found.blobs, found.bytes) == ((bad,), (), 2, 700)
    assert not store.path(bad).exists()
    assert store.has(good)


def test_what_was_here_and_is_not_is_lost_until_it_comes_back(store: Store) -> None:
    digest = store.put(b"here once")
    store.path(digest).unlink()
    assert check(store).lost == (digest,)
    store.put(b"here once")
    assert check(store).lost == ()


def test_many_are_hashed_at_once_and_everything_is_counted(store: Store) -> None:
    digests = [store.put(bytes([n]) * (n * 5000 + 1)) for n in range(60)]
    for digest in digests[::7]:
        damage(store, digest)
    ear = Ear()
    found = check(store, jobs=4, progress=ear)
    assert set(found.damaged) == set(digests[::7])
    assert found.bytes == ear.total == sum(n * 5000 + 1 for n in range(60))


def test_what_cannot_be_read_is_an_error_and_no_damage(store: Store) -> None:
    digest = store.put(b"a folder has taken its place")
    store.path(digest).unlink()
    store.path(digest).mkdir()
    with pytest.raises(IsADirectoryError):
        check(store, jobs=2)


def test_other_files_among_the_blobs_are_left_alone(store: Store) -> None:
    stray = store.root / "blobs" / "sha256" / "notes.txt"
    stray.write_text("not ours")
    assert check(store).blobs == 0
    assert stray.exists()
