"""What a registry's refusal means, in words a person can act on, without secrets.

Source: the OCI distribution-spec, *Error Codes*.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from firstlight.access import redact
from firstlight.errors import NetworkError
from firstlight.failures import PASSING, CutOffError, RefusedError, phrase, retry_after
from firstlight.oci.credentials import Found
from firstlight.oci.reference import Reference

__all__ = ["DeniedError", "Refusals"]

_ERRORS = 3
_LONGEST = 300
_AS_TLS = re.compile(rb"HTTPS|SSL|TLS", re.IGNORECASE)

_BY_CODE = {
    "NAME_UNKNOWN": "check the name of the repository; some registries want it to be "
    "created before the first push",
    "NAME_INVALID": "choose another name for the repository",
    "MANIFEST_UNKNOWN": "check the tag or digest; an image must be pushed before it "
    "can be pulled",
    "BLOB_UNKNOWN": "the registry has lost a part of the image; push it again",
    "MANIFEST_BLOB_UNKNOWN": "the registry has lost a part of the image; push again",
    "DIGEST_INVALID": "the bytes changed on their way or on disk; run `firstlight "
    "cache check` and push again",
    "SIZE_INVALID": "the registry accepts no blob of this size; ask who runs it for a "
    "higher limit",
    "MANIFEST_INVALID": "the registry does not know this kind of manifest; a newer "
    "version of it may",
    "UNSUPPORTED": "the registry may be read-only, or a mirror; push to another one",
    "TOOMANYREQUESTS": "wait a while; those who are logged in may ask more often",
}

_BY_STATUS = {
    404: "check the address of the registry and the name of the repository",
    405: "the registry may be read-only, or a mirror; push to another one",
    413: "a proxy in front of the registry limits the size of requests; ask who runs "
    "it to raise the limit (nginx: client_max_body_size)",
    416: "run the command again",
    429: "wait a while; those who are logged in may ask more often",
    507: "the registry's disk is full; ask who runs it to free space",
}


class DeniedError(RefusedError):
    """A registry's refusal, with the codes of its errors."""

    def __init__(
        self, message: str, *, status: int, hint: str, codes: Sequence[str]
    ) -> None:
        super().__init__(message, status=status, hint=hint)
        self.codes = tuple(codes)


@dataclass(frozen=True, slots=True)
class Refusals:
    """Turns the refusals of one registry into errors."""

    reference: Reference

    def error(
        self,
        url: str,
        status: int,
        headers: Mapping[str, str],
        said: bytes,
        found: Found,
    ) -> NetworkError:
        """Return the error for an answer.

        Args:
            url: What was asked.
            status: The answer's status.
            headers: The answer's headers.
            said: The beginning of its body.
            found: The credentials that were used; what they say is kept out.
        """
        errors = list(_errors(said))
        words = "; ".join(": ".join(filter(None, each)) for each in errors)
        words = _without_secrets(words, found)
        codes = [code for code, _ in errors]
        message = f"{self.reference.name}: the registry answers {phrase(status)}"
        message += f" ({words})" if words else ""
        if not words and status not in (401, 403):
            message += f" to {redact(url)}"
        hint = self._hint(status, codes, words, said, found)
        if status in PASSING and not {"DENIED", "UNSUPPORTED"}.intersection(codes):
            later = retry_after(headers.get("Retry-After", ""))
            return CutOffError(message, hint=hint or "try later", retry_after=later)
        return DeniedError(message, status=status, hint=hint, codes=codes)

    def _hint(
        self,
        status: int,
        codes: Sequence[str],
        words: str,
        said: bytes,
        found: Found,
    ) -> str:
        if status == 400 and not codes and _AS_TLS.search(said):
            return (
                f"{self.reference.registry} speaks TLS and was asked in plain HTTP, as "
                "hosts on this machine and those under [registry] `insecure` are: "
                "take it out there, or use its host name"
            )
        if "quota" in words.lower():
            return "delete old images in the registry, or ask for a larger quota"
        if status in (401, 403):
            return self.login_hint(status, found)
        known = (_BY_CODE[code] for code in codes if code in _BY_CODE)
        return next(known, _BY_STATUS.get(status, ""))

    def login_hint(self, status: int, found: Found) -> str:
        """Return what to do about missing or insufficient credentials."""
        host, repository = self.reference.registry, self.reference.repository
        login = f"`podman login {host}` or `docker login {host}`"
        hint = f"no credentials for {host} were found: log in with {login}"
        if found.credential and status == 401:
            hint = (
                f"the credentials for {host} in {found.place} are not accepted for "
                f"{repository}: log in again with {login}"
            )
        elif found.credential:
            hint = (
                f"the account of {found.place} may not do this in {repository}: ask "
                "its owner for the right to, or log in as somebody else"
            )
        return "; ".join([hint, *found.problems])


def _errors(said: bytes) -> Iterator[tuple[str, str]]:
    """Code and message of each error, as much as is fit to be shown."""
    try:
        value = json.loads(said)
    except (ValueError, RecursionError):
        return
    errors = value.get("errors") if isinstance(value, dict) else None
    if not isinstance(errors, list):
        # Token servers, and proxies that mean well.
        errors = [value] if isinstance(value, dict) else []
    for error in errors[:_ERRORS]:
        if isinstance(error, dict):
            code = _clean(error.get("code"))
            message = _clean(error.get("message") or error.get("details"))
            detail = _clean(error.get("detail"))
            if detail and detail != message:
                message = f"{message}, {detail}" if message else detail
            if code or message:
                yield code, message


def _clean(value: Any) -> str:
    """A value as one bounded line without control characters or parts of URLs."""
    if value in (None, "", [], {}):
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    text = " ".join(text[: _LONGEST * 4].split())
    text = "".join(char for char in text if char.isprintable())
    text = re.sub(r"https?://[^\s\"'<>]+", lambda found: redact(found[0]), text)
    text = re.sub(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}", r"\1 ***", text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _without_secrets(text: str, found: Found) -> str:
    credential = found.credential
    if credential:
        for secret in (credential.password, credential.identity_token):
            text = text.replace(secret, "***") if len(secret) > 3 else text
    return text
