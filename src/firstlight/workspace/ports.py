"""Ports of the host for a workspace's servers."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Collection

from firstlight.errors import EngineError, UsageError

__all__ = ["DEFAULTS", "choose", "is_free", "parse_address", "parse_ports"]

DEFAULTS = {"jupyter": 8888, "ssh": 2222}
"""Server -> the port that people expect it at, inside and outside."""
_TRIES = 200
_LAST = 65535
_LAST_OF_ROOT = 1023


def parse_ports(text: str) -> dict[str, int]:
    """Return ``{"jupyter": 8889}`` for ``jupyter=8889``; 0 leaves a server out.

    Raises:
        UsageError: when a server is unknown or a port is none.
    """
    found = {}
    for part in filter(None, text.split(",")):
        name, _, number = (word.strip() for word in part.partition("="))
        if name not in DEFAULTS:
            raise UsageError(
                f"--ports {part!r}: there is no server {name!r}",
                hint=f"the servers are {', '.join(DEFAULTS)}: --ports ssh=2223",
            )
        if not re.fullmatch(r"[0-9]{1,5}", number) or int(number) > _LAST:
            raise UsageError(
                f"--ports {part!r}: {number!r} is no port",
                hint=f"write a number up to {_LAST}; 0 leaves the server out",
            )
        found[name] = int(number)
    return found


def parse_address(text: str) -> str:
    """Return the address that ``--bind`` names, in its shortest spelling.

    Raises:
        UsageError: when it is none, or none of this machine.
    """
    # Imported only now: `firstlight run` binds to nothing, and starts sooner.
    from ipaddress import ip_address

    hint = "write 127.0.0.1, ::1, or an IP address of this machine"
    try:
        address = str(ip_address("127.0.0.1" if text == "localhost" else text))
    except ValueError as error:
        raise UsageError(f"--bind {text!r} is no IP address", hint=hint) from error
    if not is_free(0, address):
        raise UsageError(f"--bind {text}: this machine has no such address", hint=hint)
    return address


def is_free(port: int, address: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connection is still closing counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True


def choose(
    wanted: int,
    *,
    address: str = "127.0.0.1",
    taken: Collection[int] = (),
    held: Collection[int] = (),
    say: Callable[[str], None] = lambda _: None,
) -> int:
    """Return the wanted port, or the next free one, which is told.

    `held` ones are about to be free.

    Raises:
        EngineError: when none of the next 200 is free.
    """
    for port in range(wanted, min(wanted + _TRIES, _LAST + 1)):
        if port not in taken and (port in held or is_free(port, address)):
            if port != wanted:
                say(f"port {wanted} is taken: using {port}")
            return port
    for_root = f"; those up to {_LAST_OF_ROOT} may be for root alone"
    raise EngineError(
        f"no free port from {wanted} on at {address}",
        hint="choose another one with --ports"
        + (for_root if wanted <= _LAST_OF_ROOT else ""),
    )
