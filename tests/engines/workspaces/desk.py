"""What a person does at a project: firstlight, ssh and JupyterLab's own interface."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.sync.client import ClientConnection, connect

import firstlight

__all__ = ["Desk", "Lab", "PERSON"]

PERSON = 1234
"""UID and GID of the ordinary user who works here."""
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A project of one person on one engine.

    `prefix` are the words that become the person; `environ` what they have set.
    """

    engine: str
    folder: Path
    home: Path
    python: Path
    prefix: tuple[str, ...]
    environ: Mapping[str, str]

    # firstlight

    def attempt(
        self, *words: object, stdin: str = "", environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run firstlight in the project, to any end."""
        return subprocess.run(
            [*self.prefix, *self.command, *map(str, words)],
            cwd=self.folder,
            env={**self._full, **(environ or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def run(self, *words: object, stdin: str = "") -> str:
        """Run firstlight to a good end and return stdout."""
        done = self.attempt(*words, stdin=stdin)
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *words: object) -> dict[str, Any]:
        """Run firstlight for machines."""
        found: dict[str, Any] = json.loads(self.run("--json", *words))
        return found

    def up(self, *words: object) -> dict[str, Any]:
        """Start the workspace under this engine."""
        return self.json("up", "--engine", self.engine, *words)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start firstlight and do not wait."""
        return subprocess.Popen(
            [*self.prefix, *self.command, *words],
            cwd=self.folder,
            env=self._full,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def command(self) -> tuple[str, ...]:
        """How firstlight is started."""
        code = "import sys; from firstlight.cli import main; sys.exit(main())"
        return (str(self.python), "-P", "-c", code)

    @property
    def _full(self) -> dict[str, str]:
        source = str(Path(firstlight.__file__).parents[1])
        own = {"HOME": str(self.home), "PYTHONPATH": source, "NO_COLOR": "1"}
        return {**os.environ, **own, **self.environ}

    def as_person(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run any command as the person, to any end."""
        return subprocess.run(
            [*self.prefix, *words],
            cwd=self.folder,
            env=self._full,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def beside(self, name: str) -> Desk:
        """Another project of the same person, with the same lock."""
        folder = self.folder.with_name(name)
        folder.mkdir()
        for file in ("firstlight.toml", "firstlight.lock", "pylock.toml"):
            shutil.copy(self.folder / file, folder / file)
        for path in (folder, *folder.iterdir()):
            os.chown(path, PERSON, PERSON)
        return replace(self, folder=folder)

    # The servers

    def ssh(
        self, port: int, *words: str, key: Path | None = None, more: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Log in with OpenSSH's own client, as anybody would."""
        options = ["-F", "none", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]
        options += [
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
        ]
        options += ["-i", str(key or self.home / ".ssh/id_ed25519"), *more]
        target = ["-p", str(port), "user@localhost"]
        return self.as_person("ssh", *options, *target, *words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A JupyterLab's HTTP and WebSocket interface at its printed address."""

    address: str
    token: str | None = field(default=None)

    @property
    def own_token(self) -> str:
        """The token of the address."""
        return parse_qs(urlsplit(self.address).query)["token"][0]

    @property
    def _token(self) -> str:
        return self.own_token if self.token is None else self.token

    @property
    def server(self) -> str:
        """Host and port."""
        return urlsplit(self.address).netloc

    def ask(self, path: str, body: object = None, method: str = "") -> Any:
        """Send a request; return the answer's JSON, or raise `HTTPError`."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://{self.server}/api/{path}",
            data=data,
            method=method or ("GET" if body is None else "POST"),
            headers={"Authorization": f"token {self._token}"} if self._token else {},
        )
        with _NO_PROXY.open(request, timeout=30) as response:
            text = response.read()
        return json.loads(text) if text else None

    def status(self, path: str, body: object = None) -> int:
        """The code of an answer."""
        try:
            self.ask(path, body)
        except urllib.error.HTTPError as error:
            return error.code
        return 200

    def execute(self, code: str, *, notebook: str) -> str:
        """Make a notebook with one cell, run it, keep it; return what it printed."""
        cell = {"cell_type": "code", "source": code, "metadata": {}, "outputs": []}
        content = {
            "cells": [{**cell, "id": "one", "execution_count": None}],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        model = {"type": "notebook", "content": content}
        self.ask(f"contents/{notebook}", model, "PUT")
        session = {"path": notebook, "type": "notebook", "name": ""}
        kernel = self.ask("sessions", {**session, "kernel": {"name": "python3"}})
        identity = kernel["kernel"]["id"]
        try:
            with self.channels(identity) as socket:
                return _execute(socket, code)
        finally:
            self.ask(f"sessions/{kernel['id']}", method="DELETE")

    @contextmanager
    def channels(self, kernel: str) -> Iterator[ClientConnection]:
        """Open the WebSocket of a kernel."""
        with connect(
            f"ws://{self.server}/api/kernels/{kernel}/channels",
            additional_headers={"Authorization": f"token {self._token}"},
            open_timeout=30,
            proxy=None,
        ) as socket:
            yield socket


def _execute(socket: ClientConnection, code: str) -> str:
    """Jupyter's messaging protocol: a request, and what it publishes until idle."""
    message = uuid.uuid4().hex
    header = {
        "msg_id": message,
        "msg_type": "execute_request",
        "username": "user",
        "session": uuid.uuid4().hex,
        "version": "5.3",
    }
    content = {"code": code, "silent": False, "store_history": True}
    request = {"header": header, "parent_header": {}, "metadata": {}}
    socket.send(json.dumps({**request, "content": content, "channel": "shell"}))
    told = ""
    while True:
        reply = json.loads(socket.recv(timeout=120))
        if reply["parent_header"].get("msg_id") != message:
            continue
        content = reply["content"]
        match reply["msg_type"]:
            case "stream" if content["name"] == "stdout":
                told += content["text"]
            case "error":
                told += "\n".join(content["traceback"])
            case "status" if content["execution_state"] == "idle":
                return told
