"""An image in a folder: complete, readable by the rules, never half-written."""

from __future__ import annotations

import json
import tarfile

import pytest

from firstlight import digest
from firstlight.errors import ArtefactError, StoreError
from firstlight.oci import archive, layout, model
from firstlight.oci.model import Image, Layer
from firstlight.store import Store


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "store")


def made(store: Store, platform: str = "linux/amd64", text: bytes = b"x") -> Image:
    blob = store.put(b"layer " + text)
    layer = Layer(
        digest=blob, diff_id=digest.of_bytes(text), size=6 + len(text), title="one"
    )
    settings = model.Settings(environment=(("A", "b"),), labels={"l": "v"})
    config = model.config_json(platform, [layer], settings)
    identity = store.put(config)
    manifest = store.put(model.manifest_json((identity, len(config)), [layer], {}))
    return Image(
        name="demo", platform=platform, id=identity, manifest=manifest, layers=(layer,)
    )


def test_every_blob_that_the_index_leads_to_is_there(store, tmp_path):
    image = made(store)
    folder = tmp_path / "out"
    layout.write(image, store, folder)
    index = json.loads((folder / "index.json").read_bytes())
    (entry,) = index["manifests"]
    blobs = folder / "blobs" / "sha256"
    manifest = json.loads((blobs / entry["digest"][7:]).read_bytes())
    for part in [manifest["config"], *manifest["layers"], entry]:
        data = (blobs / part["digest"][7:]).read_bytes()
        assert digest.of_bytes(data) == part["digest"]
        assert len(data) == part["size"]
    config = json.loads((blobs / manifest["config"]["digest"][7:]).read_bytes())
    assert len(config["history"]) == len(config["rootfs"]["diff_ids"])


def test_two_platforms_share_one_tag_and_a_new_image_takes_its_place(store, tmp_path):
    folder = tmp_path / "out"
    arm, old, new = (
        made(store, "linux/arm64"),
        made(store),
        made(store, text=b"new"),
    )
    for image in (arm, old, new):
        layout.write(image, store, folder, tag="t")
    index = json.loads((folder / "index.json").read_bytes())
    assert {each["digest"] for each in index["manifests"]} == {
        arm.manifest,
        new.manifest,
    }


def test_a_folder_that_holds_something_else_is_left_alone(store, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "index.json").write_text('["mine"]')
    with pytest.raises(ArtefactError, match=r"index\.json"):
        layout.write(made(store), store, folder)
    assert (folder / "index.json").read_text() == '["mine"]'


def test_a_folder_that_cannot_be_made_is_named(store, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file/out"):
        layout.write(made(store), store, tmp_path / "file" / "out")


def test_archives_hold_the_same_blobs(store, tmp_path):
    image = made(store)
    archive.write_docker(image, store, tmp_path / "d.tar", tag="v1")
    archive.write_oci(image, store, tmp_path / "o.tar")
    with tarfile.open(tmp_path / "d.tar") as found:
        (entry,) = json.load(found.extractfile("manifest.json"))
        assert entry["RepoTags"] == ["demo:v1"]
        data = found.extractfile(entry["Config"]).read()
        assert digest.of_bytes(data) == image.id
        assert set(entry["Layers"]) <= set(found.getnames())
    with tarfile.open(tmp_path / "o.tar") as found:
        assert {"oci-layout", "index.json"} <= set(found.getnames())


def test_a_failed_archive_leaves_nothing(store, tmp_path):
    image = made(store)
    store.path(image.layers[0].digest).unlink()
    with pytest.raises(StoreError):
        archive.write_oci(image, store, tmp_path / "o.tar")
    assert not list(tmp_path.glob("*o.tar*"))
