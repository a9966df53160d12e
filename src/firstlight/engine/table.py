"""The engines, by the name a person chooses them with, best first."""

from __future__ import annotations

from collections.abc import Callable

from firstlight.engine.base import Engine
from firstlight.engine.docker import DOCKER
from firstlight.engine.podman import PODMAN
from firstlight.engine.sandbox import SANDBOX
from firstlight.errors import EngineError

__all__ = ["ENGINES", "choose"]

ENGINES: dict[str, Engine] = {
    "sandbox": SANDBOX,
    "docker": DOCKER,
    "podman": PODMAN,
}


def choose(name: str, say: Callable[[str], None]) -> Engine:
    """Return an engine that works; ``auto`` takes the first, and says why.

    Raises:
        EngineError: when it does not work here, or none does.
    """
    if name != "auto":
        trouble = ENGINES[name].trouble()
        if trouble:
            raise EngineError(
                f"{name} cannot be used: {trouble}",
                hint="`--engine auto` takes one that works",
            )
        return ENGINES[name]
    reasons: list[str] = []
    for engine in ENGINES.values():
        trouble = engine.trouble()
        if not trouble:
            why = "; ".join(reasons) or "it needs no daemon and starts fastest"
            say(f"engine: {engine.name} ({why})")
            return engine
        reasons.append(f"not {engine.name}: {trouble}")
    raise EngineError(
        "no engine works here: " + "; ".join(reasons),
        hint="install Docker or Podman, or have user namespaces allowed",
    )
