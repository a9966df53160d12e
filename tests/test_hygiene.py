"""Pruning takes what is old and nothing that is in use; checking finds damage."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from engine import small_images
from engine.small_images import member, tar
from firstlight.digest import Digest
from firstlight.engine.unpack import unpack
from firstlight.hygiene import Pruned, items, prune
from firstlight.inventory import images
from firstlight.leases import in_use, lease
from firstlight.oci.layout import add_reference, blobs_of
from firstlight.oci.model import Image
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


def image(store: Store, *texts: bytes, name: str, days: float) -> Image:
    """Make an image of a layer for each text, which was last used so long ago."""
    layers = [small_images.layer(store, tar(member("file", text))) for text in texts]
    made = small_images.image(store, layers, environment=[("NAME", name)])
    add_reference(store, made, name)
    for digest in blobs_of(made):
        age(store.path(digest), days)
        age(store.root / "facts" / "stamp" / f"{digest[7:]}.json", days)
    return made


def is_whole(store: Store, made: Image) -> bool:
    """Whether every blob of an image is there."""
    return all(store.path(blob).exists() for blob in blobs_of(made))


def names(store: Store) -> list[str]:
    """The images that the store's index names."""
    index = json.loads((store.root / "index.json").read_text())
    return [
        e["annotations"]["org.opencontainers.image.ref.name"]
        for e in index["manifests"]
    ]


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
    gone = prune(store, older_than=30 * DAY).gone
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
    assert prune(store, older_than=0, max_size=0) == Pruned()
    assert store.has(digest)


def test_a_blob_that_was_used_lately_is_not_old(store: Store) -> None:
    digest = blob(store, b"fetched long ago, used today", days=40)
    assert store.has(digest)
    assert prune(store, older_than=30 * DAY) == Pruned()


def test_a_dry_run_removes_nothing(store: Store) -> None:
    digest = blob(store, b"old", days=40)
    (item,) = prune(store, older_than=30 * DAY, dry_run=True).gone
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


# What belongs together


def test_an_image_goes_whole_when_there_is_room_for_half_of_it(store: Store) -> None:
    old = image(store, b"a", b"b", name="old", days=9)
    new = image(store, b"c", b"d", name="new", days=5)
    total = sum(item.size for item in items(store))
    gone = prune(store, max_size=total - 1).gone
    assert {item.path.name for item in gone} == {b[7:] for b in blobs_of(old)}
    assert is_whole(store, new)
    assert names(store) == ["new"]
    assert [held.name for held in images(store)] == ["new"]


def test_a_layer_stays_with_the_younger_of_its_images(store: Store) -> None:
    old = image(store, b"shared", b"own", name="old", days=40)
    new = image(store, b"shared", b"other", name="new", days=1)
    for blob in blobs_of(old):
        age(store.path(blob), 40)
        age(store.root / "facts" / "stamp" / f"{blob[7:]}.json", 40)
    gone = prune(store, older_than=30 * DAY).gone
    own = {b[7:] for b in blobs_of(old)} - {b[7:] for b in blobs_of(new)}
    assert {item.path.name for item in gone} == own
    assert is_whole(store, new)


def test_a_layer_that_something_else_used_lately_outlives_its_image(
    store: Store,
) -> None:
    made = image(store, b"a", b"b", name="old", days=40)
    young = made.layers[0].digest
    age(store.root / "facts" / "stamp" / f"{young[7:]}.json", 1)
    prune(store, older_than=30 * DAY)
    left = {path.name for path in (store.root / "blobs/sha256").iterdir()}
    assert left == {young[7:]}
    assert names(store) == []


def test_the_index_names_no_image_that_lacks_a_layer(store: Store) -> None:
    made = image(store, b"a", b"b", name="half", days=1)
    store.path(made.layers[0].digest).unlink()
    prune(store, older_than=30 * DAY)
    assert names(store) == []
    assert store.path(made.manifest).exists()


def test_an_image_of_which_the_index_names_another_is_kept_whole(store: Store) -> None:
    """Two projects may give their images one name; the index knows the last."""
    made = image(store, b"a", b"b", name="torch", days=40)
    age_of = store.root / "facts" / "stamp" / f"{made.id[7:]}.json"
    age(age_of, 1)
    store.record("image", "a" * 64, {"name": "torch", "manifest": made.manifest})
    image(store, b"c", name="torch", days=1)
    assert prune(store, older_than=30 * DAY) == Pruned()
    assert is_whole(store, made)


def test_what_was_known_of_an_image_goes_with_it(store: Store) -> None:
    made = image(store, b"a", name="old", days=40)
    other, wheel = store.put(b"other"), blob(store, b"an old wheel", days=40)
    facts = {
        ("places", made.layers[0].digest): ["registry.example.org/torch"],
        ("layer", "b" * 64): {"digest": made.layers[0].digest},
        ("image", "c" * 64): {"name": "old", "manifest": made.manifest},
        ("scan", other): {},
        ("licence", wheel): "asked for while an image made of it is here",
        ("stack", "e" * 64): {"of": "a wheel that was only looked at"},
    }
    for (kind, key), value in facts.items():
        store.record(kind, key, value)
    prune(store, older_than=30 * DAY)
    left = [kind for kind, key in facts if store.fact(kind, key) is not None]
    assert left == ["scan", "licence", "stack"]
    stamps = {path.stem for path in (store.root / "facts/stamp").iterdir()}
    assert stamps == {other[7:]}


def test_what_is_known_of_nothing_here_is_forgotten_in_the_end(store: Store) -> None:
    digest = blob(store, b"here", days=1)
    facts = {
        ("scan", digest): {},
        ("layer", "b" * 64): {"digest": digest},
        ("stack", "e" * 64): {},
    }
    for (kind, key), value in facts.items():
        store.record(kind, key, value)
        age(store.root / "facts" / kind / f"{key.removeprefix('sha256:')}.json", 200)
    prune(store, older_than=30 * DAY)
    left = [kind for kind, key in facts if store.fact(kind, key) is not None]
    assert left == ["scan", "layer"]


# What is in use


def unpacked(store: Store, *, days: float) -> tuple[Image, Path]:
    """An image and its root, both last used so many days ago."""
    made = image(store, b"a", b"b", name="torch", days=days)
    root = unpack(made, store)
    stamps = (store.root / "facts" / "stamp").iterdir()
    for path in (root, *(store.root / "trees").iterdir(), *stamps):
        age(path, days)
    return made, root


def test_what_runs_is_kept_whole_and_named(store: Store) -> None:
    made, root = unpacked(store, days=40)
    before = {item.path for item in items(store)}
    with lease(store, made.id):
        age(store.root / "leases" / made.id[7:], 40)
        pruned = prune(store, older_than=0)
        assert pruned.gone == ()
        assert {item.path for item in pruned.kept} == before
        assert pruned.running == ("torch",)
    assert (root / "file").read_bytes() == b"b"
    assert {item.path for item in prune(store, older_than=0).gone} == before
    assert not any((store.root / "leases").iterdir())
    assert names(store) == []


def test_a_root_that_was_run_lately_is_young_with_its_trees(store: Store) -> None:
    made, root = unpacked(store, days=40)
    with lease(store, made.id):
        pass
    assert prune(store, older_than=30 * DAY) == Pruned()
    assert root.is_dir()


def test_a_root_goes_with_its_trees(store: Store) -> None:
    unpacked(store, days=40)
    total = sum(item.size for item in items(store) if item.kind == "blobs")
    prune(store, max_size=total)
    assert [item.kind for item in items(store) if item.kind != "blobs"] == []
    assert names(store) == ["torch"]


def test_a_lease_ends_with_the_process_that_has_it_however_that_ends(
    store: Store,
) -> None:
    made, _ = unpacked(store, days=40)
    with lease(store, made.id) as descriptor:
        holder = subprocess.Popen(["sleep", "60"], stdin=descriptor)
    assert in_use(store) == {made.id[7:]}
    assert prune(store, older_than=30 * DAY) == Pruned()
    holder.kill()
    holder.wait()
    assert in_use(store) == frozenset()


def test_a_sandbox_started_by_hand_is_seen_by_its_command_line(store: Store) -> None:
    made, root = unpacked(store, days=40)
    words = ["sh", "-c", "echo; read line", "sh", f"{root}/usr/bin/bwrap"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        process.stdout.readline()  # A process is there before its words are.
        assert in_use(store) == {made.id[7:]}
        assert prune(store, older_than=30 * DAY).running == ("torch",)
        assert in_use(Store.open(store.root.parent / "other")) == frozenset()
        process.communicate(b"\n")
    assert in_use(store) == frozenset()


def test_a_lease_waits_while_the_store_is_pruned(store: Store) -> None:
    made, _ = unpacked(store, days=1)
    taken = threading.Event()

    def run() -> None:
        with lease(store, made.id):
            taken.set()

    running = threading.Thread(target=run)
    with store.held(exclusive=True):
        running.start()
        assert not taken.wait(0.2)
    assert taken.wait(10)
    running.join()
