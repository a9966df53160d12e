"""JupyterLab answers when it knows our token, not when anything answers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from firstlight.engine.base import Port
from firstlight.workspace.jupyter import address, answers

WELL = b'{"started": "now", "kernels": 0}'


class Server(ThreadingHTTPServer):
    """A server that asks for the token ``right``, and is slow where that is wanted."""

    def __init__(self, status: int, body: bytes, waits: float) -> None:
        self.status, self.body, self.waits = status, body, waits
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    """Answers one question."""

    server: Server

    def do_GET(self) -> None:
        time.sleep(self.server.waits)
        known = self.headers["Authorization"] == "token right"
        known = known and self.path == "/api/status"
        self.send_response(self.server.status if known else 403)
        self.send_header("Location", "/api/status")
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *args: object) -> None:
        pass

    def handle(self) -> None:
        with suppress(ConnectionError):  # Whoever asked may not have waited.
            super().handle()


@contextmanager
def serve(body: bytes = WELL, *, status: int = 200, waits: float = 0) -> Iterator[Port]:
    """Where such a server listens."""
    with Server(status, body, waits) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield Port(name="jupyter", inside=8888, outside=made.server_port)
        made.shutdown()
        thread.join()


def test_our_own_server_answers_until_it_ends() -> None:
    with serve() as port:
        assert answers(port, "right")
    assert not answers(port, "right", seconds=0.2)


@pytest.mark.parametrize("token", ["wrong", "", "right "])
def test_one_that_does_not_know_the_token_is_not_ours(token: str) -> None:
    with serve() as port:
        assert not answers(port, token)


@pytest.mark.parametrize("status", [204, 302, 401, 404, 500])
def test_one_that_answers_otherwise_is_not_ours(status: int) -> None:
    with serve(status=status) as port:
        assert not answers(port, "right")


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{}", b"<html>", b"\xff\xfe", b'{"started"'),
        *(b"1", b"null", b"true", b'"started"', b'["started"]'),
        b'{"started": "' + b"x" * 100_000 + b'"}',
    ],
)
def test_one_that_says_something_else_is_not_ours(body: bytes) -> None:
    with serve(body) as port:
        assert not answers(port, "right")


def test_a_slow_one_is_not_waited_for() -> None:
    with serve(waits=10) as port:
        before = time.monotonic()
        assert not answers(port, "right", seconds=0.1)
        assert time.monotonic() - before < 5


def test_one_that_is_no_web_server_is_not_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = Port(name="jupyter", inside=8888, outside=server.getsockname()[1])

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        assert not answers(port, "right", seconds=5)
        thread.join()


def test_a_server_at_every_address_is_asked_here() -> None:
    with serve() as port:
        anywhere = Port(
            name="jupyter", inside=8888, outside=port.outside, address="0.0.0.0"
        )
        assert answers(anywhere, "right")


@pytest.mark.parametrize(
    ("listens", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:9/lab?token=a%2Bb"),
        ("::1", "http://[::1]:9/lab?token=a%2Bb"),
        # Not localhost: that may be somebody else's server at ::1.
        ("0.0.0.0", "http://127.0.0.1:9/lab?token=a%2Bb"),
        ("::", "http://[::1]:9/lab?token=a%2Bb"),
        ("10.1.2.3", "http://10.1.2.3:9/lab?token=a%2Bb"),
    ],
)
def test_the_address_can_be_opened(listens: str, shown: str) -> None:
    port = Port(name="jupyter", inside=8888, outside=9, address=listens)
    assert address(port, "a+b") == shown
