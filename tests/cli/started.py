"""What a process left, and the smallest spec."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

SPEC = """\
name = "tiny"
python = "3.11"
packages = []
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a process left: its exit code and what it said."""

    code: int
    out: str
    err: str


Firstlight = Callable[..., Ended]
