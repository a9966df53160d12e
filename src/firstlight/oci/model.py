"""What an image is: values, and the JSON documents of the OCI image specification.

Source: the OCI image-spec, *Image Configuration* and *Image Manifest*.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from firstlight.digest import Digest

__all__ = [
    "Descriptor",
    "Image",
    "Layer",
    "Settings",
    "canonical_json",
    "config_json",
    "manifest_json",
    "CONFIG_TYPE",
    "DOCKER_INDEX_TYPE",
    "DOCKER_MANIFEST_TYPE",
    "EMPTY_TYPE",
    "EPOCH",
    "INDEX_TYPE",
    "LAYER_TYPE",
    "MANIFEST_TYPE",
    "TITLE",
    "ZSTD_LAYER_TYPE",
]

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
ZSTD_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+zstd"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX_TYPE = "application/vnd.docker.distribution.manifest.list.v2+json"
TITLE = "org.opencontainers.image.title"
EPOCH = "1970-01-01T00:00:00Z"
"""When every image was created: a time of day would make equal images differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer: `digest` and `size` of the blob, `diff_id` of the tar inside.

    `recipe` is the key of what it was made from; None for layers from elsewhere.
    `annotations` are those of its descriptor besides the title.
    """

    digest: Digest
    diff_id: Digest
    size: int
    title: str
    recipe: Digest | None = None
    media_type: str = LAYER_TYPE
    annotations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """What one document says of another: type, digest, size in bytes.

    `platform` is like ``linux/amd64``, empty where none is given.
    """

    media_type: str
    digest: Digest
    size: int
    artifact_type: str = ""
    platform: str = ""
    annotations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image in the store; `id` is the digest of its configuration.

    `name` reads like ``pytorch2.7.1-cuda12.6-python3.11``; `platform` like
    ``linux/amd64``.
    """

    name: str
    platform: str
    id: Digest
    manifest: Digest
    layers: tuple[Layer, ...]

    @property
    def size(self) -> int:
        """Bytes of all layer blobs."""
        return sum(layer.size for layer in self.layers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a container of the image starts: the ``config`` part of the configuration."""

    environment: tuple[tuple[str, str], ...]
    labels: Mapping[str, str]
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ("bash",)
    user: str = "1000:1000"
    folder: str = "/workspace"


def canonical_json(value: Any) -> bytes:
    """The one way a value is written: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def config_json(platform: str, layers: Sequence[Layer], settings: Settings) -> bytes:
    """The image configuration, whose digest is the image ID."""
    system, architecture = platform.split("/")
    history = [
        {"created": EPOCH, "created_by": f"firstlight: {layer.title}"}
        for layer in layers
    ]
    config = {
        "Entrypoint": list(settings.entry_point),
        "Cmd": list(settings.command),
        "Env": [f"{name}={value}" for name, value in settings.environment],
        "Labels": dict(settings.labels),
        "User": settings.user,
        "WorkingDir": settings.folder,
    }
    return canonical_json(
        {
            "architecture": architecture,
            "os": system,
            "created": EPOCH,
            "config": {name: value for name, value in config.items() if value},
            "rootfs": {"type": "layers", "diff_ids": [each.diff_id for each in layers]},
            "history": history,
        }
    )


def manifest_json(
    config: tuple[Digest, int],
    layers: Sequence[Layer],
    annotations: Mapping[str, str],
) -> bytes:
    """The image manifest: the configuration and the layers by digest."""
    return canonical_json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {
                "mediaType": CONFIG_TYPE,
                "digest": config[0],
                "size": config[1],
            },
            "layers": [
                {
                    "mediaType": layer.media_type,
                    "digest": layer.digest,
                    "size": layer.size,
                    "annotations": {TITLE: layer.title, **dict(layer.annotations)},
                }
                for layer in layers
            ],
            "annotations": dict(annotations),
        }
    )
