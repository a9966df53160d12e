"""What can go wrong with a server, in words a person can act on, without secrets."""

from __future__ import annotations

import email.utils
import re
import ssl
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    IncompleteRead,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from firstlight.access import redact
from firstlight.errors import DigestError, NetworkError
from firstlight.finding import Finding, Role

__all__ = [
    "PASSING",
    "CutOffError",
    "RefusedError",
    "content_range",
    "from_library",
    "from_status",
    "nothing_worked",
    "phrase",
    "retry_after",
    "offline",
    "wrong_size",
]

PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Statuses that may be another a moment later."""

# What the TLS library finds where a server answers in plain HTTP.
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")

_HINTS = {
    401: "give credentials for this host in ~/.netrc, in the URL of the index, or in "
    "UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD",
    403: "check that your credentials give access to this address",
    404: "check the address; a mirror may not be complete, try another one",
    407: "put user and password into the URL of the proxy (HTTPS_PROXY)",
}

_REASONS: tuple[tuple[type[Exception], str, str], ...] = (
    (
        NameResolutionError,
        "the host name cannot be resolved",
        "check the spelling, the network, or set HTTPS_PROXY",
    ),
    (
        ProxyError,
        "the proxy does not let the request through",
        "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
    ),
    (
        NewConnectionError,
        "the server refuses the connection",
        "check the network, or set HTTPS_PROXY if there is a proxy",
    ),
    (
        ConnectTimeoutError,
        "no connection in time",
        "check the network, or set HTTPS_PROXY if there is a proxy",
    ),
    (ReadTimeoutError, "the server stopped answering", "run the command again"),
    (IncompleteRead, "the connection was cut", "run the command again"),
    (ProtocolError, "the connection was cut", "run the command again"),
)


class RefusedError(NetworkError):
    """The server answered, and asking again will not change the answer."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        hint: str = "",
        findings: Sequence[Finding] = (),
    ) -> None:
        super().__init__(message, hint=hint, findings=findings)
        self.status = status


class CutOffError(NetworkError):
    """A failure that may pass: worth another attempt after `retry_after` seconds.

    `worth` is how many attempts more it deserves at most.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        retry_after: float = 0,
        worth: int = 1000,
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after
        self.worth = worth


def offline(url: str) -> NetworkError:
    """Return the error for an address that must not be asked on this machine."""
    return RefusedError(
        f"{redact(url)}: not asked, since no network may be used (offline)",
        status=0,
        hint="leave out --offline, unset FIRSTLIGHT_OFFLINE, or remove `offline` from "
        "your settings",
    )


def from_library(url: str, error: Exception) -> NetworkError:
    """Return the error to raise for one that the HTTP library raised."""
    place = redact(url)
    tls = _tls_cause(error)
    if tls in _NO_TLS:
        return RefusedError(
            f"{place}: the server does not speak TLS",
            status=0,
            hint="check the port; a registry that speaks plain HTTP must be listed as "
            "`insecure` under [registry] in your settings",
        )
    if tls is not None:
        return RefusedError(
            f"{place}: the server's certificate is not trusted: {tls}",
            status=0,
            hint="if your network has its own certificate authority, set "
            "SSL_CERT_FILE to its bundle",
        )
    for kind, reason, hint in _REASONS:
        if isinstance(error, kind):
            # Where nobody answers at all, long patience only hides the message.
            worth = 2 if isinstance(error, NewConnectionError | ProxyError) else 1000
            return CutOffError(f"{place}: {reason}", hint=hint, worth=worth)
    if isinstance(error, HTTPError):
        return CutOffError(f"{place}: {type(error).__name__}")
    return RefusedError(f"{place}: this is not a URL that can be fetched", status=0)


def _tls_cause(error: BaseException) -> str | None:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return seen.verify_message or seen.reason
        if isinstance(seen, SSLError) and seen.__cause__ is None and seen.args:
            inner = seen.args[0]
            return str(inner) if not isinstance(inner, ssl.SSLError) else inner.reason
        seen = seen.__cause__ or getattr(seen, "original_error", None)
    return None


def from_status(url: str, status: int, headers: Mapping[str, str]) -> NetworkError:
    """Return the error to raise for an answer that is not the file."""
    message = f"{redact(url)}: the server answers {phrase(status)}"
    if status in PASSING:
        later = retry_after(headers.get("Retry-After", ""))
        return CutOffError(message, hint="try again later", retry_after=later)
    return RefusedError(message, status=status, hint=_HINTS.get(status, ""))


def phrase(status: int) -> str:
    """Return a status as people write it.

    >>> phrase(404)
    '404 Not Found'
    """
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status}, an unknown status"


def retry_after(text: str) -> float:
    """Seconds from now that a ``Retry-After`` means: it is a number or a date."""
    if text.strip().isdecimal():
        return float(text)
    try:
        return email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except ValueError:
        return 0


def content_range(header: str) -> tuple[int, int | None]:
    """Return the first byte and the whole size a ``Content-Range`` tells, -1 for none.

    >>> content_range("bytes 100-199/5000")
    (100, 5000)
    """
    match = re.fullmatch(r"bytes (?:(\d{1,18})-\d{1,18}|\*)/(\d{1,18}|\*)", header)
    if not match:
        return -1, None
    start, total = match.groups()
    return int(start or -1), None if total == "*" else int(total)


def wrong_size(name: str, found: str, promised: int) -> DigestError:
    """Return the error for a file that is shorter or longer than promised."""
    return DigestError(
        f"{name}: the file has {found} bytes, not {promised} as locked",
        hint="the file was truncated or altered at its source; run the command again, "
        "or use another mirror",
    )


def nothing_worked(name: str, problems: Sequence[NetworkError]) -> NetworkError:
    """Return the error for a file that no address gives; it lists them all.

    It is a `RefusedError` with status 404 when no address has the file (any more).
    """
    message = f"{name}: no address is known for it"
    hint = next((each.hint for each in reversed(problems) if each.hint), "")
    findings: list[Finding] = []
    if len(problems) == 1:
        message = f"{name}: {problems[0].message}"
    elif problems:
        message = f"{name}: none of its {len(problems)} addresses gives it"
        findings = [
            Finding(code="net.address", role=Role.FAILURE, message=problem.message)
            for problem in problems
        ]
    else:
        hint = "lock again to find where it is now"
    if {getattr(each, "status", 0) for each in problems} == {404}:
        return RefusedError(message, status=404, hint=hint, findings=findings)
    return NetworkError(message, hint=hint, findings=findings)
