"""An OCI registry on loopback, in memory, that can misbehave in every way a test asks.

It keeps to the distribution specification 1.1: blobs pushed in one or in many requests,
mounts, ranges, manifests, tags in pages, referrers, basic and bearer authentication.
`faults` says what goes wrong: each entry applies to the requests it matches, so many
times. ``with serving_registry() as registry:`` gives the running one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["Asked", "Fault", "Manifest", "Registry", "serving_registry"]

INDEX = "application/vnd.oci.image.index.v1+json"
_LIMIT = 1 << 18


@dataclass
class Fault:
    """What goes wrong with the next `times` requests that match, `after` so many.

    `at` is a regular expression searched in ``METHOD /path?query``. `do` is one of:

    =============  ==================================================================
    drop           the connection closes before the body is read
    cut-body       ... after `size` bytes of the request's body were read (and kept)
    swallow        the request is carried out, and the connection closes, no answer
    cut-answer     the answer's body ends after `size` bytes
    answer         nothing is done; `status`, `headers` and `body` are the answer
    headers        the answer carries these headers (an empty value removes one)
    alter          the answer's body has one other byte
    forget         all upload sessions are lost before the request is looked at
    expire         all tokens are refused from now on
    wait           the request is looked at after `size` milliseconds
    =============  ==================================================================
    """

    at: str
    do: str
    times: int = 1
    after: int = 0
    size: int = 0
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Asked:
    """One request: what was asked, bytes received and sent in bodies, the answer."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    received: int = 0
    sent: int = 0
    status: int = 0

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Manifest:
    """A manifest as it was pushed."""

    media_type: str
    data: bytes

    @property
    def digest(self) -> str:
        """The digest of its bytes."""
        return digest_of(self.data)


@dataclass
class Registry:
    """What a registry holds, how it behaves, and what was asked of it.

    `blobs` gives bytes by digest; `holds` the digests of each repository; `manifests`
    what is under ``(repository, tag or digest)``.
    """

    auth: str = ""
    """``basic`` or ``bearer``; empty: everybody may do everything."""
    user: str = "me"
    password: str = "secret-word"
    refresh_token: str = ""
    """An identity token that the token endpoint takes by POST."""
    anonymous_pull: bool = False
    expires_in: float = 300
    referrers_api: bool = True
    mounts: bool = True
    chunks: bool = True
    """Without them PATCH is refused, as some registries do."""
    chunk_min: int = 0
    keeps_partial: bool = True
    """Whether what arrived of a request that was cut counts."""
    page: int = 0
    """Tags and referrers in one answer; 0 for all."""
    absolute: bool = False
    """Whether Location names scheme and host."""
    elsewhere: str = ""
    """A base URL to which blobs are redirected; `asked` there sees them."""
    quota: int = 1 << 62
    blobs: dict[str, bytes] = field(default_factory=dict)
    holds: dict[str, set[str]] = field(default_factory=dict)
    manifests: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    sessions: dict[str, bytearray] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    requests: list[Asked] = field(default_factory=list)
    tokens: dict[str, tuple[float, set[str]]] = field(default_factory=dict)
    host: str = ""
    scheme: str = "http"
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def url(self) -> str:
        """Where it is: ``http://127.0.0.1:PORT``."""
        return f"{self.scheme}://{self.host}"

    def add_blob(self, repository: str, data: bytes) -> str:
        """Hold a blob, as if it had been pushed."""
        digest = digest_of(data)
        self.blobs[digest] = data
        self.holds.setdefault(repository, set()).add(digest)
        return digest

    def add_manifest(
        self, repository: str, data: bytes, media_type: str, tag: str = ""
    ) -> str:
        """Hold a manifest, as if it had been pushed."""
        manifest = Manifest(media_type, data)
        self.holds.setdefault(repository, set())
        for name in (tag, manifest.digest):
            if name:
                self.manifests[repository, name] = manifest
        return manifest.digest

    def asked(self, method: str, part: str = "") -> list[Asked]:
        """The requests of a method whose path has this part."""
        return [
            each
            for each in self.requests
            if each.method == method and part in str(each)
        ]

    def received(self) -> int:
        """Bytes of blobs that clients have sent."""
        return sum(each.received for each in self.requests if "/uploads/" in each.path)

    def expire(self) -> None:
        """Refuse every token from now on."""
        with self.lock:
            self.tokens.clear()

    def fault(self, line: str, *kinds: str) -> Fault | None:
        """The next fault of one of the kinds for a request, which is used up."""
        with self.lock:
            for fault in self.faults:
                if not fault.times or fault.do not in kinds:
                    continue
                if re.search(fault.at, line):
                    fault.after -= 1
                    if fault.after < 0:
                        fault.times -= 1
                        return fault
        return None


def digest_of(data: bytes | bytearray) -> str:
    """``sha256:`` and the hash."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


@contextmanager
def serving_registry(
    *, tls: ssl.SSLContext | None = None, **behaviour: Any
) -> Iterator[Registry]:
    """Run a registry on loopback inside the block; `behaviour` sets its fields."""
    registry = Registry(**behaviour)

    class Handler(_Handler):
        pass

    Handler.registry = registry
    server = _Server(("127.0.0.1", 0), Handler)
    registry.host = f"127.0.0.1:{server.server_address[1]}"
    if tls is not None:
        registry.scheme = "https"
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, *args: Any) -> None:
        """A client that goes away in the middle is what tests are about."""


class _GoneError(Exception):
    """The connection is to be closed without an answer."""


class _AnswerError(Exception):
    """The request ends with an error of the registry."""

    def __init__(self, status: int, code: str, **headers: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.headers = headers


class _Handler(BaseHTTPRequestHandler):
    registry: Registry
    protocol_version = "HTTP/1.1"
    # Many small answers: do not wait for acknowledgements.
    disable_nagle_algorithm = True
    asked: Asked

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def handle_one_request(self) -> None:
        self._left = 0
        super().handle_one_request()

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.title(): value for name, value in self.headers.items()}
        self.asked = Asked(self.command, parts.path, query, headers)
        self._left = int(headers.get("Content-Length", "0"))
        with self.registry.lock:
            self.registry.requests.append(self.asked)
        try:
            self._carry_out()
        except _GoneError:
            self.close_connection = True
        except _AnswerError as error:
            body = json.dumps({"errors": [{"code": error.code, "message": "no"}]})
            names = {name.replace("_", "-"): v for name, v in error.headers.items()}
            self._answer(error.status, body.encode(), names)

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815

    # What goes wrong before the request is looked at

    def _line(self) -> str:
        return f"{self.command} {self.path}"

    def _carry_out(self) -> None:
        fault = self.registry.fault(
            *(self._line(), "drop", "answer", "forget", "expire", "wait")
        )
        match fault.do if fault else "":
            case "drop":
                raise _GoneError
            case "answer":
                assert fault is not None
                self._drain()
                self._answer(fault.status, fault.body, fault.headers)
                return
            case "forget":
                self.registry.sessions.clear()
            case "expire":
                self.registry.expire()
            case "wait":
                assert fault is not None
                time.sleep(fault.size / 1000)
        self._route()

    def _route(self) -> None:
        path = self.asked.path
        if path == "/token":
            self._token()
            return
        if path.startswith("/elsewhere/"):
            self._blob_bytes(path.removeprefix("/elsewhere/"))
            return
        self._admit()
        if path == "/v2/":
            self._answer(200, b"{}")
            return
        for pattern, what in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found:
                getattr(self, f"_{what}")(*found.groups())
                return
        raise _AnswerError(404, "UNSUPPORTED")

    # Bodies

    def _pieces(self) -> Iterator[bytes]:
        """What the client sends, until it is cut by a fault."""
        fault = self.registry.fault(self._line(), "cut-body") if self._left else None
        allowed = fault.size if fault else self._left
        while self._left and allowed:
            data = self.rfile.read1(min(self._left, allowed, _LIMIT))  # type: ignore[attr-defined]
            if not data:
                raise _GoneError
            self._left -= len(data)
            allowed -= len(data)
            self.asked.received += len(data)
            yield data
        if fault:
            raise _GoneError

    def _drain(self) -> bytes:
        return b"".join(self._pieces())

    def _answer(
        self, status: int, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        self._drain()
        line = self._line()
        self.asked.status = status
        if self.registry.fault(line, "swallow"):
            raise _GoneError
        given = {"Content-Length": str(len(body)), **(headers or {})}
        changed = self.registry.fault(line, "headers")
        given |= changed.headers if changed else {}
        if body and self.registry.fault(line, "alter"):
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
        self.send_response(status)
        for name, value in given.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = self.registry.fault(line, "cut-answer")
        if cut:
            body = body[: cut.size]
        if cut or (changed and "Content-Length" in changed.headers):
            self.close_connection = True
        self.wfile.write(body)
        self.asked.sent += len(body)

    # Who may do what

    def _admit(self) -> None:
        given = self.headers.get("Authorization", "")
        match self.registry.auth:
            case "basic":
                if given != _basic(self.registry):
                    self._refuse('Basic realm="a registry"')
            case "bearer":
                self._admit_bearer(given)

    def _admit_bearer(self, given: str) -> None:
        realm = f'Bearer realm="{self.registry.url}/token",service="tests"'
        needed = self._needed()
        scope = "".join(f',scope="{each}"' for each in sorted(needed)[:1])
        kind, _, word = given.partition(" ")
        expires, granted = self.registry.tokens.get(word, (0.0, set()))
        if kind != "Bearer" or expires < time.monotonic():
            self._refuse(f"{realm}{scope}")
        if not needed <= granted:
            self._refuse(f'{realm}{scope},error="insufficient_scope"')

    def _needed(self) -> set[str]:
        found = re.match(r"/v2/(.+?)/(?:blobs|manifests|tags|referrers)/", self.path)
        if not found:
            return set()
        action = "pull" if self.command in ("GET", "HEAD") else "push"
        return {f"repository:{found[1]}:{action}"}

    def _refuse(self, challenge: str) -> None:
        raise _AnswerError(401, "UNAUTHORIZED", WWW_Authenticate=challenge)

    def _token(self) -> None:
        registry = self.registry
        form = parse_qs(self._drain().decode())
        scopes = form.get("scope", [""])[0].split()
        if self.command == "POST":
            known = form.get("refresh_token") == [registry.refresh_token]
            if form.get("grant_type") != ["refresh_token"] or not known:
                raise _AnswerError(401, "UNAUTHORIZED")
        else:
            scopes = " ".join(parse_qs(urlsplit(self.path).query).get("scope", []))
            scopes = scopes.split()
            given = self.headers.get("Authorization", "")
            known = given == _basic(registry)
            if (given and not known) or (not known and not registry.anonymous_pull):
                raise _AnswerError(401, "UNAUTHORIZED")
        granted = set()
        for scope in scopes:
            stem, _, actions = scope.rpartition(":")
            for action in actions.split(","):
                if known or action == "pull":
                    granted.add(f"{stem}:{action}")
        token = secrets.token_hex(16)
        with registry.lock:
            registry.tokens[token] = (time.monotonic() + registry.expires_in, granted)
        answer = {"token": token, "expires_in": max(1, int(registry.expires_in))}
        self._answer(200, json.dumps(answer).encode())

    # Blobs

    def _blob(self, repository: str, digest: str) -> None:
        if digest not in self.registry.holds.get(repository, ()):
            raise _AnswerError(404, "BLOB_UNKNOWN")
        if self.command == "GET" and self.registry.elsewhere:
            target = f"{self.registry.elsewhere}/elsewhere/{digest}"
            self._answer(307, b"", {"Location": target})
            return
        self._blob_bytes(digest)

    def _blob_bytes(self, digest: str) -> None:
        body = self.registry.blobs.get(digest)
        if body is None:
            raise _AnswerError(404, "BLOB_UNKNOWN")
        headers = {
            "Docker-Content-Digest": digest,
            "Content-Type": "application/octet-stream",
        }
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not asked:
            self._answer(200, body, headers)
            return
        start = int(asked[1])
        if start >= len(body):
            raise _AnswerError(416, "RANGE", Content_Range=f"bytes */{len(body)}")
        end = min(int(asked[2] or len(body)), len(body) - 1)
        headers["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
        self._answer(206, body[start : end + 1], headers)

    def _start(self, repository: str) -> None:
        registry, query = self.registry, self.asked.query
        source, digest = query.get("from", ""), query.get("mount", "")
        if digest and registry.mounts and digest in registry.holds.get(source, ()):
            if registry.auth == "bearer":
                self._may_mount(source)
            registry.holds.setdefault(repository, set()).add(digest)
            self._created(repository, "blobs", digest)
            return
        session = secrets.token_hex(8)
        registry.sessions[session] = bytearray()
        if "digest" in query:
            self._take(session)
            self._commit(repository, session)
            return
        self._accepted(repository, session)

    def _may_mount(self, source: str) -> None:
        word = self.headers.get("Authorization", "").partition(" ")[2]
        if f"repository:{source}:pull" not in self.registry.tokens[word][1]:
            raise _AnswerError(401, "UNAUTHORIZED")

    def _accepted(self, repository: str, session: str, status: int = 202) -> None:
        registry = self.registry
        place = f"/v2/{repository}/blobs/uploads/{session}?state={len(session)}"
        size = len(registry.sessions[session])
        headers = {
            "Location": registry.url + place if registry.absolute else place,
            "Range": f"0-{max(0, size - 1)}",
            "Docker-Upload-UUID": session,
        }
        if registry.chunk_min:
            headers["OCI-Chunk-Min-Length"] = str(registry.chunk_min)
        self._answer(status, b"", headers)

    def _upload(self, repository: str, session: str) -> None:
        registry = self.registry
        if session not in registry.sessions or "state" not in self.asked.query:
            raise _AnswerError(404, "BLOB_UPLOAD_UNKNOWN")
        match self.command:
            case "GET":
                self._accepted(repository, session, 204)
            case "DELETE":
                del registry.sessions[session]
                self._answer(204)
            case "PATCH":
                self._patch(repository, session)
            case "PUT":
                self._take(session)
                self._commit(repository, session)

    def _patch(self, repository: str, session: str) -> None:
        if not self.registry.chunks:
            raise _AnswerError(405, "UNSUPPORTED")
        held = self.registry.sessions[session]
        given = self.headers.get("Content-Range", "")
        found = re.fullmatch(r"(\d+)-(\d+)", given)
        if given and (not found or int(found[1]) != len(held)):
            raise _AnswerError(416, "RANGE", Range=f"0-{max(0, len(held) - 1)}")
        self._take(session)
        self._accepted(repository, session)

    def _take(self, session: str) -> None:
        held = self.registry.sessions[session]
        before = len(held)
        try:
            for piece in self._pieces():
                held += piece
                if len(held) > self.registry.quota:
                    raise _AnswerError(413, "SIZE_INVALID")
        except _GoneError:
            if not self.registry.keeps_partial:
                del held[before:]
            raise

    def _commit(self, repository: str, session: str) -> None:
        data = bytes(self.registry.sessions.pop(session))
        digest = self.asked.query.get("digest", "")
        if digest_of(data) != digest:
            raise _AnswerError(400, "DIGEST_INVALID")
        self.registry.add_blob(repository, data)
        self._created(repository, "blobs", digest)

    def _created(
        self, repository: str, kind: str, digest: str, name: str = "", **more: str
    ) -> None:
        headers = {
            "Location": f"/v2/{repository}/{kind}/{name or digest}",
            "Docker-Content-Digest": digest,
        }
        names = {key.replace("_", "-"): value for key, value in more.items()}
        self._answer(201, b"", headers | names)

    # Manifests

    def _manifest(self, repository: str, name: str) -> None:
        registry = self.registry
        match self.command:
            case "PUT":
                self._put_manifest(repository, name)
                return
            case "DELETE":
                if registry.manifests.pop((repository, name), None) is None:
                    raise _AnswerError(404, "MANIFEST_UNKNOWN")
                self._answer(202)
                return
        if repository not in registry.holds:
            raise _AnswerError(404, "NAME_UNKNOWN")
        manifest = registry.manifests.get((repository, name))
        if manifest is None:
            raise _AnswerError(404, "MANIFEST_UNKNOWN")
        headers = {
            "Content-Type": manifest.media_type,
            "Docker-Content-Digest": manifest.digest,
        }
        self._answer(200, manifest.data, headers)

    def _put_manifest(self, repository: str, name: str) -> None:
        registry = self.registry
        data = self._drain()
        manifest = Manifest(self.headers.get("Content-Type", ""), data)
        try:
            value = json.loads(data)
        except ValueError:
            raise _AnswerError(400, "MANIFEST_INVALID") from None
        if ":" in name and name != manifest.digest:
            raise _AnswerError(400, "DIGEST_INVALID")
        for blob in [value.get("config"), *value.get("layers", ())]:
            if blob and blob["digest"] not in registry.holds.get(repository, ()):
                raise _AnswerError(404, "MANIFEST_BLOB_UNKNOWN")
        tag = "" if ":" in name else name
        with registry.lock:
            registry.add_manifest(repository, data, manifest.media_type, tag)
        subject = value.get("subject", {}).get("digest", "")
        more = {"OCI_Subject": subject} if subject and registry.referrers_api else {}
        self._created(repository, "manifests", manifest.digest, name, **more)

    def _tags(self, repository: str) -> None:
        registry = self.registry
        if repository not in registry.holds:
            raise _AnswerError(404, "NAME_UNKNOWN")
        every = sorted(name for held, name in registry.manifests if held == repository)
        names = [name for name in every if ":" not in name]
        last = self.asked.query.get("last", "")
        names = [name for name in names if name > last]
        limit = int(self.asked.query.get("n", registry.page or len(names)))
        headers = {"Content-Type": "application/json"}
        if len(names) > limit:
            names = names[:limit]
            path = f"{self.asked.path}?n={limit}&last={names[-1]}"
            headers["Link"] = f'<{path}>; rel="next"'
        body = json.dumps({"name": repository, "tags": names}).encode()
        self._answer(200, body, headers)

    def _referrers(self, repository: str, subject: str) -> None:
        registry = self.registry
        if not registry.referrers_api:
            raise _AnswerError(404, "NOT_FOUND")
        wanted = self.asked.query.get("artifactType", "")
        with registry.lock:
            found = list(_referring(registry, repository, subject, wanted))
        start = int(self.asked.query.get("start", "0"))
        end = start + registry.page if registry.page else len(found)
        headers = {"Content-Type": INDEX}
        if wanted:
            headers["OCI-Filters-Applied"] = "artifactType"
        if end < len(found):
            path = f"{self.asked.path}?start={end}&artifactType={wanted}"
            headers["Link"] = f'<{path}>; rel="next"'
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": found[start:end]}
        self._answer(200, json.dumps(index).encode(), headers)


_ROUTES = (
    (r"/v2/(.+)/blobs/uploads/", "start"),
    (r"/v2/(.+)/blobs/uploads/([0-9a-f]+)", "upload"),
    (r"/v2/(.+)/blobs/(sha256:[0-9a-f]{64})", "blob"),
    (r"/v2/(.+)/manifests/([^/]+)", "manifest"),
    (r"/v2/(.+)/tags/list", "tags"),
    (r"/v2/(.+)/referrers/(sha256:[0-9a-f]{64})", "referrers"),
)


def _referring(
    registry: Registry, repository: str, subject: str, wanted: str
) -> Iterator[dict[str, Any]]:
    for (held, name), manifest in registry.manifests.items():
        if held != repository or ":" not in name:
            continue
        value = json.loads(manifest.data)
        if value.get("subject", {}).get("digest") != subject:
            continue
        kind = value.get("artifactType") or value.get("config", {}).get("mediaType", "")
        if wanted in ("", kind):
            yield {
                "mediaType": manifest.media_type,
                "digest": manifest.digest,
                "size": len(manifest.data),
                "artifactType": kind,
                "annotations": value.get("annotations", {}),
            }


def _basic(registry: Registry) -> str:
    words = f"{registry.user}:{registry.password}".encode()
    return "Basic " + base64.b64encode(words).decode()
