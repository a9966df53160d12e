"""Every way firstlight can stop, each with its exit code.

Exceptions are for "cannot continue"; problems that can be listed side by side are
`firstlight.finding.Finding` values. The tree::

    FirstlightError          1
    ├── UsageError           2   the command line or a file of the user is wrong
    ├── SpecError            2   firstlight.toml is wrong (carries findings)
    ├── ConflictError        3   no set of packages satisfies the spec
    ├── LockError            4   the lock is missing, stale or unreadable
    ├── ArtefactError        5   a wheel, .deb, index or blob is damaged or hostile
    │   └── DigestError      5   bytes do not have the digest that was promised
    ├── NetworkError         6   a server cannot be reached or answers with an error
    ├── StoreError           7   the store cannot be read or written (full disk, rights)
    ├── EngineError          8   an engine cannot run the image
    └── MismatchError        9   a rebuild gave other bits than the lock says
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firstlight.finding import Finding

__all__ = [
    "FirstlightError",
    "UsageError",
    "SpecError",
    "ConflictError",
    "LockError",
    "ArtefactError",
    "DigestError",
    "NetworkError",
    "StoreError",
    "EngineError",
    "MismatchError",
]


class FirstlightError(Exception):
    """Something firstlight cannot continue from, told so that a person can act.

    Args:
        message: What happened, where and why, in one or two sentences.
        hint: What to do next; shown on its own line.
        findings: Problems to list below the message.
    """

    exit_code = 1

    def __init__(
        self, message: str, *, hint: str = "", findings: Sequence[Finding] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.findings = tuple(findings)


class UsageError(FirstlightError):
    """The command line, or a file named on it, does not fit."""

    exit_code = 2


class SpecError(FirstlightError):
    """The spec has errors; `findings` names each field."""

    exit_code = 2


class ConflictError(FirstlightError):
    """No choice of packages satisfies everything the spec asks for."""

    exit_code = 3


class LockError(FirstlightError):
    """The lock is missing, stale, or was written by a newer firstlight."""

    exit_code = 4


class ArtefactError(FirstlightError):
    """A file that came from elsewhere is damaged, or tries something it must not."""

    exit_code = 5


class DigestError(ArtefactError):
    """Bytes do not have the digest or size that was promised for them."""


class NetworkError(FirstlightError):
    """A server cannot be reached, or answers with an error."""

    exit_code = 6


class StoreError(FirstlightError):
    """The store cannot be read or written."""

    exit_code = 7


class EngineError(FirstlightError):
    """An engine cannot run the image."""

    exit_code = 8


class MismatchError(FirstlightError):
    """A rebuild from the lock gave other bits than the lock says."""

    exit_code = 9
