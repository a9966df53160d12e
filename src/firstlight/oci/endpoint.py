"""The one place from which requests to a registry leave: addresses, scheme, account.

Source: the OCI distribution-spec 1.1, whose endpoints are named ``end-1`` and so on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

from firstlight.access import redact
from firstlight.config import Settings
from firstlight.errors import NetworkError
from firstlight.oci.credentials import HUB
from firstlight.oci.reference import Reference
from firstlight.oci.tokens import Asker, Authority, repository_of, scheme_of
from firstlight.web import Answer, Body, Stop, Web

__all__ = ["Endpoint"]

_T = TypeVar("_T")


class Endpoint:
    """Asks one repository of one registry; may be used by several threads.

    Args:
        reference: The repository.
        settings: Credentials, certificates, proxies, registries without TLS.
        retries: How often a failed request is repeated.
        pause: Seconds before the first repetition; each further one doubles them.
        timeout: Seconds without an answer or a byte that end a request.
    """

    def __init__(
        self,
        reference: Reference,
        settings: Settings,
        *,
        retries: int,
        pause: float,
        timeout: float,
    ) -> None:
        self.reference = reference
        self.base = _base(reference, settings)
        self._web = Web(settings, retries=retries, pause=pause, timeout=timeout)
        self.authority = Authority(reference, self.base, settings, self._web)

    def close(self) -> None:
        """Close the connections that are kept open for the next request."""
        self._web.close()

    def account(self, actions: str = "pull", sources: tuple[str, ...] = ()) -> Asker:
        """Return who asks, to do something here and to read in other repositories."""
        return Asker(self.authority, actions, sources)

    def url(self, path: str) -> str:
        """Return the address of something in the repository, such as ``tags/list``."""
        return f"{self.base}/v2/{repository_of(self.reference)}/{path}"

    def follow(self, url: str, location: str) -> str:
        """Return the address that an answer names, which must be as safe.

        Raises:
            NetworkError: when it is none, or less safe than what was asked.
        """
        try:
            target = urljoin(url, location)
            parts = urlsplit(target)
            _ = parts.port
        except ValueError:
            target, parts = "", urlsplit("")
        allowed = {"https", urlsplit(self.base).scheme}
        if location and parts.scheme in allowed and parts.hostname:
            return target
        raise NetworkError(
            f"{self.reference.name}: the registry says to go on at "
            f"{redact(target) if target else 'a malformed address'}, which is not safe",
            hint="a proxy in front of the registry must tell it that it is asked over "
            "https (X-Forwarded-Proto)",
        )

    def ask(
        self,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
        *,
        account: Asker | None = None,
        allowed: tuple[int, ...] = (200,),
        body: Body | None = None,
        wait: float = 0,
    ) -> Answer:
        """Ask once; an answer of another status raises what it means."""
        return self._web.open(
            url,
            headers,
            allowed,
            method=method,
            body=body,
            account=account or self.account(),
            wait=wait,
        )

    def patiently(
        self,
        attempt: Callable[[], _T],
        stop: Stop | None = None,
        position: Callable[[], int] = lambda: 0,
    ) -> _T:
        """Repeat an attempt whose failure may pass, waiting longer each time."""
        return self._web.patiently(attempt, stop or Stop(), position)


def _base(reference: Reference, settings: Settings) -> str:
    host = f"registry-1.{HUB}" if reference.registry == HUB else reference.registry
    return f"{scheme_of(host, settings)}://{host}"
