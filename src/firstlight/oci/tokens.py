"""Who we are to a registry: basic authentication, and bearer tokens by scope.

Sources: RFC 9110 for challenges; the *token* and *OAuth2* pages of the distribution
project for what is asked of a token server. Credentials go to the registry itself and
to the token server that it names, and to nobody else.
"""

from __future__ import annotations

import base64
import io
import json
import re
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from firstlight.access import origin, redact
from firstlight.config import Settings
from firstlight.errors import ArtefactError, NetworkError
from firstlight.oci.credentials import HUB, Credential, Found, find_credential
from firstlight.oci.reference import Reference
from firstlight.oci.refusals import DeniedError, Refusals
from firstlight.web import Body, Web, beginning

__all__ = ["Asker", "Authority", "challenges", "scheme_of"]

_CHALLENGE = re.compile(
    r"""\s*,?\s*(?:
        (?P<scheme>[A-Za-z][\w-]*)(?:\s+(?=[\w-]+\s*=)|\s*(?=,|$))
      | (?P<name>[\w-]+)\s*=\s*(?:"(?P<quoted>(?:\\.|[^"\\])*)"|(?P<plain>[^\s,"]+))
    )""",
    re.VERBOSE,
)
_LONGEST = 1 << 16
_TOKEN = re.compile(r"[\x21-\x7e]{1,65536}")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,1024}")
_CLIENT = "firstlight"


@dataclass(frozen=True, slots=True)
class _Token:
    """A bearer token, and until when it is good by our own clock."""

    value: str = field(repr=False)
    until: float


@dataclass(frozen=True, slots=True)
class _Way:
    """How a registry wants to be asked: its scheme, ``basic`` or ``bearer``."""

    scheme: str
    realm: str = ""
    service: str = ""


def challenges(header: str) -> list[tuple[str, dict[str, str]]]:
    """Return the challenges of a ``WWW-Authenticate``, scheme in lower case.

    >>> challenges('Basic realm="x", Bearer realm="https://a/t",service="s"')
    [('basic', {'realm': 'x'}), ('bearer', {'realm': 'https://a/t', 'service': 's'})]
    """
    found: list[tuple[str, dict[str, str]]] = []
    position = 0
    header = header[:_LONGEST]
    while match := _CHALLENGE.match(header, position):
        if match.end() == position:
            break
        position = match.end()
        if match["scheme"]:
            found.append((match["scheme"].lower(), {}))
        elif found:
            quoted = match["quoted"]
            value = (
                match["plain"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            )
            found[-1][1].setdefault(match["name"].lower(), value)
    return found


def scheme_of(host: str, settings: Settings) -> str:
    """Return ``http`` for hosts on this machine and those the user named, else https.

    >>> scheme_of("127.0.0.1:5000", Settings(store=Path()))
    'http'
    """
    host = host.lower()
    named = [each.lower() for each in settings.insecure]
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return "https"
    if host in named or name in named or f"[{name}]" in named:
        return "http"
    is_here = name in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", name)
    return "http" if is_here else "https"


class Authority:
    """What one repository's registry wants to know of us, learnt once for all threads.

    Args:
        reference: The repository.
        base: Scheme and host of its registry.
        settings: Where credentials are looked for.
        web: Asks the registry and the token server.
    """

    def __init__(
        self, reference: Reference, base: str, settings: Settings, web: Web
    ) -> None:
        self.reference = reference
        self.refusals = Refusals(reference)
        self._base = base
        self._settings = settings
        self._web = web
        self._way: _Way | None = None
        self._has_asked = False
        self._tokens: dict[tuple[str, ...], _Token] = {}
        self._wanted: set[str] = set()
        self._lock = threading.RLock()

    @cached_property
    def found(self) -> Found:
        """The credentials, looked for when a registry first asks for them."""
        return find_credential(self.reference, self._settings)

    def is_own(self, url: str) -> bool:
        """Whether an address is the registry's, which alone may hear credentials."""
        return origin(url) == origin(self._base)

    def header(self, scopes: tuple[str, ...]) -> str:
        """Return the value of ``Authorization`` for requests of these scopes."""
        with self._lock:
            if not self._has_asked:
                self._ask()
            if self._way is None:
                return ""
            if self._way.scheme == "basic":
                return _basic(self.found.credential)
            token = self._tokens.get(scopes)
            if token is None or token.until <= time.monotonic():
                token = self._tokens[scopes] = self._new_token(self._way, scopes)
            return f"Bearer {token.value}"

    def learn(self, scopes: tuple[str, ...], used: str, header: str) -> bool:
        """Learn from a 401; return whether the next request has a chance."""
        offered = dict(reversed(challenges(header)))
        with self._lock:
            if "bearer" in offered:
                return self._learn_bearer(scopes, used, offered["bearer"])
            if "basic" not in offered or used.startswith("Basic "):
                return False
            self._way = _Way("basic")
            return self.found.credential is not None

    def _learn_bearer(
        self, scopes: tuple[str, ...], used: str, offer: Mapping[str, str]
    ) -> bool:
        wanted = set(offer.get("scope", "").split()) - set(scopes)
        is_new = not wanted <= self._wanted
        self._wanted |= {each for each in wanted if _SCOPE.fullmatch(each)}
        self._way = _Way("bearer", offer.get("realm", ""), offer.get("service", ""))
        token = self._tokens.get(scopes)
        if not token or used != f"Bearer {token.value}":
            return True  # Another thread has a new one, or there was none yet.
        del self._tokens[scopes]
        return is_new or offer.get("error", "") != "insufficient_scope"

    def _ask(self) -> None:
        """Ask the registry how it wants to be asked (``end-1``), as a stranger."""
        account = _Stranger(self)
        try:
            self._web.open(f"{self._base}/v2/", account=account).close()
        except DeniedError as denied:
            # Whoever does not know this address may know the one that is wanted.
            if denied.status == 400:
                raise
        self._has_asked = True

    # Tokens

    def _new_token(self, way: _Way, scopes: tuple[str, ...]) -> _Token:
        realm = self._checked(way.realm)
        every = [*scopes, *sorted(self._wanted)]
        credential = self.found.credential
        begun = time.monotonic()
        if credential and credential.identity_token:
            form = {
                "grant_type": "refresh_token",
                "refresh_token": credential.identity_token,
                "service": way.service,
                "client_id": _CLIENT,
                "scope": " ".join(every),
            }
            said = self._post(realm, urlencode(form).encode())
        else:
            said = self._get(realm, way, every, credential)
        return _token(said, realm, begun)

    def _checked(self, realm: str) -> str:
        """The token server's address, which must be safe to tell a password."""
        with suppress(ValueError):
            parts = urlsplit(realm)
            safe = {"https", scheme_of(parts.netloc, self._settings)}
            if parts.scheme in safe and parts.hostname and not parts.username:
                return realm
        raise NetworkError(
            f"{self.reference.registry}: its token server {redact(realm)} cannot be "
            "asked safely",
            hint="a token server must be https, unless it is listed under [registry] "
            "`insecure` in your settings",
        )

    def _get(
        self, realm: str, way: _Way, scopes: list[str], credential: Credential | None
    ) -> bytes:
        query = [("service", way.service)] if way.service else []
        query += [("scope", scope) for scope in scopes]
        parts = urlsplit(realm)
        query = parse_qsl(parts.query) + query
        url = urlunsplit(parts._replace(query=urlencode(query)))
        account = _Visitor(self, origin(realm), _basic(credential))
        return beginning(self._web.open(url, account=account), _LONGEST * 2)

    def _post(self, realm: str, form: bytes) -> bytes:
        response = self._web.open(
            realm,
            {"Content-Type": "application/x-www-form-urlencoded"},
            method="POST",
            body=Body(len(form), lambda: io.BytesIO(form)),
            account=_Visitor(self, origin(realm), ""),
        )
        return beginning(response, _LONGEST * 2)


@dataclass(frozen=True, slots=True)
class Asker:
    """The account of requests to one repository, for what they want to do there."""

    authority: Authority
    actions: str = "pull"
    sources: tuple[str, ...] = ()

    @property
    def _scopes(self) -> tuple[str, ...]:
        own = f"repository:{repository_of(self.authority.reference)}:{self.actions}"
        return (own, *(f"repository:{each}:pull" for each in self.sources))

    def authorization(self, url: str) -> str:
        """What the registry may know; other hosts, to which it redirects, nothing."""
        return self.authority.header(self._scopes) if self.authority.is_own(url) else ""

    def challenged(self, url: str, used: str, headers: Mapping[str, str]) -> bool:
        """Learn how the registry wants to be asked."""
        header = headers.get("WWW-Authenticate", "")
        return self.authority.is_own(url) and self.authority.learn(
            self._scopes, used, header
        )

    def refusal(
        self, url: str, status: int, headers: Mapping[str, str], said: bytes
    ) -> NetworkError:
        """Say what the registry's refusal means."""
        found = self.authority.found
        return self.authority.refusals.error(url, status, headers, said, found)


@dataclass(frozen=True, slots=True)
class _Stranger:
    """Asks the registry without credentials, to learn which it wants."""

    authority: Authority

    def authorization(self, url: str) -> str:
        return ""

    def challenged(self, url: str, used: str, headers: Mapping[str, str]) -> bool:
        header = headers.get("WWW-Authenticate", "")
        if self.authority.is_own(url):
            self.authority.learn((), used, header)
        return False

    def refusal(
        self, url: str, status: int, headers: Mapping[str, str], said: bytes
    ) -> NetworkError:
        refusals = self.authority.refusals
        return refusals.error(url, status, headers, said, Found())


@dataclass(frozen=True, slots=True)
class _Visitor:
    """Asks the token server, and tells nobody else the password."""

    authority: Authority
    place: str
    header: str = field(repr=False)

    def authorization(self, url: str) -> str:
        return self.header if origin(url) == self.place else ""

    def challenged(self, url: str, used: str, headers: Mapping[str, str]) -> bool:
        return False

    def refusal(
        self, url: str, status: int, headers: Mapping[str, str], said: bytes
    ) -> NetworkError:
        found = self.authority.found
        # Token servers answer a wrong password in various ways.
        status = 401 if status in (400, 401, 403) else status
        return self.authority.refusals.error(url, status, headers, said, found)


def repository_of(reference: Reference) -> str:
    """Return the repository as the registry's API knows it."""
    is_short = reference.registry == HUB and "/" not in reference.repository
    return f"library/{reference.repository}" if is_short else reference.repository


def _basic(credential: Credential | None) -> str:
    if credential is None:
        return ""
    user, word = credential.user, credential.password
    if credential.identity_token:
        # A registry without token server takes it in the password's place.
        user, word = "<token>", credential.identity_token
    return "Basic " + base64.b64encode(f"{user}:{word}".encode()).decode()


def _token(said: bytes, realm: str, begun: float) -> _Token:
    try:
        value = json.loads(said)
    except (ValueError, RecursionError):
        value = None
    answer: dict[str, Any] = value if isinstance(value, dict) else {}
    word = answer.get("token") or answer.get("access_token")
    if not isinstance(word, str) or not _TOKEN.fullmatch(word):
        raise ArtefactError(
            f"{redact(realm)}: the token server answers without a token",
            hint="check that the registry and its token server work together",
        )
    lives = answer.get("expires_in")
    if isinstance(lives, bool) or not isinstance(lives, int | float) or lives <= 0:
        lives = 60
    # Renewed a little early: it must not expire on its way to the registry.
    return _Token(word, begun + lives - min(10, lives / 4))
