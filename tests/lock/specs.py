"""Specs for tests of the lock."""

from __future__ import annotations

from collections.abc import Sequence

from firstlight.digest import of_bytes
from firstlight.lock.spec import Spec, Target

__all__ = ["make_spec"]


def make_spec(
    *,
    torch: str = "",
    cuda: str = "auto",
    python: str = "3.11",
    requirements: Sequence[str] = (),
    gpus: Sequence[str] = (),
    driver: str = "",
    profile: str = "train",
    platforms: Sequence[str] = ("linux/amd64",),
) -> Spec:
    """Return a spec with everything else left as it comes."""
    return Spec(
        name="project",
        python=python,
        torch=torch,
        cuda=cuda,
        requirements=tuple(requirements),
        system=(),
        compile=False,
        profile=profile,
        suite="",
        target=Target(gpus=tuple(gpus), driver=driver, platforms=tuple(platforms)),
        indexes=(),
        environment=(),
        digest=of_bytes(b"spec"),
    )
