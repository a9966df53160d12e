"""What is unpacked is the locked project, or nothing at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from firstlight.digest import of_bytes
from firstlight.errors import ArtefactError, LockError, UsageError
from firstlight.lock.spec import read_spec
from firstlight.lock.text import dump_lock
from firstlight.nearby import Layout
from firstlight.oci.model import TITLE, canonical_json
from firstlight.store import Store
from firstlight.vendor.read import opened, unpack
from vendor.vendoring import AMD64, Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.open(tmp_path / "shop")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    folder = tmp_path / "other" / "project"
    folder.mkdir(parents=True)
    return folder


def unpacked(shop: Shop, folder: Path) -> list[str]:
    store = Store.open(shop.folder / "somebody")
    return unpack(Layout.open(shop.folder / "vendor"), folder, store)


def lie(shop: Shop, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest of what was vendored, and all that names it."""
    folder = shop.folder / "vendor"
    index = json.loads((folder / "index.json").read_bytes())
    (entry,) = index["manifests"]
    path = folder / "blobs/sha256" / entry["digest"][7:]
    manifest = json.loads(path.read_bytes())
    change(manifest)
    data = canonical_json(manifest)
    entry.update(digest=of_bytes(data), size=len(data))
    (folder / "blobs/sha256" / entry["digest"][7:]).write_bytes(data)
    (folder / "index.json").write_bytes(canonical_json(index))


def put(shop: Shop, data: bytes) -> dict[str, Any]:
    """Add a blob to what was vendored and return what a layer says of it."""
    digest = of_bytes(data)
    path = shop.folder / "vendor/blobs/sha256" / digest[7:]
    if not path.exists():
        path.write_bytes(data)
    return {"digest": digest, "size": len(data)}


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def layer(manifest: Mapping[str, Any], title: str) -> dict[str, Any]:
    """The layer with a title."""
    named = manifest["layers"]
    found = next(each for each in named if each["annotations"][TITLE] == title)
    assert isinstance(found, dict)
    return found


def test_lock_and_spec_come_back_and_fit(shop: Shop, other: Path) -> None:
    _, lock = shop.build()
    shop.written(lock)
    assert sorted(unpacked(shop, other)) == names(other)
    assert (other / "firstlight.lock").read_text() == dump_lock(lock)
    assert (other / "pylock.toml").read_text() == shop.bench.pylock()
    assert read_spec(other).digest == lock.spec
    # Again, it changes nothing.
    assert unpacked(shop, other)


def test_a_spec_inside_of_another_file_comes_back_with_it(
    shop: Shop, other: Path
) -> None:
    (shop.folder / "firstlight.toml").unlink()
    (shop.folder / "pyproject.toml").write_text(
        '[tool.firstlight]\nname = "demo"\npython = "3.11"\n'
        'packages = { group = "all" }\n[dependency-groups]\nall = ["alpha"]\n'
    )
    shop.written()
    unpacked(shop, other)
    assert names(other) == [
        "firstlight.lock",
        "pylock.toml",
        "pyproject.toml",
    ]


def test_included_files_keep_their_folders(shop: Shop, other: Path) -> None:
    (shop.folder / "more/deep").mkdir(parents=True)
    (shop.folder / "needs.txt").write_text("-r more/deep/needs.txt\n")
    (shop.folder / "more/deep/needs.txt").write_text("alpha\n")
    shop.written()
    assert "more/deep/needs.txt" in unpacked(shop, other)
    assert (other / "more/deep/needs.txt").read_text() == "alpha\n"


def test_a_spec_without_a_name_wants_its_folder(shop: Shop, other: Path) -> None:
    (shop.folder / "firstlight.toml").write_text('python = "3.11"\n')
    shop.written(replace(shop.lock(), name="shop"))
    with pytest.raises(UsageError, match="must be called shop, not project") as caught:
        unpacked(shop, other)
    assert caught.value.hint == f"unpack it into {other.parent / 'shop'}"
    assert not list(other.iterdir())
    assert unpacked(shop, other.parent / "shop")


def test_what_is_there_is_never_overwritten(shop: Shop, other: Path) -> None:
    shop.written()
    (other / "firstlight.toml").write_text('python = "3.12"\n')
    with pytest.raises(UsageError, match=r"another firstlight\.toml already"):
        unpacked(shop, other)
    assert names(other) == ["firstlight.toml"]


def test_a_link_in_the_folder_is_not_followed(shop: Shop, other: Path) -> None:
    (shop.folder / "more").mkdir()
    (shop.folder / "needs.txt").write_text("-r more/needs.txt\n")
    (shop.folder / "more/needs.txt").write_text("alpha\n")
    shop.written()
    outside = other.parent / "outside"
    outside.mkdir()
    (other / "more").symlink_to(outside)
    with pytest.raises(UsageError, match=r"another more/needs\.txt already"):
        unpacked(shop, other)
    assert not list(outside.iterdir())


@pytest.mark.parametrize(
    "title",
    [
        *("../needs.txt", "/etc/needs.txt", "a/../../needs.txt", "a//needs.txt"),
        *("", ".", "..", "a\\needs.txt", "c:needs.txt", "needs\n.txt", "x" * 301),
    ],
)
def test_a_name_that_leads_out_is_refused(title: str, shop: Shop, other: Path) -> None:
    shop.written()
    lie(shop, lambda m: layer(m, "needs.txt")["annotations"].update({TITLE: title}))
    with pytest.raises(ArtefactError, match="leads out of the folder"):
        unpacked(shop, other)
    assert not list(other.iterdir())


@pytest.mark.parametrize("title", [".git/config", "a/.b/needs.txt", "firstlight.lock"])
def test_a_name_that_no_spec_may_have_is_refused(
    title: str, shop: Shop, other: Path
) -> None:
    shop.written()

    def change(manifest: dict[str, Any]) -> None:
        if title == "firstlight.lock":
            manifest["layers"].remove(layer(manifest, title))
        layer(manifest, "needs.txt")["annotations"][TITLE] = title

    lie(shop, change)
    with pytest.raises(ArtefactError, match=r"a file of a spec may have|has no first"):
        unpacked(shop, other)
    assert not list(other.iterdir())


def test_a_file_that_the_spec_does_not_name_is_refused(shop: Shop, other: Path) -> None:
    shop.written()

    def change(manifest: dict[str, Any]) -> None:
        extra = {**layer(manifest, "needs.txt"), **put(shop, b"import os\n")}
        manifest["layers"].append({**extra, "annotations": {TITLE: "setup.py"}})

    lie(shop, change)
    with pytest.raises(ArtefactError, match="not the one that its lock was made from"):
        unpacked(shop, other)
    assert not list(other.iterdir())


@pytest.mark.parametrize(
    ("title", "text", "problem"),
    [
        ("needs.txt", b"alpha\nmalware\n", "not the one that its lock was made from"),
        ("firstlight.toml", b'python = "3.12"\n', "not the one that its lock"),
        ("pylock.toml", b'lock-version = "1.0"\n', "not the one its lock names"),
        ("pylock.toml", b"\xff\xfe", "not the one its lock names"),
        ("firstlight.lock", b"\xff\xfe", "no UTF-8"),
    ],
)
def test_other_texts_are_refused(
    title: str, text: bytes, problem: str, shop: Shop, other: Path
) -> None:
    shop.written()
    lie(shop, lambda m: layer(m, title).update(put(shop, text)))
    with pytest.raises(ArtefactError, match=problem):
        unpacked(shop, other)
    assert not list(other.iterdir())


def test_a_lock_that_is_none_is_refused(shop: Shop, other: Path) -> None:
    shop.written()
    lie(shop, lambda m: layer(m, "firstlight.lock").update(put(shop, b"x = 1\n")))
    with pytest.raises(LockError, match="lock-version"):
        unpacked(shop, other)


def test_texts_without_end_are_not_read(shop: Shop, other: Path) -> None:
    shop.written()
    lie(shop, lambda m: layer(m, "firstlight.lock").update(size=1 << 40))
    with pytest.raises(ArtefactError, match="has 1099511627776 bytes"):
        unpacked(shop, other)
    shop.written()
    text = layer_path(shop, "firstlight.lock")
    text.unlink()
    with text.open("wb") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(ArtefactError, match="has more than"):
        unpacked(shop, other)


def layer_path(shop: Shop, title: str) -> Path:
    """The blob of a layer."""
    artefact, _ = opened(Layout.open(shop.folder / "vendor"))
    file = next(each for each in artefact.files if each.title == title)
    return shop.folder / "vendor/blobs/sha256" / file.digest[7:]


def test_a_damaged_text_is_named(shop: Shop, other: Path) -> None:
    shop.written()
    path = layer_path(shop, "pylock.toml")
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[:-1] + b" ")
    with pytest.raises(ArtefactError, match=r"pylock\.toml is damaged"):
        unpacked(shop, other)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(layers={}),
        lambda m: m.update(layers=[1]),
        lambda m: m["layers"][0].update(size=-1),
        lambda m: m["layers"][0].update(digest="sha512:00"),
        lambda m: m["layers"].append(m["layers"][0]),
        lambda m: m["layers"][0].pop("annotations"),
        lambda m: m.update(subject={"digest": "x"}),
        lambda m: m["annotations"].clear(),
        lambda m: m["annotations"].update({"org.firstlight.platforms": "linux/s390x"}),
        lambda m: m.update(artifactType="application/other"),
        lambda m: m["layers"].clear(),
    ],
)
def test_a_manifest_of_another_shape_is_refused(
    change: Callable[[dict[str, Any]], None], shop: Shop, other: Path
) -> None:
    shop.written()
    lie(shop, change)
    with pytest.raises(ArtefactError):
        unpacked(shop, other)
    assert not list(other.iterdir())


def test_more_files_than_any_spec_has_are_refused(shop: Shop, other: Path) -> None:
    shop.written()

    def change(manifest: dict[str, Any]) -> None:
        one = layer(manifest, "needs.txt")
        for number in range(200):
            manifest["layers"].append({**one, "annotations": {TITLE: f"{number}.txt"}})

    lie(shop, change)
    with pytest.raises(ArtefactError, match="more than 200 files"):
        unpacked(shop, other)


def test_the_project_is_what_was_vendored(shop: Shop) -> None:
    layout = shop.written()
    artefact, project = opened(layout)
    assert artefact.platforms == (AMD64,)
    assert (project.lock, project.pylock) == (shop.lock(), shop.bench.pylock())
    assert dict(project.spec) == dict(shop.project().spec)
