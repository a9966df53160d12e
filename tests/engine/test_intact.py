"""What was unpacked is compared with its layers; what differs is never run again."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.boxes import Box
from engine.small_images import (
    folder,
    gzipped,
    image,
    layer,
    member,
    symlink,
    tar,
    zstandarded,
)
from firstlight.engine.intact import check_unpacked
from firstlight.engine.sandbox import SANDBOX
from firstlight.engine.unpack import root_path, unpack
from firstlight.errors import StoreError
from firstlight.hygiene import prune
from firstlight.oci.model import Image
from firstlight.store import Store

LOWER = tar(
    folder("usr"),
    member("usr/text", b"plain\n" * 1000),
    member("usr/tool", b"#!/bin/sh\n", mode=0o755),
    symlink("usr/link", "text"),
    member("gone", b"hidden by the layer above"),
    folder("usr/closed", mode=0o700),
)
UPPER = tar(
    member(".wh.gone"),
    member("deep/er/file", b"above"),
    member("deep/same", kind=b"1", link="deep/er/file"),
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store.open(tmp_path / "store")


@pytest.fixture
def made(store: Store) -> Image:
    """An unpacked image of two layers, one gzip and one zstd."""
    layers = [layer(store, LOWER), layer(store, UPPER, zstandarded(UPPER))]
    found = image(store, layers)
    store.record("image", "a" * 64, {"name": "small", "manifest": found.manifest})
    unpack(found, store)
    return found


def lower(store: Store, made: Image) -> Path:
    """The tree of the lower layer."""
    return store.root / "trees" / made.layers[0].diff_id[7:]


def test_what_was_unpacked_is_as_its_layers_say(store: Store, made: Image) -> None:
    found = check_unpacked(store, jobs=2)
    assert (found.compared, found.damaged, found.unknown) == (3, (), ())
    assert root_path(made, store).is_dir()


def _flip(tree: Path) -> None:
    """Alter a byte in place and set the time back, as a failing disk would leave it."""
    path = tree / "usr/text"
    found = path.stat()
    with path.open("r+b") as stream:
        stream.seek(3000)
        stream.write(b"X")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def _cut(tree: Path) -> None:
    os.truncate(tree / "usr/text", 10)


def _lose(tree: Path) -> None:
    (tree / "usr/text").unlink()


def _add(tree: Path) -> None:
    (tree / "usr/sitecustomize.py").write_text("import evil\n")


def _rights(tree: Path) -> None:
    (tree / "usr/tool").chmod(0o644)


def _folder_rights(tree: Path) -> None:
    (tree / "usr/closed").chmod(0o777)


def _lead_elsewhere(tree: Path) -> None:
    (tree / "usr/link").unlink()
    (tree / "usr/link").symlink_to("/etc/passwd")


def _folder_for_a_file(tree: Path) -> None:
    (tree / "usr/tool").unlink()
    (tree / "usr/tool").mkdir()


def _link_for_a_folder(tree: Path) -> None:
    (tree / "usr/closed").rmdir()
    (tree / "usr/closed").symlink_to("/")


DAMAGES = [
    *(_flip, _cut, _lose, _add, _rights, _folder_rights),
    *(_lead_elsewhere, _folder_for_a_file, _link_for_a_folder),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_tree_that_differs_goes_with_its_root_and_comes_back_whole(
    damage: Callable[[Path], None], store: Store, made: Image
) -> None:
    tree, root = lower(store, made), root_path(made, store)
    damage(tree)
    found = check_unpacked(store)
    assert set(found.damaged) == {tree, root}
    assert not tree.exists()
    assert not root.exists()
    assert (unpack(made, store) / "usr/text").read_bytes() == b"plain\n" * 1000
    assert check_unpacked(store).damaged == ()


@pytest.mark.parametrize("damage", DAMAGES[2:])
def test_a_root_that_differs_goes_alone(
    damage: Callable[[Path], None], store: Store, made: Image
) -> None:
    tree, root = lower(store, made), root_path(made, store)
    shutil.copytree(root, store.root / "tmp" / "copy", symlinks=True)
    shutil.rmtree(root)
    (store.root / "tmp" / "copy").rename(root)  # No link is shared with the tree.
    assert check_unpacked(store).damaged == ()
    damage(root)
    assert check_unpacked(store).damaged == (root,)
    assert tree.is_dir()


def test_without_its_layer_a_tree_cannot_be_judged(store: Store, made: Image) -> None:
    store.path(made.layers[0].digest).unlink()
    found = check_unpacked(store)
    assert set(found.unknown) == {lower(store, made), root_path(made, store)}
    assert found.damaged == ()


def test_a_damaged_layer_condemns_no_tree(store: Store, made: Image) -> None:
    path = store.path(made.layers[0].digest)
    path.chmod(0o644)
    os.truncate(path, path.stat().st_size // 2)
    found = check_unpacked(store)
    assert lower(store, made) in found.unknown
    assert found.damaged == ()


def test_a_layer_damaged_in_secret_is_removed_when_it_cannot_be_unpacked(
    store: Store,
) -> None:
    found = image(store, [layer(store, LOWER, gzipped(LOWER))])
    path = store.path(found.layers[0].digest)
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.chmod(0o644)
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(StoreError, match="was damaged there and removed"):
        unpack(found, store)
    assert not path.exists()
    assert not any((store.root / "trees").iterdir())
    assert not any((store.root / "roots").iterdir())


def shown(box: Box, state: object, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a sandbox that runs."""
    made = SANDBOX.inside(state, words, terminal=False)  # type: ignore[arg-type]
    environ = dict(made.environment)
    return subprocess.run(made.command, env=environ, capture_output=True, text=True)


def test_what_runs_keeps_a_damaged_root_and_nothing_new_gets_it(
    box: Box, tmp_path: Path
) -> None:
    store = box.store
    store.record("image", "b" * 64, {"name": "box", "manifest": box.image.manifest})
    kept = tmp_path / "kept"
    kept.mkdir()
    plan = box.plan("sleep", "60", project=tmp_path.name, writable=True)
    state = SANDBOX.start(replace(plan, kept=kept), store)
    root = root_path(box.image, store)
    try:
        (root / "etc/passwd").write_text("damaged\n")
        found = check_unpacked(store)
        assert found.running == (root,)
        assert not root.exists()
        assert shown(box, state, "cat", "/etc/passwd").stdout == "damaged\n"
        assert shown(box, state, "ls", "/usr/bin/bash").returncode == 0
        unpack(box.image, store)
        assert "user" in (root / "etc/passwd").read_text()
        for path in (store.root / "roots").iterdir():
            os.utime(path, (0, 0))
        prune(store, older_than=0)
        assert shown(box, state, "ls", "/usr/bin/bash").returncode == 0
    finally:
        SANDBOX.stop(state)
    assert check_unpacked(store).damaged == ()
    assert [path.name for path in (store.root / "roots").iterdir()] == [root.name]
