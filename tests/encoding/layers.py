"""Layers to be encoded: tars by hand and by hypothesis, packed in every way."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import zstandard
from hypothesis import strategies as st

from firstlight import digest
from firstlight.oci import model
from firstlight.oci.model import Image, Layer
from firstlight.pack.entry import Entry, FileRange
from firstlight.pack.layer import write_layer
from firstlight.progress import Task
from firstlight.store import Store

__all__ = ["PACKED", "file", "image_of", "link", "packed_wheel", "tar_of", "trees"]

SMALL = 64
"""The size of a chunk in tests: real ones have 4 MiB."""

Members = list[tuple[tarfile.TarInfo, bytes]]


def file(
    name: str, data: bytes = b"", **facts: object
) -> tuple[tarfile.TarInfo, bytes]:
    """A file, or with ``type`` something else."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in facts.items():
        setattr(info, key, value)
    return info, data


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE):
    """A symbolic or hard link."""
    return file(name, type=kind, linkname=target)


def tar_of(*members: tuple[tarfile.TarInfo, bytes], kind: int = tarfile.PAX_FORMAT):
    """The entries as a tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def in_members(plain: bytes, size: int = 700) -> bytes:
    """Members that begin anywhere, some with a name and an extra field, some empty."""
    named = io.BytesIO()
    with gzip.GzipFile("a name", "wb", 1, named, mtime=0) as stream:
        stream.write(plain[:size])
    extra = b"\x1f\x8b\x08\x04" + b"\x00" * 5 + b"\xff\x03\x00abc"
    empty = extra + b"\x01\x00\x00\xff\xff" + b"\x00" * 8
    rest = [plain[at : at + size] for at in range(size, len(plain), size)]
    tail = b"".join(gzip.compress(each, 1, mtime=0) + empty for each in rest)
    return empty + named.getvalue() + tail


def in_frames(plain: bytes) -> bytes:
    """Two zstd frames."""
    half, compress = len(plain) // 2, zstandard.ZstdCompressor().compress
    return compress(plain[:half]) + compress(plain[half:])


PACKED = {
    "gzip": lambda plain: gzip.compress(plain, mtime=0),
    "members": in_members,
    "zstd": in_frames,
    "plain": bytes,
}


def packed_wheel(folder: Path, files: Mapping[str, bytes]) -> bytes:
    """A layer as firstlight makes it of a wheel: each file's DEFLATE stream copied."""
    wheel, entries = folder / "wheel", []
    with wheel.open("wb") as out:
        for name, data in files.items():
            # A stream that nobody else would make of this content.
            pack = zlib.compressobj(6, zlib.DEFLATED, -15, 8, zlib.Z_HUFFMAN_ONLY)
            stream = pack.compress(data) + pack.flush()
            content = FileRange(
                path=wheel,
                offset=out.tell(),
                length=len(stream),
                deflated=True,
                crc=zlib.crc32(data),
            )
            entries.append(Entry(path=name, size=len(data), content=content))
            out.write(stream)
    blob = io.BytesIO()
    write_layer(entries, blob, task=Task())
    return blob.getvalue()


def image_of(
    store: Store,
    *blobs: tuple[bytes, bytes],
    annotations: Mapping[str, str] | None = None,
) -> Image:
    """An image of layers, each a tar and the blob it is packed in."""
    layers = [
        Layer(
            digest=store.put(blob),
            diff_id=digest.of_bytes(plain),
            size=len(blob),
            title=f"layer {number}",
            media_type=(
                model.ZSTD_LAYER_TYPE if blob[:1] == b"\x28" else model.LAYER_TYPE
            ),
        )
        for number, (plain, blob) in enumerate(blobs)
    ]
    settings = model.Settings(environment=(("A", "b"),), labels={"label": "kept"})
    config = model.config_json("linux/amd64", layers, settings)
    told = {"label": "kept"} if annotations is None else annotations
    manifest = model.manifest_json((digest.of_bytes(config), len(config)), layers, told)
    return Image(
        name="small",
        platform="linux/amd64",
        id=store.put(config),
        manifest=store.put(manifest),
        layers=tuple(layers),
    )


_SIZES = st.sampled_from([0, 1, SMALL - 1, SMALL, SMALL + 1, 3 * SMALL, 511, 512, 1300])
_NAMES = st.one_of(
    st.text("abc/é名", min_size=1, max_size=12),
    st.just("long/" * 30 + "name"),
    st.just("n" * 200),
)
_KINDS = st.sampled_from(
    [
        *[tarfile.REGTYPE] * 5,
        *(tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE),
        *(tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE),
    ]
)
_XATTRS = st.dictionaries(
    st.sampled_from(["SCHILY.xattr.user.a", "SCHILY.xattr.security.capability"]),
    st.text(max_size=5),
)


@st.composite
def _member(draw: st.DrawFn) -> tuple[tarfile.TarInfo, bytes]:
    kind = draw(_KINDS)
    size = draw(_SIZES) if kind == tarfile.REGTYPE else 0
    # Half random, half runs: content that compresses, and content that does not.
    data = (
        draw(st.randoms(use_true_random=False)).randbytes(size // 2).ljust(size, b"-")
    )
    linked = kind in (tarfile.SYMTYPE, tarfile.LNKTYPE)
    return file(
        draw(_NAMES).strip("/") or "x",
        data,
        type=kind,
        linkname=draw(_NAMES) if linked else "",
        mode=draw(st.sampled_from([0o644, 0o4755, 0o700])),
        uid=draw(st.sampled_from([0, 1000, 3_000_000])),
        gid=draw(st.sampled_from([0, 1000])),
        mtime=draw(st.sampled_from([0, 1, 315_532_800, 2**33, 1.5])),
        devmajor=draw(st.integers(0, 255)),
        devminor=draw(st.integers(0, 255)),
        pax_headers=draw(_XATTRS),
    )


def trees() -> st.SearchStrategy[bytes]:
    """Tars of any entries, in both ways of writing long names."""
    kinds = st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
    return st.builds(
        lambda members, kind: tar_of(*members, kind=kind),
        st.lists(_member(), max_size=12),
        kinds,
    )
