"""One vocabulary for problems: what lock, build and, later, doctor and lint return."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Role", "Finding"]


class Role(StrEnum):
    """What a finding means for the reader; the names of the visual grammar."""

    FAILURE = "failure"
    WARNING = "warning"
    NOTE = "note"
    TIP = "tip"
    SUCCESS = "success"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem (or good news): what, where, and what to do about it.

    `code` is stable and dotted (``spec.unknown-key``); `where` is a file, or a file and
    a field path (``firstlight.toml: target.gpus[0]``); `hint` says what to do next.
    """

    code: str
    role: Role
    message: str
    where: str = ""
    hint: str = ""
