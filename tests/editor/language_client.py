"""An editor's side of the language server: its process, its messages, its texts."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["PULLING", "Client", "applied", "editor"]

TIMEOUT = 30.0
PUSHED = {
    "textDocument": {"publishDiagnostics": {}},
    "workspace": {"workspaceEdit": {"documentChanges": True}},
}
PULLING = {
    "textDocument": {
        "diagnostic": {},
        "codeAction": {"resolveSupport": {"properties": ["edit"]}},
    },
    "workspace": {
        "diagnostics": {"refreshSupport": True},
        "didChangeWatchedFiles": {"dynamicRegistration": True},
    },
}
Test = Callable[[Any], bool]


class Client:
    """Speaks to a server over its standard input and output.

    `heard` are the notifications and requests of the server, in their order.
    """

    def __init__(self, folder: Path, store: Path) -> None:
        self.folder = folder
        self.heard: list[dict[str, Any]] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "firstlight", "docs", "lsp"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**os.environ, "FIRSTLIGHT_STORE": str(store)},
        )
        self._incoming: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._number = 0
        self._versions: dict[str, int] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while line := stream.readline():
            length = int(line.removeprefix(b"Content-Length: "))
            while stream.readline().strip():
                pass
            self._incoming.put(json.loads(stream.read(length)))
        self._incoming.put(None)

    def send(self, message: dict[str, Any]) -> None:
        """Write one message."""
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stream = self._process.stdin
        assert stream is not None
        stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        stream.flush()

    def tell(self, method: str, **params: Any) -> None:
        """Send a notification."""
        self.send({"method": method, "params": params})

    def ask(self, method: str, params: Any = None) -> Any:
        """Send a request and return its result."""
        self._number += 1
        number = self._number
        self.send({"id": number, "method": method, "params": params})
        answer = self._until(lambda m: "method" not in m and m.get("id") == number)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def _until(self, wanted: Test) -> dict[str, Any]:
        while True:
            message = self._incoming.get(timeout=TIMEOUT)
            assert message is not None, self.stderr()
            if "method" in message:
                self.heard.append(message)
                if "id" in message:
                    self.send({"id": message["id"], "result": None})
            if wanted(message):
                return message

    def await_told(self, method: str, wanted: Test = lambda params: True) -> Any:
        """Return the parameters of the next notification or request that fits."""
        message = self._until(
            lambda m: m.get("method") == method and wanted(m.get("params"))
        )
        return message.get("params")

    def start(
        self,
        capabilities: Any = PUSHED,
        *,
        encodings: tuple[str, ...] = (),
        folders: tuple[Path, ...] | None = None,
        options: Any = None,
    ) -> Any:
        """Initialize, and return what the server can do."""
        general = {"positionEncodings": list(encodings)} if encodings else {}
        every = (self.folder,) if folders is None else folders
        result = self.ask(
            "initialize",
            {
                "processId": None,
                "rootUri": None,
                "capabilities": {**capabilities, "general": general},
                "workspaceFolders": [
                    {"uri": each.as_uri(), "name": each.name} for each in every
                ],
                "initializationOptions": options,
            },
        )
        self.tell("initialized")
        return result["capabilities"]

    def open(self, name: str, text: str | None = None) -> str:
        """Open a file, or a text under its name, and return its URI."""
        path = self.folder / name
        uri = name if ":" in name else path.as_uri()
        item = {
            "uri": uri,
            "languageId": "markdown",
            "version": 1,
            "text": path.read_bytes().decode() if text is None else text,
        }
        self._versions[uri] = 1
        self.tell("textDocument/didOpen", textDocument=item)
        return uri

    def change(self, uri: str, *changes: dict[str, Any]) -> int:
        """Change an open text, and return its version."""
        self._versions[uri] += 1
        item = {"uri": uri, "version": self._versions[uri]}
        self.tell(
            "textDocument/didChange", textDocument=item, contentChanges=list(changes)
        )
        return self._versions[uri]

    def findings(self, uri: str, wanted: Test = lambda found: True) -> list[Any]:
        """Return the next diagnostics of a text that fit."""
        found: list[Any] = self.await_told(
            "textDocument/publishDiagnostics",
            lambda params: params["uri"] == uri and wanted(params["diagnostics"]),
        )["diagnostics"]
        return found

    def stop(self) -> int:
        """Leave as editors do, and return the exit code of the server."""
        self.ask("shutdown")
        self.send({"method": "exit"})
        return self._process.wait(TIMEOUT)

    def leave(self) -> int:
        """Leave without a word, and return the exit code of the server."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait(TIMEOUT)

    def stderr(self) -> str:
        """Return what the server said on standard error, once it has ended."""
        assert self._process.stderr is not None
        return self._process.stderr.read().decode()

    def end(self) -> None:
        """Let nothing of the process stay."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._reader.join(TIMEOUT)
        for stream in (self._process.stdout, self._process.stderr, self._process.stdin):
            assert stream is not None
            stream.close()


@contextmanager
def editor(folder: Path) -> Iterator[Client]:
    """Start a server for a folder; its store is beside the folder."""
    client = Client(folder, folder.parent / "store")
    try:
        yield client
    finally:
        client.end()


def applied(text: str, edits: list[Any]) -> str:
    """Return a text with edits made whose columns count UTF-16 units."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(f"{line}\n".encode("utf-16-le")))
    data = text.encode("utf-16-le")

    def offset(position: Any) -> int:
        return starts[position["line"]] + 2 * int(position["character"])

    for edit in sorted(edits, key=lambda edit: -offset(edit["range"]["start"])):
        start, end = (offset(edit["range"][name]) for name in ("start", "end"))
        data = data[:start] + edit["newText"].encode("utf-16-le") + data[end:]
    return data.decode("utf-16-le")
