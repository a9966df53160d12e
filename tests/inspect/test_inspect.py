"""Looking into images: from a registry, a layout, the store; and comparing two."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from firstlight.attest.attest import attach
from firstlight.attest.evidence import gather
from firstlight.digest import of_bytes
from firstlight.encoding.encode import Encoding, encode
from firstlight.errors import ArtefactError, DigestError, NetworkError, UsageError
from firstlight.inspect import difference
from firstlight.inspect.inspect import Inspected, inspect
from firstlight.inspect.opened import Folder, Opened, Registry, open_image
from firstlight.inspect.packages import Own
from firstlight.oci import layout, model
from firstlight.oci.model import Image, Layer
from firstlight.pack.known import record
from firstlight.progress import Progress
from firstlight.share.push import push
from firstlight.store import Store
from pack.hand_locks import AMD64, Bench
from registry_server import Registry as Server
from share.altered import change_file, publish
from share.registries import ARM64, bench_in, for_arm, repository

SITE = "opt/venv/lib/python3.11/site-packages"


@pytest.fixture
def own(bench: Bench, image: Image) -> Own:
    """The lock after the image was built."""
    lock = record(bench.lock(), image)
    return Own(lock=lock, part=lock.platforms[0], wheels=bench.selected())


@contextmanager
def published(
    server: Server, store: Store, which: str = "latest", platform: str = ""
) -> Iterator[Opened]:
    with repository(server, store) as place:
        source = Registry(repository=place, which=which, store=store)
        yield open_image(source, platform=platform, usual=AMD64)


def here(store: Store, which: str, platform: str = "") -> Opened:
    folder = Folder(root=store.root, which=which, label=which)
    return open_image(folder, platform=platform, usual=AMD64)


def foreign(
    store: Store, *layers: Mapping[str, bytes], env: tuple[str, ...] = ()
) -> str:
    """An image that another tool made, in the store's index; returns its name."""
    made = []
    for number, files in enumerate(layers):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            for path, data in files.items():
                info = tarfile.TarInfo(f"./{path}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        blob = gzip.compress(out.getvalue(), mtime=0)
        made.append(
            Layer(
                digest=store.put(blob),
                diff_id=of_bytes(out.getvalue()),
                size=len(blob),
                title=f"step {number}",
            )
        )
    pairs = tuple((line.split("=")[0], line.split("=")[1]) for line in env)
    settings = model.Settings(environment=pairs, labels={"maintainer": "me"})
    config = model.config_json(AMD64, made, settings)
    manifest = model.manifest_json((store.put(config), len(config)), made, {})
    image = Image(
        name="foreign",
        platform=AMD64,
        id=of_bytes(config),
        manifest=store.put(manifest),
        layers=tuple(made),
    )
    layout.add_reference(store, image)
    return "foreign"


def names(found: Inspected) -> list[str]:
    return [f"{each.name} {each.version}" for each in found.packages or ()]


# Where an image may be


def test_of_an_image_in_a_registry_only_documents_are_fetched(
    server: Server, bench: Bench, image: Image, store: Store, own: Own
) -> None:
    publish(server, bench.store, image)
    with published(server, store) as opened:
        found = inspect(opened, store, own=own)
    assert found.image_id == image.id
    assert found.manifest == image.manifest
    assert found.size == image.size
    assert found.is_own
    fetched = {asked.path.rpartition("/")[2] for asked in server.asked("GET")}
    assert not fetched & {layer.digest for layer in image.layers}
    assert names(found)[:2] == ["alpha 1.0", "beta 1.0"]
    assert found.packages_from == "lock"


def test_the_platforms_of_an_index_are_told_and_one_is_chosen(
    server: Server, bench: Bench, image: Image, store: Store
) -> None:
    images = [image, for_arm(bench, image)]
    with repository(server, bench.store) as place:
        pushed = push(images, bench.store, place, tags=["both"])
    with published(server, store, "both") as opened:
        found = inspect(opened, store)
    assert found.index == pushed.descriptor.digest
    assert found.platforms == (AMD64, ARM64)
    assert found.platform == AMD64
    with published(server, store, "both", ARM64) as opened:
        assert inspect(opened, store).platform == ARM64


def test_a_platform_that_is_not_there(
    server: Server, bench: Bench, image: Image, store: Store
) -> None:
    publish(server, bench.store, image)
    with pytest.raises(ArtefactError, match="not for linux/arm64"):
        published(server, store, platform=ARM64).__enter__()
    with pytest.raises(NetworkError, match="is not there"):
        published(server, store, "nothing").__enter__()


def test_an_image_whose_name_another_has_now_is_found_by_its_manifest(
    bench: Bench, image: Image, store: Store
) -> None:
    for blob in layout.blobs_of(image):
        store.put(bench.store.path(blob).read_bytes())
    foreign(store, {"a": b"b"})
    assert here(store, image.manifest).image_id == image.id
    with pytest.raises(ArtefactError, match="no JSON"):
        here(store, image.layers[0].digest)


@pytest.mark.parametrize("how", ["name", "image ID", "hex", "manifest"])
def test_the_store_is_asked_by_name_id_and_digest(
    bench: Bench, image: Image, how: str
) -> None:
    which = {
        "name": image.name,
        "image ID": image.id,
        "hex": image.id[7:15],
        "manifest": image.manifest,
    }[how]
    assert here(bench.store, which).image_id == image.id


def test_what_the_store_does_not_have(bench: Bench, image: Image) -> None:
    with pytest.raises(UsageError, match="no such image") as caught:
        here(bench.store, "nothing")
    assert image.name in caught.value.hint


def test_a_layout_with_one_image_needs_no_name(
    bench: Bench, image: Image, tmp_path: Path, store: Store
) -> None:
    folder = tmp_path / "oci"
    layout.write(image, bench.store, folder)
    opened = open_image(Folder(root=folder, which="", label="oci:oci"))
    assert opened.image_id == image.id
    layout.write(for_arm(bench, image), bench.store, folder, tag="other")
    with pytest.raises(UsageError, match="2 images are meant"):
        open_image(Folder(root=folder, which="", label="oci:oci"), usual="linux/s390x")


def test_a_damaged_document_of_a_layout_is_refused(
    bench: Bench, image: Image, tmp_path: Path
) -> None:
    folder = tmp_path / "oci"
    layout.write(image, bench.store, folder)
    path = folder / "blobs/sha256" / image.id[7:]
    path.unlink()
    path.write_bytes(b"{}")
    with pytest.raises(DigestError, match="damaged"):
        open_image(Folder(root=folder, which="", label="oci:oci"))


@pytest.mark.parametrize(
    "index",
    [
        b"",
        b"[]",
        b"{}",
        b'{"manifests": 1}',
        b'{"manifests": [{"digest": "x"}]}',
        b'{"manifests": [{"mediaType": "a", "digest": "b", "size": "c"}]}',
    ],
)
def test_an_index_that_is_none(tmp_path: Path, index: bytes) -> None:
    (tmp_path / "index.json").write_bytes(index)
    with pytest.raises(ArtefactError):
        open_image(Folder(root=tmp_path, which="", label="oci:it"))


# What is inside


def test_the_lock_knows_which_layer_holds_which_package(
    bench: Bench, image: Image, own: Own
) -> None:
    found = inspect(here(bench.store, image.name), bench.store, own=own)
    held = {layer.title: layer.packages for layer in found.layers}
    inside = [each.name for packages in held.values() for each in packages]
    assert sorted(inside) == ["alpha", "base-passwd", "beta", "tool"]
    assert held["system files"] == ()
    assert sum(layer.share for layer in found.layers) == pytest.approx(1)
    assert {layer.encoding for layer in found.layers} == {"gzip"}


def test_another_image_with_our_label_is_not_ours(
    server: Server, bench: Bench, image: Image, store: Store, own: Own
) -> None:
    publish(server, bench.store, image, change_file("etc/passwd", b""))
    with published(server, store) as opened:
        found = inspect(opened, store, own=own)
    assert not found.is_own
    assert found.packages is None


def test_layers_are_read_where_nothing_else_knows(
    server: Server, bench: Bench, image: Image, store: Store
) -> None:
    publish(server, bench.store, image)
    with published(server, store) as opened:
        found = inspect(opened, store, packages=True)
        again = inspect(opened, store, packages=True)
    assert found.packages_from == "layers"
    assert names(found) == ["alpha 1.0", "beta 1.0", "base-passwd 1.0-1", "tool 1.0-1"]
    total = 0
    for layer in found.layers:
        plain = gzip.decompress(bench.store.path(layer.digest).read_bytes())
        assert layer.unpacked == len(plain)
        total += len(plain)
    assert found.unpacked == total
    assert again == found
    asked = [each for each in server.asked("GET") if "/blobs/" in each.path]
    assert len(asked) == len(image.layers) + 1, "each layer once, and the configuration"


def test_a_layer_that_is_not_what_the_image_says_is_not_believed(
    server: Server, bench: Bench, image: Image, store: Store
) -> None:
    path = f"{SITE}/alpha/__init__.py"
    lie = change_file(path, b"", consistent=False)
    publish(server, bench.store, image, lie)
    with (
        published(server, store) as opened,
        pytest.raises(DigestError, match="configuration says"),
    ):
        inspect(opened, store, packages=True)


def test_the_bill_of_materials_spares_the_layers(
    server: Server, bench: Bench, image: Image, store: Store, own: Own
) -> None:
    evidence = gather(
        own.lock,
        bench.pylock(),
        [image],
        compression="gzip",
        folder=bench.folder,
        store=bench.store,
        settings=bench.settings(),
        progress=Progress(),
    )
    with repository(server, bench.store) as place:
        pushed = push([image], bench.store, place, tags=["latest"])
        attach(place, pushed.descriptor, evidence)
    with published(server, store) as opened:
        found = inspect(opened, store, packages=True)
    assert found.packages_from == "bill"
    assert sorted(names(found)) == [
        "alpha 1.0",
        "base-passwd 1.0-1",
        "beta 1.0",
        "tool 1.0-1",
    ]
    assert not any(store.path(layer.digest).exists() for layer in image.layers)
    kinds = [each.kind for each in found.attached]
    assert "bill of materials (CycloneDX)" in kinds
    assert "provenance (in-toto)" in kinds


STATUS = "Package: bash\nStatus: install ok installed\nVersion: 5.2\n\n"
GONE = "Package: old\nStatus: deinstall ok config-files\nVersion: 1\n\n"
CURL = "Package: curl\nStatus: install ok installed\nVersion: 8.1\n"
COPYRIGHT = b"Format: dep-5 copyright-format/1.0/\n\nFiles: *\nLicense: curl\n"


def test_packages_of_a_foreign_image_belong_to_the_layer_that_brings_them(
    store: Store,
) -> None:
    metadata = (
        b"Metadata-Version: 2.1\nName: Some.Thing\nLicense: MIT\n\nLicense: GPL\n"
    )
    which = foreign(
        store,
        {"var/lib/dpkg/status": (STATUS + GONE).encode()},
        {
            "var/lib/dpkg/status": (STATUS + CURL).encode(),
            "usr/share/doc/curl/copyright": COPYRIGHT,
            "usr/lib/python3/dist-packages/Some.Thing-1.0.dist-info/METADATA": metadata,
        },
        {
            "usr/lib/python3/dist-packages/.wh.Some.Thing-1.0.dist-info": b"",
            "x/site-packages/some_thing-2.0.dist-info/METADATA": metadata,
            "x/site-packages/pip/_vendor/a-1.0.dist-info/METADATA": metadata,
            "var/lib/dpkg/status.d/tini": b"Package: tini\nVersion: 0.19\n",
            "var/lib/dpkg/status.d/tini.md5sums": b"Package: no\nVersion: 0\n",
        },
        env=("CUDA_VERSION=12.6.2", "NCCL_VERSION=2.27"),
    )
    found = inspect(here(store, which), store, packages=True, layers=True)
    assert names(found) == ["some-thing 2.0", "bash 5.2", "curl 8.1", "tini 0.19"]
    by_layer = [[each.name for each in layer.packages] for layer in found.layers]
    assert by_layer == [["bash"], ["some-thing", "curl"], ["some-thing", "tini"]]
    licences = {each.name: each.licence for each in found.packages or ()}
    assert licences["some-thing"] == "MIT"
    assert licences["curl"] == "curl"
    assert licences["bash"] == "unknown"
    assert ("CUDA", "12.6.2") in found.stack
    assert ("driver", ">= 525.60.13") in found.stack
    assert [layer.title for layer in found.layers] == ["step 0", "step 1", "step 2"]


def test_a_layer_with_a_header_that_never_ends_is_refused(store: Store) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 1 << 40
    blob = gzip.compress(header.tobuf(), mtime=0)
    which = foreign(store, {"a": b"b"})
    image = here(store, which)
    (layer,) = image.manifest.layers
    path = store.path(layer.digest)
    path.chmod(0o644)
    path.write_bytes(blob)
    with pytest.raises(ArtefactError, match="header"):
        inspect(image, store, packages=True)


def test_settings_of_any_tool_are_shown(store: Store) -> None:
    which = foreign(store, {"a": b"b"}, env=("A=1",))
    found = inspect(here(store, which), store)
    assert found.start.environment == ("A=1",)
    assert found.start.command == ("bash",)
    assert found.labels == {"maintainer": "me"}


@pytest.mark.parametrize(
    ("encoding", "word"),
    [
        (Encoding.ZSTD, "zstd"),
        (Encoding.ESTARGZ, "eStargz"),
        (Encoding.ESTARGZ_EMBEDDED, "eStargz"),
    ],
)
def test_encodings_have_their_names(
    server: Server,
    bench: Bench,
    image: Image,
    store: Store,
    encoding: Encoding,
    word: str,
) -> None:
    made = encode(image, encoding, bench.store, jobs=2, progress=Progress()).image
    publish(server, bench.store, made)
    with published(server, store) as opened:
        assert {layer.encoding for layer in inspect(opened, store).layers} == {word}


# Two images


@pytest.fixture
def changed(tmp_path: Path) -> tuple[Bench, Image]:
    """The same project with one more package."""
    bench = bench_in(tmp_path / "changed")
    bench.wheel("gamma")
    return bench, bench.build(bench.lock())


def side(store: Store, image: Image) -> difference.Side:
    found = inspect(here(store, image.manifest), store, packages=True)
    return difference.of_image(found)


def test_what_changed_and_how_much_must_move(
    bench: Bench, image: Image, changed: tuple[Bench, Image]
) -> None:
    before, after = side(bench.store, image), side(changed[0].store, changed[1])
    found = difference.compare(before, after)
    assert not found.is_empty
    assert [(each.name, each.before, each.after) for each in found.packages or ()] == [
        ("gamma", "", "1.0")
    ]
    old = {layer.digest for layer in image.layers}
    new = [layer for layer in changed[1].layers if layer.digest not in old]
    assert found.to_move == sum(layer.size for layer in new)
    assert [each.digest for each in found.added] == [each.digest for each in new]
    assert not found.settings
    back = difference.compare(after, before)
    assert {each.digest for each in back.removed} == {each.digest for each in new}


def test_an_image_does_not_differ_from_itself_packed_otherwise(
    server: Server, bench: Bench, image: Image, store: Store
) -> None:
    made = encode(image, Encoding.ZSTD, bench.store, jobs=2, progress=Progress()).image
    publish(server, bench.store, made)
    with published(server, store) as opened:
        other = difference.of_image(inspect(opened, store))
    found = difference.compare(side(bench.store, image), other)
    assert found.is_empty
    assert len(found.repacked) == len(image.layers)
    assert found.to_move == made.size
    assert not found.added
    assert found.packages is None


def test_a_lock_is_compared_with_an_image(
    bench: Bench, image: Image, own: Own, changed: tuple[Bench, Image]
) -> None:
    lock = changed[0].lock()
    other = Own(lock=lock, part=lock.platforms[0], wheels=changed[0].selected())
    one = difference.of_lock("lock:.", own)
    assert difference.compare(one, side(bench.store, image)).is_empty
    found = difference.compare(one, difference.of_lock("lock:there", other))
    assert not found.is_empty
    assert found.after.layers is None
    assert [each.name for each in found.packages or ()] == ["gamma"]
    assert not (found.same or found.added or found.removed)
