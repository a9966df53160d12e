"""The name of an image somewhere: ``registry/repository[:tag][@digest]``.

Source: the OCI distribution-spec, *Pull*, for the grammar of repositories and tags.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from firstlight.digest import Digest, parse_digest
from firstlight.errors import FirstlightError, UsageError

__all__ = ["TAG", "Reference", "parse_reference"]

_REPOSITORY = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_HOST = re.compile(
    r"(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::\d{1,5})?"
)
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
"""What a tag may be."""

_LONGEST = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Where an image is: registry (``host[:port]``), repository, tag, digest."""

    registry: str
    repository: str
    tag: str = ""
    digest: Digest | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"

    @property
    def name(self) -> str:
        """``registry/repository``, without tag and digest."""
        return f"{self.registry}/{self.repository}"

    def tagged(self, tag: str) -> Reference:
        """The same repository by a tag."""
        return replace(self, tag=tag, digest=None)

    def at(self, digest: Digest) -> Reference:
        """The same repository by a digest."""
        return replace(self, tag="", digest=digest)


def parse_reference(text: str) -> Reference:
    """Return the reference that a text is; the registry must be named.

    >>> parse_reference("localhost:5000/team/torch:2.7").repository
    'team/torch'

    Raises:
        UsageError: when it is none; the message says which part is wrong.
    """
    rest, at, digest = text.partition("@")
    registry, slash, rest = rest.partition("/")
    if not slash or not _HOST.fullmatch(registry):
        raise _wrong(text, "it does not begin with the registry's name")
    is_host = "." in registry or ":" in registry or registry == "localhost"
    if not is_host:
        raise _wrong(text, f"{registry!r} is no host, such as registry.example.org")
    repository, colon, tag = rest.partition(":")
    if not _REPOSITORY.fullmatch(repository) or len(repository) > _LONGEST:
        raise _wrong(text, f"{repository!r} is no name of a repository")
    if colon and not TAG.fullmatch(tag):
        raise _wrong(text, f"{tag!r} is no tag")
    return Reference(
        registry=registry,
        repository=repository,
        tag=tag,
        digest=_digest(text, digest) if at else None,
    )


def _digest(text: str, digest: str) -> Digest:
    try:
        return parse_digest(digest)
    except FirstlightError as error:
        raise _wrong(text, error.message) from error


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(
        f"{text!r} does not name an image: {why}",
        hint="write REGISTRY/NAME, REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST, "
        "with a name in lower case",
    )
