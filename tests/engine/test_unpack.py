"""Layers to roots: every compression, every attack, every interruption."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.small_images import (
    folder,
    gzipped,
    image,
    layer,
    member,
    symlink,
    tar,
    zstandarded,
)
from firstlight.engine import merge
from firstlight.engine.extract import extract
from firstlight.engine.unpack import unpack
from firstlight.errors import ArtefactError, DigestError, FirstlightError, StoreError
from firstlight.store import Store

SCRIPT = member("usr/bin/hello", b"#!/bin/sh\necho hello\n", mode=0o755)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


def names(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def unpacked(store: Store, *tars: bytes) -> Path:
    return unpack(image(store, [layer(store, each) for each in tars]), store)


def refused(store: Store, *members: tuple[tarfile.TarInfo, bytes]) -> str:
    before = set(store.root.parent.iterdir())
    with pytest.raises(ArtefactError) as caught:
        unpacked(store, tar(*members))
    assert set(store.root.parent.iterdir()) == before
    assert not list((store.root / "trees").iterdir())
    assert not list((store.root / "roots").iterdir())
    assert not [path for path in (store.root / "tmp").iterdir() if path.is_dir()]
    assert caught.value.hint
    return caught.value.message


# What it does


@pytest.mark.parametrize("compress", [gzipped, zstandarded, bytes])
def test_reads_gzip_members_zstd_frames_and_plain_tars(compress, store):
    plain = tar(folder("usr/bin"), SCRIPT, member("etc/empty"))
    root = unpack(image(store, [layer(store, plain, compress(plain))]), store)
    assert (root / "usr/bin/hello").read_bytes() == SCRIPT[1]
    assert (root / "usr/bin/hello").stat().st_mode & 0o777 == 0o755
    assert (root / "etc/empty").read_bytes() == b""


def test_long_and_odd_names_survive(store):
    odd = "ö" * 100 + "/" + "n" * 200 + "/\udcff"
    root = unpacked(store, tar(member(odd, b"x")))
    assert (root / odd).read_bytes() == b"x"


def test_a_large_file_passes_in_pieces(store):
    data = os.urandom(1 << 20) * 3 + b"end"
    root = unpacked(store, tar(member("big", data), member("next", b"n")))
    assert (root / "big").read_bytes() == data
    assert (root / "next").read_bytes() == b"n"


def test_links_stay_links(store):
    root = unpacked(
        store,
        tar(
            member("a", b"same"),
            member("b", kind=tarfile.LNKTYPE, link="a"),
            symlink("c", "/nowhere/at/all"),
        ),
    )
    assert (root / "b").samefile(root / "a")
    assert (root / "c").readlink() == Path("/nowhere/at/all")


@pytest.mark.parametrize(
    ("told", "kept"),
    [(7 << 27, 7 << 27), (1.5, 1), (-3, 0), (1 << 40, 2**32 - 1)],
)
def test_files_are_as_old_as_the_layer_says(told, kept, store):
    info, data = member("a.py", b"a = 1")
    info.mtime = told
    root = unpacked(store, tar((info, data)))
    assert (root / "a.py").stat().st_mtime == kept


def test_setuid_and_unreadable_files_belong_to_the_user(store):
    root = unpacked(
        store, tar(member("su", b"x", mode=0o4755), member("shadow", b"y", mode=0))
    )
    assert (root / "su").stat().st_mode & 0o7777 == 0o755
    assert (root / "shadow").stat().st_mode & 0o7777 == 0o400


def test_a_folder_without_write_right_can_be_filled_and_replaced(store):
    lower = tar(folder("locked", 0o555), member("locked/file", b"old"))
    root = unpacked(store, lower, tar(member("locked/file", b"new")))
    assert (root / "locked/file").read_bytes() == b"new"


def test_a_later_layer_wins_whatever_stood_there(store):
    lower = tar(
        member("file", b"old"),
        symlink("lib", "usr/lib"),
        member("usr/lib/keep", b"keep"),
        member("was/folder/deep", b"gone"),
    )
    upper = tar(
        member("file", b"new"), member("lib/x", b"x"), symlink("was/folder", "file")
    )
    root = unpacked(store, lower, upper)
    assert (root / "file").read_bytes() == b"new"
    assert not (root / "lib").is_symlink()
    assert names(root / "usr") == {"lib", "lib/keep", "local", "local/nvidia"}
    assert (root / "was/folder").is_symlink()
    # The layer itself is as it was: other images are made of it.
    other = unpacked(store, lower)
    assert (other / "file").read_bytes() == b"old"
    assert (other / "lib").is_symlink()


def test_whiteouts_hide_lower_layers_only(store):
    lower = tar(
        member("d/one", b"1"), member("d/two/deep", b"2"), member("o/lower", b"3")
    )
    upper = tar(
        member("d/.wh.two"),
        member("d/three", b"3"),
        member("o/upper", b"4"),
        member("o/.wh..wh..opq"),
        member(".wh.never-there"),
    )
    root = unpacked(store, lower, upper)
    assert names(root / "d") == {"one", "three"}
    assert names(root / "o") == {"upper"}
    assert not list(root.rglob(".wh.*"))


def test_makes_places_to_mount_on_without_following_links(store):
    outside = store.root.parent / "outside"
    outside.mkdir()
    root = unpacked(
        store, tar(symlink("etc", str(outside)), symlink("run", str(outside)))
    )
    for name in ("proc", "dev", "tmp", "run", "workspace", "home/user"):
        assert (root / name).is_dir()
        assert not (root / name).is_symlink()
    assert (root / "etc/resolv.conf").is_file()
    assert not list(outside.iterdir())


def test_a_layer_is_unpacked_once_and_linked(store):
    shared, own = tar(member("shared", b"s")), tar(member("own", b"o"))
    first = unpacked(store, shared)
    second = unpacked(store, shared, own)
    assert (first / "shared").samefile(second / "shared")
    assert len(list((store.root / "trees").iterdir())) == 2


def test_an_unpacked_image_needs_its_blobs_no_more(store):
    made = image(store, [layer(store, tar(SCRIPT))])
    root = unpack(made, store)
    store.path(made.layers[0].digest).unlink()
    assert unpack(made, store) == root


def test_copies_where_links_are_impossible(store, tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    source, target = tmp_path / "tree", tmp_path / "root"
    (source / "d").mkdir(parents=True)
    (source / "d/file").write_bytes(b"x")
    (source / "d/file").chmod(0o755)
    os.utime(source / "d/file", (7, 7))
    (source / "link").symlink_to("d/file")
    target.mkdir()
    monkeypatch.setattr(merge.os, "link", refuse)
    merge.merge([source], target)
    assert (target / "d/file").read_bytes() == b"x"
    assert (target / "d/file").stat().st_mode & 0o777 == 0o755
    assert (target / "d/file").stat().st_mtime == 7
    assert (target / "link").is_symlink()


# What it refuses


@pytest.mark.parametrize("path", ["../escape", "a/../../escape", "/escape", "a/.."])
def test_refuses_a_path_that_leaves_the_root(path, store):
    assert repr(path) in refused(store, member(path, b"x"))


def test_refuses_to_write_through_a_link(store):
    assert "is a file or a link" in refused(
        store, symlink("d", "../.."), member("d/escape", b"x")
    )


def test_refuses_a_link_through_a_link_of_links(store):
    refused(store, symlink("a", "."), symlink("a/b", ".."), member("a/b/c", b"x"))


def test_refuses_a_file_in_place_of_a_link(store):
    assert "twice" in refused(store, symlink("f", "/etc/x"), member("f", b"x"))


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../etc/passwd", "missing"])
def test_refuses_a_hard_link_to_outside(target, store):
    refused(store, member("p", kind=tarfile.LNKTYPE, link=target))


def test_refuses_a_hard_link_through_a_symlink(store):
    refused(
        store, symlink("d", "/etc"), member("p", kind=tarfile.LNKTYPE, link="d/passwd")
    )


@pytest.mark.parametrize(
    "kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE]
)
def test_refuses_devices_pipes_and_sparse_files(kind, store):
    refused(store, member("dev/sda", kind=kind))


@pytest.mark.parametrize("name", [".wh.", ".wh...", ".wh..", "d/.wh...", ".wh.a/b"])
def test_refuses_whiteouts_that_hide_more_than_a_name(name, store):
    refused(store, member(name))


@pytest.mark.parametrize("name", ["n" * 256, "/".join(["d" * 200] * 20), "a\0b"])
def test_refuses_names_no_file_system_takes(name, store):
    info, data = member("short", b"x")
    info.pax_headers = {"path": name}
    refused(store, (info, data))


def test_refuses_a_path_deeper_than_any_real_one(store):
    assert "deep" in refused(store, member("d/" * 1400 + "f", b"x"))


def test_one_bad_layer_stops_the_others(store):
    large = layer(store, tar(member("f", os.urandom(4 << 20))))
    bad = layer(store, tar(member("../f", b"x")))
    with pytest.raises(ArtefactError, match="leaves the root"):
        unpack(image(store, [large, bad]), store)
    assert not [path for path in (store.root / "tmp").iterdir() if path.is_dir()]


def test_refuses_to_replace_the_root(store):
    refused(store, symlink("./", "/etc"))


@pytest.mark.parametrize("suffix", [b"", b"rest of it"])
def test_a_damaged_blob_is_named_and_leaves_nothing(suffix, store):
    plain = tar(member("f", os.urandom(100_000)))
    whole = gzipped(plain)
    cut = whole[: len(whole) // 2] + suffix
    with pytest.raises(ArtefactError, match="layer of"):
        unpack(image(store, [layer(store, plain, cut)]), store)
    assert not list((store.root / "trees").iterdir())


def test_content_that_is_not_the_promised_content_is_refused(store):
    plain = tar(member("f", b"good"))
    forged = layer(store, plain, gzipped(tar(member("f", b"evil"))))
    with pytest.raises(DigestError, match="not sha256"):
        unpack(image(store, [forged]), store)
    assert not list((store.root / "trees").iterdir())


def test_bytes_hidden_behind_the_end_of_the_tar_change_the_digest(store):
    plain = tar(member("f", b"good"))
    with pytest.raises(DigestError):
        unpack(image(store, [layer(store, plain, gzipped(plain + b"hidden"))]), store)


def test_a_blob_altered_on_disk_is_found_and_removed(store):
    made = image(store, [layer(store, tar(member("f", b"x" * 10_000)))])
    path = store.path(made.layers[0].digest)
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError, match="not in the store"):
        unpack(made, store)
    assert not path.exists()


def test_a_missing_layer_says_what_to_do(store):
    made = image(store, [layer(store, tar(SCRIPT))])
    absent = replace(
        made.layers[0], digest="sha256:" + "0" * 64, diff_id="sha256:" + "1" * 64
    )
    with pytest.raises(StoreError) as caught:
        unpack(replace(made, layers=(absent,)), store)
    assert "firstlight build" in caught.value.hint


@pytest.mark.parametrize("compress", [gzipped, zstandarded, bytes])
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_damage_escapes_as_another_exception(compress, tmp_path_factory, data):
    plain = tar(folder("d"), member("d/f", b"x" * 700), symlink("l", "d/f"))
    bad = bytearray(compress(plain))
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, 3000)) % len(bad)
        bad[place] = data.draw(st.integers(0, 255))
    top = tmp_path_factory.mktemp("fuzz")
    store = Store.open(top / "store")
    promised = bytes(bad) if compress is bytes else plain
    try:
        assert unpack(
            image(store, [layer(store, promised, bytes(bad))]), store
        ).is_dir()
    except FirstlightError as error:
        assert error.message
    assert [path.name for path in top.iterdir()] == ["store"]


def test_extract_leaves_the_stream_readable(tmp_path):
    plain = tar(member("f", b"x")) + b"tail"
    stream = io.BytesIO(plain)
    extract(stream, os.fsencode(tmp_path), "test")
    assert stream.read().endswith(b"tail")


# Interruptions

CHILD = textwrap.dedent(
    """
    import json, sys
    from pathlib import Path
    from firstlight.engine.unpack import unpack
    from firstlight.oci.model import Image, Layer
    from firstlight.store import Store
    given = json.loads(sys.argv[1])
    layers = tuple(Layer(**each) for each in given.pop("layers"))
    print(unpack(Image(**given, layers=layers), Store(Path(sys.argv[2]))))
    """
)


def child(made, store: Store) -> subprocess.Popen[str]:
    keys = ("name", "platform", "id", "manifest")
    given = {key: getattr(made, key) for key in keys}
    each = ("digest", "diff_id", "size", "title")
    given["layers"] = [{key: getattr(one, key) for key in each} for one in made.layers]
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, json.dumps(given), str(store.root)],
        stdout=subprocess.PIPE,
        text=True,
    )


def many_files(count: int) -> bytes:
    return tar(*(member(f"d{i % 40}/f{i}", b"%d" % i * 100) for i in range(count)))


@pytest.mark.slow
def test_a_killed_unpack_is_never_taken_for_a_whole_one(store):
    made = image(store, [layer(store, many_files(6000)), layer(store, tar(SCRIPT))])
    for delay in (0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0):
        with child(made, store) as process:
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
    root = unpack(made, store)
    assert len(list(root.glob("d*/f*"))) == 6000
    assert (root / "usr/bin/hello").exists()


@pytest.mark.slow
def test_two_processes_agree(store):
    made = image(store, [layer(store, many_files(3000)), layer(store, tar(SCRIPT))])
    with child(made, store) as one, child(made, store) as two:
        roots = {one.communicate()[0].strip(), two.communicate()[0].strip()}
    assert (one.returncode, two.returncode) == (0, 0)
    assert roots == {str(unpack(made, store))}
    assert not [path for path in (store.root / "tmp").iterdir() if path.is_dir()]


@pytest.mark.slow
def test_linking_thirty_thousand_files_takes_under_two_seconds(store, tmp_path):
    source, target = tmp_path / "tree", tmp_path / "root"
    target.mkdir()
    for number in range(300):
        (source / f"d{number}").mkdir(parents=True)
        for each in range(100):
            (source / f"d{number}" / f"f{each}").touch()
    start = time.perf_counter()
    merge.merge([source], target)
    assert time.perf_counter() - start < 2
