"""Small documents of a repository: manifests both ways, lists that come in pages."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

from firstlight.digest import CHUNK, of_bytes
from firstlight.errors import ArtefactError, DigestError
from firstlight.oci.endpoint import Endpoint
from firstlight.oci.manifests import ACCEPT, INDEX_LIMIT, Document, checked, next_link
from firstlight.web import Answer, Body, finish, read

__all__ = ["Remote"]

_PAGES = 1000


class Remote:
    """The documents of the repository that an endpoint asks."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.name = endpoint.reference.name

    def manifest(self, which: str) -> tuple[Document, dict[str, Any]] | None:
        """Return a manifest or index and its JSON; None when there is none (``end-3``).

        Raises:
            ArtefactError: when it is not what its digest says, or no manifest.
        """
        url = self.endpoint.url(f"manifests/{which}")

        def attempt() -> tuple[Document, dict[str, Any]] | None:
            response = self.endpoint.ask(
                *("GET", url, {"Accept": ACCEPT}), allowed=(200, 404)
            )
            try:
                if response.status == 404:
                    return None
                data = _all_of(response, f"{self.name}: the manifest {which}")
                return checked(self.name, which, data, response.headers)
            finally:
                finish(response)

        return self.endpoint.patiently(attempt)

    def put(self, data: bytes, media_type: str, tag: str = "") -> str:
        """Push a manifest and return the subject that the registry noted (``end-7``).

        Raises:
            DigestError: when the registry stored it as something else.
        """
        digest = of_bytes(data)
        url = self.endpoint.url(f"manifests/{tag or digest}")

        def attempt() -> Answer:
            response = self.endpoint.ask(
                *("PUT", url, {"Content-Type": media_type}),
                account=self.endpoint.account("pull,push"),
                allowed=(200, 201, 202, 204),
                body=Body(len(data), lambda: io.BytesIO(data)),
            )
            finish(response)
            return response

        response = self.endpoint.patiently(attempt)
        told = response.headers.get("Docker-Content-Digest", digest)
        if told.startswith("sha256:") and told.lower() != digest:
            raise DigestError(
                f"{self.name}: the registry stored the manifest as {told[:80]}, not "
                f"as {digest}",
                hint="the registry, or a proxy in front of it, changes what is sent",
            )
        return response.headers.get("OCI-Subject", "")

    def pages(
        self, url: str, what: str, *, absent: tuple[int, ...] = (404,)
    ) -> Iterator[dict[str, Any]]:
        """Yield the JSON of a list's pages, as ``Link`` leads from one to the next.

        Nothing is yielded where the registry answers with a status of `absent`.

        Raises:
            ArtefactError: when a page is none, or they do not end.
        """
        seen: set[str] = set()
        while url:
            if url in seen or len(seen) >= _PAGES:
                raise ArtefactError(
                    f"{self.name}: the registry's list of {what} does not end",
                    hint="tell whoever runs the registry; pulling needs no list",
                )
            seen.add(url)
            found = self._page(url, what, absent)
            if found is None:
                return
            page, url = found
            yield page

    def _page(
        self, url: str, what: str, absent: tuple[int, ...]
    ) -> tuple[dict[str, Any], str] | None:
        def attempt() -> tuple[bytes, str] | None:
            response = self.endpoint.ask("GET", url, allowed=(200, *absent))
            try:
                if response.status in absent:
                    return None
                data = _all_of(response, f"{self.name}: the list of {what}")
                return data, response.headers.get("Link", "")
            finally:
                finish(response)

        got = self.endpoint.patiently(attempt)
        if got is None:
            return None
        try:
            value = json.loads(got[0])
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise ArtefactError(
                f"{self.name}: the registry gives something else than a list of {what}",
                hint="check that the address is that of a registry",
            )
        link = next_link(got[1])
        return value, self.endpoint.follow(url, link) if link else ""


def _all_of(response: Answer, what: str) -> bytes:
    """Return a small answer, bounded whatever it says of its size."""
    parts, size = [], response.length_remaining or 0
    while size <= INDEX_LIMIT and (data := read(response, CHUNK)):
        parts.append(data)
        size = max(size, sum(map(len, parts)))
    if size > INDEX_LIMIT:
        raise ArtefactError(
            f"{what} is larger than {INDEX_LIMIT} bytes",
            hint="no registry should hold one; the address may be wrong",
        )
    return b"".join(parts)
