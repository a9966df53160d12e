"""Layers: their bytes depend on the entries alone, and damage never gets in."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.errors import ArtefactError
from firstlight.pack.entry import DAY_ONE, Bytes, Entry, FileRange, Kind, Stream
from firstlight.pack.layer import tar_header, write_layer
from firstlight.progress import Task


def written(entries: list[Entry], *, inflate: bool = True) -> tuple[bytes, str | None]:
    out = io.BytesIO()
    return_value = write_layer(entries, out, task=Task(), inflate=inflate)
    return out.getvalue(), return_value


def deflated(folder: Path, data: bytes, *, name: str = "f.whl", **change) -> FileRange:
    """A raw DEFLATE stream with junk around it, as it lies in a wheel."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    stream = packer.compress(data) + packer.flush()
    path = folder / name
    path.write_bytes(b"junk" + stream + b"more junk")
    facts = {
        "path": path,
        "offset": 4,
        "length": len(stream),
        "deflated": True,
        "crc": zlib.crc32(data),
    }
    return FileRange(**(facts | change))


def read_back(blob: bytes) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob))) as archive:
        return {
            info.name: (
                info,
                archive.extractfile(info).read() if info.isreg() else b"",
            )
            for info in archive
        }


def test_a_transplanted_file_reads_back_as_it_was(tmp_path):
    data = b"import torch\n" * 1000
    entry = Entry(path="a/b.py", size=len(data), content=deflated(tmp_path, data))
    blob, diff_id = written([entry])
    found = read_back(blob)
    assert found["a/b.py"][1] == data
    assert found["a"][0].isdir()
    raw = gzip.decompress(blob)
    assert diff_id == "sha256:" + hashlib.sha256(raw).hexdigest()


def test_every_kind_of_entry_keeps_mode_owner_and_target(tmp_path):
    entries = [
        Entry(path="home", kind=Kind.DIRECTORY, mode=0o750, uid=1000, gid=1000),
        Entry(path="home/x", mode=0o4755, size=3, content=Bytes(b"abc"), time=5 << 27),
        Entry(path="home/y", kind=Kind.HARDLINK, link="home/x", time=5 << 27),
        Entry(path="home/z", kind=Kind.SYMLINK, link="../etc", mode=0o777),
        Entry(path="home/s", size=4, content=Stream(lambda: io.BytesIO(b"late"))),
    ]
    found = read_back(written(entries)[0])
    assert (found["home"][0].mode, found["home"][0].uid) == (0o750, 1000)
    assert found["home/x"][0].mode == 0o4755
    assert found["home/y"][0].linkname == "home/x"
    assert found["home/z"][0].linkname == "../etc"
    assert found["home/s"][1] == b"late"
    assert found["home/x"][0].mtime == found["home/y"][0].mtime == 5 << 27
    assert found["home/z"][0].mtime == found["home"][0].mtime == DAY_ONE
    assert all(not info.uname for info, _ in found.values())


@pytest.mark.parametrize("path", ["x" * 100, "d/" * 60 + "long", "ü/ß", "b\udcff"])
def test_names_that_need_more_than_a_plain_header_survive(path):
    blob, _ = written([Entry(path=path, size=1, content=Bytes(b"x"))])
    with tarfile.open(
        fileobj=io.BytesIO(gzip.decompress(blob)), errors="surrogateescape"
    ) as archive:
        assert path in archive.getnames()


def test_the_quick_header_is_the_one_tarfile_writes():
    entry = Entry(path="a/b.py", size=8**10, mode=0o4755, uid=1000, gid=7, time=1 << 29)
    info = tarfile.TarInfo(entry.path)
    info.mode, info.size, info.uid, info.gid = 0o4755, 8**10, 1000, 7
    info.mtime = 1 << 29
    assert tar_header(entry) == info.tobuf(tarfile.PAX_FORMAT)


def test_copying_blindly_gives_the_same_blob(tmp_path):
    data = bytes(range(256)) * 5000
    entries = [
        Entry(path="a", size=len(data), content=deflated(tmp_path, data)),
        Entry(path="b", size=5, content=Bytes(b"hello")),
    ]
    blind, no_diff_id = written(entries, inflate=False)
    assert blind == written(entries)[0]
    assert no_diff_id is None


@given(st.lists(st.integers(1, 700_000), min_size=1, max_size=6), st.integers(1, 9))
@settings(max_examples=20, deadline=None)
def test_bytes_do_not_depend_on_how_large_the_pieces_arrive(sizes, step):
    class Slow(io.BytesIO):
        def read(self, size=-1, /):
            return super().read(min(size, step * 10_007))

    data = [bytes([n % 251]) * size for n, size in enumerate(sizes)]
    slow = [
        Entry(path=f"f{n}", size=len(d), content=Stream(lambda d=d: Slow(d)))
        for n, d in enumerate(data)
    ]
    whole = [
        Entry(path=f"f{n}", size=len(d), content=Bytes(d)) for n, d in enumerate(data)
    ]
    assert written(slow) == written(whole)


@pytest.mark.parametrize(
    ("size", "change", "why"),
    [
        (1000, {"crc": 1}, "CRC-32 is wrong"),
        (999, {}, "larger than it says"),
        (1001, {}, "smaller than it says"),
        (1000, {"length": 3}, "does not end there"),
        (1000, {"offset": 0}, "damaged"),
        (1000, {"length": 10_000}, "follow its end|does not end there|ends inside"),
    ],
)
def test_a_stream_that_lies_is_refused_by_name(tmp_path, size, change, why):
    content = deflated(tmp_path, b"spam!" * 200, name="liar-1.0.whl", **change)
    with pytest.raises(ArtefactError, match=why) as caught:
        written([Entry(path="pkg/x.py", size=size, content=content)])
    assert "liar-1.0.whl" in caught.value.message
    assert "pkg/x.py" in caught.value.message


def test_a_bomb_stops_at_the_size_it_admits(tmp_path):
    content = deflated(tmp_path, b"\0" * 50_000_000)
    with pytest.raises(ArtefactError, match="larger than it says"):
        written([Entry(path="bomb", size=10, content=content)])


def test_a_stored_file_with_a_wrong_crc_is_refused(tmp_path):
    path = tmp_path / "stored.whl"
    path.write_bytes(b"12345")
    content = FileRange(path=path, offset=0, length=5, deflated=False, crc=7)
    with pytest.raises(ArtefactError, match="CRC-32"):
        written([Entry(path="x", size=5, content=content)])


def test_one_path_twice_in_a_layer_is_refused():
    with pytest.raises(ArtefactError, match="two entries"):
        written([Entry(path="a"), Entry(path="a")])


def test_a_folder_may_come_again():
    folder = Entry(path="a", kind=Kind.DIRECTORY)
    assert written([folder, folder]) == written([folder])


def test_the_format_has_not_moved(tmp_path):
    """These bytes are the image format: if they move, FORMAT must be raised."""
    data = b"torch\n" * 5000
    entries = [
        Entry(path="opt/venv/a.py", size=len(data), content=Bytes(data)),
        Entry(path="opt/venv/bin", kind=Kind.DIRECTORY),
        Entry(path="opt/venv/bin/python", kind=Kind.SYMLINK, link="/usr/bin/python3"),
        Entry(path="opt/venv/é", size=2, content=Bytes(b"ok")),
    ]
    blob, diff_id = written(entries)
    assert (hashlib.sha256(blob).hexdigest()[:16], (diff_id or "")[7:23]) == GOLDEN


GOLDEN = ("7c798716d5f1cddd", "8f4b83b47769c9a5")
