"""One request at a time, done patiently: the only module that opens sockets.

It follows redirects without handing credentials to another host, repeats what may pass,
sends bodies straight from files, and turns every failure into a sentence.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol, TypeVar
from urllib.parse import urljoin, urlsplit, urlunsplit

import urllib3
from urllib3.exceptions import HTTPError, InsecureRequestWarning

from firstlight import __version__
from firstlight.access import Access, origin, redact, tls_context, without_login
from firstlight.config import Settings
from firstlight.errors import NetworkError
from firstlight.failures import (
    CutOffError,
    RefusedError,
    from_library,
    from_status,
    offline,
)

__all__ = ["Account", "Answer", "Body", "Stop", "Web", "beginning", "finish", "read"]

Answer = urllib3.BaseHTTPResponse

_T = TypeVar("_T")
_REDIRECTS = 10
_CONNECTIONS = 8
# Progress that makes a cut connection count as a new one, not as one more failure.
_HEADWAY = 1 << 20
_SMALL = 1 << 16
# The library's own 16 KiB would keep a fast line waiting.
_BLOCK = 1 << 18
_RENEWALS = 2


class Account(Protocol):
    """Who we are to a server, for requests that need more than a password of netrc."""

    def authorization(self, url: str) -> str:
        """The value of ``Authorization`` for an address; empty for a stranger's."""

    def challenged(self, url: str, used: str, headers: Mapping[str, str]) -> bool:
        """Learn from a 401 to what was `used`; whether asking again has a chance."""

    def refusal(
        self, url: str, status: int, headers: Mapping[str, str], said: bytes
    ) -> NetworkError:
        """The error for an answer of a status that was not hoped for."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries: `size` bytes, opened anew for every time it is sent."""

    size: int
    open: Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, apart from the address, which redirects change."""

    method: str
    headers: dict[str, str]
    body: Body | None
    account: Account | None
    wait: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Tells running downloads to end: closes what they are reading from."""

    event: threading.Event = field(default_factory=threading.Event)
    open: set[Answer] = field(default_factory=set)

    def now(self) -> None:
        """End them."""
        self.event.set()
        for response in tuple(self.open):
            with suppress(Exception):
                response.shutdown()

    def check(self) -> None:
        """Raise in a thread whose work is no longer wanted."""
        if self.event.is_set():
            raise NetworkError("the download was stopped")


class Web:
    """Asks servers for files, as the machine's settings say.

    Args:
        settings: Credentials, proxies and certificates come from here.
        retries: How often a failed request is repeated.
        pause: Seconds before the first repetition; each further one doubles them.
        timeout: Seconds without an answer or a byte that end a request.
        account: Who asks, instead of the credentials that the settings know.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        retries: int,
        pause: float,
        timeout: float,
        account: Account | None = None,
    ) -> None:
        self._account = account
        self._is_offline = settings.offline
        self._certificate = settings.certificate
        self._access = Access(settings)
        self._retries = retries
        self._pause = pause
        self._timeout = urllib3.Timeout(connect=min(timeout, 20), read=timeout)
        self._pools: dict[tuple[str, bool], urllib3.PoolManager] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections that are kept open for the next request."""
        for pool in self._pools.values():
            pool.clear()

    def patiently(
        self,
        attempt: Callable[[], _T],
        stop: Stop,
        position: Callable[[], int] = lambda: 0,
    ) -> _T:
        """Repeat an attempt whose failure may pass, waiting longer each time."""
        failures, reached = 0, position()
        while True:
            try:
                return attempt()
            except CutOffError as cut:
                stop.check()
                if position() >= reached + _HEADWAY:
                    failures, reached = 0, position()
                failures += 1
                if failures > min(self._retries, cut.worth):
                    raise
                pause = self._pause * 2 ** (failures - 1) * random.uniform(0.75, 1.25)
                stop.event.wait(min(max(pause, cut.retry_after), 60))
                stop.check()

    def open(
        self,
        url: str,
        headers: dict[str, str] | None = None,
        allowed: tuple[int, ...] = (200,),
        *,
        method: str = "GET",
        body: Body | None = None,
        account: Account | None = None,
        wait: float = 0,
    ) -> Answer:
        """Ask once, following redirects; an answer of another status raises.

        Args:
            url: The address.
            headers: Sent besides those that every request has.
            allowed: The statuses that are returned.
            method: What to do there.
            body: What to send along.
            account: Who asks, instead of the one that asks otherwise.
            wait: Seconds to wait for the answer, where it may take longer than usual.
        """
        if self._is_offline:
            raise offline(url)
        asked = _Asked(method, headers or {}, body, account or self._account, wait)
        url, response = self._answer(url, asked)
        if response.status in allowed:
            return response
        if asked.account is None:
            finish(response)
            raise from_status(url, response.status, response.headers)
        said = beginning(response)
        raise asked.account.refusal(url, response.status, response.headers, said)

    def _answer(self, url: str, asked: _Asked) -> tuple[str, Answer]:
        """The answer that is no redirect, nor a challenge that can be met; its URL."""
        account = asked.account
        redirects, renewals = 0, 0
        while True:
            used = account.authorization(url) if account else self._login(url)
            response = self._request(url, asked, used)
            if _leads_on(asked.method, response.status):
                finish(response)
                redirects += 1
                if redirects > _REDIRECTS:
                    message = f"{redact(url)}: more than {_REDIRECTS} redirects"
                    raise RefusedError(message, status=310)
                url = _redirected(url, response.headers.get("Location", ""))
                continue
            if account is None or response.status != 401 or renewals >= _RENEWALS:
                return url, response
            if not account.challenged(url, used, response.headers):
                return url, response
            finish(response)
            renewals += 1

    def _login(self, url: str) -> str:
        login = self._access.login(url)
        if not login:
            return ""
        return urllib3.make_headers(basic_auth=":".join(login))["authorization"]

    def _request(self, url: str, asked: _Asked, authorization: str) -> Answer:
        headers = {"User-Agent": f"firstlight/{__version__}"}
        # Any encoding but the plain one would hide the size and break ranges.
        headers["Accept-Encoding"] = "identity"
        if authorization:
            headers["Authorization"] = authorization
        if asked.body:
            headers["Content-Length"] = str(asked.body.size)
        proxy = self._access.proxy(url)
        # What pip may trust blindly is told no secret of an account.
        verify = asked.account is not None or not self._access.trusts(url)
        timeout = self._timeout
        if asked.wait:
            timeout = urllib3.Timeout(connect=timeout.connect_timeout, read=asked.wait)
        try:
            with asked.body.open() if asked.body else nullcontext() as stream:
                return self._pool(proxy, verify).request(
                    asked.method,
                    without_login(url),
                    body=stream,
                    headers={**headers, **asked.headers},
                    redirect=False,
                    retries=False,
                    preload_content=False,
                    decode_content=False,
                    timeout=timeout,
                )
        except (HTTPError, ValueError) as error:
            raise from_library(url, error) from error

    def _pool(self, proxy: str, verify: bool) -> urllib3.PoolManager:
        with self._lock:
            if (proxy, verify) not in self._pools:
                self._pools[proxy, verify] = self._new_pool(proxy, verify)
            return self._pools[proxy, verify]

    def _new_pool(self, proxy: str, verify: bool) -> urllib3.PoolManager:
        context = tls_context(self._certificate, verify=verify)
        if not verify:
            # The user's own word, in pip's `trusted-host`: nothing to warn about.
            urllib3.disable_warnings(InsecureRequestWarning)
        if not proxy:
            return urllib3.PoolManager(
                maxsize=_CONNECTIONS, ssl_context=context, blocksize=_BLOCK
            )
        login = urlsplit(proxy)
        words = f"{login.username}:{login.password or ''}" if login.username else None
        return urllib3.ProxyManager(
            without_login(proxy),
            proxy_headers=urllib3.make_headers(proxy_basic_auth=words),
            maxsize=_CONNECTIONS,
            ssl_context=context,
            blocksize=_BLOCK,
        )


def read(response: Answer, size: int) -> bytes:
    """Return what has arrived of an answer, empty at its end."""
    try:
        return bytes(response.read1(size))
    except (HTTPError, ValueError) as error:
        raise from_library(response.geturl() or "the server", error) from error


def finish(response: Answer) -> None:
    """Give the connection back, or close it where much more of the body follows."""
    left = response.length_remaining
    if left is not None and left <= _SMALL:
        response.drain_conn()
        response.release_conn()
    else:
        response.close()


def beginning(response: Answer, size: int = _SMALL) -> bytes:
    """Return the first bytes of an answer, as much as is there, and be done with it."""
    parts = []
    with suppress(NetworkError):
        while size > 0 and (data := read(response, size)):
            parts.append(data)
            size -= len(data)
    finish(response)
    return b"".join(parts)


def _leads_on(method: str, status: int) -> bool:
    """Whether an answer is a redirect that keeps what was asked as it is."""
    return status in (307, 308) or (
        status in (301, 302, 303) and method in ("GET", "HEAD")
    )


def _redirected(url: str, location: str) -> str:
    """The next address, which must not be less safe than the one before."""
    target = urljoin(url, location)
    schemes = urlsplit(url).scheme, urlsplit(target).scheme
    if schemes not in (("http", "http"), ("http", "https"), ("https", "https")):
        raise RefusedError(
            f"{redact(url)}: the server redirects to {redact(target)}, "
            "which would not be safe to follow",
            status=310,
        )
    if origin(url) != origin(target) or "@" in urlsplit(target).netloc:
        return target
    # The same server: a password written into the first address is still for it.
    place = urlsplit(url).netloc
    return urlunsplit(urlsplit(target)._replace(netloc=place))
