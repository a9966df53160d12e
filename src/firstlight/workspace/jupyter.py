"""Whether JupyterLab answers, and the address a person opens."""

from __future__ import annotations

import json
from urllib.parse import quote

from firstlight.engine.base import Port

__all__ = ["address", "answers"]

_MOST_BYTES = 1 << 16


def address(port: Port, token: str) -> str:
    """Return the address with the token: whoever has it may do anything inside."""
    host = f"[{port.host}]" if ":" in port.host else port.host
    return f"http://{host}:{port.outside}/lab?token={quote(token)}"


def answers(port: Port, token: str, *, seconds: float = 2.0) -> bool:
    """Whether our JupyterLab is there: it must know the token, not only answer."""
    # Imported only now: `firstlight run` asks no server, and starts sooner.
    import http.client

    connection = http.client.HTTPConnection(port.host, port.outside, timeout=seconds)
    try:
        headers = {"Authorization": f"token {token}"}
        connection.request("GET", "/api/status", headers=headers)
        response = connection.getresponse()
        told = json.loads(response.read(_MOST_BYTES))
        return response.status == 200 and isinstance(told, dict) and "started" in told
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()
