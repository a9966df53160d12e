"""Small images made in a test: tars in memory, compressed in every allowed way."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Sequence

import zstandard

from firstlight import digest
from firstlight.oci import model
from firstlight.oci.model import Image, Layer
from firstlight.store import Store


def member(
    name: str,
    data: bytes = b"",
    *,
    kind: bytes = tarfile.REGTYPE,
    link: str = "",
    mode: int = 0o644,
) -> tuple[tarfile.TarInfo, bytes]:
    """One entry of a tar."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.size = kind, link, mode, len(data)
    return info, data


def folder(name: str, mode: int = 0o755) -> tuple[tarfile.TarInfo, bytes]:
    """A folder."""
    return member(name, kind=tarfile.DIRTYPE, mode=mode)


def symlink(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    """A symbolic link."""
    return member(name, kind=tarfile.SYMTYPE, link=target)


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """The entries as an uncompressed tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def gzipped(data: bytes, piece: int = 1000) -> bytes:
    """Many small members, one after the other."""
    pieces = [data[start : start + piece] for start in range(0, len(data), piece)]
    return b"".join(gzip.compress(each, 1, mtime=0) for each in pieces)


def zstandarded(data: bytes) -> bytes:
    """Two frames, one after the other."""
    half = len(data) // 2
    compress = zstandard.ZstdCompressor().compress
    return compress(data[:half]) + compress(data[half:])


def layer(store: Store, plain: bytes, blob: bytes | None = None) -> Layer:
    """A layer in the store; `blob` is the tar in gzip members unless given."""
    blob = gzipped(plain) if blob is None else blob
    return Layer(
        digest=store.put(blob),
        diff_id=digest.of_bytes(plain),
        size=len(blob),
        title=f"layer of {len(plain)} bytes",
    )


def image(
    store: Store,
    layers: Sequence[Layer],
    *,
    platform: str = "linux/amd64",
    environment: Sequence[tuple[str, str]] = (),
    command: Sequence[str] = ("bash",),
) -> Image:
    """An image in the store, of layers in the store."""
    settings = model.Settings(
        environment=tuple(environment), labels={}, command=tuple(command)
    )
    config = model.config_json(platform, layers, settings)
    manifest = model.manifest_json((digest.of_bytes(config), len(config)), layers, {})
    return Image(
        name="small",
        platform=platform,
        id=store.put(config),
        manifest=store.put(manifest),
        layers=tuple(layers),
    )
