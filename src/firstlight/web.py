"""One request at a time, done patiently: the only module that opens sockets.

It follows redirects without handing credentials to another host, repeats what may pass,
and turns every failure into a sentence.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urljoin, urlsplit, urlunsplit

import urllib3
from urllib3.exceptions import HTTPError, InsecureRequestWarning

from firstlight import __version__
from firstlight.access import Access, origin, redact, tls_context, without_login
from firstlight.config import Settings
from firstlight.errors import NetworkError
from firstlight.failures import CutOffError, RefusedError, from_library, from_status

__all__ = ["Answer", "Stop", "Web", "finish", "read"]

Answer = urllib3.BaseHTTPResponse

_T = TypeVar("_T")
_REDIRECTS = (301, 302, 303, 307, 308)
_CONNECTIONS = 8
# Progress that makes a cut connection count as a new one, not as one more failure.
_HEADWAY = 1 << 20
_SMALL = 1 << 16


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
    """

    def __init__(
        self, settings: Settings, *, retries: int, pause: float, timeout: float
    ) -> None:
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
    ) -> Answer:
        """Ask once, following redirects; an answer of another status raises."""
        for _ in range(10):
            response = self._request(url, headers or {})
            if response.status not in _REDIRECTS:
                break
            finish(response)
            url = _redirected(url, response.headers.get("Location", ""))
        else:
            raise RefusedError(f"{redact(url)}: more than 10 redirects", status=310)
        if response.status in allowed:
            return response
        finish(response)
        raise from_status(url, response.status, response.headers)

    def _request(self, url: str, headers: dict[str, str]) -> Answer:
        login = self._access.login(url)
        proxy = self._access.proxy(url)
        extra = urllib3.make_headers(user_agent=f"firstlight/{__version__}")
        if login:
            extra |= urllib3.make_headers(basic_auth=":".join(login))
        # Any encoding but the plain one would hide the size and break ranges.
        extra["Accept-Encoding"] = "identity"
        try:
            return self._pool(proxy, not self._access.trusts(url)).request(
                "GET",
                without_login(url),
                headers={**extra, **headers},
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=self._timeout,
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
            return urllib3.PoolManager(maxsize=_CONNECTIONS, ssl_context=context)
        login = urlsplit(proxy)
        words = f"{login.username}:{login.password or ''}" if login.username else None
        return urllib3.ProxyManager(
            without_login(proxy),
            proxy_headers=urllib3.make_headers(proxy_basic_auth=words),
            maxsize=_CONNECTIONS,
            ssl_context=context,
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
