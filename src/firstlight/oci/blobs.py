"""Blobs and a registry: what is to be pushed, what became of it, what is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from firstlight.digest import Digest
from firstlight.errors import ArtefactError
from firstlight.oci.endpoint import Endpoint
from firstlight.oci.tokens import Asker
from firstlight.web import finish

__all__ = ["Upload", "Uploaded", "size_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A blob to push; `sources` are repositories of the same registry that have it."""

    digest: Digest
    size: int
    open: Callable[[], BinaryIO]
    name: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """How a blob got there: ``there``, ``mounted`` or ``uploaded``; bytes sent."""

    digest: Digest
    how: str
    sent: int


def size_of(
    endpoint: Endpoint, digest: Digest, account: Asker | None = None
) -> int | None:
    """Return the size of a blob that the registry has; None when it has it not."""
    url = endpoint.url(f"blobs/{digest}")
    response = endpoint.ask("HEAD", url, account=account, allowed=(200, 404))
    finish(response)
    if response.status == 404:
        return None
    length = response.headers.get("Content-Length", "")
    if re.fullmatch(r"\d{1,18}", length):
        return int(length)
    response = endpoint.ask(
        *("GET", url, {"Range": "bytes=0-0"}), account=account, allowed=(200, 206)
    )
    response.close()
    length = response.headers.get("Content-Range", "").rpartition("/")[2]
    length = length or response.headers.get("Content-Length", "")
    if re.fullmatch(r"\d{1,18}", length):
        return int(length)
    raise ArtefactError(f"{endpoint.reference.name}: it does not tell a blob's size")
