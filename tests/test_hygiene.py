"""Pruning takes what is old and nothing that is in use; checking finds damage."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest

from firstlight.digest import Digest
from firstlight.hygiene import check, items, prune
from firstlight.store import Store

DAY = 86400.0


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store.open(tmp_path / "store")


def blob(store: Store, data: bytes, *, days: float) -> Digest:
    """Put a blob that was last used so many days ago."""
    digest = store.put(data)
    age(store.path(digest), days)
    age(store.root / "facts" / "stamp" / f"{digest[7:]}.json", days)
    return digest


def age(path: Path, days: float) -> None:
    """Make a file look as if it was last touched so many days ago."""
    when = time.time() - days * DAY
    os.utime(path, (when, when))


def tree(store: Store, kind: str, name: str, *, days: float) -> Path:
    """Make an unpacked layer (or root) of 1,000 bytes."""
    folder = store.root / kind / name
    folder.mkdir()
    (folder / "file").write_bytes(b"x" * 1000)
    (folder / "link").symlink_to("file")
    age(folder, days)
    return folder


def test_the_store_counts_blobs_and_trees_but_links_of_roots_once(store: Store) -> None:
    blob(store, b"12345", days=0)
    tree(store, "trees", "a", days=0)
    tree(store, "roots", "b", days=0)
    assert sorted((item.kind, item.size) for item in items(store)) == [
        ("blobs", 5),
        ("roots", 0),
        ("trees", 1000),
    ]


def test_what_was_not_used_for_long_goes(store: Store) -> None:
    old = blob(store, b"old", days=40)
    new = blob(store, b"new", days=2)
    folder = tree(store, "trees", "a", days=40)
    gone = prune(store, older_than=30 * DAY)
    assert {item.path for item in gone} == {store.path(old), folder}
    assert not folder.exists()
    assert not store.has(old)
    assert store.has(new)


def test_the_oldest_go_until_the_rest_fits(store: Store) -> None:
    digests = [blob(store, bytes([n]) * 100, days=10 - n) for n in range(5)]
    prune(store, max_size=250)
    assert [store.has(digest) for digest in digests] == [False] * 3 + [True] * 2


def test_what_was_just_made_stays_whatever_is_asked(store: Store) -> None:
    digest = blob(store, b"new", days=0)
    assert prune(store, older_than=0, max_size=0) == []
    assert store.has(digest)


def test_a_blob_that_was_used_lately_is_not_old(store: Store) -> None:
    digest = blob(store, b"fetched long ago, used today", days=40)
    assert store.has(digest)
    assert prune(store, older_than=30 * DAY) == []


def test_a_dry_run_removes_nothing(store: Store) -> None:
    digest = blob(store, b"old", days=40)
    (item,) = prune(store, older_than=30 * DAY, dry_run=True)
    assert item.path == store.path(digest)
    assert item.path.exists()


def test_an_image_that_is_gone_loses_its_name(store: Store) -> None:
    entries = [
        {"digest": blob(store, data, days=days), "size": 3}
        for data, days in ((b"old", 40), (b"new", 1))
    ]
    index = store.root / "index.json"
    index.write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
    prune(store, older_than=30 * DAY)
    left = json.loads(index.read_text())
    assert [entry["digest"] for entry in left["manifests"]] == [entries[1]["digest"]]


def test_a_damaged_index_is_made_anew(store: Store) -> None:
    index = store.root / "index.json"
    index.write_bytes(b"{")
    prune(store, older_than=30 * DAY)
    assert json.loads(index.read_text()) == {"manifests": [], "schemaVersion": 2}


def test_work_that_was_killed_is_swept_away(store: Store) -> None:
    (store.root / "tmp" / "blob-killed").write_bytes(b"half")
    (store.root / "tmp" / "tree-killed" / "deep").mkdir(parents=True)
    prune(store, older_than=30 * DAY)
    assert [
        p.suffix for p in (store.root / "tmp").iterdir() if p.suffix != ".lock"
    ] == []


def test_pruning_waits_for_a_build_that_uses_the_store(store: Store) -> None:
    digest = blob(store, b"old", days=40)
    pruning = threading.Thread(target=prune, args=(store,), kwargs={"older_than": DAY})
    with store.held():
        pruning.start()
        pruning.join(0.2)
        assert pruning.is_alive()
        assert store.path(digest).exists()
    pruning.join()
    assert not store.path(digest).exists()


def test_checking_removes_what_is_damaged_and_names_it(store: Store) -> None:
    good, bad = store.put(b"good"), store.put(b"bad")
    path = store.path(bad)
    found = path.stat()
    path.chmod(0o644)
    path.write_bytes(b"BAD")
    # Same size, same time, same inode: only hashing can tell.
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert store.has(bad)
    assert check(store) == [path]
    assert not path.exists()
    assert store.has(good)
