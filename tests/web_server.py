"""An HTTP server on loopback that can misbehave in every way a test asks for."""

from __future__ import annotations

import base64
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Page", "Site", "serving"]


@dataclass
class Page:
    """What is served under one path, and how.

    Each entry of `cuts` ends one answer after so many bytes; each of `statuses` answers
    once with that status before the file is served; `announced` lies about the size.
    """

    body: bytes = b""
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    announced: int | None = None
    login: str = ""
    redirect: str = ""
    endless: threading.Event | None = None
    chunked: bool = False


@dataclass
class Site:
    """The pages of a server, and what was asked of it."""

    pages: dict[str, Page] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    port: int = 0
    scheme: str = "http"

    def url(self, path: str, user: str = "") -> str:
        """The address of a page."""
        return (
            f"{self.scheme}://{user + '@' if user else ''}127.0.0.1:{self.port}{path}"
        )

    def ranges(self, path: str) -> list[str | None]:
        """The ranges asked for, in order; None for a whole file."""
        return [headers.get("Range") for name, headers in self.requests if name == path]


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Serve a site on loopback inside the block."""
    site = Site()

    class Handler(_Handler):
        pass

    Handler.site = site
    server = _Server(("127.0.0.1", 0), Handler)
    site.port = server.server_address[1]
    if tls is not None:
        site.scheme = "https"
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        for page in site.pages.values():
            if page.endless:
                page.endless.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *args: Any) -> None:
        """A client that goes away in the middle is what tests are about."""


class _Handler(BaseHTTPRequestHandler):
    site: Site
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        headers = {name.title(): value for name, value in self.headers.items()}
        self.site.requests.append((self.path, headers))
        page = self.site.pages.get(self.path)
        if page is None:
            self._answer(404, b"", {})
        elif page.statuses:
            self._answer(page.statuses.pop(0), b"later", page.headers)
        elif page.login and not self._knows(page.login):
            self._answer(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
        elif page.redirect:
            self._answer(302, b"", {"Location": page.redirect})
        elif page.endless:
            self._trickle(page)
        else:
            self._serve(page)

    def _knows(self, login: str) -> bool:
        token = base64.b64encode(login.encode()).decode()
        return self.headers.get("Authorization") == f"Basic {token}"

    def _serve(self, page: Page) -> None:
        status, headers, body = 200, dict(page.headers), page.body
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked and page.ranges:
            start = int(asked[1])
            if start >= len(body):
                headers["Content-Range"] = f"bytes */{len(body)}"
                self._answer(416, b"", headers)
                return
            end = min(int(asked[2] or len(body)), len(body) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
            status, body = 206, body[start : end + 1]
        self._answer(status, body, headers, page)

    def _answer(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str],
        page: Page | None = None,
    ) -> None:
        page = page or Page()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if page.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
            return
        size = len(body) if page.announced is None else page.announced
        self.send_header("Content-Length", str(size))
        self.end_headers()
        if self.command == "HEAD":
            return
        if page.cuts:
            body = body[: page.cuts.pop(0)]
            self.close_connection = True
        if page.announced is not None:
            self.close_connection = True
        self.wfile.write(body)

    def _trickle(self, page: Page) -> None:
        assert page.endless is not None
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 40))
        self.end_headers()
        self.close_connection = True
        try:
            while not page.endless.wait(0.02):
                self.wfile.write(bytes(1024))
        except OSError:
            return
