"""A pull believes nothing: each layer holds what the image's ID promises."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard

from firstlight.digest import Digest
from firstlight.engine.unpack import unpack
from firstlight.errors import ArtefactError, DigestError, NetworkError
from firstlight.oci.layout import blobs_of
from firstlight.oci.model import (
    CONFIG_TYPE,
    DOCKER_INDEX_TYPE,
    DOCKER_MANIFEST_TYPE,
    INDEX_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    ZSTD_LAYER_TYPE,
    Image,
)
from firstlight.progress import Progress, Task
from firstlight.share.inflate import inflated_digest, most_inside
from firstlight.share.pull import meant, pull
from firstlight.share.push import push
from firstlight.store import Store
from pack.hand_locks import Bench, Ear
from registry_server import Fault, Registry, serving_registry
from share.registries import AMD64, ARM64, bench_in, for_arm, repository

NAME = "team/demo"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
PLAIN = "application/vnd.oci.image.layer.v1.tar"


def zipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def plain(data: bytes) -> bytes:
    return data


KINDS: dict[str, tuple[Callable[[bytes], bytes], str, str]] = {
    "gzip": (zipped, LAYER_TYPE, MANIFEST_TYPE),
    "zstd": (zstd, ZSTD_LAYER_TYPE, MANIFEST_TYPE),
    "tar": (plain, PLAIN, MANIFEST_TYPE),
    "docker gzip": (zipped, f"{DOCKER_LAYER}.gzip", DOCKER_MANIFEST_TYPE),
    "docker tar": (plain, DOCKER_LAYER, DOCKER_MANIFEST_TYPE),
}


def tar(**files: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def publish(
    registry: Registry,
    tars: list[bytes],
    kind: str = "gzip",
    *,
    cut: int | None = None,
    tag: str = "v1",
    platform: str = AMD64,
    config: dict[str, Any] | None = None,
    diff_ids: list[str] | None = None,
) -> str:
    """Hold an image as another tool would have pushed it; return its image ID."""
    pack, layer_type, manifest_type = KINDS[kind]
    system, architecture = platform.split("/")
    settings = json.dumps(
        {
            "os": system,
            "architecture": architecture,
            "rootfs": {
                "type": "layers",
                "diff_ids": diff_ids or [*map(digest_of, tars)],
            },
            **(config or {}),
        }
    ).encode()
    blobs = [pack(data)[:cut] for data in tars]
    manifest = {
        "schemaVersion": 2,
        "mediaType": manifest_type,
        "config": {
            "mediaType": CONFIG_TYPE,
            "digest": registry.add_blob(NAME, settings),
            "size": len(settings),
        },
        "layers": [
            {
                "mediaType": layer_type,
                "digest": registry.add_blob(NAME, blob),
                "size": len(blob),
            }
            for blob in blobs
        ],
    }
    registry.add_manifest(NAME, json.dumps(manifest).encode(), manifest_type, tag)
    return digest_of(settings)


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving_registry() as found:
        yield found


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "mine")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return bench_in(tmp_path / "bench")


@pytest.fixture
def image(bench: Bench) -> Image:
    return bench.build(bench.lock())


def get(
    registry: Registry,
    store: Store,
    which: str = "v1",
    *,
    platform: str = AMD64,
    vouched: dict[Digest, Digest] | None = None,
    ear: Progress | None = None,
) -> Image:
    with repository(registry, store, progress=ear) as source:
        return pull(
            source,
            which,
            store,
            platform=platform,
            vouched=vouched,
            progress=ear or Progress(),
        )


def verified(ear: Ear) -> list[str]:
    """The layers that were inflated."""
    return [task for task in ear.tasks if task.startswith("verify ")]


class TestOurs:
    @pytest.fixture(autouse=True)
    def _shared(self, registry: Registry, bench: Bench, image: Image) -> None:
        with repository(registry, bench.store) as target:
            both = (image, for_arm(bench, image))
            push(both, bench.store, target, tags=["v1"])

    def test_what_comes_back_is_what_was_sent(
        self, registry: Registry, store: Store, image: Image
    ) -> None:
        got = get(registry, store)
        assert got == replace(
            image, layers=tuple(replace(each, recipe=None) for each in image.layers)
        )
        for blob in blobs_of(got):
            assert digest_of(store.path(blob).read_bytes()) == blob

    def test_each_platform_is_chosen(
        self, registry: Registry, bench: Bench, store: Store, image: Image
    ) -> None:
        arm = get(registry, store, platform=ARM64)
        assert (arm.platform, arm.id) == (ARM64, for_arm(bench, image).id)
        with pytest.raises(ArtefactError, match="linux/amd64, linux/arm64"):
            get(registry, store, platform="linux/s390x")

    def test_a_layer_is_inflated_once_and_never_when_vouched_for(
        self, registry: Registry, store: Store, image: Image, tmp_path: Path
    ) -> None:
        first, second = Ear(), Ear()
        get(registry, store, ear=first)
        get(registry, store, ear=second)
        assert len(verified(first)) == len(image.layers)
        assert verified(second) == []
        third, other = Ear(), Store.open(tmp_path / "other")
        vouched = {layer.digest: layer.diff_id for layer in image.layers}
        get(registry, other, vouched=vouched, ear=third)
        assert verified(third) == []

    def test_by_digest_the_registry_is_not_asked_twice(
        self, registry: Registry, store: Store
    ) -> None:
        digest = registry.manifests[NAME, "v1"].digest
        first = get(registry, store, digest)
        registry.requests.clear()
        assert get(registry, store, digest) == first
        assert not registry.requests

    def test_what_a_tag_meant_is_remembered(
        self, registry: Registry, store: Store
    ) -> None:
        with repository(registry, store) as source:
            assert meant(source, "v1", store) is None
            get(registry, store)
            found = meant(source, "v1", store)
        assert found == registry.manifests[NAME, "v1"].digest

    def test_an_interrupted_pull_goes_on(
        self, registry: Registry, store: Store, image: Image
    ) -> None:
        down = Fault(f"GET .*{image.layers[-1].digest}", "drop", times=1000)
        registry.faults.append(down)
        with pytest.raises(NetworkError):
            get(registry, store)
        there = [layer for layer in image.layers if store.has(layer.digest)]
        registry.faults.clear()
        registry.requests.clear()
        assert get(registry, store).id == image.id
        for layer in there:
            assert not registry.asked("GET", layer.digest)


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_other_tools_are_pulled_and_unpacked(
    registry: Registry, store: Store, kind: str
) -> None:
    tars = [tar(a="1", b="2"), tar(b="3")]
    identity = publish(registry, tars, kind)
    got = get(registry, store)
    assert (got.id, got.name) == (identity, "demo")
    kinds = {"docker gzip": "gzip", "docker tar": "tar"}
    wanted = KINDS[kinds.get(kind, kind)][1]
    assert [layer.media_type for layer in got.layers] == [wanted] * 2
    (entry,) = json.loads((store.root / "index.json").read_bytes())["manifests"]
    assert entry["digest"] == got.manifest
    document = json.loads(store.path(got.manifest).read_bytes())
    assert document["mediaType"] == MANIFEST_TYPE
    is_same = got.manifest == registry.manifests[NAME, "v1"].digest
    assert is_same == (kind not in kinds)
    assert get(registry, store) == got
    root = unpack(got, store)
    assert ((root / "a").read_text(), (root / "b").read_text()) == ("1", "3")


def test_a_manifest_list_of_docker_is_read(registry: Registry, store: Store) -> None:
    for platform in (AMD64, ARM64):
        publish(
            registry,
            [tar(a=platform)],
            "docker gzip",
            tag=platform[-5:],
            platform=platform,
        )
    entries = [
        {
            "mediaType": DOCKER_MANIFEST_TYPE,
            "digest": registry.manifests[NAME, tag].digest,
            "size": len(registry.manifests[NAME, tag].data),
            "platform": {"os": "linux", "architecture": tag},
        }
        for tag in ("amd64", "arm64")
    ]
    data = json.dumps({"schemaVersion": 2, "manifests": entries}).encode()
    registry.add_manifest(NAME, data, DOCKER_INDEX_TYPE, "all")
    got = get(registry, store, "all", platform=ARM64)
    assert (unpack(got, store) / "a").read_text() == ARM64


def test_a_name_is_taken_only_from_images_that_we_made(
    registry: Registry, store: Store
) -> None:
    version = {"org.opencontainers.image.version": "pytorch2.7-cpu-python3.11"}
    ours = {**version, "org.firstlight.format": "2"}
    evil = {**ours, "org.opencontainers.image.version": "../--privileged"}
    for labels, name in (
        (version, "demo"),
        (ours, "pytorch2.7-cpu-python3.11"),
        (evil, "demo"),
    ):
        publish(registry, [tar(a="1")], config={"config": {"Labels": labels}})
        assert get(registry, store).name == name


class TestHostile:
    """Everything that a registry, or whoever can write to it, might try."""

    def refused(
        self, registry: Registry, store: Store, words: str, error: type[Exception]
    ) -> None:
        before = set((store.root / "facts").glob("tag/*"))
        with pytest.raises(error, match=words):
            get(registry, store)
        assert set((store.root / "facts").glob("tag/*")) == before

    def test_a_layer_with_other_content_than_the_configuration_says(
        self, registry: Registry, store: Store
    ) -> None:
        """Its digest is right, so only inflating can tell."""
        publish(registry, [tar(a="1")], diff_ids=[digest_of(tar(a="2"))])
        self.refused(registry, store, "its content is", DigestError)

    def test_the_same_layer_for_two_contents(
        self, registry: Registry, store: Store
    ) -> None:
        data = tar(a="1")
        publish(registry, [data, data], diff_ids=[digest_of(data), digest_of(b"")])
        self.refused(registry, store, "its content is", DigestError)

    def test_a_lie_is_not_remembered_as_true(
        self, registry: Registry, store: Store
    ) -> None:
        data = tar(a="1")
        publish(registry, [data], diff_ids=[digest_of(b"")])
        self.refused(registry, store, "its content is", DigestError)
        publish(registry, [data])
        assert get(registry, store).layers[0].diff_id == digest_of(data)
        publish(registry, [data], diff_ids=[digest_of(b"")])
        self.refused(registry, store, "its content is", DigestError)

    def test_a_wrong_voucher_is_an_error(
        self, registry: Registry, store: Store
    ) -> None:
        data = tar(a="1")
        publish(registry, [data])
        blob, diff_id = Digest(digest_of(zipped(data))), Digest(digest_of(b""))
        with pytest.raises(DigestError, match="its content is"):
            get(registry, store, vouched={blob: diff_id})

    @pytest.mark.parametrize("kind", ["gzip", "zstd"])
    def test_a_layer_that_is_cut(
        self, registry: Registry, store: Store, kind: str
    ) -> None:
        publish(registry, [tar(a="1" * 5000)], kind, cut=-9)
        self.refused(registry, store, "damaged|its content is", ArtefactError)

    def test_a_blob_with_other_bytes(self, registry: Registry, store: Store) -> None:
        publish(registry, [tar(a="1")])
        blob = digest_of(zipped(tar(a="1")))
        registry.blobs[blob] = registry.blobs[blob][:-1] + b"\xff"
        self.refused(registry, store, "the bytes are", DigestError)

    def test_too_few_layers(self, registry: Registry, store: Store) -> None:
        data = tar(a="1")
        publish(registry, [data], diff_ids=[digest_of(data)] * 2)
        self.refused(registry, store, "1 layers, the configuration 2", ArtefactError)

    def test_another_platform_than_it_says(
        self, registry: Registry, store: Store
    ) -> None:
        publish(registry, [tar(a="1")], platform=ARM64)
        self.refused(registry, store, "is for linux/arm64, not", ArtefactError)

    def test_an_index_in_an_index(self, registry: Registry, store: Store) -> None:
        inner = json.dumps({"mediaType": INDEX_TYPE, "manifests": []}).encode()
        digest = registry.add_manifest(NAME, inner, INDEX_TYPE)
        entry = {
            "mediaType": MANIFEST_TYPE,
            "digest": digest,
            "size": len(inner),
            "platform": {"os": "linux", "architecture": "amd64"},
        }
        data = json.dumps({"mediaType": INDEX_TYPE, "manifests": [entry]}).encode()
        registry.add_manifest(NAME, data, INDEX_TYPE, "v1")
        self.refused(registry, store, "inside of another", ArtefactError)

    def test_an_index_whose_image_is_gone(
        self, registry: Registry, store: Store
    ) -> None:
        entry = {
            "mediaType": MANIFEST_TYPE,
            "digest": digest_of(b"gone"),
            "size": 4,
            "platform": {"os": "linux", "architecture": "amd64"},
        }
        data = json.dumps({"mediaType": INDEX_TYPE, "manifests": [entry]}).encode()
        registry.add_manifest(NAME, data, INDEX_TYPE, "v1")
        self.refused(registry, store, "is not there", ArtefactError)

    @pytest.mark.parametrize(
        "kind",
        [
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            "application/vnd.docker.distribution.manifest.v1+json",
        ],
    )
    def test_the_old_format_of_docker(
        self, registry: Registry, store: Store, kind: str
    ) -> None:
        data = json.dumps({"schemaVersion": 1, "fsLayers": []}).encode()
        registry.add_manifest(NAME, data, kind, "v1")
        self.refused(registry, store, "not understood", ArtefactError)

    def test_a_tag_that_is_not_there(self, registry: Registry, store: Store) -> None:
        self.refused(registry, store, "demo:v1 is not there", NetworkError)


def test_a_layer_that_swells_beyond_reason_is_refused() -> None:
    data = bytes(1 << 24)
    for blob in (zstd(data), zipped(data)):
        with pytest.raises(ArtefactError, match="it holds more than 1048576 bytes"):
            inflated_digest(io.BytesIO(blob), 1 << 20, "bomb")  # type: ignore[arg-type]
    assert len(zipped(data)) < most_inside(len(zipped(data))) < 1 << 31


def test_layers_are_inflated_while_others_arrive(
    registry: Registry, store: Store
) -> None:
    """The second layer is held back until the first one was verified."""
    tars = [tar(a="1"), tar(b="2")]
    publish(registry, tars)
    late = Digest(digest_of(zipped(tars[1])))
    registry.faults.append(Fault(f"GET .*{late}", "wait", size=400))
    order: list[tuple[str, bool]] = []

    class Listening(Progress):
        @contextmanager
        def task(
            self, kind: str, name: str, total: int | None = None
        ) -> Iterator[Task]:
            if kind == "verify":
                order.append((name, store.path(late).exists()))
            yield Task()

    get(registry, store, ear=Listening())
    assert order == [("layer 1", False), ("layer 2", True)]
