"""How a server is reached: credentials, proxies, certificates; opens no socket itself.

Credentials are looked up for each address anew, so that a redirect to another host
never carries along what was meant for the first.
"""

from __future__ import annotations

import ipaddress
import netrc
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from firstlight.config import Settings
from firstlight.errors import NetworkError, UsageError

__all__ = ["Access", "local_path", "origin", "redact", "tls_context", "without_login"]

_PORTS = {"http": 80, "https": 443}


def redact(url: str) -> str:
    """Return a URL for messages: without its user, password, query or fragment.

    >>> redact("https://me:secret@host/a.whl?token=1")
    'https://***@host/a.whl?***'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return "a malformed URL"
    place = parts.netloc.rpartition("@")[2]
    if "@" in parts.netloc:
        place = f"***@{place}"
    return urlunsplit(
        (parts.scheme, place, parts.path, "***" if parts.query else "", "")
    )


def without_login(url: str) -> str:
    """Return the URL without user, password and fragment: what a server may see."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, place, parts.path, parts.query, ""))


def local_path(url: str) -> Path | None:
    """Return the path that a ``file:`` URL or a plain path means; None if remote.

    >>> local_path("file:///srv/my%20wheels/a.whl#sha256=00")
    PosixPath('/srv/my wheels/a.whl')

    Raises:
        NetworkError: when the URL is of a kind that cannot be fetched.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise NetworkError(f"malformed URL: {error}") from error
    if parts.scheme in ("http", "https") and parts.hostname:
        return None
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    if "://" not in url and parts.scheme != "file":
        return Path(url)
    raise NetworkError(
        f"{redact(url)}: this is not a URL that can be fetched",
        hint="allowed are https://, http://, file:/// and a path",
    )


def tls_context(certificate: str, *, verify: bool = True) -> ssl.SSLContext:
    """Return a context that trusts this bundle, or what the system trusts.

    Raises:
        UsageError: when the bundle cannot be read.
    """
    if not verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if not certificate:
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    folder = Path(certificate).is_dir()
    try:
        return ssl.create_default_context(
            cafile=None if folder else certificate,
            capath=certificate if folder else None,
        )
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"the certificate bundle {certificate} cannot be read: {error.strerror}",
            hint="correct SSL_CERT_FILE, REQUESTS_CA_BUNDLE or pip's `cert` setting",
        ) from error


@dataclass(frozen=True, slots=True)
class Access:
    """What the settings say about reaching servers."""

    settings: Settings
    _logins: dict[str, tuple[str, str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Gather the credentials that the addresses of indexes and mirrors carry."""
        for url, name in _known_urls(self.settings):
            login = self._login_of(url) or self._login_from_uv(name)
            if login:
                self._logins.setdefault(origin(url), login)

    def login(self, url: str) -> tuple[str, str] | None:
        """Return user and password for a URL.

        Looked for in the URL itself, the environment and addresses of indexes, netrc.
        """
        own = self._login_of(url) or self._logins.get(origin(url))
        return own or self._login_from_netrc(urlsplit(url).hostname or "")

    def proxy(self, url: str) -> str:
        """Return the proxy to use for a URL, empty for none."""
        parts = urlsplit(url)
        if _bypassed(parts.hostname or "", parts.port, self._variable("no_proxy")):
            return ""
        found = (
            self._variable(f"{parts.scheme}_proxy")
            or self._variable("all_proxy")
            or self.settings.pip.proxy
        )
        if not found:
            return ""
        found = found if "://" in found else f"http://{found}"
        if not found.startswith(("http://", "https://")):
            raise UsageError(
                f"the proxy {redact(found)} is of a kind that is not understood",
                hint="set it to one that begins with http:// or https://",
            )
        return found

    def trusts(self, url: str) -> bool:
        """Whether the user told pip to trust this host without checking it."""
        parts = urlsplit(url)
        names = (parts.hostname, f"{parts.hostname}:{parts.port}")
        return any(host in names for host in self.settings.pip.trusted_hosts)

    def _variable(self, name: str) -> str:
        environ = self.settings.environ
        return environ.get(name) or environ.get(name.upper()) or ""

    @staticmethod
    def _login_of(url: str) -> tuple[str, str] | None:
        parts = urlsplit(url)
        if not parts.username and not parts.password:
            return None
        return unquote(parts.username or ""), unquote(parts.password or "")

    def _login_from_uv(self, index: str) -> tuple[str, str] | None:
        if not index:
            return None
        stem = "UV_INDEX_" + re.sub(r"[^A-Z0-9]", "_", index.upper())
        user = self.settings.environ.get(f"{stem}_USERNAME", "")
        password = self.settings.environ.get(f"{stem}_PASSWORD", "")
        return (user, password) if user or password else None

    def _login_from_netrc(self, host: str) -> tuple[str, str] | None:
        named = self.settings.environ.get("NETRC")
        path = Path(named) if named else self.settings.home / ".netrc"
        try:
            found = netrc.netrc(str(path)).authenticators(host)
        except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
            # Without a readable file there are no credentials; a server that needs
            # some says so.
            return None
        return (found[0], found[2] or "") if found else None


def origin(url: str) -> str:
    """Return scheme, host and port of a URL: those to whom a password belongs."""
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme, 0)
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _known_urls(settings: Settings) -> Iterator[tuple[str, str]]:
    """The addresses the settings hold, each with the name of its index if any."""
    pip = settings.pip
    urls = [pip.index_url, *pip.extra_index_urls, *pip.find_links, settings.pytorch]
    for group in settings.mirrors.values():
        urls.extend(group)
    urls.extend(settings.snapshots)
    for url in urls:
        yield url, ""
    for name, url in settings.indexes.items():
        yield url, name
    yield from _uv_urls(settings.environ)


def _uv_urls(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for variable in (
        "UV_DEFAULT_INDEX",
        "UV_INDEX_URL",
        "UV_INDEX",
        "UV_EXTRA_INDEX_URL",
        "UV_FIND_LINKS",
    ):
        for word in re.split(r"[\s,]+", environ.get(variable, "")):
            name, _, url = word.rpartition("=") if "=http" in word else ("", "", word)
            yield url, name


def _bypassed(host: str, port: int | None, no_proxy: str) -> bool:
    """Whether ``no_proxy`` names the host: itself, a domain of it, or its network."""
    for item in (part.strip().lower() for part in no_proxy.split(",")):
        if not item:
            continue
        name, _, wanted = item.rpartition(":")
        if name and wanted.isdigit() and "]" not in wanted and name.count(":") == 0:
            if int(wanted) != port:
                continue
            item = name
        bare = item.removeprefix("*").lstrip(".")
        if item == "*" or host == bare or (bare and host.endswith(f".{bare}")):
            return True
        if _in_network(host, item):
            return True
    return False


def _in_network(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, False)
    except ValueError:
        return False
