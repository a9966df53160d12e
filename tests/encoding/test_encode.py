"""Images encoded anew: the same image, each layer once, nothing believed."""

from __future__ import annotations

import gzip
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from encoding.esgz import check, embedded_toc, sha
from encoding.layers import PACKED, file, image_of, link, packed_wheel, tar_of
from firstlight import digest
from firstlight.encoding.encode import Encoded, Encoding, encode
from firstlight.engine.unpack import unpack
from firstlight.errors import ArtefactError, DigestError, StoreError
from firstlight.oci import layout
from firstlight.oci.model import LAYER_TYPE, ZSTD_LAYER_TYPE, Image
from firstlight.oci.peek import read_file
from firstlight.progress import Progress, Task
from firstlight.store import Store

TOC = "containerd.io/snapshot/stargz/toc.digest"
SIZE = "io.containers.estargz.uncompressed-size"
OF_LAYER = "containerd.io/snapshot/stargz/layer.digest"
SAME = [Encoding.ZSTD, Encoding.ESTARGZ]
"""Those that leave the image what it is."""


class Ear(Progress):
    """Hears which layers are encoded."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, int | None]] = []

    @contextmanager
    def task(self, kind: str, name: str, total: int | None = None) -> Iterator[Task]:
        """Remember it."""
        self.heard.append((kind, name, total))
        yield Task()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


@pytest.fixture
def image(store: Store, tmp_path: Path) -> Image:
    """Two layers: one as firstlight makes it of a wheel, one of anything."""
    blob = packed_wheel(
        tmp_path, {f"venv/{n}.py": b"import os\n" * n for n in range(9)}
    )
    plain = tar_of(
        file("etc", type=tarfile.DIRTYPE, mode=0o755),
        file("etc/passwd", b"root:x:0:0\n"),
        file("etc/empty"),
        link("etc/alias", "passwd"),
        link("etc/same", "etc/passwd", tarfile.LNKTYPE),
    )
    return image_of(
        store, (gzip.decompress(blob), blob), (plain, PACKED["members"](plain))
    )


def made(
    image: Image, encoding: Encoding, store: Store, ear: Progress | None = None
) -> Encoded:
    return encode(image, encoding, store, jobs=2, progress=ear or Progress())


def manifest(image: Image, store: Store) -> dict:
    """The manifest, which must be what the image says of itself."""
    found = json.loads(store.path(image.manifest).read_bytes())
    assert found["config"]["digest"] == image.id
    assert found["config"]["size"] == store.size(image.id)
    assert [each["digest"] for each in found["layers"]] == [
        each.digest for each in image.layers
    ]
    assert [each["size"] for each in found["layers"]] == [
        store.size(each.digest) for each in image.layers
    ]
    return found


def tree(image: Image, store: Store) -> dict[str, tuple[int, bytes | str]]:
    """What a sandbox would run on."""
    root = unpack(image, store)
    return {
        str(path.relative_to(root)): (
            path.lstat().st_mode,
            str(path.readlink())
            if path.is_symlink()
            else path.read_bytes()
            if path.is_file()
            else b"",
        )
        for path in sorted(root.rglob("*"))
    }


# What comes out


@pytest.mark.parametrize("encoding", SAME)
def test_the_image_stays_the_same_image(encoding, image, store):
    other = made(image, encoding, store).image
    assert other.id == image.id
    assert other.name == image.name
    assert other.manifest != image.manifest
    assert [each.diff_id for each in other.layers] == [
        each.diff_id for each in image.layers
    ]
    assert manifest(other, store)["annotations"] == {"label": "kept"}
    assert [each.title for each in other.layers] == ["layer 0", "layer 1"]


@pytest.mark.parametrize("encoding", list(Encoding))
def test_everybody_of_ours_reads_it(encoding, image, store, tmp_path):
    other = made(image, encoding, store).image
    assert read_file(other, store, "etc/passwd") == "root:x:0:0\n"
    elsewhere = Store.open(tmp_path / "elsewhere")
    for blob in layout.blobs_of(other):
        elsewhere.put(store.path(blob).read_bytes())
    found = tree(other, elsewhere)
    for name in ("stargz.index.json", ".no.prefetch.landmark"):
        assert (name in found) == (encoding is Encoding.ESTARGZ_EMBEDDED)
        found.pop(name, None)
    assert found == tree(image, store)


def test_zstd_says_so_in_the_manifest(image, store):
    other = made(image, Encoding.ZSTD, store).image
    for layer, told in zip(other.layers, manifest(other, store)["layers"], strict=True):
        assert told["mediaType"] == layer.media_type == ZSTD_LAYER_TYPE
        blob = store.path(layer.digest).read_bytes()
        reader = zstandard.ZstdDecompressor().decompressobj()
        assert sha(reader.decompress(blob)) == layer.diff_id


def test_a_table_outside_is_in_the_companion(image, store):
    encoded = made(image, Encoding.ESTARGZ, store)
    other, companion = encoded.image, encoded.companion
    assert companion is not None
    assert companion.name == f"{image.name}-esgztoc"
    assert companion.platform == image.platform
    tables = {}
    for told in manifest(companion, store)["layers"]:
        plain = gzip.decompress(store.path(told["digest"]).read_bytes())
        tables[told["annotations"][OF_LAYER]] = plain[512:]
    config = json.loads(store.path(companion.id).read_bytes())
    assert config["rootfs"]["diff_ids"] == [each.diff_id for each in companion.layers]
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    for told in manifest(other, store)["layers"]:
        blob = store.path(told["digest"]).read_bytes()
        table = tables[told["digest"]].rstrip(b"\0")
        assert told["annotations"][TOC] == sha(table)
        assert told["annotations"][SIZE] == str(len(gzip.decompress(blob)))
        assert told["mediaType"] == LAYER_TYPE
        check(blob, table, 4 << 20)


def test_a_table_inside_makes_another_image_and_says_so(image, store):
    encoded = made(image, Encoding.ESTARGZ_EMBEDDED, store)
    other = encoded.image
    assert encoded.companion is None
    assert other.id != image.id
    assert other.name == "small-estargz"
    before = json.loads(store.path(image.id).read_bytes())
    after = json.loads(store.path(other.id).read_bytes())
    assert after.pop("rootfs")["diff_ids"] == [each.diff_id for each in other.layers]
    before.pop("rootfs")
    assert after == before
    told = manifest(other, store)
    assert told["annotations"] == {"label": "kept"}
    for each, layer in zip(told["layers"], other.layers, strict=True):
        blob = store.path(layer.digest).read_bytes()
        assert sha(gzip.decompress(blob)) == layer.diff_id
        table = embedded_toc(blob)
        assert each["annotations"][TOC] == sha(table)
        assert each["annotations"][SIZE] == str(len(gzip.decompress(blob)))
        check(blob, table, 4 << 20)
        assert layer.recipe is None


def test_gzip_of_what_is_gzip_is_the_image_itself(image, store):
    assert made(image, Encoding.GZIP, store) == Encoded(image=image)
    split = made(image, Encoding.ESTARGZ, store).image
    assert made(split, Encoding.GZIP, store) == Encoded(image=split)


def test_the_way_back_leads_to_the_image_itself(image, store):
    other = made(image, Encoding.ZSTD, store).image
    assert made(other, Encoding.GZIP, store).image == image


def test_gzip_can_be_made_where_the_image_never_was(image, store, tmp_path):
    other = made(image, Encoding.ZSTD, store).image
    elsewhere = Store.open(tmp_path / "elsewhere")
    for blob in layout.blobs_of(other):
        elsewhere.put(store.path(blob).read_bytes())
    back = made(other, Encoding.GZIP, elsewhere).image
    assert back.id == image.id
    for layer in back.layers:
        blob = elsewhere.path(layer.digest).read_bytes()
        assert sha(gzip.decompress(blob)) == layer.diff_id
        assert layer.media_type == LAYER_TYPE
    assert manifest(back, elsewhere)["annotations"] == {"label": "kept"}


def test_estargz_forgets_its_notes_when_it_becomes_something_else(image, store):
    split = made(image, Encoding.ESTARGZ, store).image
    other = made(split, Encoding.ZSTD, store).image
    assert all(not each.annotations for each in other.layers)
    # Of the same tars comes the same zstd, whatever they were packed in.
    assert other == made(image, Encoding.ZSTD, store).image


def test_annotations_of_others_stay(image, store):
    pair = ("org.example.note", "kept")
    layers = tuple(replace(each, annotations=(pair,)) for each in image.layers)
    for encoding in list(Encoding):
        other = made(replace(image, layers=layers), encoding, store).image
        assert all(pair in each.annotations for each in other.layers)


# Once


@pytest.mark.parametrize("encoding", [*SAME, Encoding.ESTARGZ_EMBEDDED])
def test_a_layer_is_encoded_once(encoding, image, store):
    first, again = Ear(), Ear()
    encoded = made(image, encoding, store, first)
    assert sorted(first.heard) == [
        ("encode", layer.title, layer.size) for layer in image.layers
    ]
    assert made(image, encoding, store, again) == encoded
    assert not again.heard
    if encoding is not Encoding.ESTARGZ_EMBEDDED:
        assert made(encoded.image, encoding, store, again) == encoded
        assert not again.heard


def test_what_was_lost_is_made_again_the_same(image, store):
    encoded = made(image, Encoding.ESTARGZ, store)
    assert encoded.companion is not None
    lost = [encoded.image.layers[0].digest, encoded.companion.layers[1].digest]
    for blob in lost:
        store.path(blob).unlink()
    ear = Ear()
    assert made(image, Encoding.ESTARGZ, store, ear) == encoded
    assert len(ear.heard) == 2
    assert all(store.has(blob) for blob in lost)


def test_a_damaged_memory_counts_as_none(image, store):
    encoded = made(image, Encoding.ESTARGZ, store)
    for path in (store.root / "facts" / "encoding").iterdir():
        path.write_text('{"layer": {"digest": "no"}, "toc": 3}')
    assert made(image, Encoding.ESTARGZ, store) == encoded


def test_a_source_that_is_gone_is_not_needed(image, store):
    encoded = made(image, Encoding.ZSTD, store)
    store.path(image.layers[0].digest).unlink()
    assert made(image, Encoding.ZSTD, store) == encoded


def test_the_same_layer_twice_is_encoded_once(store):
    plain = tar_of(file("a", b"b"))
    twice = image_of(
        store, (plain, gzip.compress(plain)), (plain, gzip.compress(plain))
    )
    for encoding in list(Encoding):
        ear = Ear()
        encoded = made(twice, encoding, store, ear)
        assert len(ear.heard) == (0 if encoding is Encoding.GZIP else 1)
        assert [each.title for each in encoded.image.layers] == ["layer 0", "layer 1"]


def test_two_stores_give_the_same_images(image, store, tmp_path):
    elsewhere = Store.open(tmp_path / "elsewhere")
    for blob in layout.blobs_of(image):
        elsewhere.put(store.path(blob).read_bytes())
    for encoding in list(Encoding):
        assert made(image, encoding, store) == made(image, encoding, elsewhere)


# What is refused


def no_trace(store: Store) -> None:
    assert not [
        path for path in (store.root / "tmp").iterdir() if "lock" not in path.name
    ]
    assert not (store.root / "facts" / "encoding").exists()


@pytest.mark.parametrize("encoding", [*SAME, Encoding.ESTARGZ_EMBEDDED])
def test_a_layer_that_is_not_what_the_image_says_is_refused(encoding, image, store):
    wrong = replace(image.layers[0], diff_id=digest.of_bytes(b"something else"))
    blobs = set((store.root / "blobs/sha256").iterdir())
    with pytest.raises(DigestError, match="its content is") as caught:
        made(replace(image, layers=(wrong,)), encoding, store)
    assert caught.value.hint
    assert set((store.root / "blobs/sha256").iterdir()) == blobs
    no_trace(store)


def test_gzip_of_a_lying_zstd_layer_is_refused(store):
    plain = tar_of(file("a", b"b"))
    lying = image_of(store, (tar_of(file("a", b"c")), PACKED["zstd"](plain)))
    with pytest.raises(DigestError):
        made(lying, Encoding.GZIP, store)
    no_trace(store)


@pytest.mark.parametrize("encoding", [*SAME, Encoding.ESTARGZ_EMBEDDED])
def test_a_damaged_layer_is_named(encoding, store):
    plain = tar_of(file("a", bytes(range(256)) * 9))
    cut = image_of(store, (plain, gzip.compress(plain)[:-20]))
    with pytest.raises(ArtefactError, match=r"'layer 0' .* is damaged") as caught:
        made(cut, encoding, store)
    assert caught.value.hint
    no_trace(store)


def test_a_layer_with_a_table_is_not_given_another(image, store):
    inside = made(image, Encoding.ESTARGZ_EMBEDDED, store).image
    # All its layers have one, and they are looked at together: any may be the first.
    for encoding in (Encoding.ESTARGZ, Encoding.ESTARGZ_EMBEDDED):
        with pytest.raises(ArtefactError, match=r"'layer \d': .* already") as caught:
            made(inside, encoding, store)
        assert "made from" in caught.value.hint
    assert made(inside, Encoding.ZSTD, store).image.id == inside.id


def test_a_layer_that_is_not_here_is_an_error(image, store):
    store.path(image.layers[1].digest).unlink()
    with pytest.raises(StoreError, match="not in the store"):
        made(image, Encoding.ESTARGZ, store)


@pytest.mark.parametrize("text", ["[]", "{", '{"annotations": 3}', "[" * 200_000])
def test_a_manifest_that_is_none_is_refused(text, image, store):
    broken = replace(image, manifest=store.put(text.encode()))
    with pytest.raises(ArtefactError, match="is damaged"):
        made(broken, Encoding.ZSTD, store)


@pytest.mark.parametrize("text", ["[]", "{}", '{"rootfs": {"diff_ids": ["sha256:0"]}}'])
def test_a_configuration_of_another_image_is_refused(text, image, store):
    broken = replace(image, id=store.put(text.encode()))
    with pytest.raises(ArtefactError, match="is damaged"):
        made(broken, Encoding.ESTARGZ_EMBEDDED, store)


def test_one_failure_ends_the_other_layers(store):
    """The second layer would take long; it is told to stop."""
    large = tar_of(file("a", bytes(400 << 20)))
    small = tar_of(file("a", b"b"))
    two = image_of(store, (large, gzip.compress(large, 1)), (small, b"\x1f\x8bjunk"))
    del large
    reached = 0

    class Counting(Progress):
        @contextmanager
        def task(self, kind: str, name: str, total: int | None = None):
            yield self

        def advance(self, size: int) -> None:
            nonlocal reached
            reached += size

    with pytest.raises(ArtefactError, match="'layer 1'"):
        made(two, Encoding.ESTARGZ, store, Counting())
    assert reached < two.layers[0].size
    assert threading.active_count() == 1
    no_trace(store)


def test_an_interrupted_encoding_leaves_nothing(image, store):
    class Interrupting(Progress):
        @contextmanager
        def task(self, kind: str, name: str, total: int | None = None):
            raise KeyboardInterrupt
            yield

    with pytest.raises(KeyboardInterrupt):
        made(image, Encoding.ZSTD, store, Interrupting())
    no_trace(store)
    assert made(image, Encoding.ZSTD, store).image.id == image.id
