"""Images that somebody changed and published again, every digest made to fit."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

from firstlight.oci.model import MANIFEST_TYPE as TYPE
from firstlight.oci.model import Image
from firstlight.store import Store
from registry_server import Registry

__all__ = [
    "Change",
    "Document",
    "add_layer",
    "change_config",
    "change_file",
    "change_name",
    "publish",
]

Document = dict[str, Any]
Change = Callable[[Document, Document, dict[str, bytes]], None]
_Edit = Callable[[tarfile.TarInfo, bytes], bytes | None]


def publish(
    registry: Registry,
    store: Store,
    image: Image,
    *changes: Change,
    repository: str = "team/demo",
    tag: str = "latest",
) -> str:
    """Hold an image in a registry after some changes; return the manifest's digest."""
    manifest = json.loads(store.path(image.manifest).read_bytes())
    config = json.loads(store.path(image.id).read_bytes())
    blobs = {
        layer.digest: store.path(layer.digest).read_bytes() for layer in image.layers
    }
    for change in changes:
        change(manifest, config, blobs)
    for data in blobs.values():
        registry.add_blob(repository, data)
    raw = _json(config) if changes else store.path(image.id).read_bytes()
    manifest["config"]["digest"] = registry.add_blob(repository, raw)
    manifest["config"]["size"] = len(raw)
    raw = _json(manifest) if changes else store.path(image.manifest).read_bytes()
    return registry.add_manifest(repository, raw, TYPE, tag)


def change_file(path: str, data: bytes | None, *, consistent: bool = True) -> Change:
    """Give a file other content, or remove it, in whichever layer has it.

    Args:
        consistent: False leaves the configuration as it was.
    """

    def edit(member: tarfile.TarInfo, body: bytes) -> bytes | None:
        return data

    return _change(path, edit, consistent)


def change_name(path: str, name: bytes) -> Change:
    """Give a file another name, which may be any bytes."""

    def edit(member: tarfile.TarInfo, body: bytes) -> bytes | None:
        member.name = name.decode("utf-8", "surrogateescape")
        return body

    return _change(path, edit, True)


def _change(path: str, edit: _Edit, consistent: bool) -> Change:
    def change(manifest: Document, config: Document, blobs: dict[str, bytes]) -> None:
        for at, layer in enumerate(manifest["layers"]):
            # Not `gzip.decompress`: it copies all that is left after each member.
            with gzip.open(io.BytesIO(blobs[layer["digest"]])) as stream:
                tar = stream.read()
            if path.encode() in tar and (new := _with(tar, path, edit)):
                blob = gzip.compress(new, mtime=0)
                layer["digest"], layer["size"] = _sha256(blob), len(blob)
                blobs[layer["digest"]] = blob
                if consistent:
                    config["rootfs"]["diff_ids"][at] = _sha256(new)
                return
        raise AssertionError(f"no layer has {path}")

    return change


def add_layer(path: str, data: bytes) -> Change:
    """Put one more layer on top."""

    def change(manifest: Document, config: Document, blobs: dict[str, bytes]) -> None:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            info = tarfile.TarInfo(path)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        blob = gzip.compress(out.getvalue(), mtime=0)
        blobs[_sha256(blob)] = blob
        config["rootfs"]["diff_ids"].append(_sha256(out.getvalue()))
        config["history"].append({"created_by": "COPY backdoor /"})
        manifest["layers"].append(
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": _sha256(blob),
                "size": len(blob),
            }
        )

    return change


def change_config(key: str, value: object) -> Change:
    """Let containers start in another way."""

    def change(manifest: Document, config: Document, blobs: dict[str, bytes]) -> None:
        config["config"][key] = value

    return change


def _with(tar: bytes, path: str, edit: _Edit) -> bytes | None:
    out = io.BytesIO()
    found = False
    with (
        tarfile.open(fileobj=io.BytesIO(tar)) as old,
        tarfile.open(
            fileobj=out,
            mode="w",
            format=tarfile.GNU_FORMAT,
            encoding="utf-8",
            errors="surrogateescape",
        ) as new,
    ):
        for member in old:
            stream = old.extractfile(member) if member.isreg() else None
            body: bytes | None = stream.read() if stream else b""
            if member.name == path:
                found = True
                body = edit(member, body or b"")
            if body is not None:
                member.size = len(body)
                new.addfile(member, io.BytesIO(body))
    return out.getvalue() if found else None


def _json(value: Document) -> bytes:
    return json.dumps(value).encode()


def _sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
