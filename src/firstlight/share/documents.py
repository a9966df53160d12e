"""Documents of registries, read with suspicion: indexes, manifests, configurations.

Sources: the OCI image-spec, *Image Index*, *Image Manifest*, *Image Configuration*, and
Docker's *Image Manifest V 2, Schema 2*, whose documents have the same shape.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from firstlight.digest import Digest, parse_digest
from firstlight.errors import ArtefactError, FirstlightError
from firstlight.oci import manifests
from firstlight.oci.model import (
    CONFIG_TYPE,
    DOCKER_INDEX_TYPE,
    DOCKER_MANIFEST_TYPE,
    INDEX_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    TITLE,
    ZSTD_LAYER_TYPE,
    Descriptor,
)

__all__ = [
    "INDEX_TYPES",
    "Config",
    "Manifest",
    "choose",
    "index_json",
    "kind_of",
    "platforms",
    "read_config",
    "read_manifest",
]

INDEX_TYPES = (INDEX_TYPE, DOCKER_INDEX_TYPE)
_MANIFEST_TYPES = (MANIFEST_TYPE, DOCKER_MANIFEST_TYPE)
_CONFIG_TYPES = (CONFIG_TYPE, "application/vnd.docker.container.image.v1+json")
_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
_PLAIN_LAYER = "application/vnd.oci.image.layer.v1.tar"
_LAYER_TYPES = {
    **{kind: kind for kind in (LAYER_TYPE, ZSTD_LAYER_TYPE, _PLAIN_LAYER)},
    _DOCKER_LAYER: _PLAIN_LAYER,
    f"{_DOCKER_LAYER}.gzip": LAYER_TYPE,
    f"{_DOCKER_LAYER}.zstd": ZSTD_LAYER_TYPE,
}
"""What a layer may be, and the same in OCI's words."""

_REFUSED = {
    "encrypted": "it is encrypted, and firstlight has no key for it",
    "foreign": "it is kept outside the registry, which nobody can verify",
    "nondistributable": "it is kept outside the registry, which nobody can verify",
}
_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1"
_LARGEST_CONFIG = 16 << 20
_LARGEST_LAYER = 1 << 40
_MOST_LAYERS = 1000
_LONGEST_TITLE = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An image manifest: its configuration and its layers, with types of OCI."""

    config: Descriptor
    layers: tuple[Descriptor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a configuration says that matters here; `titles` has one for each layer."""

    platform: str
    diff_ids: tuple[Digest, ...]
    titles: tuple[str, ...]
    labels: Mapping[str, str]


def index_json(found: list[Descriptor]) -> bytes:
    """Return an index of images, the same bytes whatever their order."""
    return manifests.index_json(
        sorted(found, key=lambda each: (each.platform, each.digest))
    )


def kind_of(media_type: str, data: bytes, where: str) -> str:
    """Return the media type of a manifest or index: what it says of itself counts.

    Raises:
        ArtefactError: when it is neither; the message says what it is.
    """
    table = _table(data, where)
    if "manifests" in table and table.keys() & {"config", "layers"}:
        # One reader would take it for an index, another for a manifest.
        raise ArtefactError(f"{where} is an index and a manifest at once")
    own = table.get("mediaType")
    found = own if isinstance(own, str) else media_type.partition(";")[0].strip()
    if found in (*INDEX_TYPES, *_MANIFEST_TYPES):
        return found
    if found.startswith(_SCHEMA_1) or table.get("schemaVersion") == 1:
        raise ArtefactError(
            f"{where} is in Docker's old format (schema 1), which has no digest of its "
            "configuration and cannot be verified",
            hint="push it again with a current Docker, Podman or skopeo",
        )
    raise ArtefactError(f"{where} is no image: its type is {found[:80]!r}")


def platforms(data: bytes, where: str) -> list[Descriptor]:
    """Return the images that an index names, each with its platform.

    Attestations, which Docker keeps there as images of an unknown platform, are none.
    """
    entries = _table(data, where).get("manifests")
    if not isinstance(entries, list):
        raise ArtefactError(f"{where} is no index: it has no list of manifests")
    found = [_descriptor(each, f"{where}, a manifest") for each in entries]
    return [each for each in found if each.media_type in _MANIFEST_TYPES]


def choose(data: bytes, platform: str, where: str) -> Descriptor:
    """Return the first image of an index for a platform.

    Raises:
        ArtefactError: when there is none; the message says which there are.
    """
    found = platforms(data, where)
    for each in found:
        if each.platform == platform:
            return each
    known = {each.platform for each in found} - {"", "unknown/unknown"}
    listed = ", ".join(sorted(known)) or "no platform at all"
    raise ArtefactError(
        f"{where} has no image for {platform}; it is for {listed}",
        hint="choose one of them with --platform, or push an image for this one",
    )


def read_manifest(data: bytes, where: str) -> Manifest:
    """Return what a manifest says.

    Raises:
        ArtefactError: when it is not of an image, or a layer of it cannot be used.
    """
    table = _table(data, where)
    config = _descriptor(table.get("config"), f"{where}, its configuration")
    if config.media_type not in _CONFIG_TYPES:
        raise ArtefactError(
            f"{where} is no image: its configuration is {config.media_type[:80]!r}"
        )
    if config.size > _LARGEST_CONFIG:
        raise ArtefactError(f"{where}: its configuration has {config.size} bytes")
    entries = table.get("layers")
    if not isinstance(entries, list) or len(entries) > _MOST_LAYERS:
        raise ArtefactError(f"{where} has no list of at most {_MOST_LAYERS} layers")
    layers = tuple(
        _layer(each, f"{where}, layer {number}")
        for number, each in enumerate(entries, 1)
    )
    return Manifest(config=config, layers=layers)


def read_config(data: bytes, manifest: Manifest, where: str) -> Config:
    """Return what a configuration says of the layers of its manifest.

    Raises:
        ArtefactError: when it does not fit the manifest.
    """
    table = _table(data, where)
    match table:
        case {
            "os": str(system),
            "architecture": str(architecture),
            "rootfs": {"diff_ids": list(listed)},
        }:
            diff_ids = tuple(_digest(each, where) for each in listed)
        case _:
            raise ArtefactError(
                f"{where}: the configuration names no platform or layer"
            )
    if len(diff_ids) != len(manifest.layers):
        raise ArtefactError(
            f"{where}: the manifest has {len(manifest.layers)} layers, the "
            f"configuration {len(diff_ids)}"
        )
    return Config(
        platform=f"{system}/{architecture}",
        diff_ids=diff_ids,
        titles=tuple(_titles(table, manifest)),
        labels=_labels(table),
    )


def _titles(table: Mapping[str, Any], manifest: Manifest) -> Iterator[str]:
    """What each layer is: its title, or the line that made it, or its number."""
    history = table.get("history")
    steps = [
        each.get("created_by")
        for each in (history if isinstance(history, list) else ())
        if isinstance(each, dict) and not each.get("empty_layer")
    ]
    if len(steps) != len(manifest.layers):
        steps = [None] * len(manifest.layers)
    pairs = zip(manifest.layers, steps, strict=True)
    for number, (layer, step) in enumerate(pairs, 1):
        made_by = step.removeprefix("firstlight: ") if isinstance(step, str) else ""
        text = dict(layer.annotations).get(TITLE) or made_by
        plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        yield plain[:_LONGEST_TITLE] or f"layer {number}"


def _labels(table: Mapping[str, Any]) -> dict[str, str]:
    match table:
        case {"config": {"Labels": dict(labels)}}:
            return _texts(labels)
        case _:
            return {}


def _layer(value: object, where: str) -> Descriptor:
    layer = _descriptor(value, where)
    kind = layer.media_type
    for word, why in _REFUSED.items():
        if word in kind:
            raise ArtefactError(f"{where}: {why}")
    if kind not in _LAYER_TYPES:
        raise ArtefactError(f"{where}: its type {kind[:80]!r} is not that of a layer")
    if layer.size > _LARGEST_LAYER:
        raise ArtefactError(f"{where}: it has {layer.size} bytes")
    return replace(layer, media_type=_LAYER_TYPES[kind])


def _descriptor(value: object, where: str) -> Descriptor:
    table: dict[str, Any] = value if isinstance(value, dict) else {}
    match table:
        case {"mediaType": str(kind), "digest": str(digest), "size": int(size)}:
            if size < 0:
                raise ArtefactError(f"{where}: its size is {size}")
            return Descriptor(
                media_type=kind,
                digest=_digest(digest, where),
                size=size,
                platform=_platform(table),
                annotations=tuple(_texts(table.get("annotations")).items()),
            )
        case _:
            raise ArtefactError(f"{where}: no media type, digest and size are given")


def _platform(value: Mapping[str, Any]) -> str:
    match value.get("platform"):
        case {"os": str(system), "architecture": str(architecture)}:
            return f"{system}/{architecture}"
        case _:
            return ""


def _texts(value: object) -> dict[str, str]:
    pairs = value.items() if isinstance(value, dict) else ()
    return {key: text for key, text in pairs if isinstance(text, str)}


def _digest(value: object, where: str) -> Digest:
    try:
        return parse_digest(value if isinstance(value, str) else "")
    except FirstlightError as error:
        raise ArtefactError(f"{where}: {error.message}") from error


def _table(data: bytes, where: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ArtefactError(f"{where} is no JSON document") from error
    if not isinstance(found, dict):
        raise ArtefactError(f"{where} is no JSON object")
    return found
