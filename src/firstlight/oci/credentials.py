"""Credentials for registries, where Podman and Docker keep them.

Sources: *containers-auth.json(5)* for the places and for keys that name a repository,
Docker's *credential helpers* for the programs that are asked. A secret is never part of
a message.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firstlight.config import Settings
from firstlight.errors import EngineError
from firstlight.oci.reference import Reference
from firstlight.proc import capture

__all__ = ["HUB", "Credential", "Found", "find_credential"]

HUB = "docker.io"
"""The registry whose name is not its host."""

_LARGEST = 4 << 20
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_TOKEN_USER = "<token>"
# The key that Docker has used for its own registry since its first version.
_HUB_KEY = f"https://index.{HUB}/v1/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """User and password, or an identity token, which is traded for others."""

    user: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found, in which file, and what hindered the search."""

    credential: Credential | None = None
    place: str = ""
    problems: tuple[str, ...] = ()


def find_credential(reference: Reference, settings: Settings) -> Found:
    """Return the credential for a repository: of the first file that has one.

    A file that cannot be read hinders nobody whose registry asks for no password, so it
    is not an error; `Found.problems` tells of it when a registry does ask.
    """
    problems: list[str] = []
    for path, is_named in _files(settings):
        config = _read(path, is_named, problems)
        if config is None:
            continue
        credential = _in_file(config, reference, settings, problems)
        if credential:
            return Found(
                credential=credential, place=str(path), problems=tuple(problems)
            )
    return Found(problems=tuple(problems))


def _files(settings: Settings) -> Iterator[tuple[Path, bool]]:
    """The files in the order in which they count; whether a person named one."""
    environ, home = settings.environ, settings.home
    if environ.get("REGISTRY_AUTH_FILE"):
        yield Path(environ["REGISTRY_AUTH_FILE"]), True
    runtime = environ.get("XDG_RUNTIME_DIR") or f"/run/containers/{os.getuid()}"
    inner = "containers/" if environ.get("XDG_RUNTIME_DIR") else ""
    yield Path(runtime, f"{inner}auth.json"), False
    config = environ.get("XDG_CONFIG_HOME") or home / ".config"
    yield Path(config, "containers", "auth.json"), False
    if environ.get("DOCKER_CONFIG"):
        yield Path(environ["DOCKER_CONFIG"], "config.json"), False
    else:
        yield home / ".docker" / "config.json", False


def _read(path: Path, is_named: bool, problems: list[str]) -> Mapping[str, Any] | None:
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
        value = json.loads(data) if len(data) <= _LARGEST else None
    except FileNotFoundError:
        if is_named:
            problems.append(f"{path}, which REGISTRY_AUTH_FILE names, is not there")
        return None
    except OSError as error:
        problems.append(f"{path} cannot be read: {error.strerror}")
        return None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        problems.append(f"{path} is not the JSON of a file with credentials")
        return None
    return value


def _in_file(
    config: Mapping[str, Any],
    reference: Reference,
    settings: Settings,
    problems: list[str],
) -> Credential | None:
    helpers = _table(config, "credHelpers")
    for key in _keys(reference):
        helper = helpers.get(key)
        if helper:
            return _ask(str(helper), _server(reference), settings, problems)
    entries = {_bare(key): value for key, value in _table(config, "auths").items()}
    for key in _keys(reference):
        credential = _entry(entries.get(key), key, problems)
        if credential:
            return credential
    store = config.get("credsStore")
    if store:
        return _ask(str(store), _server(reference), settings, problems)
    return None


def _table(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = config.get(name)
    return value if isinstance(value, dict) else {}


def _keys(reference: Reference) -> Iterator[str]:
    """The keys that may mean a repository, the most exact first."""
    host = reference.registry.lower()
    words = reference.repository.split("/")
    for count in range(len(words), -1, -1):
        yield "/".join([host, *words[:count]])
    if host == HUB:
        yield f"index.{HUB}"
        yield f"registry-1.{HUB}"


def _bare(key: str) -> str:
    """A key without what old versions wrote around the host."""
    _, scheme, rest = key.rpartition("://")
    rest = rest.rstrip("/")
    # Only a URL ends with the version of the API; a repository may be called `v1`.
    return re.sub(r"/v[12]\Z", "", rest) if scheme else rest


def _server(reference: Reference) -> str:
    """What helpers know a registry by."""
    return _HUB_KEY if reference.registry == HUB else reference.registry


def _entry(value: Any, key: str, problems: list[str]) -> Credential | None:
    if not isinstance(value, dict):
        return None
    token = value.get("identitytoken")
    if isinstance(token, str) and token:
        return Credential(identity_token=token)
    user, password = value.get("username"), value.get("password")
    packed = value.get("auth")
    if isinstance(packed, str) and packed:
        try:
            text = base64.b64decode(packed, validate=True).decode()
        except (binascii.Error, ValueError):
            text = ""
        user, colon, password = text.rstrip("\0").partition(":")
        if not colon:
            problems.append(f"the entry of {key} has an `auth` that is not readable")
            return None
    if isinstance(user, str) and isinstance(password, str) and (user or password):
        return Credential(user=user, password=password)
    return None


def _ask(
    helper: str, server: str, settings: Settings, problems: list[str]
) -> Credential | None:
    """Ask the program ``docker-credential-NAME``; what it prints stays here."""
    program = f"docker-credential-{helper}"
    if not _HELPER.fullmatch(helper):
        problems.append("a credential helper has a name that no program can have")
        return None
    try:
        # The program finds its own settings and its keychain by the environment.
        env = settings.environ or None
        result = capture([program, "get"], stdin=server, env=env)
    except EngineError as error:
        problems.append(error.message)
        return None
    if result.code:
        # "Not found" is its way to say that there are none.
        if "not found" not in f"{result.stdout}{result.stderr}".lower():
            problems.append(f"{program} ended with exit code {result.code}")
        return None
    try:
        value = json.loads(result.stdout)
        user, secret = value["Username"], value["Secret"]
    except (ValueError, TypeError, KeyError, RecursionError):
        problems.append(f"{program} printed something else than a credential")
        return None
    if not isinstance(user, str) or not isinstance(secret, str) or not secret:
        return None
    if user == _TOKEN_USER:
        return Credential(identity_token=secret)
    return Credential(user=user, password=secret)
