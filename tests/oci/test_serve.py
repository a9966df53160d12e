"""The registry on loopback answers as the distribution-spec says, and nothing else."""

from __future__ import annotations

import hashlib
import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from firstlight.oci.model import Image, Layer, canonical_json, config_json
from firstlight.oci.model import Settings as ImageSettings
from firstlight.oci.serve import Served, serve
from firstlight.store import Store

LAYER = bytes(range(256)) * 5000


@pytest.fixture
def image(tmp_path: Path) -> tuple[Image, Store]:
    store = Store.open(tmp_path / "store")
    blob = store.put(LAYER)
    layer = Layer(digest=blob, diff_id=blob, size=len(LAYER), title="t")
    settings = ImageSettings(environment=(), labels={})
    identity = store.put(config_json("linux/amd64", [layer], settings))
    manifest = store.put(canonical_json({"config": identity}))
    made = Image(
        name="demo",
        platform="linux/amd64",
        id=identity,
        manifest=manifest,
        layers=(layer,),
    )
    return made, store


@pytest.fixture
def served(image: tuple[Image, Store]) -> Iterator[Served]:
    with serve(*image) as found:
        yield found


class Answer:
    def __init__(self, found: Served, path: str, method: str = "GET", **headers: str):
        address, _, name = found.repository.partition("/")
        connection = http.client.HTTPConnection(address, timeout=10)
        path = path.replace("NAME", name)
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        self.status, self.body = response.status, response.read()
        self.headers = response.headers
        connection.close()


def test_the_protocol_is_announced(served: Served) -> None:
    answer = Answer(served, "/v2/")
    assert (answer.status, answer.body) == (200, b"{}")
    assert answer.headers["Docker-Distribution-API-Version"] == "registry/2.0"


@pytest.mark.parametrize("reference", ["latest", "digest"])
def test_a_manifest(served: Served, image: tuple[Image, Store], reference: str) -> None:
    made, _ = image
    name = made.manifest if reference == "digest" else reference
    answer = Answer(served, f"/v2/NAME/manifests/{name}")
    assert answer.status == 200
    assert answer.headers["Docker-Content-Digest"] == made.manifest
    assert answer.headers["Content-Type"].endswith("image.manifest.v1+json")
    assert "sha256:" + hashlib.sha256(answer.body).hexdigest() == made.manifest


def test_a_head_has_the_headers_and_no_body(
    served: Served, image: tuple[Image, Store]
) -> None:
    path = f"/v2/NAME/blobs/{image[0].layers[0].digest}"
    head, whole = Answer(served, path, "HEAD"), Answer(served, path)
    assert (head.status, head.body, whole.body) == (200, b"", LAYER)
    assert head.headers["Content-Length"] == str(len(LAYER))


@pytest.mark.parametrize(
    ("asked", "wanted", "said"),
    [
        ("bytes=0-9", LAYER[:10], f"bytes 0-9/{len(LAYER)}"),
        ("bytes=100-", LAYER[100:], f"bytes 100-{len(LAYER) - 1}/{len(LAYER)}"),
        ("bytes=-7", LAYER[-7:], None),
        ("bytes=5-99999999", LAYER[5:], None),
    ],
)
def test_ranges(
    served: Served,
    image: tuple[Image, Store],
    asked: str,
    wanted: bytes,
    said: str | None,
) -> None:
    path = f"/v2/NAME/blobs/{image[0].layers[0].digest}"
    answer = Answer(served, path, Range=asked)
    assert (answer.status, answer.body) == (206, wanted)
    assert said is None or answer.headers["Content-Range"] == said


def test_a_range_behind_the_end(served: Served, image: tuple[Image, Store]) -> None:
    path = f"/v2/NAME/blobs/{image[0].layers[0].digest}"
    assert Answer(served, path, Range="bytes=99999999-").status == 416


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v2/_catalog",
        "/v2/demo/manifests/latest",
        "/v2/NAME/manifests/other",
        "/v2/NAME/blobs/sha256:" + "0" * 64,
        "/v2/NAME/blobs/../../../../etc/passwd",
    ],
)
def test_nothing_else_is_served(served: Served, path: str) -> None:
    assert Answer(served, path).status == 404


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
def test_nothing_can_be_written(served: Served, method: str) -> None:
    assert Answer(served, "/v2/NAME/blobs/uploads/", method).status == 501


def test_the_port_is_free_afterwards(image: tuple[Image, Store]) -> None:
    with serve(*image) as found:
        assert Answer(found, "/v2/").status == 200
    with pytest.raises(ConnectionRefusedError):
        Answer(found, "/v2/")
