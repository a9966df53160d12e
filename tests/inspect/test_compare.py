"""Published images held against a rebuild: what was changed is found and named."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firstlight.encoding.encode import Encoding, encode
from firstlight.errors import DigestError
from firstlight.finding import Role
from firstlight.inspect.compare import Status, Verdict, compare
from firstlight.inspect.opened import Folder, Opened, Registry, open_image
from firstlight.oci import layout
from firstlight.oci.model import Image
from firstlight.pack.build import Rebuilt, rebuild
from firstlight.progress import Progress
from firstlight.share.push import push
from firstlight.store import Store
from pack.hand_locks import AMD64, Bench
from registry_server import Fault
from registry_server import Registry as Server
from share.altered import (
    Change,
    Document,
    add_layer,
    change_config,
    change_file,
    change_name,
    publish,
)
from share.registries import repository

ALPHA = "opt/venv/lib/python3.11/site-packages/alpha/__init__.py"
BETA = "opt/venv/lib/python3.11/site-packages/beta/__init__.py"
TOOL = "usr/bin/tool"


@pytest.fixture(scope="module")
def rebuilt(bench: Bench) -> Rebuilt:
    return rebuild(
        bench.lock(),
        bench.pylock(),
        platform=AMD64,
        folder=bench.folder,
        store=bench.store,
        settings=bench.settings(),
        progress=Progress(),
    )


@contextmanager
def published(server: Server, store: Store, which: str = "latest") -> Iterator[Opened]:
    with repository(server, store) as place:
        yield open_image(Registry(repository=place, which=which, store=store))


def verdict_on(
    server: Server, store: Store, rebuilt: Rebuilt, which: str = "latest"
) -> Verdict:
    with published(server, store, which) as image:
        return compare(rebuilt, image, store, jobs=2, progress=Progress())


def test_what_was_pushed_is_the_same_bit_for_bit_and_nothing_is_fetched(
    server: Server, bench: Bench, image: Image, rebuilt: Rebuilt, store: Store
) -> None:
    publish(server, bench.store, image)
    found = verdict_on(server, store, rebuilt)
    assert found.is_same
    assert found.manifest == found.rebuilt_manifest == image.manifest
    assert {each.status for each in found.layers} == {"same"}
    assert not any(store.path(each.digest).exists() for each in image.layers)


def test_a_rebuild_believes_neither_the_store_nor_its_facts(
    server: Server, bench: Bench, image: Image, rebuilt: Rebuilt
) -> None:
    """The store has the true layers; the registry's are another thing."""
    publish(server, bench.store, image, change_file(ALPHA, b"a = 2\n"))
    found = verdict_on(server, bench.store, rebuilt)
    assert not found.is_same


@pytest.mark.parametrize(
    ("encoding", "status"),
    [
        (Encoding.ZSTD, "packed otherwise"),
        (Encoding.ESTARGZ, "packed otherwise"),
        (Encoding.ESTARGZ_EMBEDDED, "same files, with a table of contents"),
    ],
)
def test_other_encodings_are_the_same(
    server: Server,
    bench: Bench,
    image: Image,
    rebuilt: Rebuilt,
    store: Store,
    encoding: Encoding,
    status: str,
) -> None:
    made = encode(image, encoding, bench.store, jobs=2, progress=Progress()).image
    with repository(server, bench.store) as place:
        push([made], bench.store, place, tags=["other"])
    found = verdict_on(server, store, rebuilt, "other")
    assert found.is_same, found.findings
    assert {each.status for each in found.layers} == {status}
    assert found.manifest != found.rebuilt_manifest
    assert (found.image_id == found.rebuilt_id) == (encoding != "estargz-embedded")


def test_an_embedded_table_hides_no_other_file(
    server: Server, bench: Bench, image: Image, rebuilt: Rebuilt, store: Store
) -> None:
    encoding = Encoding.ESTARGZ_EMBEDDED
    made = encode(image, encoding, bench.store, jobs=2, progress=Progress()).image
    publish(server, bench.store, made, change_file(ALPHA, b"a = 2\n"))
    found = verdict_on(server, store, rebuilt)
    counts = Counter(each.status for each in found.layers)
    assert counts[Status.DIFFERENT] == 1
    assert not found.is_same
    assert ALPHA in [change.path for each in found.layers for change in each.paths]


@pytest.mark.parametrize(
    ("path", "data", "package", "how"),
    [
        (ALPHA, b"a = 2\n" * 2000, "alpha", "other content"),
        (ALPHA, b"", "alpha", "size 12000 became 0, other content"),
        (BETA, None, "beta", "missing in the published image"),
        (TOOL, b"#!/bin/sh\nexit 1\n", "", "size 10 became 17, other content"),
        ("etc/passwd", b"root::0:0::/:/bin/sh\n", "", "other content"),
    ],
)
def test_one_changed_file_is_named_with_its_package(
    server: Server,
    bench: Bench,
    image: Image,
    rebuilt: Rebuilt,
    store: Store,
    path: str,
    data: bytes | None,
    package: str,
    how: str,
) -> None:
    publish(server, bench.store, image, change_file(path, data))
    found = verdict_on(server, store, rebuilt)
    (layer,) = [each for each in found.layers if each.status != "same"]
    assert layer.status == "different"
    (change,) = layer.paths
    assert (change.path, change.package) == (path, package)
    assert how in change.how
    failures = [each.where for each in found.findings if each.role is Role.FAILURE]
    assert f"/{path}" in failures
    assert found.image_id != found.rebuilt_id


def test_a_layer_that_only_differs_in_padding_is_not_the_same(
    server: Server, bench: Bench, image: Image, rebuilt: Rebuilt, store: Store
) -> None:
    """Our tars end after two zero blocks; tarfile pads them to 10 KiB."""
    content = (b"a = 1\n") * 2000
    publish(server, bench.store, image, change_file(ALPHA, content))
    found = verdict_on(server, store, rebuilt)
    (layer,) = [each for each in found.layers if each.status != "same"]
    assert (layer.status, layer.paths) == ("different", ())
    assert "no file" in layer.note
    assert not found.is_same


def test_a_layer_somebody_added_is_not_from_the_lock(
    server: Server, bench: Bench, image: Image, rebuilt: Rebuilt, store: Store
) -> None:
    publish(server, bench.store, image, add_layer("usr/bin/backdoor", b"boo"))
    found = verdict_on(server, store, rebuilt)
    assert found.layers[-1].status == "not from the lock"
    (failure,) = [each for each in found.findings if each.role is Role.FAILURE]
    assert "COPY backdoor /" in failure.message


def drop_layer(number: int) -> Change:
    def change(manifest: Document, config: Document, blobs: dict[str, bytes]) -> None:
        del manifest["layers"][number], config["history"][number]
        del config["rootfs"]["diff_ids"][number]

    return change


def swap_layers(manifest: Document, config: Document, blobs: dict[str, bytes]) -> None:
    for row in (manifest["layers"], config["history"], config["rootfs"]["diff_ids"]):
        row[0], row[-1] = row[-1], row[0]


def test_a_layer_that_was_left_out_is_missing(
    server: Server, bench: Bench, image: Image, rebuilt: Rebuilt, store: Store
) -> None:
    publish(server, bench.store, image, drop_layer(0))
    found = verdict_on(server, store, rebuilt)
    assert [each.status for each in found.layers].count(Status.MISSING) == 1
    assert not found.is_same


def test_layers_in_another_order_are_not_the_same(
    server: Server, bench: Bench, image: Image, rebuilt: Rebuilt, store: Store
) -> None:
    publish(server, bench.store, image, swap_layers)
    assert not verdict_on(server, store, rebuilt).is_same


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Entrypoint", ["/usr/bin/backdoor"]),
        ("Env", ["LD_PRELOAD=/usr/lib/evil.so"]),
        ("User", "root"),
    ],
)
def test_settings_that_were_changed_are_named(
    server: Server,
    bench: Bench,
    image: Image,
    rebuilt: Rebuilt,
    store: Store,
    key: str,
    value: object,
) -> None:
    publish(server, bench.store, image, change_config(key, value))
    found = verdict_on(server, store, rebuilt)
    (failure,) = found.findings
    assert failure.code == "verify.config"
    assert f"config.{key}" in failure.message


def test_a_blob_that_is_not_what_the_configuration_says_is_not_trusted(
    server: Server, bench: Bench, image: Image, rebuilt: Rebuilt, store: Store
) -> None:
    """The image ID is the lock's own; only inflating tells that the layer is not."""
    lie = change_file(ALPHA, b"a = 2\n", consistent=False)
    publish(server, bench.store, image, lie)
    altered = server.manifests["team/demo", "latest"]
    manifest = json.loads(altered.data)
    own = bench.store.path(image.id).read_bytes()
    manifest["config"]["digest"] = server.add_blob("team/demo", own)
    manifest["config"]["size"] = len(own)
    data = json.dumps(manifest).encode()
    server.add_manifest("team/demo", data, altered.media_type, "latest")
    found = verdict_on(server, store, rebuilt)
    assert found.image_id == found.rebuilt_id
    assert not found.is_same
    (layer,) = [each for each in found.layers if each.status != "same"]
    assert "the configuration says" in layer.note


def test_a_blob_that_is_gone_is_told(
    server: Server, bench: Bench, image: Image, rebuilt: Rebuilt, store: Store
) -> None:
    publish(server, bench.store, image)
    gone = image.layers[0].digest
    del server.blobs[gone]
    server.holds["team/demo"].discard(gone)
    found = verdict_on(server, store, rebuilt)
    assert found.layers[0].status == "unreadable"
    assert not found.is_same


def test_a_registry_that_sends_other_bytes_is_found_out(
    server: Server, bench: Bench, image: Image, rebuilt: Rebuilt, store: Store
) -> None:
    made = encode(image, Encoding.ZSTD, bench.store, jobs=2, progress=Progress()).image
    publish(server, bench.store, made)
    blob = made.layers[-1].digest
    server.faults.append(Fault(f"GET .*{blob}", "alter", times=50))
    with pytest.raises(DigestError):
        verdict_on(server, store, rebuilt)


def test_a_layout_is_compared_just_so(
    bench: Bench, image: Image, rebuilt: Rebuilt, tmp_path: Path, store: Store
) -> None:
    layout.write(image, bench.store, tmp_path / "oci", tag="x")
    opened = open_image(Folder(root=tmp_path / "oci", which="x", label="oci:x"))
    found = compare(rebuilt, opened, store, jobs=1, progress=Progress())
    assert found.is_same
    blob = tmp_path / "oci/blobs/sha256" / image.layers[-1].digest[7:]
    blob.unlink()
    blob.write_bytes(b"something else")
    found = compare(rebuilt, opened, store, jobs=1, progress=Progress())
    assert not found.is_same


def test_names_that_are_no_text_are_shown_and_break_nothing(
    server: Server, bench: Bench, image: Image, rebuilt: Rebuilt, store: Store
) -> None:
    publish(server, bench.store, image, change_name(ALPHA, b"a\xff\x1b[31m"))
    found = verdict_on(server, store, rebuilt)
    (layer,) = [each for each in found.layers if each.status != "same"]
    paths = [change.path for change in layer.paths]
    assert paths == ["a\\xff\x1b[31m", ALPHA]
    assert [change.how for change in layer.paths] == [
        "only in the published image",
        "missing in the published image",
    ]
    "".join(paths).encode()


def test_a_path_that_comes_twice_is_not_trusted(
    server: Server, bench: Bench, image: Image, rebuilt: Rebuilt, store: Store
) -> None:
    publish(server, bench.store, image, change_name(BETA, ALPHA.encode()))
    found = verdict_on(server, store, rebuilt)
    (layer,) = [each for each in found.layers if each.status != "same"]
    assert (layer.status, layer.note) == (
        "unreadable",
        f"it has the path {ALPHA} twice",
    )
    assert not found.is_same


def test_a_label_in_the_manifest_is_only_a_note(
    server: Server, bench: Bench, image: Image, rebuilt: Rebuilt, store: Store
) -> None:
    def annotate(manifest: Document, config: Document, blobs: dict[str, bytes]) -> None:
        manifest["annotations"]["org.example.note"] = "hello"

    publish(server, bench.store, image, annotate)
    found = verdict_on(server, store, rebuilt)
    assert found.is_same
    assert [each.role for each in found.findings] == [Role.NOTE]
