"""One file of an image, from the topmost layer that has it."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest
import zstandard

from firstlight import digest
from firstlight.digest import Digest
from firstlight.errors import ArtefactError
from firstlight.oci.model import Image, Layer
from firstlight.oci.peek import read_file
from firstlight.store import Store


def tar(**files: str) -> bytes:
    """A tar of small files; ``__`` stands for a slash, and ``@`` begins a link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name.replace("__", "/"))
            data = text.encode()
            if text.startswith("@"):
                info.type, info.linkname, data = tarfile.SYMTYPE, text[1:], b""
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def stored(store: Store, title: str, blob: bytes) -> Layer:
    """A layer of any bytes."""
    return Layer(
        digest=store.put(blob),
        diff_id=digest.of_bytes(blob),
        size=len(blob),
        title=title,
    )


def layer(store: Store, title: str, **files: str) -> Layer:
    """A layer of small files."""
    return stored(store, title, gzip.compress(tar(**files), mtime=0))


def image(*layers: Layer) -> Image:
    """An image of these layers, the topmost last."""
    return Image(
        name="i",
        platform="linux/amd64",
        id=Digest("sha256:1"),
        manifest=Digest("sha256:2"),
        layers=layers,
    )


def test_the_topmost_layer_counts(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    made = image(
        layer(store, "os", etc__passwd="old", etc__group="group"),
        layer(store, "more", etc__passwd="new"),
    )
    assert read_file(made, store, "etc/passwd") == "new"
    assert read_file(made, store, "etc/group") == "group"


def test_the_systems_own_files_are_looked_at_first(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    broken = layer(store, "wheels", a="b")
    made = image(layer(store, "system files", etc__passwd="ours"), broken)
    (tmp_path / "blobs/sha256" / broken.digest[7:]).unlink()
    assert read_file(made, store, "etc/passwd") == "ours"


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with pytest.raises(ArtefactError, match="has no /etc/passwd"):
        read_file(image(layer(store, "x", etc__group="g")), store, "etc/passwd")


def test_files_are_found_however_they_were_packed(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    plain = tar(**{".__etc__passwd": "who", "etc__group": "名"})
    half = len(plain) // 2
    members = gzip.compress(plain[:half]) + gzip.compress(plain[half:])
    zstd = zstandard.ZstdCompressor().compress
    frames = zstd(plain[:half]) + zstd(plain[half:])
    for blob in (plain, gzip.compress(plain), members, frames):
        made = image(stored(store, "x", blob))
        assert read_file(made, store, "etc/passwd") == "who"
        assert read_file(made, store, "etc/group") == "名"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    made = image(layer(store, "x", etc__passwd="@/etc/shadow", etc__shadow="secret"))
    with pytest.raises(ArtefactError, match="has no /etc/passwd"):
        read_file(made, store, "etc/passwd")


def test_bytes_that_are_no_text_do_not_matter(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    blob = tar(etc__passwd="caf????").replace(b"????", b"\xe9\xff\xfe\n")
    found = read_file(image(stored(store, "x", blob)), store, "etc/passwd")
    assert found.startswith("caf")
    assert found.endswith("\n")


@pytest.mark.parametrize("packed", [False, True])
def test_a_layer_that_was_cut_is_damaged_and_never_half_read(
    tmp_path: Path, packed: bool
) -> None:
    store = Store.open(tmp_path)
    text = "".join(f"user{number}:x:{number}\n" for number in range(500))
    plain = tar(first="x" * 2000, etc__passwd=text)
    whole = gzip.compress(plain, mtime=0) if packed else plain
    ends = []
    for length in range(1, len(whole), len(whole) // 40):
        made = image(stored(store, "x", whole[:length]))
        try:
            assert read_file(made, store, "etc/passwd") == text
            ends.append("read")
        except ArtefactError as error:
            assert "damaged" in error.message or "has no" in error.message
            ends.append("refused")
    assert ends[0] == "refused"
    assert ends == sorted(ends, reverse=True)


def test_a_layer_of_something_else_is_damaged(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with pytest.raises(ArtefactError, match="is damaged") as caught:
        read_file(image(stored(store, "x", b"<html>" * 999)), store, "etc/passwd")
    assert caught.value.hint == "`firstlight build` makes it anew"
