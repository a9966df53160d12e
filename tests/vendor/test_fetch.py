"""An artefact goes through a registry and comes back as it was, or is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from firstlight.digest import of_bytes
from firstlight.errors import ArtefactError, DigestError, NetworkError
from firstlight.oci.model import MANIFEST_TYPE, TITLE, Image, canonical_json
from firstlight.progress import Progress
from firstlight.store import Store
from firstlight.vendor.artefact import VENDOR_TYPE, Artefact
from firstlight.vendor.fetch import fetch
from firstlight.vendor.keep import push
from registry_server import Fault, Registry, serving_registry
from share.registries import repository
from vendor.vendoring import Shop

TAG = "v1-vendor"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.open(tmp_path / "shop")


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving_registry() as found:
        yield found


def tag_image(shop: Shop, registry: Registry, image: Image) -> None:
    data = shop.bench.store.path(image.manifest).read_bytes()
    registry.add_manifest("team/demo", data, MANIFEST_TYPE, "v1")


def pushed(shop: Shop, registry: Registry, *, built: bool = False) -> Artefact:
    image, lock = shop.build() if built else (None, None)
    artefact, store = shop.vendor(lock), shop.bench.store
    if image is not None:
        tag_image(shop, registry, image)
    with repository(registry, store) as target:
        push(artefact, store, target, tag=TAG, progress=Progress())
    return artefact


def fetched(shop: Shop, registry: Registry, which: str = TAG) -> Artefact:
    store = Store.open(shop.folder / "somebody")
    with repository(registry, store) as source:
        artefact, project = fetch(source, which, store, shop.settings, Progress())
    for file in artefact.files:
        assert store.has(file.digest, file.size)
    assert project.lock.name == "demo"
    return artefact


def test_it_comes_back_as_it_was(shop: Shop, registry: Registry) -> None:
    artefact = pushed(shop, registry)
    assert registry.manifests["team/demo", TAG].data == artefact.data
    assert fetched(shop, registry) == artefact


def test_the_second_push_sends_nothing(shop: Shop, registry: Registry) -> None:
    artefact = pushed(shop, registry)
    before = registry.received()
    with repository(registry, shop.bench.store) as target:
        sent = push(artefact, shop.bench.store, target, tag=TAG, progress=Progress())
    assert (sent, registry.received()) == (0, before)


@pytest.mark.parametrize("api", [True, False])
def test_its_image_leads_to_it(shop: Shop, api: bool) -> None:
    with serving_registry(referrers_api=api) as registry:
        artefact = pushed(shop, registry, built=True)
        del registry.manifests["team/demo", TAG]
        assert fetched(shop, registry, "v1") == artefact
        with repository(registry, shop.bench.store) as source:
            assert artefact.subject is not None
            (found,) = source.referrers(artefact.subject.digest, VENDOR_TYPE)
        assert found.digest == artefact.digest


def test_the_tag_of_its_image_is_enough(shop: Shop, registry: Registry) -> None:
    # No image was pushed, so nothing hangs on it.
    artefact = pushed(shop, registry)
    assert fetched(shop, registry, "v1") == artefact


def test_its_digest_is_enough(shop: Shop, registry: Registry) -> None:
    artefact = pushed(shop, registry)
    assert fetched(shop, registry, artefact.digest) == artefact


def test_where_there_is_none_that_is_said(shop: Shop, registry: Registry) -> None:
    image, _ = shop.build()
    tag_image(shop, registry, image)
    for which in ("v1", "v2"):
        with pytest.raises(NetworkError, match="no vendor artefact is there"):
            fetched(shop, registry, which)


def test_a_cut_connection_and_a_second_try_bring_it(
    shop: Shop, registry: Registry
) -> None:
    artefact = pushed(shop, registry)
    wheel = artefact.files[-1].digest
    registry.faults += [Fault(f"GET .*{wheel}", "cut-answer", size=100, times=9)]
    with pytest.raises(NetworkError):
        fetched(shop, registry)
    registry.faults.clear()
    assert fetched(shop, registry) == artefact


def test_an_altered_file_is_refused_and_named(shop: Shop, registry: Registry) -> None:
    artefact = pushed(shop, registry)
    wheel = artefact.files[-1].digest
    data = registry.blobs[wheel]
    registry.blobs[wheel] = data[:-1] + b"\xff"
    with pytest.raises(DigestError):
        fetched(shop, registry)


def lie(registry: Registry, change: Callable[[dict[str, Any]], None]) -> None:
    """Put a changed manifest under the tag."""
    manifest = json.loads(registry.manifests["team/demo", TAG].data)
    change(manifest)
    data = canonical_json(manifest)
    registry.add_manifest("team/demo", data, MANIFEST_TYPE, TAG)


def test_what_the_lock_does_not_lead_to_is_never_fetched(
    shop: Shop, registry: Registry
) -> None:
    pushed(shop, registry)
    evil = registry.add_blob("team/demo", b"not of the lock")

    def change(manifest: dict[str, Any]) -> None:
        layer = {**manifest["layers"][-1], "digest": evil, "size": 15}
        manifest["layers"].append({**layer, "annotations": {TITLE: "wheels/evil.whl"}})

    lie(registry, change)
    with pytest.raises(ArtefactError, match="1 files that its lock") as caught:
        fetched(shop, registry)
    assert "wheels/evil.whl" in caught.value.findings[0].message
    assert not registry.asked("GET", evil)


def test_a_size_that_the_lock_does_not_say_is_never_fetched(
    shop: Shop, registry: Registry
) -> None:
    artefact = pushed(shop, registry)
    deb = next(each for each in artefact.files if "tool_" in each.title)

    def change(manifest: dict[str, Any]) -> None:
        for layer in manifest["layers"]:
            if layer["digest"] == deb.digest:
                layer["size"] = 1 << 40

    lie(registry, change)
    with pytest.raises(ArtefactError, match="1 files that its lock"):
        fetched(shop, registry)
    assert not registry.asked("GET", deb.digest)


def test_an_archive_of_another_release_is_never_fetched(
    shop: Shop, registry: Registry
) -> None:
    pushed(shop, registry)
    other = registry.add_blob("team/demo", b"x" * 4000)

    def change(manifest: dict[str, Any]) -> None:
        for layer in manifest["layers"]:
            if layer["annotations"][TITLE].endswith("InRelease"):
                layer.update(digest=other, size=4000)

    lie(registry, change)
    with pytest.raises(ArtefactError, match="2 files that its lock"):
        fetched(shop, registry)
    assert not registry.asked("GET", other)


def test_no_file_may_be_missing_in_the_registry(shop: Shop, registry: Registry) -> None:
    artefact = pushed(shop, registry)
    gone = artefact.files[-1].digest
    registry.holds["team/demo"].discard(gone)
    del registry.blobs[gone]
    with pytest.raises(NetworkError):
        fetched(shop, registry)
    assert of_bytes(artefact.data) == artefact.digest
