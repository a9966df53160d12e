from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from firstlight.errors import ArtefactError
from firstlight.pack.zip import Member, file_in_the_way, read_directory
from firstlight.pack.zipcontent import chunks, peek, read

CENTRAL, LOCAL = b"PK\x01\x02", b"PK\x03\x04"


def make_zip(path: Path, members: dict[str, bytes], method: int = 8) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return path


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return make_zip(tmp_path / "a.zip", {"a.txt": b"A" * 100, "b/c.txt": b"C" * 99})


def members(path: Path) -> dict[str, Member]:
    return {each.name: each for each in read_directory(path, filename="a.zip")}


def refused(path: Path, why: str) -> None:
    with pytest.raises(ArtefactError, match=why) as caught:
        read_directory(path, filename="a.zip")
    assert caught.value.message.startswith("a.zip: ")
    assert caught.value.hint


def patch(path: Path, at: int, data: bytes) -> Path:
    raw = bytearray(path.read_bytes())
    raw[at : at + len(data)] = data
    path.write_bytes(raw)
    return path


def central(path: Path, index: int = 0) -> int:
    at = -1
    for _ in range(index + 1):
        at = path.read_bytes().index(CENTRAL, at + 1)
    return at


def both(path: Path, offset: int, data: bytes) -> Path:
    """Change a field of the first member in both headers (`offset`: local one)."""
    patch(path, offset, data)
    return patch(path, central(path) + offset + 2, data)


# What is read


def test_offsets_point_at_the_raw_bytes(plain: Path) -> None:
    member = members(plain)["b/c.txt"]
    packed = plain.read_bytes()[member.offset : member.offset + member.packed]
    assert zlib.decompress(packed, -15) == b"C" * 99
    assert (member.size, member.crc) == (99, zlib.crc32(b"C" * 99))


def test_reads_what_zipfile_reads(tmp_path: Path) -> None:
    for method in (0, 8, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        data = bytes(range(256)) * 9000 + b"\0" * 3_000_000
        path = make_zip(tmp_path / f"{method}.zip", {"x": data, "empty": b""}, method)
        for name, expected in {"x": data, "empty": b""}.items():
            member = members(path)[name]
            assert read(path, member, filename="a.zip", limit=1 << 23) == expected
            assert peek(path, member, 8, filename="a.zip") == expected[:8]


def test_seventy_thousand_members_need_zip64(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {f"f{i}": b"" for i in range(70_000)}, 0)
    assert len(read_directory(path, filename="a.zip")) == 70_000


def test_sizes_in_zip64_fields(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with (
        zipfile.ZipFile(path, "w", 8) as archive,
        archive.open("big", "w", force_zip64=True) as stream,
    ):
        stream.write(b"x" * 1000)
    assert members(path)["big"].size == 1000


def test_names_without_the_utf8_flag_are_cp437(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"aXb": b"1"})
    path.write_bytes(path.read_bytes().replace(b"aXb", b"a\x81b"))
    assert list(members(path)) == ["aüb"]


def test_members_whose_sizes_follow_them(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"

    class Pipe(io.FileIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError("a pipe")

    with Pipe(path, "w") as pipe, zipfile.ZipFile(pipe, "w", 8) as archive:
        archive.writestr("a", b"1" * 50)
        archive.writestr("b", b"2" * 50)
    assert path.read_bytes()[6] & 8
    assert [each.size for each in members(path).values()] == [50, 50]


def test_a_comment_is_no_harm(plain: Path) -> None:
    with zipfile.ZipFile(plain, "a") as archive:
        archive.comment = b"hello"
    assert len(members(plain)) == 2


# What is refused


def test_refuses_an_encrypted_member(plain: Path) -> None:
    refused(both(plain, 6, b"\x01\0"), "encrypted")


def test_refuses_an_unknown_method(plain: Path) -> None:
    refused(both(plain, 8, b"\x63\0"), "compression method 99")


@pytest.mark.parametrize(
    ("offset", "data"), [(8, b"\0\0"), (14, b"1234"), (22, b"\x63\0\0\0"), (30, b"z")]
)
def test_refuses_two_headers_that_differ(plain: Path, offset: int, data: bytes) -> None:
    """Method, CRC-32, size and name, changed in the local header only."""
    refused(patch(plain, offset, data), "differ|not where the directory says")


def test_refuses_overlapping_members(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"a": b"same", "b": b"same"}, 0)
    raw = path.read_bytes()
    second = central(path, 1)
    raw = raw[: second + 42] + struct.pack("<L", 0) + raw[second + 46 :]
    raw = raw[: second + 46] + b"a" + raw[second + 47 :]
    path.write_bytes(raw)
    refused(path, "overlaps")


def test_refuses_content_that_runs_into_the_directory(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"a": b"1" * 40}, 0)
    refused(both(path, 18, struct.pack("<2L", 400, 400)), "overlaps")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_refuses_duplicate_names(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"1")
        archive.writestr("./a", b"2")
    refused(path, "two members")


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b/c", "a"), ("a", "a/")])
def test_refuses_a_file_that_is_also_a_folder(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    refused(make_zip(tmp_path / "a.zip", dict.fromkeys(names, b"")), "a is|named a")


@pytest.mark.parametrize(
    "name", ["../a", "a/../../b", "/etc/passwd", "a//b", "a/./b", "x/.wh.y", ".."]
)
def test_refuses_paths_that_are_not_plain(tmp_path: Path, name: str) -> None:
    refused(make_zip(tmp_path / "a.zip", {name: b""}), "refuses the path")


@pytest.mark.parametrize("name", ["a\\b", "C:/x"])
def test_refuses_paths_of_windows(tmp_path: Path, name: str) -> None:
    refused(make_zip(tmp_path / "a.zip", {name: b""}), "path of Windows")


def test_refuses_nul_in_a_name(plain: Path) -> None:
    plain.write_bytes(plain.read_bytes().replace(b"a.txt", b"a\0txt"))
    refused(plain, "refuses the path")


def test_refuses_names_that_claim_to_be_utf8(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"ü": b""})
    path.write_bytes(path.read_bytes().replace("ü".encode(), b"\xff\xfe"))
    refused(path, "not the UTF-8")


@pytest.mark.parametrize(("mode", "why"), [(0o120777, "a link"), (0o020644, "plain")])
def test_refuses_links_and_devices(tmp_path: Path, mode: int, why: str) -> None:
    info = zipfile.ZipInfo("lib.so")
    info.external_attr = mode << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, b"/etc/passwd")
    refused(tmp_path / "a.zip", why)


def test_refuses_a_folder_with_content(plain: Path) -> None:
    plain.write_bytes(plain.read_bytes().replace(b"a.txt", b"a.tx/"))
    refused(plain, "folder with content")


def test_refuses_a_size_no_stream_can_give(plain: Path) -> None:
    refused(both(plain, 22, struct.pack("<L", 1 << 30)), "cannot have 1073741824")


def test_refuses_a_stored_member_of_two_sizes(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"a": b"1" * 40}, 0)
    refused(both(path, 22, struct.pack("<L", 41)), "cannot have 41")


def test_refuses_an_archive_that_would_explode(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"a": b"\0" * (8 << 20)})
    body = read_directory(path, filename="a.zip")[0]
    copies = {f"{index:04}": body for index in range(130)}
    raw, directory = bytearray(), bytearray()
    packed = path.read_bytes()[body.offset :][: body.packed]
    for name in copies:
        sizes = (body.crc, body.packed, body.size, 4, 0)
        head = struct.pack("<5H3L2H", 20, 0, 8, 0, 0, *sizes)
        directory += CENTRAL + b"\x14\0" + head
        directory += struct.pack("<3H2L", 0, 0, 0, 0, len(raw)) + name.encode()
        raw += LOCAL + head + name.encode() + packed
    end = struct.pack(
        "<4s4H2LH", b"PK\x05\x06", 0, 0, 130, 130, len(directory), len(raw), 0
    )
    path.write_bytes(raw + directory + end)
    refused(path, "would become")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda raw: b"", "directory is missing"),
        (lambda raw: raw[:-10], "directory is missing"),
        (lambda raw: raw[: len(raw) // 2], "directory is missing"),
        (lambda raw: raw + b"tail", "bytes follow"),
        (lambda raw: b"#!/bin/sh\n" + raw, "not where it says"),
        (lambda raw: raw.replace(CENTRAL, b"PK\x01\x03", 1), "directory is damaged"),
        (lambda raw: raw[:-14] + b"\x05\0\x05\0" + raw[-10:], "promises 5 members"),
        (lambda raw: raw[:-18] + b"\x01\0" + raw[-16:], "one part of several"),
    ],
)
def test_refuses_an_archive_that_is_damaged(
    plain: Path, change: Callable[[bytes], bytes], why: str
) -> None:
    plain.write_bytes(change(plain.read_bytes()))
    refused(plain, why)


def test_refuses_zip64_records_that_disagree(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {f"f{i}": b"" for i in range(66_000)}, 0)
    good = path.read_bytes()
    record = good.rindex(b"PK\x06\x06")
    path.write_bytes(good[:-10] + b"\x01\0\0\0" + good[-6:])
    refused(path, "two end records differ")
    path.write_bytes(good)
    refused(patch(path, record + 4, b"\xff"), "end record is damaged")
    path.write_bytes(good)
    refused(patch(path, good.rindex(b"PK\x06\x07") + 8, b"\xff" * 8), "points nowhere")


# Contents


@pytest.mark.parametrize("method", [0, 8, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_content_must_have_its_crc(tmp_path: Path, method: int) -> None:
    path = make_zip(tmp_path / "a.zip", {"a": bytes(range(200))}, method)
    both(path, 14, b"1234")
    with pytest.raises(ArtefactError, match=r"a\.zip: a is damaged"):
        list(chunks(path, members(path)["a"], filename="a.zip"))


@pytest.mark.parametrize("size", [99, 101])
def test_content_must_have_its_size(plain: Path, size: int) -> None:
    both(plain, 22, struct.pack("<L", size))
    with pytest.raises(ArtefactError, match="size or CRC-32"):
        list(chunks(plain, members(plain)["a.txt"], filename="a.zip"))


def test_content_must_be_a_whole_stream(plain: Path) -> None:
    member = members(plain)["a.txt"]
    patch(plain, member.offset, b"\xff\xff")
    with pytest.raises(ArtefactError, match="damaged"):
        list(chunks(plain, member, filename="a.zip"))
    with pytest.raises(ArtefactError, match="damaged"):
        peek(plain, member, 8, filename="a.zip")


def test_content_has_a_limit(plain: Path) -> None:
    with pytest.raises(ArtefactError, match="more than 10"):
        read(plain, members(plain)["a.txt"], filename="a.zip", limit=10)


def test_finds_the_file_that_is_in_the_way() -> None:
    assert file_in_the_way(["a/b/c", "a/b/d", "e"]) is None
    assert file_in_the_way(["a/b/c/d", "a"]) == "a"
