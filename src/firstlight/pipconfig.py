"""What pip's configuration says about indexes, for uv, which does not read it."""

from __future__ import annotations

import configparser
import os
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

__all__ = ["PipSettings", "read_pip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PipSettings:
    """Index settings of pip that uv has no setting of its own for."""

    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    cert: str = ""
    trusted_hosts: tuple[str, ...] = ()
    proxy: str = ""

    def uv_environment(self) -> dict[str, str]:
        """Return the variables that tell uv the same."""
        variables = {
            "UV_DEFAULT_INDEX": self.index_url,
            "UV_INDEX": " ".join(self.extra_index_urls),
            "UV_FIND_LINKS": ",".join(self.find_links),
            "SSL_CERT_FILE": self.cert,
            "UV_INSECURE_HOST": " ".join(self.trusted_hosts),
        }
        return {name: value for name, value in variables.items() if value}


def read_pip(
    environ: Mapping[str, str], *, home: Path, etc: Path = Path("/etc")
) -> PipSettings:
    """Return pip's settings, without those that uv's own settings answer already.

    The order is pip's: global, user and site files, ``PIP_CONFIG_FILE``, ``PIP_*``.
    """
    values: dict[str, str] = {}
    for path in _files(environ, home, etc):
        values.update(_section_values(path))
    for name, value in environ.items():
        if name.startswith("PIP_") and value:
            values[name[4:].lower().replace("_", "-")] = value
    settings = PipSettings(
        index_url=values.get("index-url", "").strip(),
        extra_index_urls=tuple(values.get("extra-index-url", "").split()),
        find_links=tuple(
            _expand(link, home) for link in values.get("find-links", "").split()
        ),
        no_index=values.get("no-index", "").lower() in ("1", "true", "yes", "on"),
        cert=values.get("cert", ""),
        trusted_hosts=tuple(values.get("trusted-host", "").split()),
        proxy=values.get("proxy", ""),
    )
    return _without_uv(settings, environ, home, etc)


def _expand(link: str, home: Path) -> str:
    return str(home / link[2:]) if link.startswith("~/") else link


def _files(environ: Mapping[str, str], home: Path, etc: Path) -> Iterator[Path]:
    own = environ.get("PIP_CONFIG_FILE", "")
    if own == os.devnull:
        return
    for folder in environ.get("XDG_CONFIG_DIRS", "").split(":"):
        yield Path(folder or etc / "xdg") / "pip" / "pip.conf"
    yield etc / "pip.conf"
    yield home / ".pip" / "pip.conf"
    if sys.platform == "darwin":
        yield home / "Library" / "Application Support" / "pip" / "pip.conf"
    yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
    yield Path(sys.prefix) / "pip.conf"
    if own:
        yield Path(own)


def _section_values(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(path.read_text("utf-8", errors="replace"))
    except (OSError, configparser.Error):
        return {}  # pip itself complains about a broken file of its own.
    values: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            for key, value in parser.items(section):
                values[key.lstrip("-").replace("_", "-").lower()] = value
    return values


def _without_uv(
    settings: PipSettings, environ: Mapping[str, str], home: Path, etc: Path
) -> PipSettings:
    """Drop what uv is told in its own way: uv's settings win."""
    told = {name for name in environ if environ[name]}
    for table in _uv_tables(environ, home, etc):
        told.update(_told_by(table))
    if told & {"UV_DEFAULT_INDEX", "UV_INDEX_URL"}:
        settings = replace(settings, index_url="")
    if told & {"UV_INDEX", "UV_EXTRA_INDEX_URL"}:
        settings = replace(settings, extra_index_urls=())
    if told & {"UV_FIND_LINKS"}:
        settings = replace(settings, find_links=())
    if told & {"UV_INSECURE_HOST"}:
        settings = replace(settings, trusted_hosts=())
    if told & {"SSL_CERT_FILE"}:
        settings = replace(settings, cert="")
    return settings


def _uv_tables(
    environ: Mapping[str, str], home: Path, etc: Path
) -> Iterator[dict[str, Any]]:
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    paths = [config / "uv" / "uv.toml", etc / "uv" / "uv.toml"]
    if environ.get("UV_CONFIG_FILE"):
        paths = [Path(environ["UV_CONFIG_FILE"])]
    if environ.get("UV_NO_CONFIG"):
        paths = []
    for path in paths:
        try:
            yield tomllib.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            continue  # uv names the file and the line itself.


def _told_by(table: Mapping[str, Any]) -> Iterator[str]:
    """The variables that say the same as a table of uv's configuration."""
    names = {
        "index-url": "UV_INDEX_URL",
        "extra-index-url": "UV_EXTRA_INDEX_URL",
        "find-links": "UV_FIND_LINKS",
        "allow-insecure-host": "UV_INSECURE_HOST",
    }
    pip = table.get("pip")
    for part in (table, pip if isinstance(pip, dict) else {}):
        yield from (name for key, name in names.items() if part.get(key))
    indexes = table.get("index")
    for index in indexes if isinstance(indexes, list) else ():
        default = isinstance(index, dict) and index.get("default")
        yield "UV_DEFAULT_INDEX" if default else "UV_INDEX"
