"""The images of a store, by its own documents; nonsense in them is no image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine import small_images
from engine.small_images import member, tar
from firstlight.digest import Digest
from firstlight.inventory import diff_ids, images, is_complete
from firstlight.oci.layout import add_reference
from firstlight.oci.model import Image
from firstlight.store import Store

GONE = "sha256:" + "0" * 64


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store.open(tmp_path / "store")


def made(store: Store, text: bytes = b"a") -> Image:
    """An image that nothing names yet."""
    return small_images.image(
        store, [small_images.layer(store, tar(member("f", text)))]
    )


def put(store: Store, value: Any) -> Digest:
    """Put a document."""
    return store.put(json.dumps(value).encode())


def test_an_image_is_known_by_the_index_by_its_build_or_by_a_tag(store: Store) -> None:
    named, built, pulled = (made(store, text) for text in (b"a", b"b", b"c"))
    add_reference(store, named, "named")
    store.record("image", "1" * 64, {"name": "built", "manifest": built.manifest})
    store.record("tag", "2" * 64, pulled.manifest)
    made(store, b"nobody knows it")
    found = {held.id: held for held in images(store)}
    assert {key: held.name for key, held in found.items()} == {
        named.id: "named",
        built.id: "built",
        pulled.id: "",
    }
    layer = named.layers[0]
    assert found[named.id].layers == ((layer.digest, layer.diff_id),)
    blobs = {named.id, named.manifest, layer.digest}
    assert found[named.id].blobs == blobs
    assert diff_ids(store, named.id) == (layer.diff_id,)


def test_an_index_of_several_platforms_needs_only_what_is_here_of_it(
    store: Store,
) -> None:
    here = made(store)
    index = put(store, {"manifests": [{"digest": here.manifest}, {"digest": GONE}]})
    store.record("tag", "1" * 64, index)
    assert [held.id for held in images(store)] == [here.id]
    assert is_complete(store, index)
    store.path(here.layers[0].digest).unlink()
    assert not is_complete(store, index)
    assert not is_complete(store, Digest(GONE))


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"manifests": 3},
        {"manifests": [3, {}, {"digest": "sha256:zz"}, {"digest": ["a"]}]},
        {"config": 3, "layers": []},
        {"config": {"digest": "../../etc/passwd"}, "layers": []},
        {"config": {"digest": GONE}, "layers": [{}]},
        {"config": {"digest": GONE}, "layers": [3]},
        {"config": {"digest": GONE}, "layers": {}},
    ],
)
def test_nonsense_is_no_image(store: Store, document: object) -> None:
    store.record("tag", "1" * 64, put(store, document))
    assert images(store) == []


def test_a_document_that_is_too_deep_or_too_large_is_no_image(store: Store) -> None:
    deep = store.put(b'{"a":' * 100_000)
    large = store.put(b'{"layers": "' + b" " * (9 << 20) + b'"}')
    for number, digest in enumerate((deep, large)):
        store.record("tag", str(number) * 64, digest)
    (store.root / "index.json").write_bytes(b"[" * 100_000)
    assert images(store) == []


def test_an_index_that_names_itself_ends(store: Store) -> None:
    """Its digest cannot be in it, but one level may be as deep as one likes."""
    inner = made(store).manifest
    for _ in range(10):
        inner = put(store, {"manifests": [{"digest": inner}]})
    store.record("tag", "1" * 64, inner)
    assert images(store) == []
