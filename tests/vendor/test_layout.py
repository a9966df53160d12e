"""A layout gets the artefact whole, beside what is there, and nothing is left over."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest

from firstlight.digest import of_bytes
from firstlight.errors import ArtefactError, StoreError
from firstlight.nearby import Layout
from firstlight.oci import layout as images
from firstlight.progress import Progress
from firstlight.store import Store
from firstlight.vendor.artefact import Artefact
from firstlight.vendor.layout import find, write_archive, write_folder
from vendor.vendoring import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.open(tmp_path / "shop")


def entries(folder: Path) -> list[dict[str, object]]:
    found = json.loads((folder / "index.json").read_bytes())["manifests"]
    assert isinstance(found, list)
    return found


def blobs(folder: Path) -> set[str]:
    return {path.name for path in (folder / "blobs/sha256").iterdir()}


def wanted(artefact: Artefact) -> set[str]:
    named = {file.digest[7:] for file in artefact.files}
    return {*named, artefact.digest[7:], of_bytes(b"{}")[7:]}


def test_blobs_are_links_and_the_index_names_the_artefact(shop: Shop) -> None:
    artefact, folder = shop.vendor(), shop.folder / "vendor"
    shop.write(artefact, folder)
    assert blobs(folder) == wanted(artefact)
    for name in blobs(folder):
        assert (folder / "blobs/sha256" / name).samefile(
            shop.bench.store.root / "blobs/sha256" / name
        )
    (entry,) = entries(folder)
    assert entry["digest"] == artefact.digest
    assert entry["artifactType"] == "application/vnd.firstlight.vendor.v1"
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": "demo-vendor"}
    assert find(Layout.open(folder)) == artefact.data


def test_an_image_in_the_same_layout_stays(shop: Shop) -> None:
    image, lock = shop.build()
    folder = shop.folder / "both"
    images.write(image, shop.bench.store, folder)
    artefact = shop.vendor(lock)
    shop.write(artefact, folder)
    images.write(image, shop.bench.store, folder)
    assert {each["digest"] for each in entries(folder)} == {
        image.manifest,
        artefact.digest,
    }
    # What an older artefact alone needed goes; what the image needs does not.
    shop.bench.wheel("alpha", {"alpha/__init__.py": "newer = 1\n"})
    newer = shop.vendor()
    shop.write(newer, folder)
    kept = {digest[7:] for digest in images.blobs_of(image)}
    assert blobs(folder) == wanted(newer) | kept
    assert find(Layout.open(folder)) == newer.data


def test_nothing_goes_where_something_cannot_be_followed(shop: Shop) -> None:
    artefact, folder = shop.vendor(), shop.folder / "vendor"
    shop.write(artefact, folder)
    index = json.loads((folder / "index.json").read_bytes())
    index["manifests"].append(
        {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": "application/other",
            "digest": "sha256:" + "0" * 64,
            "size": 1,
        }
    )
    (folder / "index.json").write_text(json.dumps(index))
    shop.bench.wheel("alpha", {"alpha/__init__.py": "newer = 1\n"})
    newer = shop.vendor()
    shop.write(newer, folder)
    assert blobs(folder) == wanted(artefact) | wanted(newer)
    assert len(entries(folder)) == 2


def test_a_damaged_blob_is_written_anew(shop: Shop) -> None:
    artefact, folder = shop.vendor(), shop.folder / "vendor"
    shop.write(artefact, folder)
    path = folder / "blobs/sha256" / artefact.files[-1].digest[7:]
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[:-1] + b"\xff")
    link = folder / "blobs/sha256" / artefact.files[-2].digest[7:]
    link.unlink()
    link.symlink_to(shop.bench.store.path(artefact.files[-2].digest))
    shop.write(artefact, folder)
    assert path.read_bytes() == data
    assert not link.is_symlink()


def test_it_goes_on_after_a_kill(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    artefact, folder = shop.vendor(), shop.folder / "vendor"
    link, count = os.link, []

    def killed(*arguments: object, **named: object) -> None:
        count.append(1)
        if len(count) == 5:
            raise KeyboardInterrupt
        link(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "link", killed)
    with pytest.raises(KeyboardInterrupt):
        shop.write(artefact, folder)
    assert len(blobs(folder)) == 4
    # Nothing names what is not whole.
    assert not (folder / "index.json").exists()
    shop.write(artefact, folder)
    assert blobs(folder) == wanted(artefact)


def test_a_folder_with_something_else_is_left_alone(shop: Shop) -> None:
    folder = shop.folder / "vendor"
    (folder / "github.com").mkdir(parents=True)
    with pytest.raises(ArtefactError, match="something else than an OCI layout"):
        shop.write(shop.vendor(), folder)
    assert [path.name for path in folder.iterdir()] == ["github.com"]


def test_a_place_that_cannot_be_written_is_told(shop: Shop) -> None:
    (shop.folder / "file").write_text("")
    with pytest.raises(StoreError, match="writing the OCI layout"):
        shop.write(shop.vendor(), shop.folder / "file")


def test_an_archive_is_the_same_each_time_and_a_layout(shop: Shop) -> None:
    artefact, store = shop.vendor(), shop.bench.store
    one, two = shop.folder / "one.tar", shop.folder / "two.tar"
    for file in (one, two):
        write_archive(artefact, "demo-vendor", store, file, Progress())
    assert one.read_bytes() == two.read_bytes()
    with tarfile.open(one) as archive:
        archive.extractall(shop.folder / "out", filter="data")
    assert find(Layout.open(shop.folder / "out")) == artefact.data
    assert find(Layout.open(one)) == artefact.data


def test_several_artefacts_in_one_layout_are_not_guessed_at(shop: Shop) -> None:
    folder = shop.folder / "vendor"
    shop.write(shop.vendor(), folder)
    shop.bench.wheel("alpha", {"alpha/__init__.py": "newer = 1\n"})
    store = shop.bench.store
    write_folder(shop.vendor(), "other-vendor", store, folder, Progress())
    with pytest.raises(ArtefactError, match="2 vendor artefacts"):
        find(Layout.open(folder))


def test_a_layout_without_an_artefact_says_so(shop: Shop) -> None:
    image, _ = shop.build()
    folder = shop.folder / "image"
    images.write(image, shop.bench.store, folder)
    with pytest.raises(ArtefactError, match="holds no vendor artefacts"):
        find(Layout.open(folder))
    (folder / "index.json").write_text("[]")
    with pytest.raises(ArtefactError, match="not the index"):
        find(Layout.open(folder))


def test_another_manifest_under_its_name_is_refused(shop: Shop) -> None:
    artefact, folder = shop.vendor(), shop.folder / "vendor"
    shop.write(artefact, folder)
    path = folder / "blobs/sha256" / artefact.digest[7:]
    path.unlink()
    path.write_bytes(artefact.data.replace(b"demo", b"Demo"))
    with pytest.raises(ArtefactError, match="is damaged"):
        find(Layout.open(folder))
    assert Store.open(shop.folder / "store").has(artefact.digest)
