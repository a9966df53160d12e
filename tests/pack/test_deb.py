from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from debian_archive import compress, make_ar, make_deb, make_tar
from firstlight.errors import ArtefactError
from firstlight.pack.deb import deb_entries, parse_fields, read_control
from firstlight.pack.entry import Entry, Kind, Stream
from firstlight.pack.scan import scan, scan_from_json, scan_to_json

Taken = tuple[Entry, bytes]


def take(path: Path) -> dict[str, Taken]:
    """Every entry with its content, read while it passes."""
    taken: dict[str, Taken] = {}
    for entry in deb_entries(path, filename=path.name):
        data = b""
        if entry.kind is Kind.FILE:
            assert isinstance(entry.content, Stream)
            data = entry.content.open().read()
        assert entry.path not in taken
        taken[entry.path] = (entry, data)
    return taken


def member(
    name: str, kind: bytes = tarfile.REGTYPE, **fields: object
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in fields.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize("compression", ["xz", "gz", "zst", ""])
def test_reads_every_compression(tmp_path: Path, compression: str) -> None:
    content = bytes(range(256)) * 4000
    deb = make_deb(tmp_path, files={"usr/bin/x": content}, compression=compression)
    assert take(deb)["usr/bin/x"][1] == content
    assert read_control(deb, filename=deb.name).name == "demo"


def test_puts_files_of_old_folders_into_usr(tmp_path: Path) -> None:
    files = {"bin/a": b"1", "lib/x86/b.so": b"2", "sbin/c": b"3", "usr/lib/d": b"4"}
    taken = take(make_deb(tmp_path, files=files))
    paths = {path for path, (entry, _) in taken.items() if entry.kind is Kind.FILE}
    assert paths == {"usr/bin/a", "usr/lib/x86/b.so", "usr/sbin/c", "usr/lib/d"}
    assert not {"bin", "lib", "sbin"} & set(taken)


def test_leaves_out_links_that_every_image_has_and_those_to_themselves(
    tmp_path: Path,
) -> None:
    links = {"bin": "usr/bin", "lib/x": "/usr/lib/x"}
    taken = take(make_deb(tmp_path, links=links, files={"usr/bin/a": b""}))
    assert not [path for path, (e, _) in taken.items() if e.kind is Kind.SYMLINK]


def test_corrects_only_links_that_the_move_bends(tmp_path: Path) -> None:
    links = {
        "lib/a": "../usr/share/a",
        "lib/b": "b.1",
        "lib/c": "../bin/c",
        "lib/d": "/lib/x/d",
        "usr/lib/e": "../../lib/e.1",
    }
    taken = take(make_deb(tmp_path, links=links))
    found = {p: e.link for p, (e, _) in taken.items() if e.kind is Kind.SYMLINK}
    assert found == {
        "usr/lib/a": "../share/a",
        "usr/lib/b": "b.1",
        "usr/lib/c": "../bin/c",
        "usr/lib/d": "/lib/x/d",
        "usr/lib/e": "../../lib/e.1",
    }


def test_keeps_owner_mode_hard_links_and_capabilities_only(tmp_path: Path) -> None:
    tricky = member("./bin/ping", size=1, mode=0o4755, uid=7, gid=8)
    tricky.pax_headers = {"SCHILY.xattr.security.capability": "cap", "mtime": "1.5"}
    tricky.pax_headers["SCHILY.xattr.user.note"] = "gone"
    link = member("./bin/ping6", tarfile.LNKTYPE, linkname="./bin/ping")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(tricky, io.BytesIO(b"x"))
        tar.addfile(link)
    taken = take(_deb_of(tmp_path, out.getvalue()))
    entry = taken["usr/bin/ping"][0]
    assert (entry.mode, entry.uid, entry.gid) == (0o4755, 7, 8)
    assert entry.xattrs == {"security.capability": "cap"}
    other = taken["usr/bin/ping6"][0]
    assert (other.kind, other.link) == (Kind.HARDLINK, "usr/bin/ping")


def test_reads_long_and_chinese_names(tmp_path: Path) -> None:
    files = {"usr/share/" + "深/" * 60 + "名" * 50: b"1", "usr/" + "x" * 180: b"2"}
    assert files.keys() <= take(make_deb(tmp_path, files=files)).keys()


@pytest.mark.parametrize(
    ("info", "why"),
    [
        (member("./../etc/passwd", size=1), "leaves the root"),
        (member("/etc/passwd", size=1), "leaves the root"),
        (member("./usr/.wh.x", size=1), "leaves the root"),
        (member("./usr/bin/a", size=1), "comes twice"),
        (member("./bin/a", size=1), "comes twice"),
        (member("./usr/bin/a/b", size=1), "is no folder"),
        (member("./usr/bin", size=1), "comes twice"),
        (member("./lib", size=1), "every image has a link"),
        (member("./dev/null", tarfile.CHRTYPE), "a device"),
        (member("./run/pipe", tarfile.FIFOTYPE), "a device"),
        (member("./usr/l", tarfile.LNKTYPE, linkname="./etc/shadow"), "hard link"),
        (member("./usr/l", tarfile.LNKTYPE, linkname="../../x"), "leaves the root"),
        (member("./lib64", tarfile.SYMTYPE, linkname="/tmp"), "points to /tmp"),
        (member("./usr/l", tarfile.SYMTYPE, linkname=""), "a link to nothing"),
        (member("./usr/b\udcff", size=1), "not UTF-8"),
        (member("./usr/rich", size=1, uid=1 << 30), "unlikely user"),
    ],
)
def test_refuses_hostile_members(
    tmp_path: Path, info: tarfile.TarInfo, why: str
) -> None:
    data = make_tar({"usr/bin/a": b"1"}, members=[(info, b"x" * info.size)])
    with pytest.raises(ArtefactError, match=why) as caught:
        take(_deb_of(tmp_path, data))
    assert "demo.deb" in caught.value.message
    assert caught.value.hint


def test_refuses_a_file_through_a_link(tmp_path: Path) -> None:
    members = [
        (member("./usr/out", tarfile.SYMTYPE, linkname="/etc"), b""),
        (member("./usr/out/passwd", size=1), b"x"),
    ]
    with pytest.raises(ArtefactError, match="usr/out above it is no folder"):
        take(_deb_of(tmp_path, make_tar({}, members=members)))


@pytest.mark.slow
def test_refuses_a_bomb_before_it_bursts(tmp_path: Path) -> None:
    huge = member("./usr/zero", size=400 << 20).tobuf(tarfile.GNU_FORMAT)
    data = compress(huge + bytes(400 << 20), "gz")
    deb = tmp_path / "demo.deb"
    deb.write_bytes(make_ar([_MAGIC, _control(), ("data.tar.gz", data)]))
    with pytest.raises(ArtefactError, match="inflates to more than"):
        for entry in deb_entries(deb, filename="demo.deb"):
            assert entry.size == 400 << 20


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([], "its members are"),
        ([("debian-binary", b"3.0\n"), ("control.tar", b""), ("data.tar", b"")], "2"),
        ([("debian-binary", b"2.0\n"), ("data.tar", b"")], "its members are"),
        (
            [("debian-binary", b"2.0\n"), ("control.tar.bz2", b""), ("data.tar", b"")],
            "no known kind",
        ),
        ([("debian-binary", b"2.0\n"), ("control.tar", b""), ("data.tar", b"")], "cut"),
        (
            [
                ("debian-binary", b"2.0\n"),
                ("control.tar", make_tar({"postinst": b""})),
                ("data.tar", b""),
            ],
            "no control file",
        ),
        ([("debian-binary", b"2.0\n"), ("debian-binary", b"2.0\n")], "two members"),
    ],
)
def test_refuses_shells_that_are_not_a_package(
    tmp_path: Path, members: list[tuple[str, bytes]], why: str
) -> None:
    deb = tmp_path / "demo.deb"
    deb.write_bytes(make_ar(members))
    with pytest.raises(ArtefactError, match=why):
        read_control(deb, filename="demo.deb")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"!<oops>\n" + data[8:],
        lambda data: data[:-9],
        lambda data: data + b"junk",
        lambda data: data[:100],
        lambda data: b"",
    ],
)
def test_refuses_spoilt_files(tmp_path: Path, spoil: object) -> None:
    deb = make_deb(tmp_path, files={"usr/bin/x": b"x" * 5000})
    assert callable(spoil)
    deb.write_bytes(spoil(deb.read_bytes()))
    with pytest.raises(ArtefactError, match="not a sound"):
        take(deb)


@pytest.mark.parametrize("compression", ["xz", "gz", "zst", ""])
def test_refuses_bytes_after_the_end_of_the_data(
    tmp_path: Path, compression: str
) -> None:
    data = compress(make_tar({"usr/x": b"x"}), compression) + b"more"
    name = f"data.tar.{compression}" if compression else "data.tar"
    deb = tmp_path / "demo.deb"
    deb.write_bytes(make_ar([_MAGIC, _control(), (name, data)]))
    with pytest.raises(ArtefactError):
        take(deb)


def test_a_passed_content_cannot_be_read(tmp_path: Path) -> None:
    deb = make_deb(tmp_path, files={"usr/a": b"1", "usr/b": b"2"})
    entries = [e for e in deb_entries(deb, filename="d.deb") if e.kind is Kind.FILE]
    content = entries[0].content
    assert isinstance(content, Stream)
    assert content.open().read(1) == b""


def test_control_paragraphs_keep_continued_lines() -> None:
    assert parse_fields("A: 1\nB: x\n y\n .\n", "f") == {"A": "1", "B": "x\n y\n ."}
    for text in ("", " A: 1", "A: 1\n\nB: 2", "A: 1\nA: 2", "no colon"):
        with pytest.raises(ArtefactError):
            parse_fields(text, "f")


def test_a_scan_survives_json(tmp_path: Path) -> None:
    deb = make_deb(
        tmp_path,
        files={"etc/demo.conf": b"a", "etc/skel/.x": b"b", "lib/libx.so.1": b"no"},
        links={"usr/lib/libx.so": "libx.so.1"},
        conffiles=["/etc/demo.conf"],
    )
    value = scan(deb, filename=deb.name)
    assert value.conffiles == {"/etc/demo.conf": "0cc175b9c0f1b6a831c399e269772661"}
    assert value.texts == {"etc/skel/.x": b"b"}
    assert value.listed[0] == "/."
    assert "/lib/libx.so.1" in value.listed
    assert scan_from_json(scan_to_json(value)) == value
    assert scan_from_json({"listed": 3}) is None


_MAGIC = ("debian-binary", b"2.0\n")


def _control() -> tuple[str, bytes]:
    text = b"Package: demo\nVersion: 1\nArchitecture: amd64\n"
    return ("control.tar", make_tar({"control": text}))


def _deb_of(folder: Path, data: bytes) -> Path:
    deb = folder / "demo.deb"
    deb.write_bytes(make_ar([_MAGIC, _control(), ("data.tar", data)]))
    return deb


@pytest.mark.slow
@pytest.mark.parametrize("compression", ["xz", "gz", "zst", ""])
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    edits=st.lists(st.tuples(st.integers(0, 1 << 14), st.integers(0, 255)), max_size=8),
    cut=st.integers(0, 200),
)
def test_nothing_but_a_refusal_escapes_from_mutated_packages(
    tmp_path: Path, compression: str, edits: list[tuple[int, int]], cut: int
) -> None:
    deb = make_deb(
        tmp_path,
        files={"lib/libx.so.1": b"\x7fELF\x02\x01\x01" + b"x" * 600, "etc/c": b"1"},
        links={"usr/lib/l": "x"},
        conffiles=["/etc/c"],
        scripts={"postinst": "#!/bin/sh\nset -e\n"},
        compression=compression,
    )
    data = bytearray(deb.read_bytes())
    for at, value in edits:
        data[at % len(data)] = value
    deb.write_bytes(data[: len(data) - cut])
    start = time.monotonic()
    try:
        scan_to_json(scan(deb, filename=deb.name))
    except ArtefactError as error:
        assert deb.name in error.message
    assert time.monotonic() - start < 5


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")
def test_agrees_with_dpkg_about_a_made_package(tmp_path: Path) -> None:
    deb = make_deb(tmp_path, files={"usr/bin/x": b"x"}, modes={"usr/bin/x": 0o4755})
    subprocess.run(["dpkg-deb", "-x", deb, tmp_path / "root"], check=True)
    found = (tmp_path / "root/usr/bin/x").stat().st_mode & 0o7777
    assert take(deb)["usr/bin/x"][0].mode == found
