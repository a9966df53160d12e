"""Everything that a lock leads to is in the artefact, and the lock alone decides it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from firstlight.digest import of_bytes
from firstlight.errors import DigestError, LockError, NetworkError
from firstlight.lock.text import dump_lock
from firstlight.oci.model import EMPTY_TYPE, INDEX_TYPE, MANIFEST_TYPE, Descriptor
from firstlight.share.documents import index_json
from firstlight.vendor.artefact import Artefact
from firstlight.vendor.keep import estimate, subject_of
from vendor.vendoring import AMD64, ARM64, KEYRING, Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.open(tmp_path / "shop")


def titles(artefact: Artefact) -> list[str]:
    return [file.title for file in artefact.files]


def test_every_file_is_a_layer_with_its_name_in_one_order(shop: Shop) -> None:
    artefact = shop.vendor()
    pool = "archives/debian/pool/main"
    assert titles(artefact) == [
        "firstlight.lock",
        "pylock.toml",
        "firstlight.toml",
        "needs.txt",
        "archives/debian/dists/bookworm/InRelease",
        "archives/debian/dists/bookworm/main/binary-amd64/Packages.xz",
        f"{pool}/b/base-passwd/base-passwd_1.0-1_amd64.deb",
        f"{pool}/d/{KEYRING}/{KEYRING}_1.0-1_amd64.deb",
        f"{pool}/t/tool/tool_1.0-1_amd64.deb",
        "wheels/alpha-1.0-py3-none-any.whl",
        "wheels/beta-1.0-py3-none-any.whl",
    ]
    manifest = json.loads(artefact.data)
    assert manifest["artifactType"] == "application/vnd.firstlight.vendor.v1"
    assert manifest["config"]["mediaType"] == EMPTY_TYPE
    assert "subject" not in manifest
    store = shop.bench.store
    for layer in manifest["layers"]:
        assert of_bytes(store.path(layer["digest"]).read_bytes()) == layer["digest"]
        assert store.size(layer["digest"]) == layer["size"]
    assert store.path(artefact.digest).read_bytes() == artefact.data
    assert store.path(of_bytes(b"{}")).read_bytes() == b"{}"


def test_the_same_lock_gives_the_same_artefact_in_another_store(shop: Shop) -> None:
    first = shop.vendor()
    shop.bench.store = shop.elsewhere()
    assert shop.vendor() == first


def test_the_lock_in_it_is_the_one_that_was_given(shop: Shop) -> None:
    _, lock = shop.build()
    artefact = shop.vendor(lock)
    assert artefact.files[0].digest == of_bytes(dump_lock(lock).encode())


def test_a_built_lock_makes_it_belong_to_the_image(shop: Shop) -> None:
    image, lock = shop.build()
    # Whoever vendors need not have the image.
    shop.bench.store = shop.elsewhere()
    artefact = shop.vendor(lock)
    assert artefact.subject is not None
    found = json.loads(artefact.data)["subject"]
    assert found == {
        "mediaType": MANIFEST_TYPE,
        "digest": image.manifest,
        "size": artefact.subject.size,
    }
    made = shop.folder / "store/blobs/sha256" / image.manifest[7:]
    assert made.stat().st_size == artefact.subject.size


def test_of_several_platforms_it_belongs_to_their_index(shop: Shop) -> None:
    lock = shop.lock([AMD64, ARM64])
    images = []
    for platform in (AMD64, ARM64):
        assert subject_of(lock, [AMD64, ARM64]) is None
        image, lock = shop.build(lock, platform)
        images.append(image)
    store = shop.bench.store
    named = [
        Descriptor(
            media_type=MANIFEST_TYPE,
            digest=image.manifest,
            size=store.size(image.manifest),
            platform=image.platform,
        )
        for image in images
    ]
    found = subject_of(lock, [AMD64, ARM64])
    assert found is not None
    data = index_json(named)
    assert (found.media_type, found.digest) == (INDEX_TYPE, of_bytes(data))
    assert found.size == len(data)
    one = subject_of(lock, [ARM64])
    assert one is not None
    assert one.digest == images[1].manifest


def test_every_platform_of_the_lock_goes_in_or_the_one_asked_for(shop: Shop) -> None:
    shop.publish(["arm64", "amd64"])
    lock = shop.lock([AMD64, ARM64])
    both, one = shop.vendor(lock, [AMD64, ARM64]), shop.vendor(lock, [ARM64])
    places = "archives/debian/dists/bookworm/main/binary-{}/Packages.xz"
    assert places.format("amd64") in titles(both)
    assert places.format("arm64") in titles(both)
    assert places.format("amd64") not in titles(one)
    assert (both.platforms, one.platforms) == ((AMD64, ARM64), (ARM64,))
    # What both need is there once.
    assert sum("tool_" in title for title in titles(both)) == 1
    with pytest.raises(LockError, match="not for linux/s390x"):
        shop.vendor(lock, ["linux/s390x"])


def test_a_keyring_that_the_image_lacks_is_taken_from_the_index(shop: Shop) -> None:
    lock = shop.lock(without=KEYRING)
    assert any(KEYRING in title for title in titles(shop.vendor(lock)))


def test_without_the_old_release_it_goes_on_and_says_so(shop: Shop) -> None:
    lock = shop.lock()
    shop.offer("newer", {"usr/bin/newer": b""})
    shop.publish()
    artefact = shop.vendor(lock)
    assert not any("/dists/" in title for title in titles(artefact))
    assert sum("_1.0-1_amd64.deb" in title for title in titles(artefact)) == 3
    (said,) = shop.heard.said
    assert "dists/bookworm/InRelease" in said
    assert "on no mirror any more" in said


def test_the_release_that_locking_kept_needs_no_mirror(shop: Shop) -> None:
    lock = shop.lock()
    whole = shop.vendor(lock)
    shop.offer("newer", {"usr/bin/newer": b""})
    shop.publish()
    assert shop.vendor(lock) == whole
    assert not shop.heard.said


def test_a_snapshot_still_has_the_old_release(shop: Shop) -> None:
    lock = shop.lock()
    old = shop.folder / "snapshots/debian" / lock.archives[0].snapshot
    old.parent.mkdir(parents=True)
    shop.archive.rename(old)
    shop.publish()
    shop.offer("newer", {"usr/bin/newer": b""})
    shop.publish()
    shop.snapshots = ((shop.folder / "snapshots").as_uri(),)
    assert any("InRelease" in title for title in titles(shop.vendor(lock)))
    assert not shop.heard.said


def test_an_index_is_found_where_only_its_hash_names_it(shop: Shop) -> None:
    for path in shop.archive.rglob("Packages*"):
        path.unlink()
    shop.publish(by_hash=True)
    assert any("Packages.xz" in title for title in titles(shop.vendor()))
    assert not shop.heard.said


def test_a_package_that_is_gone_stops_it(shop: Shop) -> None:
    lock = shop.lock()
    (gone,) = shop.archive.rglob("tool_*.deb")
    gone.unlink()
    with pytest.raises(NetworkError, match=r"tool_1\.0-1_amd64\.deb"):
        shop.vendor(lock)


def test_a_package_that_is_another_stops_it(shop: Shop) -> None:
    lock = shop.lock()
    (other,) = shop.archive.rglob("tool_*.deb")
    data = bytearray(other.read_bytes())
    data[-1] ^= 1
    other.write_bytes(data)
    with pytest.raises(DigestError, match="tool_"):
        shop.vendor(lock)


def test_an_estimate_fetches_nothing_and_then_knows_all(shop: Shop) -> None:
    project, store = shop.project(), shop.bench.store
    before = estimate(project, platforms=[AMD64], store=store)
    debs = sum(path.stat().st_size for path in shop.offered.values())
    assert (before.files, before.unknown, before.to_fetch) == (9, 2, debs)
    assert not any((store.root / "blobs/sha256").iterdir())
    shop.vendor()
    after = estimate(project, platforms=[AMD64], store=store)
    assert (after.files, after.unknown, after.to_fetch) == (9, 0, 0)
    assert after.bytes > before.bytes


def test_wheels_of_one_name_and_two_contents_are_told_apart(shop: Shop) -> None:
    path = shop.bench.wheels["alpha"]
    (shop.folder / "else").mkdir()
    other = shop.folder / "else" / path.name
    other.write_bytes(path.read_bytes())
    shop.bench.wheel("alpha", {"alpha/__init__.py": "other = 1\n"})
    text = shop.bench.pylock()
    here = "sys_platform == 'linux' and platform_machine == "
    arm = text.partition('name = "alpha"\nversion = "1.0"\n')
    digest = of_bytes(other.read_bytes())[7:]
    amd = (
        f'[[packages]]\nname = "alpha"\nversion = "1.0"\n'
        f"marker = \"{here}'x86_64'\"\n"
        f'wheels = [{{ path = "else/{other.name}", '
        f'hashes = {{ sha256 = "{digest}" }} }}]\n'
    )
    marked = f"{arm[0]}{arm[1]}marker = \"{here}'aarch64'\"\n{arm[2]}"
    shop.bench.frozen = marked + amd
    shop.publish(["arm64", "amd64"])
    artefact = shop.vendor(shop.lock([AMD64, ARM64]), [AMD64, ARM64])
    found = [title for title in titles(artefact) if "alpha" in title]
    assert len(found) == len(set(found)) == 2
