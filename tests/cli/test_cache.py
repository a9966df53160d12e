"""``firstlight cache``: shows, prunes and checks the store."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from cli.started import Ended, Firstlight
from firstlight.digest import Digest
from firstlight.store import Store

EMPTY = """\
store     ~/store
images         0   0 in use
blobs          0   0 B
trees          0   0 B
roots          0   0 B
"""


@pytest.fixture
def old(tmp_path: Path) -> tuple[Path, Digest]:
    """A blob of 1,500 bytes, last used 40 days ago."""
    store = Store.open(tmp_path / "store")
    digest = store.put(b"x" * 1500)
    when = time.time() - 40 * 86400
    os.utime(store.path(digest), (when, when))
    os.utime(store.root / "facts" / "stamp" / f"{digest[7:]}.json", (when, when))
    return store.path(digest), digest


def test_an_empty_store(firstlight: Firstlight) -> None:
    assert firstlight("cache") == Ended(0, EMPTY, "")


def test_what_the_store_holds(firstlight: Firstlight, old: tuple[Path, Digest]) -> None:
    assert "blobs          1   1.5 kB\n" in firstlight("cache").out
    told = json.loads(firstlight("cache", "--json").out)
    assert told["blobs"] == {"count": 1, "bytes": 1500}


def test_a_dry_run_and_then_the_real_one(
    firstlight: Firstlight, old: tuple[Path, Digest]
) -> None:
    path, _ = old
    dry = firstlight("cache", "prune", "--older-than", "30d", "--dry-run")
    assert dry == Ended(0, "would remove 1 items, 1.5 kB\n", "")
    assert path.exists()
    done = firstlight("cache", "prune", "--older-than", "30d")
    assert done == Ended(0, "removed 1 items, 1.5 kB\n", "")
    assert not path.exists()


def test_pruning_to_a_size(firstlight: Firstlight, old: tuple[Path, Digest]) -> None:
    kept = firstlight("cache", "prune", "--max-size", "2K", "--json")
    assert json.loads(kept.out)["items"] == 0
    gone = firstlight("cache", "prune", "--max-size", "1K", "--json")
    assert json.loads(gone.out) == {
        "items": 1,
        "bytes": 1500,
        "in_use": {"items": 0, "bytes": 0, "images": []},
        "dry_run": False,
        "warnings": [],
    }


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("--older-than", "3x", "write 12h, 30d or 8w"),
        ("--max-size", "much", "write 500M or 20G"),
    ],
)
def test_a_measure_nobody_understands(
    firstlight: Firstlight, option: str, value: str, allowed: str
) -> None:
    done = firstlight("cache", "prune", option, value)
    assert done == Ended(2, "", f"❌ Error: {option} {value!r}: {allowed}\n")


def test_checking_names_what_was_damaged(
    firstlight: Firstlight, old: tuple[Path, Digest]
) -> None:
    path, digest = old
    path.chmod(0o644)
    path.write_bytes(b"y" * 1500)
    done = firstlight("cache", "check", "--quiet")
    assert done == Ended(0, f"1 damaged blobs removed\n  {digest[7:]}\n", "")
    again = firstlight("cache", "check", "--json")
    assert json.loads(again.out) == {
        "blobs": 0,
        "bytes": 0,
        "damaged": [],
        "lost": [digest[7:]],
        "repaired": [],
        "warnings": [],
    }


def test_a_store_that_cannot_be_made(firstlight: Firstlight, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    done = firstlight("cache", FIRSTLIGHT_STORE=str(tmp_path / "file" / "store"))
    assert (done.code, done.out) == (7, "")
    assert "hint: set FIRSTLIGHT_STORE to a folder" in done.err
