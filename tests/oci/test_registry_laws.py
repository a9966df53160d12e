"""Whatever goes wrong, a transfer ends with the right bytes or with an error."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firstlight.digest import of_bytes
from firstlight.errors import FirstlightError
from firstlight.oci.model import MANIFEST_TYPE
from firstlight.oci.registry import Repository
from firstlight.store import Store
from oci.repositories import (
    content,
    layer,
    logged_in,
    manifest,
    packed,
    repository,
    upload,
)
from registry_server import Fault, Registry, digest_of, serving_registry

NAME = "team/torch"
BODIES = [content(250_000), content(40_000, 1)]
IMAGE = manifest(BODIES[1])
LIES = {
    "Range": "0-70000",
    "Location": "/v2/team/torch/blobs/uploads/0?state=1",
    "Content-Length": "99",
    "Content-Range": "bytes 5-9/10",
    "Docker-Content-Digest": "sha256:" + "0" * 64,
    "WWW-Authenticate": "Basic",
}

faults = st.builds(
    Fault,
    at=st.sampled_from(["^HEAD", "^GET", "^POST", "^PATCH", "^PUT", "/token", ""]),
    do=st.sampled_from(
        [
            *("drop", "cut-body", "swallow", "cut-answer", "answer", "headers"),
            *("alter", "forget", "expire"),
        ]
    ),
    times=st.integers(1, 3),
    after=st.integers(0, 3),
    size=st.integers(0, 120_000),
    status=st.sampled_from([400, 401, 403, 404, 405, 413, 416, 429, 500, 503]),
    headers=st.sampled_from([{name: text} for name, text in LIES.items()]),
)


def transfer(made: Repository) -> None:
    """Push an image of two blobs, and fetch it."""
    made.push_blobs([upload(body) for body in BODIES])
    made.put_manifest(IMAGE, MANIFEST_TYPE, "v1")
    found = made.manifest("v1")
    assert found is not None
    assert found.data == IMAGE
    made.fetch([layer(body) for body in BODIES])


def check(registry: Registry, store: Store) -> None:
    """Nothing wrong is anywhere."""
    assert all(digest_of(data) == name for name, data in registry.blobs.items())
    for path in (store.root / "blobs" / "sha256").iterdir():
        assert of_bytes(path.read_bytes()) == f"sha256:{path.name}"


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(faults, max_size=6), st.booleans())
def test_a_transfer_is_right_or_an_error(faults: list[Fault], keeps: bool) -> None:
    with (
        serving_registry(auth="bearer", keeps_partial=keeps) as registry,
        tempfile.TemporaryDirectory() as name,
    ):
        folder = Path(name)
        store = Store.open(folder / "store")
        login = {registry.host: packed(registry.user, registry.password)}
        environ = logged_in(folder, login)
        registry.faults = [*faults]
        try:
            with repository(registry.host, folder, environ=environ) as made:
                transfer(made)
        except FirstlightError:
            check(registry, store)
        # Whatever was left behind does not stand in the way of the next attempt.
        registry.faults.clear()
        with repository(registry.host, folder, environ=environ) as made:
            transfer(made)
        check(registry, store)
        assert {of_bytes(body) for body in BODIES} <= registry.holds[NAME]
        for body in BODIES:
            assert store.path(of_bytes(body)).read_bytes() == body
