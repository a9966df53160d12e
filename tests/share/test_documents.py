"""What a registry says is taken apart with suspicion: every shape but the right one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from firstlight.errors import ArtefactError
from firstlight.oci.model import (
    CONFIG_TYPE,
    DOCKER_INDEX_TYPE,
    DOCKER_MANIFEST_TYPE,
    INDEX_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    Descriptor,
)
from firstlight.share import documents

BLOB = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


def layer(**changes: Any) -> dict[str, Any]:
    return {"mediaType": LAYER_TYPE, "digest": BLOB, "size": 3, **changes}


def manifest(**changes: Any) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": CONFIG_TYPE, "digest": OTHER, "size": 2},
        "layers": [layer()],
        **changes,
    }


def config(**changes: Any) -> dict[str, Any]:
    return {
        "os": "linux",
        "architecture": "amd64",
        "rootfs": {"type": "layers", "diff_ids": [OTHER]},
        **changes,
    }


def raw(value: object) -> bytes:
    return json.dumps(value).encode()


def entry(platform: tuple[str, str] | None, digest: str = BLOB) -> dict[str, Any]:
    found = {"mediaType": MANIFEST_TYPE, "digest": digest, "size": 5}
    if platform:
        found["platform"] = {"os": platform[0], "architecture": platform[1]}
    return found


class TestIndex:
    def test_the_first_of_a_platform_is_chosen(self) -> None:
        data = raw(
            {
                "manifests": [
                    entry(("unknown", "unknown")),
                    entry(None),
                    entry(("linux", "arm64"), OTHER),
                    {**entry(("linux", "arm64")), "variant": "v9"},
                ]
            }
        )
        found = documents.choose(data, "linux/arm64", "it")
        assert (found.digest, found.platform) == (OTHER, "linux/arm64")

    def test_another_platform_is_named(self) -> None:
        data = raw({"manifests": [entry(("linux", "s390x")), entry(("unknown",) * 2)]})
        with pytest.raises(ArtefactError, match=r"linux/arm64; it is for linux/s390x$"):
            documents.choose(data, "linux/arm64", "it")
        with pytest.raises(ArtefactError, match="no platform at all"):
            documents.choose(raw({"manifests": []}), "linux/arm64", "it")

    def test_equal_images_give_equal_bytes_in_any_order(self) -> None:
        rows = [
            Descriptor(
                media_type=MANIFEST_TYPE, digest=digest, size=4, platform=platform
            )
            for digest, platform in ((BLOB, "linux/arm64"), (OTHER, "linux/amd64"))
        ]
        data = documents.index_json(rows)
        assert data == documents.index_json(rows[::-1])
        assert documents.kind_of("", data, "it") == INDEX_TYPE
        assert [each.platform for each in documents.platforms(data, "it")] == [
            "linux/amd64",
            "linux/arm64",
        ]


class TestKind:
    @pytest.mark.parametrize(
        "kind", [MANIFEST_TYPE, INDEX_TYPE, DOCKER_MANIFEST_TYPE, DOCKER_INDEX_TYPE]
    )
    def test_what_a_document_says_of_itself_counts(self, kind: str) -> None:
        assert documents.kind_of("text/plain", raw({"mediaType": kind}), "it") == kind
        assert documents.kind_of(f"{kind}; charset=utf-8", b"{}", "it") == kind

    @pytest.mark.parametrize(
        ("kind", "value", "words"),
        [
            ("", {"schemaVersion": 1}, "schema 1"),
            (
                "application/vnd.docker.distribution.manifest.v1+prettyjws",
                {},
                "schema 1",
            ),
            ("text/html", {}, "no image: its type is 'text/html'"),
            (INDEX_TYPE, {"manifests": [], "layers": []}, "index and a manifest"),
            (INDEX_TYPE, [], "no JSON object"),
        ],
    )
    def test_anything_else_is_refused(
        self, kind: str, value: object, words: str
    ) -> None:
        with pytest.raises(ArtefactError, match=words):
            documents.kind_of(kind, raw(value), "it")

    @pytest.mark.parametrize("data", [b"", b"\xff", b"[" * 100_000, b"9" * 5000])
    def test_no_json_is_refused(self, data: bytes) -> None:
        with pytest.raises(ArtefactError, match="JSON"):
            documents.kind_of(MANIFEST_TYPE, data, "it")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"config": None}, "its configuration: no media type"),
        ({"config": layer()}, "it is no image|is no image"),
        (
            {"config": {"mediaType": CONFIG_TYPE, "digest": OTHER, "size": 1 << 30}},
            "its configuration has",
        ),
        ({"layers": None}, "no list"),
        ({"layers": [layer()] * 2000}, "no list of at most"),
        ({"layers": ["x"]}, "layer 1: no media type"),
        ({"layers": [layer(digest="md5:1")]}, "layer 1: not a SHA-256 digest"),
        ({"layers": [layer(digest=7)]}, "layer 1: no media type"),
        ({"layers": [layer(size=-1)]}, "its size is -1"),
        ({"layers": [layer(size="3")]}, "layer 1: no media type"),
        ({"layers": [layer(size=1 << 50)]}, "it has .* bytes"),
        ({"layers": [layer(mediaType=f"{LAYER_TYPE}+encrypted")]}, "encrypted"),
        (
            {
                "layers": [
                    layer(
                        mediaType="application/vnd.docker.image.rootfs.foreign.diff."
                        "tar.gzip"
                    )
                ]
            },
            "outside the registry",
        ),
        (
            {
                "layers": [
                    layer(
                        mediaType="application/vnd.oci.image.layer."
                        "nondistributable.v1.tar"
                    )
                ]
            },
            "outside the registry",
        ),
        ({"layers": [layer(mediaType="text/plain")]}, "not that of a layer"),
    ],
)
def test_a_hostile_manifest_is_refused(changes: dict[str, Any], words: str) -> None:
    assert documents.read_manifest(raw(manifest()), "it").layers[0].size == 3
    with pytest.raises(ArtefactError, match=words):
        documents.read_manifest(raw(manifest(**changes)), "it")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"os": None}, "names no platform"),
        ({"rootfs": []}, "names no platform or layer"),
        ({"rootfs": {"diff_ids": [3]}}, "not a SHA-256"),
        ({"rootfs": {"diff_ids": []}}, "has 1 layers, the configuration 0"),
        ({"rootfs": {"diff_ids": [OTHER] * 2}}, "has 1 layers, the configuration 2"),
    ],
)
def test_a_hostile_configuration_is_refused(
    changes: dict[str, Any], words: str
) -> None:
    good = documents.read_manifest(raw(manifest()), "it")
    assert documents.read_config(raw(config()), good, "it").platform == "linux/amd64"
    with pytest.raises(ArtefactError, match=words):
        documents.read_config(raw(config(**changes)), good, "it")


@pytest.mark.parametrize(
    ("annotations", "history", "title"),
    [
        ({"org.opencontainers.image.title": "torch"}, None, "torch"),
        ({}, [{"created_by": "firstlight: numpy"}], "numpy"),
        (
            {},
            [{"created_by": "ENV A=1", "empty_layer": True}, {"created_by": "RUN x"}],
            "RUN x",
        ),
        ({}, [{"created_by": "RUN x"}] * 2, "layer 1"),
        ({}, [{"created_by": 5}], "layer 1"),
        ({}, "nonsense", "layer 1"),
        ({"org.opencontainers.image.title": "a\x1b[31m\nb"}, None, "a [31m b"),
        ({}, [{"created_by": "x" * 500}], "x" * 80),
        ({"org.opencontainers.image.title": 5}, None, "layer 1"),
    ],
)
def test_a_layer_has_a_title_that_can_be_shown(
    annotations: dict[str, Any], history: object, title: str
) -> None:
    data = raw(manifest(layers=[layer(annotations=annotations)]))
    good = documents.read_manifest(data, "it")
    found = documents.read_config(raw(config(history=history)), good, "it")
    assert found.titles == (title,)


def test_labels_that_are_no_text_are_left_out() -> None:
    good = documents.read_manifest(raw(manifest()), "it")
    for value, labels in (
        ({"Labels": {"a": "b", "c": 1}}, {"a": "b"}),
        ({"Labels": None}, {}),
        (None, {}),
    ):
        found = documents.read_config(raw(config(config=value)), good, "it")
        assert found.labels == labels
