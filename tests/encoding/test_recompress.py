"""zstd and gzip of the same tar: unchanged, in one frame, readable by others."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from encoding.esgz import members_of, sha
from encoding.layers import PACKED, file, tar_of, trees
from firstlight.encoding.recompress import ZSTD_FORMAT, write_gzip, write_zstd
from firstlight.oci.plain import DAMAGED


def through(write, blob: bytes) -> tuple[bytes, str]:
    out = io.BytesIO()
    found = write(io.BytesIO(blob), out)
    return out.getvalue(), found


@given(trees(), st.sampled_from(sorted(PACKED)))
@settings(max_examples=60, deadline=None)
def test_the_tar_stays_as_it_is(plain, packing):
    blob, found = through(write_zstd, PACKED[packing](plain))
    assert found == sha(plain)
    reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(blob))
    assert reader.read() == plain
    blob, found = through(write_gzip, PACKED[packing](plain))
    assert found == sha(plain)
    assert gzip.decompress(blob) == plain


def test_how_the_source_is_packed_does_not_show():
    plain = tar_of(*(file(f"f{n}", bytes([n, 255 - n]) * 90_000) for n in range(30)))
    for write in (write_zstd, write_gzip):
        made = {through(write, pack(plain)) for pack in PACKED.values()}
        assert len(made) == 1


def test_zstd_is_one_frame():
    plain = tar_of(file("a", bytes(8 << 20)))
    blob, _ = through(write_zstd, plain)
    assert blob.count(b"\x28\xb5\x2f\xfd") == 1
    assert zstandard.get_frame_parameters(blob).window_size <= 8 << 20
    assert ZSTD_FORMAT.startswith("3 1.")


def test_gzip_members_hold_a_mebibyte_each():
    blob, _ = through(write_gzip, tar_of(file("a", bytes(3 << 20))))
    sizes = [len(each.data) for each in members_of(blob)]
    assert sizes[:-1] == [1 << 20] * 3


@pytest.mark.parametrize("program", ["zstd", "gzip"])
def test_the_usual_programs_read_it(program):
    if not shutil.which(program):
        pytest.skip(f"no {program} on this machine")
    plain = tar_of(file("a", b"some text " * 300_000))
    blob, _ = through(write_zstd if program == "zstd" else write_gzip, plain)
    done = subprocess.run([program, "-dc"], input=blob, capture_output=True, check=True)
    assert done.stdout == plain


@pytest.mark.parametrize("packing", ["gzip", "members", "zstd"])
def test_a_source_that_was_cut_is_damage_or_another(packing):
    plain = tar_of(*(file(f"f{n}", bytes([n]) * 999) for n in range(9)))
    whole = PACKED[packing](plain)
    for length in range(0, len(whole) - 1, 1 + len(whole) // 40):
        for write in (write_zstd, write_gzip):
            try:
                assert through(write, whole[:length])[1] != sha(plain)
            except DAMAGED:
                continue
