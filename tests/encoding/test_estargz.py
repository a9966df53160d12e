"""eStargz: each byte where the table says, the tar unchanged, equal bits everywhere."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoding.esgz import EXTERNAL, check, embedded_toc, members_of, sha
from encoding.layers import PACKED, SMALL, file, link, packed_wheel, tar_of, trees
from firstlight.encoding import estargz
from firstlight.encoding.estargz import Table, toc_blob, write_estargz
from firstlight.encoding.tape import Tape
from firstlight.errors import ArtefactError
from firstlight.oci.plain import DAMAGED


def encoded(
    blob: bytes, *, embedded: bool = False, chunk: int = SMALL
) -> tuple[bytes, Table]:
    """The layer encoded anew."""
    out = io.BytesIO()
    with tempfile.TemporaryFile() as source:
        source.write(blob)
        source.seek(0)
        table = write_estargz(source, out, embedded=embedded, chunk=chunk)
    return out.getvalue(), table


def in_tar(plain: bytes) -> dict[str, tuple[bytes, bytes]]:
    """Type and content of every path."""
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        return {
            each.name: (
                each.type,
                tar.extractfile(each).read() if each.isreg() else b"",
            )
            for each in tar
        }


@given(trees(), st.sampled_from(sorted(PACKED)))
@settings(max_examples=120, deadline=None)
def test_every_entry_is_where_the_table_says_and_the_tar_is_the_same(plain, packing):
    blob, table = encoded(PACKED[packing](plain))
    assert gzip.decompress(blob) == plain
    assert blob.endswith(EXTERNAL)
    assert len(EXTERNAL) == 46
    assert members_of(blob)[-1].offset == len(blob) - 46
    assert table.source == table.diff_id == sha(plain)
    assert table.size == len(plain)
    check(blob, table.json, SMALL)


@given(trees(), st.sampled_from(sorted(PACKED)))
@settings(max_examples=60, deadline=None)
def test_the_table_inside_is_found_by_the_footer_alone(plain, packing):
    blob, table = encoded(PACKED[packing](plain), embedded=True)
    assert embedded_toc(blob) == table.json
    inside = gzip.decompress(blob)
    assert (table.source, table.diff_id) == (sha(plain), sha(inside))
    assert table.size == len(inside)
    entries = check(blob, table.json, SMALL)
    assert entries[0]["name"] == ".no.prefetch.landmark"
    with tarfile.open(fileobj=io.BytesIO(inside)) as tar:
        names = tar.getnames()
    assert (names[0], names[-1]) == (".no.prefetch.landmark", "stargz.index.json")
    assert inside.endswith(bytes(1024))
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        assert names[1:-1] == tar.getnames()


@given(trees(), st.sampled_from(sorted(PACKED)))
@settings(max_examples=60, deadline=None)
def test_encoding_what_is_encoded_changes_nothing(plain, packing):
    blob, table = encoded(PACKED[packing](plain))
    assert encoded(blob) == (blob, table)


def test_files_of_wheels_are_copied_as_they_are_compressed(tmp_path):
    files = {f"d/{n}": bytes([n]) * n * 40 for n in range(1, 9)}
    source = packed_wheel(tmp_path, files)
    blob, table = encoded(source, chunk=200)
    before = {each.data: source[each.offset : each.end] for each in members_of(source)}
    after = {each.data: blob[each.offset : each.end] for each in members_of(blob)}
    same = [name for name, data in files.items() if after.get(data) == before[data]]
    assert same == [name for name, data in files.items() if len(data) <= 200]
    check(blob, table.json, 200)


def test_a_member_that_wastes_room_is_not_taken_over():
    plain = tar_of(file("a", b"abc"))
    empty_blocks = b"\x00\x00\x00\xff\xff" * 500
    crc = gzip.compress(b"abc")[-8:]
    head = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    wide = head + empty_blocks + b"\x01\x03\x00\xfc\xffabc" + crc
    source = gzip.compress(plain[:512]) + wide + gzip.compress(plain[515:])
    assert gzip.decompress(source) == plain
    blob, table = encoded(source)
    assert gzip.decompress(blob) == plain
    assert len(blob) < 600
    check(blob, table.json, SMALL)


@pytest.mark.parametrize("size", [0, 1, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, 9 << 20])
def test_real_chunks_have_four_mebibytes(size):
    data = hashlib.shake_128(b"x").digest(1 << 10) * (size >> 10) + bytes(size & 1023)
    plain = tar_of(file("big", data), file("next", b"n"))
    blob, table = encoded(gzip.compress(plain, 1), chunk=estargz.CHUNK)
    entries = check(blob, table.json, 4 << 20)
    assert [each["type"] for each in entries].count("chunk") == max(
        0, -(-size >> 22) - 1
    )


def test_the_bytes_are_these():
    """Whoever changes them must raise FORMAT, or stores would hold two kinds."""
    plain = tar_of(
        file("etc", type=tarfile.DIRTYPE, mode=0o755),
        file("etc/passwd", b"root:x:0:0\n" * 20, mtime=315_532_800),
        link("etc/alias", "passwd"),
    )
    blob, table = encoded(plain)
    assert estargz.FORMAT == 1
    assert hashlib.sha256(blob).hexdigest()[:16] == "584099964cd8e507"
    assert hashlib.sha256(toc_blob(table.json)).hexdigest()[:16] == "1c9d0624b9998bab"
    inside, _ = encoded(plain, embedded=True)
    assert hashlib.sha256(inside).hexdigest()[:16] == "b6255521dc110aac"


def test_the_table_says_what_the_format_asks_for():
    plain = tar_of(
        file("d", type=tarfile.DIRTYPE, mode=0o1777, mtime=315_532_800),
        file("d/f", b"x" * 150, uid=7, gid=8, uname="u", gname="g", mode=0o4755),
        file("d/e", mtime=-1),
    )
    _, table = encoded(plain)
    folder, first, second, third, empty = json.loads(table.json)["entries"]
    assert folder == {
        "name": "d/",
        "type": "dir",
        "mode": 0o1777,
        "uid": 0,
        "gid": 0,
        "modtime": "1980-01-01T00:00:00Z",
    }
    assert (first["userName"], first["groupName"]) == ("u", "g")
    assert (first["uid"], first["gid"], first["mode"]) == (7, 8, 0o4755)
    assert "modtime" not in first
    assert [each["chunkSize"] for each in (first, second, third)] == [64, 64, 0]
    assert [each.get("chunkOffset") for each in (first, second, third)] == [
        *(None, 64, 128),
    ]
    assert empty["digest"] == sha(b"")
    assert empty["modtime"] == "1969-12-31T23:59:59Z"


def test_the_companions_layer_is_one_member_with_one_file():
    _, table = encoded(tar_of(file("a", b"b")))
    (only,) = members_of(toc_blob(table.json))
    assert in_tar(only.data) == {"stargz.index.json": (tarfile.REGTYPE, table.json)}


# What is refused


@pytest.mark.parametrize(
    "name", ["stargz.index.json", "./stargz.index.json", ".no.prefetch.landmark"]
)
def test_reserved_names_are_refused(name):
    with pytest.raises(ArtefactError, match="only eStargz may write") as caught:
        encoded(tar_of(file(name, b"x")))
    assert caught.value.hint
    encoded(tar_of(file(f"deeper/{name}", b"x")))


def test_what_the_table_cannot_hold_is_refused():
    with pytest.raises(ArtefactError, match="not UTF-8"):
        encoded(tar_of(file("caf\udce9", b"x")))
    with pytest.raises(ArtefactError, match="tar type b'V'"):
        encoded(tar_of(file("volume", type=b"V")))
    sparse = {"GNU.sparse.major": "0", "GNU.sparse.size": "9", "GNU.sparse.map": "0,1"}
    with pytest.raises(DAMAGED, match="sparse"):
        encoded(tar_of(file("s", b"x", pax_headers=sparse)))


def test_something_after_the_tar_is_refused():
    plain = tar_of(file("a", b"b"))
    with pytest.raises(DAMAGED, match="follows the end"):
        encoded(plain + b"more".ljust(512, b"\0"))
    with pytest.raises(DAMAGED, match="follows the end"):
        encoded(plain[:1024] + b"\xff" * 512)


@pytest.mark.parametrize("embedded", [False, True])
@pytest.mark.parametrize("packing", sorted(PACKED))
def test_a_layer_that_was_cut_never_passes(packing, embedded):
    plain = tar_of(*(file(f"f{n}", bytes([n]) * 300) for n in range(9)))
    whole = PACKED[packing](plain)
    for length in range(0, len(whole) - 1, 1 + len(whole) // 60):
        try:
            _, table = encoded(whole[:length], embedded=embedded)
        except DAMAGED:
            continue
        assert table.source != sha(plain)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_layer_with_a_changed_byte_is_damaged_or_another(data):
    plain = tar_of(*(file(f"f{n}", bytes([n]) * 100) for n in range(5)))
    packing = data.draw(st.sampled_from(["gzip", "members"]))
    blob = bytearray(PACKED[packing](plain))
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at] ^= data.draw(st.integers(1, 255))
    try:
        _, table = encoded(bytes(blob))
    except (*DAMAGED, ArtefactError):
        return
    out = bytes(blob)
    # What passed is what a gzip reader of others takes for the same.
    assert table.source == sha(gzip.decompress(out))


def test_a_wrong_crc_or_size_of_a_member_is_damage():
    plain = tar_of(file("a", b"b" * 99))
    blob = gzip.compress(plain, mtime=0)
    for at in (-8, -4):
        bad = bytearray(blob)
        bad[at] ^= 1
        with pytest.raises(DAMAGED, match="another size or CRC-32"):
            encoded(bytes(bad))


def test_bytes_after_the_last_member_are_damage():
    blob = gzip.compress(tar_of(file("a", b"b")))
    for junk in (b"\0" * 20, b"junk of some length"):
        with pytest.raises(DAMAGED):
            encoded(blob + junk)


def test_a_header_of_any_length_is_not_read():
    huge = file("a", b"x", pax_headers={"comment": "c" * (5 << 20)})
    with pytest.raises(DAMAGED, match="larger than any"):
        encoded(tar_of(huge))


def test_a_name_without_end_in_a_gzip_header_is_damage():
    head = b"\x1f\x8b\x08\x08" + bytes(5) + b"\xff"
    with pytest.raises(DAMAGED, match="without an end"):
        Tape(io.BytesIO(head + b"n" * 9000)).read(1)


def test_little_of_a_layer_is_in_memory():
    import tracemalloc

    plain = tar_of(file("big", bytes(64 << 20)))
    blob, out = gzip.compress(plain, 1), io.BytesIO()
    del plain
    with tempfile.TemporaryFile() as source:
        source.write(blob)
        source.seek(0)
        tracemalloc.start()
        try:
            write_estargz(source, out, embedded=False)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 24 << 20
