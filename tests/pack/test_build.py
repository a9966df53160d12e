"""From a lock to an image and back: what is made, what is reused, what is refused."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstlight.digest import Digest, of_bytes
from firstlight.errors import (
    ArtefactError,
    FirstlightError,
    LockError,
    MismatchError,
    NetworkError,
)
from firstlight.lock.lockfile import LayerFact, Lock
from firstlight.pack import plan
from firstlight.pack.entry import DAY_ONE, time_of
from firstlight.pack.known import record
from firstlight.store import Store
from pack.hand_locks import NOTHING, Bench, Ear, hex_of
from web_server import Page, serving

MASTERS = {
    "usr/share/base-passwd/passwd.master": b"root:*:0:0:root:/root:/bin/bash\n",
    "usr/share/base-passwd/group.master": b"root:*:0:\nshadow:*:42:\n",
}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path, Store.open(tmp_path / "store"))
    bench.deb("base-passwd", MASTERS)
    bench.deb("tool", {"usr/bin/tool": b"#!/bin/sh\n"})
    bench.wheel("alpha", {"alpha/__init__.py": "a = 1\n" * 200})
    bench.wheel("beta", {"beta/__init__.py": "b = 1\n" * 200})
    return bench


def test_a_build_is_an_image_of_what_was_locked(bench: Bench) -> None:
    image = bench.build(bench.lock())
    found = bench.files(image)
    assert found["usr/bin/tool"] == [b"#!/bin/sh\n"]
    site = "opt/venv/lib/python3.11/site-packages"
    assert found[f"{site}/alpha/__init__.py"] == [b"a = 1\n" * 200]
    for digest in (image.id, image.manifest):
        assert hex_of(bench.store.path(digest)) == digest[7:]


def test_nothing_changed_makes_no_layer(bench: Bench) -> None:
    lock = bench.lock()
    first = bench.build(lock)
    ear = Ear()
    assert bench.build(lock, ear=ear) == first
    assert ear.tasks == []


def test_files_of_another_version_have_another_time(bench: Bench) -> None:
    """So that Python does not run what it compiled of the one in place of the other."""
    before = bench.times(bench.build(bench.lock()))
    bench.wheel("beta", {"beta/__init__.py": "b = 2\n" * 200})
    after = bench.times(bench.build(bench.lock()))
    site = "opt/venv/lib/python3.11/site-packages"
    changed = {path for path, time in before.items() if after[path] != time}
    info = ("INSTALLER", "METADATA", "RECORD", "WHEEL")
    assert changed == {
        f"{site}/beta/__init__.py",
        *(f"{site}/beta-1.0.dist-info/{name}" for name in info),
    }
    assert before["usr/bin/tool"] != DAY_ONE
    assert before["opt/venv/bin"] == before["etc/passwd"] == DAY_ONE


@given(data=st.binary())
def test_every_time_of_a_package_can_be_written_to_a_zip(data: bytes) -> None:
    moment = datetime.fromtimestamp(time_of(of_bytes(data)), UTC)
    assert 1980 <= moment.year < 1998


def test_two_stores_agree(bench: Bench) -> None:
    lock = bench.lock()
    assert bench.build(lock) == bench.elsewhere().build(lock)


def test_the_order_of_the_lock_does_not_matter(bench: Bench) -> None:
    lock = bench.lock()
    first = bench.build(lock)
    other = bench.elsewhere()
    other.wheels = dict(reversed(bench.wheels.items()))
    assert other.pylock() != bench.pylock()
    assert other.build(lock) == first


@pytest.mark.slow
def test_a_changed_wheel_changes_only_its_layer(bench: Bench) -> None:
    for number in range(12):  # Each large enough for a layer of its own.
        content = os.urandom(2 << 20)
        bench.wheel(f"big{number}", {f"big{number}/data.bin": content})
    before = bench.build(bench.lock())
    bench.wheel("big7", {"big7/data.bin": os.urandom(2 << 20)})
    ear = Ear()
    after = bench.build(bench.lock(), ear=ear)
    assert after.id != before.id
    old = {layer.digest for layer in before.layers}
    new = [layer.title for layer in after.layers if layer.digest not in old]
    assert new == ear.made()
    assert len(new) == 1
    assert len(after.layers) == len(before.layers) > 4


def test_the_largest_wheels_lie_below_the_system(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The OS changes each week, they do not; whoever lies below is not moved again."""
    monkeypatch.setattr(plan, "_WHEELS", 20_000)
    monkeypatch.setattr(plan, "_BOTTOM", 50_000)
    for name, size in (("aa", 60_000), ("bb", 90_000), ("cc", 30_000), ("dd", 10)):
        bench.wheel(name, {f"{name}/data.bin": os.urandom(size)})
    layers = [layer.title for layer in bench.build(bench.lock()).layers]
    system, venv = layers.index("system files"), layers.index("python 3.11 environment")
    assert layers[:2] == ["bb 1.0", "aa 1.0"]
    assert layers[2].startswith("os: ")
    assert 2 < system < venv < layers.index("cc 1.0")


def test_facts_in_the_lock_give_the_same_layers_without_inflating(
    bench: Bench,
) -> None:
    lock = bench.lock()
    image = bench.build(lock)
    told = record(lock, image)
    assert told.platforms[0].image_id == image.id
    assert bench.elsewhere().build(told) == image


def test_a_lying_fact_is_found_out(bench: Bench) -> None:
    lock = bench.lock()
    told = record(lock, bench.build(lock))
    fact = told.platforms[0].layers[-1]
    for lie in (
        replace(fact, digest=NOTHING),
        replace(fact, diff_id=NOTHING),
        replace(fact, digest=told.platforms[0].layers[0].digest),
    ):
        with pytest.raises(MismatchError):
            bench.elsewhere().build(_with_fact(told, lie))


def test_a_lying_image_id_is_found_out(bench: Bench) -> None:
    lock = bench.lock()
    bench.build(lock)
    part = replace(lock.platforms[0], image_id=NOTHING)
    with pytest.raises(MismatchError) as caught:
        bench.build(replace(lock, platforms=(part,)))
    assert "verify" in caught.value.hint


def test_verify_believes_nothing_and_agrees(bench: Bench) -> None:
    lock = bench.lock()
    image = bench.build(lock)
    identity, findings = bench.verify(record(lock, image))
    assert (identity, findings) == (image.id, [])


def test_verify_names_the_layer_that_differs(bench: Bench) -> None:
    lock = bench.lock()
    told = record(lock, bench.build(lock))
    fact = told.platforms[0].layers[-1]
    _, findings = bench.verify(_with_fact(told, replace(fact, diff_id=NOTHING)))
    assert [finding.code for finding in findings] == ["verify.layer"]
    assert fact.title in findings[0].message


def test_verify_says_when_nothing_was_built(bench: Bench) -> None:
    _, findings = bench.verify(bench.lock())
    assert [finding.code for finding in findings] == ["verify.not-built"]


def test_a_platform_that_is_not_locked_is_named(bench: Bench) -> None:
    with pytest.raises(LockError, match="linux/arm64"):
        bench.build(bench.lock(), platform="linux/arm64")


def test_equal_files_of_two_wheels_are_not_worth_a_word(bench: Bench) -> None:
    for name in ("gamma", "delta"):
        bench.wheel(name, {f"shared_{name}.py": "", "shared/__init__.py": "same = 1\n"})
    ear = Ear()
    found = bench.files(bench.build(bench.lock(), ear=ear))
    assert ear.said == []
    path = "opt/venv/lib/python3.11/site-packages/shared/__init__.py"
    assert set(found[path]) == {b"same = 1\n"}


def test_a_large_wheel_loses_a_file_although_its_layer_was_begun(bench: Bench) -> None:
    large = random.Random(1).randbytes(9 << 20)
    for name in ("gross", "later"):
        bench.wheel(name, {f"{name}/data": large, "shared.py": f"x = {name!r}\n"})
    ear = Ear()
    image = bench.build(bench.lock(), ear=ear)
    site = "opt/venv/lib/python3.11/site-packages"
    found = bench.files(image)
    assert found[f"{site}/shared.py"] == [b"x = 'later'\n"]
    assert found[f"{site}/gross/data"] == found[f"{site}/later/data"] == [large]
    other = Bench(bench.folder, Store.open(bench.folder / "other"))
    other.wheels, other.debs = bench.wheels, bench.debs
    assert other.build(other.lock()).manifest == image.manifest


def test_of_two_different_files_the_later_by_name_stays_and_it_is_said(
    bench: Bench,
) -> None:
    bench.wheel("gamma", {"shared/__init__.py": "mine = 'gamma'\n"})
    bench.wheel("delta", {"shared/__init__.py": "mine = 'delta'\n"})
    ear = Ear()
    found = bench.files(bench.build(bench.lock(), ear=ear))
    path = "opt/venv/lib/python3.11/site-packages/shared/__init__.py"
    assert found[path] == [b"mine = 'gamma'\n"]
    assert len(ear.said) == 1
    assert all(word in ear.said[0] for word in ("delta", "gamma", path))


def test_a_file_where_another_wheel_has_a_folder_is_refused(bench: Bench) -> None:
    bench.wheel("gamma", {"thing": "a file\n"})
    bench.wheel("delta", {"thing/inside.py": ""})
    with pytest.raises(ArtefactError, match="gamma"):
        bench.build(bench.lock())


# Damage


def test_a_wheel_that_changed_before_it_was_fetched_is_refused(bench: Bench) -> None:
    lock, bench.frozen = bench.lock(), bench.pylock()
    bench.wheel("alpha", {"alpha/__init__.py": "evil = 1\n"})
    with pytest.raises(ArtefactError, match=r"alpha-1\.0"):
        bench.build(lock)


@pytest.mark.parametrize("cut", [True, False], ids=["cut", "altered"])
@pytest.mark.parametrize("kind", ["wheel", "deb"])
def test_a_damaged_input_is_fetched_again(bench: Bench, kind: str, cut: bool) -> None:
    lock = bench.lock()
    expected = bench.elsewhere().build(lock)
    source = bench.wheels["alpha"] if kind == "wheel" else bench.debs["tool"]
    bench.build(lock)
    _forget_results(bench.store)
    blob = bench.store.path(Digest(f"sha256:{hex_of(source)}"))
    _damage(blob, cut)
    assert bench.build(lock) == expected
    assert blob.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("kind", ["wheel", "deb"])
def test_a_damaged_input_that_is_gone_elsewhere_is_an_error(
    bench: Bench, kind: str
) -> None:
    lock, bench.frozen = bench.lock(), bench.pylock()
    source = bench.wheels["alpha"] if kind == "wheel" else bench.debs["tool"]
    bench.build(lock)
    _forget_results(bench.store)
    _damage(bench.store.path(Digest(f"sha256:{hex_of(source)}")), cut=False)
    source.unlink()
    with pytest.raises((ArtefactError, NetworkError), match=source.stem.split("_")[0]):
        bench.build(lock)


@pytest.mark.parametrize("cut", [True, False], ids=["cut", "altered"])
def test_a_damaged_layer_is_made_again(bench: Bench, cut: bool) -> None:
    lock = bench.lock()
    first = bench.build(lock)
    for layer in first.layers:
        _damage(bench.store.path(layer.digest), cut)
    ear = Ear()
    assert bench.build(lock, ear=ear) == first
    assert len(ear.made()) == len(first.layers)
    assert bench.files(first)


def test_damaged_facts_are_no_facts(bench: Bench) -> None:
    lock = bench.lock()
    first = bench.build(lock)
    for junk in (b"", b"{", b"null", b"[1]", b'{"layers": 3}', b'"x"'):
        for path in (bench.store.root / "facts").rglob("*.json"):
            path.write_bytes(junk)
        assert bench.build(lock) == first


def test_a_hostile_wheel_is_an_error_that_names_it(bench: Bench) -> None:
    path = bench.wheel("gamma")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FirstlightError, match="gamma"):
        bench.build(bench.lock())


@pytest.mark.slow
def test_a_cut_connection_is_taken_up_again(bench: Bench) -> None:
    lock = bench.lock()
    expected = bench.build(lock)
    tool = bench.debs["tool"]
    with serving() as site:
        for path in bench.debs.values():
            site.pages[f"/pool/{path.name}"] = Page(path.read_bytes())
        site.pages[f"/pool/{tool.name}"].cuts = [100, 30]
        other = replace(bench.elsewhere(), mirror=site.url(""))
        assert other.build(lock) == expected
    assert site.ranges(f"/pool/{tool.name}")[1:] == ["bytes=100-", "bytes=130-"]


def test_a_connection_that_gives_other_bytes_gives_no_image(bench: Bench) -> None:
    lock = bench.lock()
    with serving() as site:
        for path in bench.debs.values():
            data = path.read_bytes()
            site.pages[f"/pool/{path.name}"] = Page(data[:-1] + b"!")
        other = replace(bench.elsewhere(), mirror=site.url(""))
        with pytest.raises(ArtefactError, match=r"tool|base-passwd"):
            other.build(lock)


def _with_fact(lock: Lock, fact: LayerFact) -> Lock:
    part = lock.platforms[0]
    facts = tuple(fact if each.key == fact.key else each for each in part.layers)
    return replace(lock, platforms=(replace(part, layers=facts),))


def _forget_results(store: Store) -> None:
    """Leave the inputs and what is known about them, no image and no layer."""
    for kind in ("image", "layer"):
        for path in (store.root / "facts" / kind).iterdir():
            path.unlink()


def _damage(path: Path, cut: bool) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.chmod(0o644)
    path.write_bytes(data[: len(data) // 2] if cut else data)
