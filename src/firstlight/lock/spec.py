"""What the user asks for: `firstlight.toml`, or `[tool.firstlight]`, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from firstlight.digest import Digest

__all__ = ["Target", "Index", "Spec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the image will run.

    `gpus` are names or architectures (``A100``, ``GTX 1080``, ``sm_90``); `driver` the
    oldest driver of them (``550``, ``550.54``); `platforms` OCI platforms.
    """

    gpus: tuple[str, ...] = ()
    driver: str = ""
    platforms: tuple[str, ...] = ("linux/amd64",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A further package index or folder of wheels, as uv takes it."""

    url: str
    name: str = ""
    find_links: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What the user asks for, read and checked.

    `requirements` are PEP 508 strings from whichever source `packages` named, without
    torch, which `torch` gives as a version or range (``2.7``, ``>=2.7,<3``; empty: no
    torch). `cuda` is ``auto`` (the index's default build), ``cpu`` or a CUDA minor
    (``12.6``). `suite` is the OS release, empty for the one that carries the Python.
    `digest` covers every field and the text of included files.
    """

    name: str
    python: str
    torch: str
    cuda: str
    requirements: tuple[str, ...]
    system: tuple[str, ...]
    compile: bool
    profile: str
    suite: str
    target: Target
    indexes: tuple[Index, ...]
    environment: tuple[tuple[str, str], ...]
    digest: Digest
