"""Nothing of an archive is believed that its key did not sign."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from debian_archive import compress, make_deb, make_key
from firstlight.errors import (
    ArtefactError,
    FirstlightError,
    NetworkError,
    UsageError,
)
from firstlight.lock.archive import Trust
from lock.machine import Machine
from web_server import Page, serving


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


# The release


def alter(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def altered(data: bytes) -> bytes:
        assert old in data
        return data.replace(old, new, 1)

    return altered


@pytest.mark.parametrize(
    "change",
    [
        alter(b"Origin: Test", b"Origin: Tesd"),
        alter(b"SHA256:\n", b"SHA256:\n " + b"0" * 64 + b" 1 main/other\n"),
        lambda data: data[: data.index(b"-----BEGIN PGP SIGNATURE")],
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: bytes(512),
        lambda data: b"<html><body>Please log in</body></html>",
    ],
    ids=[
        "a field",
        "a sum",
        "no signature",
        "truncated",
        "empty",
        "zeros",
        "a portal",
    ],
)
def test_an_altered_release_is_refused(
    machine: Machine, change: Callable[[bytes], bytes]
) -> None:
    path = machine.offer({"a": {}})
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ArtefactError, match="InRelease") as caught:
        machine.choose("a")
    assert caught.value.message.startswith("debian bookworm: InRelease from")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"Codename: trixie\n\n", b""),
        (b"", b"\nSHA256:\n " + b"0" * 64 + b" 1 main/binary-amd64/Packages.xz\n"),
    ],
)
def test_what_stands_around_the_signed_text_does_not_count(
    machine: Machine, before: bytes, after: bytes
) -> None:
    path = machine.offer({"a": {}})
    chosen = machine.choose("a")
    path.write_bytes(before + path.read_bytes() + after)
    try:
        assert machine.choose("a") == chosen
    except ArtefactError as error:
        assert "cannot be trusted" in error.message


def test_an_unsigned_release_is_refused(machine: Machine) -> None:
    machine.offer({"a": {}}, signed=False)
    with pytest.raises(ArtefactError, match="cannot be trusted"):
        machine.choose("a")


def test_a_key_that_is_not_pinned_is_refused(machine: Machine) -> None:
    machine.offer({"a": {}})
    other = make_key("Somebody else").extract_certificate().fingerprint
    trust = replace(machine.trust, fingerprints=frozenset({other}))
    with pytest.raises(ArtefactError, match="cannot be trusted") as caught:
        machine.choose("a", trust=trust)
    assert "keyring" in caught.value.hint


def test_keys_may_come_out_of_the_archives_own_package(
    machine: Machine, tmp_path: Path
) -> None:
    certificate = bytes(machine.key.extract_certificate())
    (tmp_path / "in").mkdir()
    machine.offer({"a": {}, "debian-archive-keyring": {}})
    pool = tmp_path / "debian/pool/main/d/debian-archive-keyring"
    deb = make_deb(
        pool,
        "debian-archive-keyring",
        "1",
        files={"usr/share/keyrings/debian-archive-keyring.gpg": certificate},
    )
    assert deb.parent == pool
    bare = Trust(fingerprints=machine.trust.fingerprints, folders=())
    assert [one.name for one in machine.choose("a", trust=bare)] == ["a"]


def test_a_release_of_another_suite_is_refused(machine: Machine) -> None:
    machine.offer({"a": {}}, release={"Codename": "trixie", "Suite": "stable"})
    with pytest.raises(ArtefactError, match="is of trixie, not of bookworm"):
        machine.choose("a")


def test_a_date_that_is_none_is_named(machine: Machine) -> None:
    machine.offer({"a": {}}, release={"Date": "yesterday"})
    with pytest.raises(ArtefactError, match=r"Date is no date: 'yesterday'"):
        machine.choose("a")


def test_a_state_past_its_time_is_told(machine: Machine) -> None:
    machine.offer({"a": {}}, release={"Valid-Until": "Sat, 01 Aug 2020 10:00:00 UTC"})
    machine.choose("a")
    assert any("2020-08-01" in line for line in machine.heard.lines)


def test_a_release_that_is_not_there_is_not_a_damaged_one(machine: Machine) -> None:
    with pytest.raises(NetworkError, match="no mirror of debian carries bookworm"):
        machine.choose("a")


def test_a_machine_without_a_mirror_is_told_what_to_write(machine: Machine) -> None:
    machine.settings = replace(machine.settings, mirrors={})
    with pytest.raises(UsageError) as caught:
        machine.choose("a")
    assert "FIRSTLIGHT_MIRROR_DEBIAN" in caught.value.hint


# The index


def test_an_index_the_release_does_not_name_is_not_read(machine: Machine) -> None:
    machine.offer({"a": {}}, architecture="arm64")
    with pytest.raises(ArtefactError, match=r"no SHA-256 of main/binary-amd64"):
        machine.choose("a")


@pytest.mark.parametrize("cut", [0, 9, 60])
def test_a_truncated_index_is_refused(machine: Machine, cut: int) -> None:
    machine.offer({"a": {}})
    path = machine.index()
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FirstlightError, match=r"bookworm/main/binary-amd64/Packages"):
        machine.choose("a")


def test_an_altered_index_of_the_right_size_is_refused(machine: Machine) -> None:
    machine.offer({"a": {}})
    path = machine.index()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArtefactError, match=r"Packages\.xz"):
        machine.choose("a")


def test_an_index_is_found_by_its_hash(machine: Machine) -> None:
    machine.offer({"a": {}}, by_hash=True)
    assert not machine.index().exists()
    assert [one.name for one in machine.choose("a")] == ["a"]


STANZA = (
    b"Package: a\nVersion: 1\nArchitecture: amd64\nFilename: pool/main/a.deb\n"
    b"Size: 1\nSHA256: " + b"0" * 64 + b"\n"
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (alter(b"Size: 1\n", b""), "gives no Size"),
        (alter(b"Size: 1", b"Size: many"), "damaged"),
        (alter(b"SHA256: 000", b"SHA256: zzz"), "damaged"),
        (alter(b"pool/main/a.deb", b"../../../etc/passwd"), "leads out"),
        (alter(b"pool/main/a.deb", b"/etc/passwd"), "leads out"),
        (alter(b"Size", b"Depends: b (?? 1)\nSize"), "damaged"),
    ],
)
def test_a_signed_index_may_still_be_wrong(
    machine: Machine, text: Callable[[bytes], bytes], problem: str
) -> None:
    machine.offer({}, text=text(STANZA))
    with pytest.raises(ArtefactError, match=f"bookworm/a: .*{problem}"):
        machine.choose("a")


def test_an_index_larger_than_promised_is_never_held(machine: Machine) -> None:
    path = machine.offer({"a": {}})
    bomb = compress(bytes(64 << 20), "xz")
    small = machine.index().read_bytes()
    body = path.read_bytes()
    signed = body[body.index(b"\n\n") + 2 : body.index(b"-----BEGIN PGP SIGNATURE")]
    text = signed.decode()
    found = re.search(rf" {hashlib.sha256(small).hexdigest()} +{len(small)} ", text)
    assert found is not None
    new = f" {hashlib.sha256(bomb).hexdigest()} {len(bomb)} "
    text = text.replace(found[0], new)
    machine.index().write_bytes(bomb)
    path.write_bytes(machine.signed(text.encode()))
    with pytest.raises(ArtefactError, match="larger than the"):
        machine.choose("a")


# Mirrors


def test_a_mirror_that_lacks_the_suite_is_passed_over(
    machine: Machine, tmp_path: Path
) -> None:
    machine.offer({"a": {}})
    mirrors = ((tmp_path / "empty").as_uri(), (tmp_path / "debian").as_uri())
    machine.settings = replace(machine.settings, mirrors={"debian": mirrors})
    assert [one.name for one in machine.choose("a")] == ["a"]


def test_a_mirror_over_http_gives_the_same(machine: Machine, tmp_path: Path) -> None:
    machine.offer({"a": {"Depends": "b"}, "b": {}})
    before = machine.choose("a")
    with serving() as site:
        top = tmp_path / "debian"
        for path in top.rglob("*"):
            if path.is_file():
                name = f"/debian/{path.relative_to(top)}"
                site.pages[name] = Page(path.read_bytes(), login="me:geheim")
        mirrors = {"debian": (site.url("/debian/", "me:geheim"),)}
        machine.settings = replace(machine.settings, mirrors=mirrors)
        machine.renew()
        assert machine.choose("a") == before
    assert all("geheim" not in line for line in machine.heard.lines)


def test_a_password_of_a_mirror_never_shows(machine: Machine) -> None:
    with serving() as site:
        site.pages["/debian/dists/bookworm/InRelease"] = Page(b"not a release")
        mirrors = {"debian": (site.url("/debian", "me:geheim"),)}
        machine.settings = replace(machine.settings, mirrors=mirrors)
        machine.renew()
        with pytest.raises(ArtefactError) as caught:
            machine.choose("a")
    assert "geheim" not in caught.value.message + caught.value.hint
