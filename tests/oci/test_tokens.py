"""Who we are to a registry: challenges, passwords, tokens, and who may hear them."""

from __future__ import annotations

import json
import select
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstlight.config import Settings
from firstlight.errors import NetworkError
from firstlight.oci.credentials import HUB
from firstlight.oci.endpoint import Endpoint
from firstlight.oci.reference import parse_reference
from firstlight.oci.tokens import challenges, scheme_of
from firstlight.pipconfig import PipSettings
from oci.repositories import (
    CHUNK,
    content,
    layer,
    logged_in,
    packed,
    repository,
    stored,
    upload,
)
from registry_server import Fault, Registry, serving_registry

NAME = "team/torch"
BODY = content(350_000)


@pytest.fixture
def bearer() -> Iterator[Registry]:
    with serving_registry(auth="bearer") as registry:
        yield registry


def environ(registry: Registry, folder: Path, password: str = "") -> dict[str, str]:
    word = password or registry.password
    return logged_in(folder, {registry.host: packed(registry.user, word)})


def push(registry: Registry, folder: Path, *sources: str, **options):
    if "environ" not in options:
        options["environ"] = environ(registry, folder)
    with repository(registry.host, folder, **options) as made:
        return made.push_blobs([upload(BODY, *sources)])


class TestChallenges:
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("", []),
            ("Basic", [("basic", {})]),
            ('Basic realm="a"', [("basic", {"realm": "a"})]),
            ("Bearer realm=a,scope=b", [("bearer", {"realm": "a", "scope": "b"})]),
            (
                'Negotiate, Bearer realm="a",scope="b:c:pull,push" ,Basic realm="d, e"',
                [
                    ("negotiate", {}),
                    ("bearer", {"realm": "a", "scope": "b:c:pull,push"}),
                    ("basic", {"realm": "d, e"}),
                ],
            ),
            (r'BEARER Realm="a\"b"', [("bearer", {"realm": 'a"b'})]),
        ],
    )
    def test_are_read(self, header, expected):
        assert challenges(header) == expected

    @given(st.text(max_size=200))
    def test_of_any_kind_do_no_harm(self, header):
        for scheme, parameters in challenges(header):
            assert scheme
            assert all(parameters)


class TestSchemes:
    @pytest.mark.parametrize(
        ("host", "insecure", "scheme"),
        [
            ("registry.example.org", (), "https"),
            ("registry.example.org:5000", ("registry.example.org:5000",), "http"),
            ("registry.example.org:5000", ("Registry.example.org",), "http"),
            ("registry.example.org:5000", ("registry.example.org:5001",), "https"),
            ("registry.example.org", ("example.org",), "https"),
            ("localhost:5000", (), "http"),
            ("127.0.0.9:5000", (), "http"),
            ("[::1]:5000", (), "http"),
            ("[::2]:5000", (), "https"),
            ("[::2]:5000", ("[::2]",), "http"),
            ("localhost.example.org", (), "https"),
            ("127.0.0.1.example.org", (), "https"),
            ("10.0.0.1:5000", (), "https"),
        ],
    )
    def test_are_plain_only_here_and_where_named(
        self, host, insecure, scheme, tmp_path
    ):
        settings = Settings(store=tmp_path, insecure=insecure)
        assert scheme_of(host, settings) == scheme

    def test_docker_s_own_registry_has_another_host(self, tmp_path):
        settings = Settings(store=tmp_path)
        for name, path in (("torch", "library/torch"), ("team/torch", "team/torch")):
            made = Endpoint(
                *(parse_reference(f"{HUB}/{name}"), settings),
                retries=0,
                pause=0,
                timeout=1,
            )
            assert made.url("x") == f"https://registry-1.{HUB}/v2/{path}/x"


class TestBasic:
    def test_password_goes_to_the_registry(self, tmp_path):
        with serving_registry(auth="basic") as registry:
            push(registry, tmp_path)
            assert registry.blobs
            assert "Authorization" not in registry.requests[0].headers

    def test_wrong_password_is_told_without_it(self, tmp_path):
        with serving_registry(auth="basic") as registry:
            wrong = environ(registry, tmp_path, "wrong-word")
            with pytest.raises(NetworkError, match="401") as caught:
                push(registry, tmp_path, environ=wrong)
        assert "not accepted" in caught.value.hint
        assert "auth.json" in caught.value.hint
        assert "wrong-word" not in str(caught.value) + caught.value.hint

    def test_no_password_says_how_to_log_in(self, tmp_path):
        with serving_registry(auth="basic") as registry:
            with pytest.raises(NetworkError) as caught:
                push(registry, tmp_path, environ={})
            assert f"podman login {registry.host}" in caught.value.hint


class TestTokens:
    def test_are_asked_for_once_for_what_is_done(self, bearer, tmp_path):
        push(bearer, tmp_path)
        (asked,) = bearer.asked("GET", "/token")
        scope = f"repository:{NAME}:pull,push"
        assert asked.query == {"service": "tests", "scope": scope}
        assert bearer.blobs
        with repository(
            bearer.host, tmp_path, environ=environ(bearer, tmp_path)
        ) as made:
            made.fetch([layer(BODY)])
            made.tags()
        scopes = [each.query["scope"] for each in bearer.asked("GET", "/token")]
        assert scopes == [scope, f"repository:{NAME}:pull"]

    def test_of_strangers_are_enough_to_pull(self, bearer, tmp_path):
        bearer.anonymous_pull = True
        bearer.add_blob(NAME, BODY)
        with repository(bearer.host, tmp_path) as made:
            made.fetch([layer(BODY)])
        assert stored(tmp_path, BODY) == BODY
        with pytest.raises(NetworkError) as caught:
            push(bearer, tmp_path, environ={}, name="team/other")
        assert "log in" in caught.value.hint

    def test_of_an_identity_token_are_asked_for_by_post(self, bearer, tmp_path):
        bearer.refresh_token = "identity-word"
        entry = {bearer.host: {"identitytoken": "identity-word"}}
        push(bearer, tmp_path, environ=logged_in(tmp_path, entry))
        assert bearer.blobs
        assert bearer.asked("POST", "/token")
        assert not any("identity-word" in str(each.query) for each in bearer.requests)

    def test_are_renewed_before_they_expire(self, bearer, tmp_path):
        bearer.expires_in = 1
        with repository(
            bearer.host, tmp_path, environ=environ(bearer, tmp_path)
        ) as made:
            made.blob_size(upload(BODY).digest)
            time.sleep(0.8)
            made.blob_size(upload(BODY).digest)
        assert not [each for each in bearer.requests[1:] if each.status == 401]
        assert len(bearer.asked("GET", "/token")) == 2

    @pytest.mark.parametrize("method", ["HEAD", "POST", "PATCH", "PUT"])
    def test_that_expire_in_the_middle_are_renewed(self, bearer, tmp_path, method):
        bearer.faults += [Fault(f"^{method}", "expire", times=2, after=1)]
        push(bearer, tmp_path)
        assert bearer.blobs[upload(BODY).digest] == BODY

    def test_that_expire_while_a_blob_comes_are_renewed(self, bearer, tmp_path):
        bearer.add_blob(NAME, BODY)
        bearer.faults += [
            Fault("^GET.*/blobs/", "cut-answer", size=90_000),
            Fault("^GET.*/blobs/", "expire", after=1),
        ]
        with repository(
            bearer.host, tmp_path, environ=environ(bearer, tmp_path)
        ) as made:
            made.fetch([layer(BODY)])
        assert stored(tmp_path, BODY) == BODY
        assert sum(each.sent for each in bearer.asked("GET", "/blobs/")) <= (
            len(BODY) + 200
        )

    def test_name_the_repository_to_mount_from(self, bearer, tmp_path):
        bearer.add_blob("team/base", BODY)
        (done,) = push(bearer, tmp_path, "team/base")
        assert done.how == "mounted"

    def test_wrong_password_at_the_token_server_is_told(self, bearer, tmp_path):
        wrong = environ(bearer, tmp_path, "wrong-word")
        with pytest.raises(NetworkError) as caught:
            push(bearer, tmp_path, environ=wrong)
        assert "not accepted" in caught.value.hint
        assert len(bearer.asked("GET", "/token")) == 1

    def test_a_right_that_is_lacking_is_told(self, bearer, tmp_path):
        bearer.anonymous_pull = True
        with pytest.raises(NetworkError) as caught:
            push(bearer, tmp_path, environ={})
        assert "401" in caught.value.message
        assert len(bearer.requests) < 15

    @pytest.mark.parametrize(
        "body",
        [
            *(b"", b"[]", b"<html>", b"{}", b'{"token": 5}', b'{"token": ""}'),
            json.dumps({"token": "a\r\nX-Evil: 1"}).encode(),
            json.dumps({"token": "a" * 100_000}).encode(),
        ],
    )
    def test_that_are_none_are_refused(self, bearer, tmp_path, body):
        bearer.faults += [Fault("/token", "answer", status=200, body=body)]
        with pytest.raises(Exception, match="without a token"):
            push(bearer, tmp_path)

    @pytest.mark.parametrize("lives", [None, "x", -5, True, 0, 1e999])
    def test_may_lie_about_how_long_they_live(self, bearer, tmp_path, lives):
        bearer.tokens["word"] = (
            1e18,
            {f"repository:{NAME}:{a}" for a in ("pull", "push")},
        )
        body = json.dumps({"access_token": "word", "expires_in": lives}).encode()
        bearer.faults += [Fault("/token", "answer", times=99, status=200, body=body)]
        push(bearer, tmp_path)
        assert bearer.blobs

    @pytest.mark.parametrize(
        "realm",
        [
            *("http://tokens.example.org/", "ftp://127.0.0.1/", "file:///etc/passwd"),
            *("", "/token", "https://", "http://me@127.0.0.1/", "http://["),
        ],
    )
    def test_are_never_asked_for_where_it_is_not_safe(self, bearer, tmp_path, realm):
        header = {"WWW-Authenticate": f'Bearer realm="{realm}",service="x"'}
        bearer.faults += [Fault("", "answer", times=99, status=401, headers=header)]
        with pytest.raises(NetworkError, match="cannot be asked safely"):
            push(bearer, tmp_path)

    def test_outlive_a_token_server_that_cuts(self, bearer, tmp_path):
        bearer.faults += [
            Fault("/token", "drop"),
            Fault("/token", "swallow"),
            Fault("/token", "answer", status=503),
        ]
        push(bearer, tmp_path)
        assert bearer.blobs


class TestSecrecy:
    def test_a_challenge_of_another_host_is_not_answered(self, bearer, tmp_path):
        bearer.add_blob(NAME, BODY)
        with serving_registry(auth="bearer") as other:
            bearer.elsewhere = other.url
            other.faults += [
                Fault(
                    "/elsewhere/",
                    "answer",
                    times=9,
                    status=401,
                    headers={"WWW-Authenticate": f'Basic realm="{other.host}"'},
                )
            ]
            with (
                repository(
                    bearer.host, tmp_path, environ=environ(bearer, tmp_path)
                ) as made,
                pytest.raises(NetworkError),
            ):
                made.fetch([layer(BODY)])
            assert not any("Authorization" in each.headers for each in other.requests)

    def test_an_upload_on_another_host_gets_no_credentials(self, bearer, tmp_path):
        with serving_registry() as other:
            other.sessions["ab"] = bytearray()
            place = f"{other.url}/v2/{NAME}/blobs/uploads/ab?state=1"
            bearer.faults += [Fault("^POST", "headers", headers={"Location": place})]
            push(bearer, tmp_path)
            assert other.blobs[upload(BODY).digest] == BODY
            assert not any("Authorization" in each.headers for each in other.requests)

    def test_nothing_secret_is_kept(self, bearer, tmp_path):
        bearer.faults += [Fault("^PATCH", "drop", times=9, after=1)]
        with pytest.raises(NetworkError):
            push(bearer, tmp_path, retries=0)
        files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
        assert len(files) > 1
        secrets = [bearer.password, *bearer.tokens]
        for path in files:
            text = path.read_bytes()
            assert not any(word.encode() in text for word in secrets)
        assert bearer.received() == CHUNK

    def test_what_a_registry_repeats_is_hidden(self, tmp_path):
        with serving_registry(auth="basic") as registry:
            message = (
                f"no {registry.password} \x1b[31m Bearer abcdefghijkl "
                "https://u:p@h/x?sig=1" + "y" * 999
            )
            body = json.dumps({"errors": [{"code": "DENIED", "message": message}]})
            registry.faults += [
                Fault("^POST", "answer", status=403, body=body.encode())
            ]
            with pytest.raises(NetworkError) as caught:
                push(registry, tmp_path)
        text = caught.value.message
        for word in (registry.password, "\x1b", "abcdefghijkl", "u:p", "sig=1"):
            assert word not in text
        assert "DENIED" in text
        assert len(text) < 500


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of a company's own, with its key."""
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = ["-subj", "/CN=x", "-addext", "subjectAltName=DNS:registry.example.org"]
    files = ["-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    subprocess.run(
        ["openssl", *words.split(), *names, *files], check=True, capture_output=True
    )
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


@contextmanager
def tunnel(port: int) -> Iterator[str]:
    """A proxy that leads every tunnel to one port of this machine; gives its URL."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            with socket.create_connection(("127.0.0.1", port)) as other:
                ends = {self.connection: other, other: self.connection}
                while True:
                    for end in select.select(list(ends), [], [])[0]:
                        data = end.recv(1 << 16)
                        if not data:
                            return
                        ends[end].sendall(data)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


@pytest.fixture
def secure(certificate: Path) -> Iterator[tuple[Registry, str]]:
    """A registry with TLS, and the proxy behind which it has a name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving_registry(tls=context, auth="basic") as registry:
        port = int(registry.host.partition(":")[2])
        with tunnel(port) as proxy:
            yield registry, proxy


class TestTransport:
    HOST = "registry.example.org"

    def push(self, folder: Path, proxy: str, **options):
        login = {self.HOST: packed("me", "secret-word")}
        environ = {**logged_in(folder, login), "HTTPS_PROXY": proxy}
        with repository(self.HOST, folder, environ=environ, **options) as made:
            return made.push_blobs([upload(BODY)])

    def test_is_tls_with_the_configured_bundle(self, secure, certificate, tmp_path):
        registry, proxy = secure
        self.push(tmp_path, proxy, certificate=str(certificate))
        assert registry.blobs[upload(BODY).digest] == BODY

    def test_a_certificate_of_nobody_known_is_refused(self, secure, tmp_path):
        registry, proxy = secure
        with pytest.raises(NetworkError, match="certificate is not trusted") as caught:
            self.push(tmp_path, proxy)
        assert "SSL_CERT_FILE" in caught.value.hint
        assert not registry.requests

    def test_what_pip_trusts_unseen_gets_no_password(self, secure, tmp_path):
        registry, proxy = secure
        pip = PipSettings(trusted_hosts=(self.HOST,))
        with pytest.raises(NetworkError, match="certificate is not trusted"):
            self.push(tmp_path, proxy, pip=pip)
        assert not registry.requests

    def test_never_falls_back_to_plain_http(self, tmp_path):
        with serving_registry() as registry:
            port = int(registry.host.partition(":")[2])
            with tunnel(port) as proxy, pytest.raises(NetworkError) as caught:
                self.push(tmp_path, proxy)
            assert "does not speak TLS" in caught.value.message
            assert "[registry]" in caught.value.hint
            assert not registry.requests

    def test_plain_http_to_a_server_with_tls_is_explained(self, tmp_path):
        body = b"Client sent an HTTP request to an HTTPS server.\n"
        with serving_registry() as registry:
            registry.faults += [Fault("", "answer", times=99, status=400, body=body)]
            with pytest.raises(NetworkError) as caught:
                push(registry, tmp_path, environ={})
        assert "speaks TLS" in caught.value.hint
