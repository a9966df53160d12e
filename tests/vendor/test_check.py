"""A check finds every file that is missing, damaged or strange, and who signed what."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from debian_archive import make_key
from firstlight.finding import Role
from firstlight.lock.archive import Trust
from firstlight.nearby import Layout
from firstlight.oci.model import TITLE
from firstlight.progress import Progress
from firstlight.store import Store
from firstlight.vendor.check import Report, check
from firstlight.vendor.layout import write_archive
from vendor.test_read import layer_path, lie, put
from vendor.vendoring import KEYRING, Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.open(tmp_path / "shop")


def checked(shop: Shop, layout: Layout, trust: Trust | None = None) -> Report:
    """Check with an empty store, no mirror and no certificate of this machine."""
    store = Store.open(shop.folder / "auditor")
    settings = replace(shop.settings, store=store.root, mirrors={})
    return check(layout, store, settings, Progress(), trust or shop.trust)


def told(report: Report) -> list[str]:
    return [f"{each.role} {each.message}" for each in report.findings]


def test_all_is_well_and_signed(shop: Shop) -> None:
    report = checked(shop, shop.written())
    assert told(report) == []
    assert (report.proof.signed, report.proof.total) == (3, 3)
    assert report.hashed == len(report.artefact.files) == 11


def test_one_file_is_as_good_as_a_folder(shop: Shop) -> None:
    file = shop.folder / "all.tar"
    store = shop.bench.store
    write_archive(shop.vendor(), "demo-vendor", store, file, Progress())
    report = checked(shop, Layout.open(file))
    assert told(report) == []
    assert report.proof.signed == 3


def test_a_keyring_beside_the_image_is_enough(shop: Shop) -> None:
    report = checked(shop, shop.written(shop.lock(without=KEYRING)))
    assert told(report) == []
    assert (report.proof.signed, report.proof.total) == (2, 2)


def test_no_keyring_anywhere_proves_nothing(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path / "bare", keyring=False)
    layout = shop.written()
    report = checked(shop, layout)
    assert report.proof.signed == 0
    (said,) = told(report)
    assert said.startswith("failure debian bookworm: its InRelease cannot be trusted")
    # With the certificate in a keyring of the machine it does.
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/own.gpg").write_bytes(bytes(shop.certificate))  # type: ignore[call-overload]
    trust = replace(shop.trust, folders=(tmp_path / "keys",))
    assert checked(shop, layout, trust).proof.signed == 2


def test_a_key_that_nobody_pinned_counts_for_nothing(shop: Shop) -> None:
    other = make_key().extract_certificate().fingerprint
    report = checked(
        shop, shop.written(), Trust(fingerprints=frozenset({other}), folders=())
    )
    assert report.proof.signed == 0
    assert "cannot be trusted" in told(report)[0]


def test_a_locked_package_that_the_distribution_never_had_is_named(shop: Shop) -> None:
    # A lock that somebody wrote: its package is real, its index does not name it.
    shop.offer("backdoor", {"usr/bin/backdoor": b"#!/bin/sh\n"})
    lock = shop.lock()
    mirror = shop.folder / "archive/pool/main/b/backdoor"
    mirror.mkdir(parents=True)
    path = shop.offered["backdoor"]
    (mirror / path.name).write_bytes(path.read_bytes())
    report = checked(shop, shop.written(lock))
    assert (report.proof.signed, report.proof.total) == (3, 4)
    (said,) = told(report)
    assert said.startswith("failure backdoor 1.0-1: no index of debian bookworm")


def test_without_the_release_it_is_whole_and_unproven(shop: Shop) -> None:
    lock = shop.lock()
    shop.offer("newer", {"usr/bin/newer": b""})
    shop.publish()
    report = checked(shop, shop.written(lock))
    assert (report.proof.signed, report.proof.total) == (0, 3)
    assert [each.role for each in report.findings] == [Role.WARNING]
    assert "without archives/debian/dists/bookworm/InRelease" in told(report)[0]


def test_every_damaged_file_is_named(shop: Shop) -> None:
    layout = shop.written()
    wheel = layer_path(shop, "wheels/alpha-1.0-py3-none-any.whl")
    data = wheel.read_bytes()
    wheel.unlink()
    wheel.write_bytes(data[:-1] + b"\xff")
    deb = layer_path(shop, "archives/debian/pool/main/t/tool/tool_1.0-1_amd64.deb")
    deb.unlink()
    index = "archives/debian/dists/bookworm/main/binary-amd64/Packages.xz"
    cut = layer_path(shop, index)
    data = cut.read_bytes()
    cut.unlink()
    cut.write_bytes(data[:-1])
    report = checked(shop, layout)
    failures = [each.message for each in report.findings if each.role is Role.FAILURE]
    assert failures == [
        f"{index}: it has {len(data) - 1} bytes",
        "archives/debian/pool/main/t/tool/tool_1.0-1_amd64.deb: it is missing",
        "wheels/alpha-1.0-py3-none-any.whl: its bytes are others",
    ]


def test_pipes_and_links_are_no_files(shop: Shop) -> None:
    layout = shop.written()
    wheel = layer_path(shop, "wheels/alpha-1.0-py3-none-any.whl")
    wheel.unlink()
    os.mkfifo(wheel)
    deb = layer_path(shop, "archives/debian/pool/main/t/tool/tool_1.0-1_amd64.deb")
    deb.unlink()
    deb.symlink_to("/dev/zero")
    failures = [each for each in told(checked(shop, layout)) if "failure" in each]
    assert len(failures) == 2
    assert all(each.endswith("it is missing") for each in failures)


def test_what_the_lock_does_not_lead_to_is_named(shop: Shop) -> None:
    layout = shop.written()

    def change(manifest: dict[str, object]) -> None:
        layers = manifest["layers"]
        assert isinstance(layers, list)
        extra = {**layers[-1], **put(shop, b"not of the lock")}
        layers.append({**extra, "annotations": {TITLE: "wheels/evil.whl"}})

    lie(shop, change)
    (said,) = told(checked(shop, layout))
    assert said.startswith("failure wheels/evil.whl is in the artefact and the lock")


def test_what_is_left_out_is_named(shop: Shop) -> None:
    layout = shop.written()
    lie(shop, lambda manifest: manifest["layers"].pop())
    (said,) = told(checked(shop, layout))
    assert said.startswith("failure wheels/beta-1.0-py3-none-any.whl is named by the")
