"""A read-only registry on loopback, from which an engine pulls only what it lacks.

Source: the OCI distribution-spec, *Pull*: manifests and blobs by GET and HEAD, ranges.
``docker load`` sends every layer again; a pull asks first which ones are missing.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import BinaryIO
from urllib.parse import urlsplit

from firstlight.digest import Digest
from firstlight.oci.layout import blobs_of
from firstlight.oci.model import CONFIG_TYPE, MANIFEST_TYPE, Image
from firstlight.progress import Progress, Task
from firstlight.store import Store

__all__ = ["Served", "serve"]

_VERSION = ("Docker-Distribution-API-Version", "registry/2.0")
_BLOB = "application/octet-stream"
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Where an image is served: ``127.0.0.1:40123/<secret>/<name>``.

    The secret in the name keeps other users of the machine from guessing it.
    """

    repository: str
    manifest: Digest

    @property
    def reference(self) -> str:
        """What to pull: the name with the digest, which the engine verifies."""
        return f"{self.repository}@{self.manifest}"


@contextmanager
def serve(
    image: Image, store: Store, progress: Progress | None = None
) -> Iterator[Served]:
    """Serve one image on loopback while the block runs."""
    name = f"{secrets.token_hex(16)}/{image.name}"
    with (progress or Progress()).task("pull", image.name) as task:
        server = _Server(name, image, store, task)
        thread = threading.Thread(
            target=server.serve_forever, args=(0.05,), daemon=True
        )
        thread.start()
        try:
            yield Served(
                repository=f"127.0.0.1:{server.server_port}/{name}",
                manifest=image.manifest,
            )
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    """Knows the one image; answers nothing else."""

    daemon_threads = True

    def __init__(self, name: str, image: Image, store: Store, task: Task) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.store, self.task = store, task
        base = f"/v2/{name}"
        types = {image.manifest: MANIFEST_TYPE, image.id: CONFIG_TYPE}
        self.paths: dict[str, tuple[Digest, str]] = {
            f"{base}/blobs/{blob}": (blob, types.get(blob, _BLOB))
            for blob in blobs_of(image)
        }
        for reference in (image.manifest, "latest"):
            path = f"{base}/manifests/{reference}"
            self.paths[path] = (image.manifest, MANIFEST_TYPE)

    def handle_error(self, request: object, client_address: object) -> None:
        """An engine that hangs up is no news: it says itself why."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """Answer with the content."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Answer with what a GET would say."""
        self._answer(body=False)

    def log_message(self, *args: object) -> None:
        """Say nothing: the engine shows its own progress."""

    def _answer(self, *, body: bool) -> None:
        path = urlsplit(self.path).path
        if path == "/v2/":
            self._head(HTTPStatus.OK, 2, "application/json")
            if body:
                self.wfile.write(b"{}")
            return
        found = self.server.paths.get(path)
        if found is None:
            self._head(HTTPStatus.NOT_FOUND, 0, "application/json")
            return
        with self.server.store.read(found[0]) as stream:
            self._send(found, stream, body=body)

    def _send(self, found: tuple[Digest, str], stream: BinaryIO, *, body: bool) -> None:
        blob, media_type = found
        size = os.fstat(stream.fileno()).st_size
        first, last = self._range(size)
        if first > last:
            self._head(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, 0, media_type)
            return
        whole = (first, last) == (0, size - 1)
        status = HTTPStatus.OK if whole else HTTPStatus.PARTIAL_CONTENT
        more = {"Docker-Content-Digest": blob, "Accept-Ranges": "bytes"}
        if not whole:
            more["Content-Range"] = f"bytes {first}-{last}/{size}"
        self._head(status, last - first + 1, media_type, more)
        if body:
            stream.seek(first)
            self._copy(stream, last - first + 1)

    def _copy(self, stream: BinaryIO, left: int) -> None:
        while left:
            data = stream.read(min(left, _PIECE))
            self.wfile.write(data)
            self.server.task.advance(len(data))
            left -= len(data)

    def _range(self, size: int) -> tuple[int, int]:
        """First and last byte asked for; of what is not understood, everything."""
        kind, _, text = self.headers.get("Range", "").partition("=")
        first, dash, last = text.partition("-")
        with suppress(ValueError):
            if kind == "bytes" and dash and "," not in text:
                if not first:
                    return max(0, size - int(last)), size - 1
                return int(first), min(int(last or size), size - 1)
        return 0, size - 1

    def _head(
        self,
        status: HTTPStatus,
        size: int,
        media_type: str,
        more: dict[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header(*_VERSION)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(size))
        for name, value in (more or {}).items():
            self.send_header(name, value)
        self.end_headers()
