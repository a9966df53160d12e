"""Repositories of a registry on loopback, and small things to push there."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from firstlight.config import Settings
from firstlight.digest import Digest, of_bytes
from firstlight.oci.model import EMPTY_TYPE, MANIFEST_TYPE, Descriptor, canonical_json
from firstlight.oci.reference import parse_reference
from firstlight.oci.registry import Repository, Upload
from firstlight.progress import Progress
from firstlight.store import Store

CHUNK = 100_000
"""Bytes in one request, so that small blobs are sent in several."""


def content(size: int, seed: int = 0) -> bytes:
    """Bytes that do not repeat."""
    return hashlib.shake_128(str(seed).encode()).digest(size)


def upload(data: bytes, *sources: str, name: str = "layer") -> Upload:
    """A blob to push."""
    return Upload(
        digest=of_bytes(data),
        size=len(data),
        open=lambda: io.BytesIO(data),
        name=name,
        sources=sources,
    )


def layer(data: bytes) -> Descriptor:
    """The descriptor of a blob."""
    return Descriptor(media_type="a/layer", digest=of_bytes(data), size=len(data))


def manifest(config: bytes = b"{}", **fields: Any) -> bytes:
    """A manifest whose configuration is a blob; `fields` replace or add."""
    value = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {
            "mediaType": EMPTY_TYPE,
            "digest": of_bytes(config),
            "size": len(config),
        },
        "layers": [],
    }
    value |= fields
    return canonical_json({name: each for name, each in value.items() if each != ""})


def about(subject: bytes, artifact_type: str, note: str = "") -> bytes:
    """A manifest that refers to another one."""
    return manifest(
        artifactType=artifact_type,
        annotations={"note": note},
        subject={
            "mediaType": MANIFEST_TYPE,
            "digest": of_bytes(subject),
            "size": len(subject),
        },
    )


def logged_in(folder: Path, entries: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The environment in which these are the credentials."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "auth.json"
    path.write_text(json.dumps({"auths": entries}))
    return {"REGISTRY_AUTH_FILE": str(path), "XDG_RUNTIME_DIR": str(folder)}


def packed(user: str, password: str) -> dict[str, str]:
    """User and password as the files hold them."""
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


@contextmanager
def repository(
    host: str,
    folder: Path,
    name: str = "team/torch",
    *,
    environ: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    chunk: int = CHUNK,
    retries: int = 3,
    **settings: Any,
) -> Iterator[Repository]:
    """A repository that is impatient, with a store in the folder."""
    store = Store.open(folder / "store")
    made = Repository(
        parse_reference(f"{host}/{name}"),
        Settings(
            store=store.root,
            home=folder,
            environ={"XDG_RUNTIME_DIR": str(folder), **(environ or {})},
            **settings,
        ),
        store,
        progress,
        retries=retries,
        pause=0.005,
        timeout=3,
        chunk=chunk,
    )
    try:
        yield made
    finally:
        made.close()


def stored(folder: Path, data: bytes) -> bytes:
    """What the store has under the digest of the data."""
    return Store(folder / "store").path(Digest(of_bytes(data))).read_bytes()
