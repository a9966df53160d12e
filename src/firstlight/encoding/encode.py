"""An image with its layers compressed in another way, each layer made only once.

All that changes is how the same tars are packed, so the configuration, and with it the
image ID, stays; only eStargz with the table inside adds files to the tars, and gives
another image. What was made is remembered under what it was made of.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any

from firstlight import digest
from firstlight.digest import Digest
from firstlight.encoding import estargz, recompress
from firstlight.encoding.reencoded import annotations_of, companion_of, with_diff_ids
from firstlight.encoding.toc import toc_tar
from firstlight.errors import ArtefactError, DigestError
from firstlight.oci import model
from firstlight.oci.model import LAYER_TYPE, ZSTD_LAYER_TYPE, Image, Layer
from firstlight.oci.plain import DAMAGED, GZIP_MAGIC, ZSTD_MAGIC
from firstlight.parallel import GuardedSink, WatchedFile, Workers
from firstlight.progress import Progress
from firstlight.store import BlobWriter, Store

__all__ = ["Encoded", "Encoding", "encode"]

_KIND = "encoding"
_TOC_DIGEST = "containerd.io/snapshot/stargz/toc.digest"
_PLAIN_SIZE = "io.containers.estargz.uncompressed-size"
_OURS = (_TOC_DIGEST, _PLAIN_SIZE)


class Encoding(StrEnum):
    """How the layers of an image are compressed."""

    GZIP = "gzip"
    ZSTD = "zstd"
    ESTARGZ = "estargz"
    ESTARGZ_EMBEDDED = "estargz-embedded"


_FORMATS = {
    Encoding.GZIP: recompress.GZIP_FORMAT,
    Encoding.ZSTD: recompress.ZSTD_FORMAT,
    Encoding.ESTARGZ: str(estargz.FORMAT),
    Encoding.ESTARGZ_EMBEDDED: str(estargz.FORMAT),
}
_SEEN_BY = {
    Encoding.GZIP: (GZIP_MAGIC, LAYER_TYPE),
    Encoding.ZSTD: (ZSTD_MAGIC, ZSTD_LAYER_TYPE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """The image, and with eStargz the image of the tables of its layers.

    The `companion` goes where the image goes, its tag followed by ``-esgztoc``.
    """

    image: Image
    companion: Image | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    layer: Layer
    toc: Layer | None = None


def encode(
    image: Image,
    encoding: Encoding,
    store: Store,
    *,
    jobs: int,
    progress: Progress,
) -> Encoded:
    """Return the image with its layers in this encoding, made or found in the store.

    An image whose layers are encoded so already is returned as it is.

    Raises:
        DigestError: when a layer is not what the image's configuration says.
        ArtefactError: when a layer is damaged, or cannot be encoded so.
        StoreError: when a layer is not in the store, or the disk is full.
    """

    def work(layer: Layer, stop: threading.Event) -> _Made:
        return _encoded(layer, encoding, store, progress, stop)

    with store.held():
        with Workers[Digest, _Made](jobs) as workers:
            for layer in sorted(image.layers, key=lambda layer: -layer.size):
                workers.start(layer.digest, partial(work, layer))
            made = workers.results([layer.digest for layer in image.layers])
        named = [
            _as_here(each, layer)
            for each, layer in zip(made, image.layers, strict=True)
        ]
        return _assembled(image, encoding, named, store)


# Layers


def _encoded(
    layer: Layer,
    encoding: Encoding,
    store: Store,
    progress: Progress,
    stop: threading.Event,
) -> _Made:
    magic, media_type = _SEEN_BY.get(encoding, (b"", ""))
    if magic and _starts(layer, store, magic):
        return _Made(layer=replace(layer, media_type=media_type))
    key = _key(layer, encoding)
    known = _known(layer, store.fact(_KIND, key), store)
    if known is not None:
        return known
    made = _make(layer, encoding, store, progress, stop)
    store.record(_KIND, key, _fact_of(made))
    if encoding is Encoding.ESTARGZ:
        # Done again, it would give itself: that need not be found out.
        store.record(_KIND, _key(made.layer, encoding), _fact_of(made))
    if encoding is Encoding.ZSTD and _starts(layer, store, GZIP_MAGIC):
        # The way back leads to the blob that is here, whose digest others know.
        back = _Made(layer=replace(layer, media_type=LAYER_TYPE))
        store.record(_KIND, _key(layer, Encoding.GZIP), _fact_of(back))
    return made


def _starts(layer: Layer, store: Store, magic: bytes) -> bool:
    if not store.has(layer.digest, layer.size):
        return False
    with store.read(layer.digest) as blob:
        return blob.read(len(magic)) == magic


def _make(
    layer: Layer,
    encoding: Encoding,
    store: Store,
    progress: Progress,
    stop: threading.Event,
) -> _Made:
    with (
        progress.task("encode", layer.title, layer.size) as task,
        store.read(layer.digest) as blob,
        _told(layer),
        store.writing(name=layer.title) as out,
    ):
        watched, sink = WatchedFile(blob, task, stop), GuardedSink(out, stop)
        if encoding is Encoding.ZSTD:
            _check(layer, recompress.write_zstd(watched, sink))
            return _Made(layer=_layer(layer, out, ZSTD_LAYER_TYPE))
        if encoding is Encoding.GZIP:
            _check(layer, recompress.write_gzip(watched, sink))
            return _Made(layer=_layer(layer, out, LAYER_TYPE))
        embedded = encoding is Encoding.ESTARGZ_EMBEDDED
        table = estargz.write_estargz(blob, sink, embedded=embedded, watched=watched)
        _check(layer, table.source)
        return _with_table(layer, out, table, store, embedded=embedded)


def _layer(layer: Layer, out: BlobWriter, media_type: str) -> Layer:
    kept = tuple(pair for pair in layer.annotations if pair[0] not in _OURS)
    return replace(
        layer,
        digest=out.digest,
        size=out.size,
        media_type=media_type,
        annotations=kept,
    )


def _with_table(
    layer: Layer,
    out: BlobWriter,
    table: estargz.Table,
    store: Store,
    *,
    embedded: bool,
) -> _Made:
    made = _layer(layer, out, LAYER_TYPE)
    told = {_TOC_DIGEST: digest.of_bytes(table.json), _PLAIN_SIZE: str(table.size)}
    made = replace(
        made,
        diff_id=table.diff_id,
        recipe=None if embedded else layer.recipe,
        annotations=(*made.annotations, *told.items()),
    )
    if embedded:
        return _Made(layer=made)
    blob = estargz.toc_blob(table.json)
    toc = Layer(
        digest=store.put(blob),
        diff_id=digest.of_bytes(toc_tar(table.json)),
        size=len(blob),
        title=layer.title,
    )
    return _Made(layer=made, toc=toc)


def _check(layer: Layer, found: Digest) -> None:
    if found != layer.diff_id:
        raise DigestError(
            f"layer {layer.title!r} ({layer.digest}): its content is {found}, not "
            f"{layer.diff_id} as the image says",
            hint="run `firstlight cache check`, then build or pull the image again",
        )


@contextmanager
def _told(layer: Layer) -> Iterator[None]:
    """Say which layer it was."""
    try:
        yield
    except DAMAGED as error:
        raise ArtefactError(
            f"layer {layer.title!r} ({layer.digest}) is damaged: {error}",
            hint="run `firstlight cache check`, then build or pull the image again",
        ) from error
    except ArtefactError as error:
        if isinstance(error, DigestError):
            raise
        raise ArtefactError(
            f"layer {layer.title!r}: {error.message}", hint=error.hint
        ) from error


# What is remembered


def _key(layer: Layer, encoding: Encoding) -> Digest:
    """What a layer's encoding depends on.

    eStargz takes compressed files over, so it depends on the blob and not on the tar.
    """
    is_of_tar = encoding in (Encoding.GZIP, Encoding.ZSTD)
    source = layer.diff_id if is_of_tar else layer.digest
    return digest.of_bytes(f"{encoding} {_FORMATS[encoding]} {source}".encode())


def _fact_of(made: _Made) -> dict[str, Any]:
    return {"layer": _place_of(made.layer), "toc": made.toc and _place_of(made.toc)}


def _place_of(layer: Layer) -> dict[str, Any]:
    return {
        "digest": layer.digest,
        "diff_id": layer.diff_id,
        "size": layer.size,
        "media_type": layer.media_type,
        "ours": [pair for pair in layer.annotations if pair[0] in _OURS],
    }


def _known(layer: Layer, fact: Any, store: Store) -> _Made | None:
    """What the store remembers, if every blob of it is still here."""
    try:
        made, toc = _placed(fact["layer"], layer), fact["toc"]
        table = None if toc is None else replace(_placed(toc, layer), recipe=None)
    except (KeyError, TypeError, ValueError):
        return None
    here = all(store.has(each.digest, each.size) for each in (made, table) if each)
    return _Made(layer=made, toc=table) if here else None


def _placed(place: Mapping[str, Any], layer: Layer) -> Layer:
    kept = [pair for pair in layer.annotations if pair[0] not in _OURS]
    ours = [(str(name), str(text)) for name, text in place["ours"]]
    return replace(
        layer,
        digest=digest.parse_digest(place["digest"]),
        diff_id=digest.parse_digest(place["diff_id"]),
        size=int(place["size"]),
        media_type=str(place["media_type"]),
        annotations=(*kept, *ours),
    )


def _as_here(made: _Made, layer: Layer) -> _Made:
    """The same blob may stand in an image twice, under two titles."""
    toc = made.toc and replace(made.toc, title=layer.title)
    return _Made(layer=replace(made.layer, title=layer.title), toc=toc)


# The image


def _assembled(
    image: Image, encoding: Encoding, made: Sequence[_Made], store: Store
) -> Encoded:
    layers = tuple(each.layer for each in made)
    companion = None
    tocs = [each.toc for each in made if each.toc is not None]
    if encoding is Encoding.ESTARGZ:
        companion = companion_of(image, layers, tocs, store)
    if layers == image.layers:
        return Encoded(image=image, companion=companion)
    if encoding is Encoding.ESTARGZ_EMBEDDED:
        config = with_diff_ids(image, layers, store)
        image = replace(image, name=f"{image.name}-estargz", id=config)
    size = store.size(image.id)
    told = annotations_of(image, store)
    manifest = store.put(model.manifest_json((image.id, size), layers, told))
    return Encoded(
        image=replace(image, manifest=manifest, layers=layers), companion=companion
    )
