"""The settings of this user on this machine, read once into a frozen value.

What a colleague must share stands in the project's spec; what belongs to a machine (the
store, mirrors, indexes, certificates) is found here: in ``firstlight/config.toml`` of
the user, in the environment, and in the settings apt, pip and uv already have. No
address of any archive is built in.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from firstlight.aptsources import ARCHIVES, Mirrors, read_sources
from firstlight.errors import UsageError
from firstlight.fields import Fields, did_you_mean, read_toml
from firstlight.finding import Finding
from firstlight.pipconfig import PipSettings, read_pip

__all__ = ["Settings", "load_settings", "settings_file", "variable"]

_MIRRORS = (*ARCHIVES, "snapshot", "pytorch")
_VARIABLE = "FIRSTLIGHT_MIRROR_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What this machine says: where things are kept and where they come from.

    `mirrors` gives base URLs by archive; `snapshots` the bases under which
    ``<archive>/<time>`` is an archive as it was; `pytorch` the base of PyTorch's own
    index, empty for the one uv knows; `insecure` the registries (``host:port``) that
    are spoken to without TLS; `certificate` a CA bundle, empty for the system's;
    `indexes` the URLs of named package indexes, for their credentials; `environ` the
    environment that proxies and credentials are read from; `offline` that no network
    may be asked; `vendored` OCI layouts whose blobs are taken before any is.
    """

    store: Path
    jobs: int = 1
    mirrors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    snapshots: tuple[str, ...] = ()
    pytorch: str = ""
    insecure: tuple[str, ...] = ()
    pip: PipSettings = field(default_factory=PipSettings)
    certificate: str = ""
    home: Path = Path()
    indexes: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    offline: bool = False
    vendored: tuple[Path, ...] = ()

    def mirror(self, archive: str) -> tuple[str, ...]:
        """Return the mirrors of an archive, best first.

        Raises:
            UsageError: when this machine names none; the hint says which line to write.
        """
        urls = self.mirrors.get(archive, ())
        if urls:
            return urls
        raise UsageError(
            f"no mirror of the {archive} archive is known on this machine: "
            "neither its apt sources nor your settings name one",
            hint=f'write [mirror] {archive} = "https://HOST/{archive}" in '
            f"{settings_file()}, or set {variable(archive)}",
        )

    def snapshot(self, archive: str, time: str) -> tuple[str, ...]:
        """Return base URLs of the archive as it was at a time, none if unknown."""
        return tuple(f"{base.rstrip('/')}/{archive}/{time}" for base in self.snapshots)


def settings_file() -> Path:
    """Where the user's own settings are read from."""
    return platformdirs.user_config_path("firstlight") / "config.toml"


def variable(mirror: str) -> str:
    """The environment variable that sets a mirror."""
    return _VARIABLE + mirror.upper().replace("-", "_")


def load_settings(
    environ: Mapping[str, str] = os.environ,
    *,
    file: Path | None = None,
    home: Path | None = None,
    etc: Path = Path("/etc"),
) -> Settings:
    """Read the settings: the environment wins, then the user's file, then the machine.

    Args:
        environ: The environment variables.
        file: The user's settings file instead of the usual one; it may be absent.
        home: The user's home instead of the usual one.
        etc: The machine's configuration folder.

    Raises:
        UsageError: when a setting is unknown or wrong; every one of them is listed.
    """
    home = home or Path.home()
    given = _read_file(file or settings_file())
    given.mirrors.update(_mirrors_from(environ))
    machine = read_sources(etc / "apt")
    pip = read_pip(environ, home=home, etc=etc)
    store = environ.get("FIRSTLIGHT_STORE") or given.store
    return Settings(
        store=_absolute(store, home) or platformdirs.user_cache_path("firstlight"),
        jobs=_jobs(environ) or given.jobs or os.cpu_count() or 1,
        mirrors=_merged(given.mirrors, machine),
        snapshots=given.mirrors.get("snapshot") or tuple(machine.snapshots),
        pytorch=next(iter(given.mirrors.get("pytorch", ())), ""),
        insecure=_insecure(environ) or given.insecure,
        pip=pip,
        certificate=_certificate(environ, pip),
        home=home,
        environ=dict(environ),
        offline=given.offline if (own := _offline(environ)) is None else own,
    )


@dataclass(slots=True)
class _Given:
    """What the user's own file says."""

    store: str = ""
    jobs: int = 0
    mirrors: dict[str, tuple[str, ...]] = field(default_factory=dict)
    insecure: tuple[str, ...] = ()
    offline: bool = False


def _read_file(path: Path) -> _Given:
    if not path.exists():
        return _Given()
    findings: list[Finding] = []
    root = Fields(read_toml(path), file=str(path), findings=findings, code="settings")
    given = _Given(
        store=root.text("store"),
        jobs=root.number("jobs", 0),
        offline=root.flag("offline"),
    )
    mirror = root.inner("mirror")
    for name in _MIRRORS:
        one = isinstance(mirror.table.get(name), str)
        urls = (mirror.text(name),) if one else mirror.texts(name)
        for url in urls:
            if not _is_url(url):
                mirror.problem(name, f'found "{url}", allowed is {_URL}')
        if urls:
            given.mirrors[name] = tuple(url.rstrip("/") for url in urls)
    mirror.end()
    registry = root.inner("registry")
    given.insecure = registry.texts("insecure", pattern=_PLACE, allowed=_PLACES)
    registry.end()
    root.end()
    if findings:
        raise UsageError(f"{path} has errors", findings=findings)
    return given


_PLACE = r"(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?"
_SWITCH = {"": None, "1": True, "true": True, "0": False, "false": False}
_PLACES = "the host of a registry, such as registry.example.org:5000"
_URL = "a URL that begins with https://, http:// or file://"


def _is_url(text: str) -> bool:
    return text.startswith(("https://", "http://", "file://"))


def _mirrors_from(environ: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    known = {variable(name): name for name in _MIRRORS}
    mirrors = {}
    for key, value in environ.items():
        if not key.startswith(_VARIABLE) or not value.strip():
            continue
        if key not in known:
            close = did_you_mean(key.removeprefix(_VARIABLE), _MIRRORS)
            raise UsageError(
                f"the environment variable {key} names no mirror",
                hint=close or f"known are {', '.join(known)}",
            )
        urls = value.replace(",", " ").split()
        if not all(map(_is_url, urls)):
            raise UsageError(f"{key} is {value!r}, allowed is {_URL}")
        mirrors[known[key]] = tuple(url.rstrip("/") for url in urls)
    return mirrors


def _jobs(environ: Mapping[str, str]) -> int:
    text = environ.get("FIRSTLIGHT_JOBS", "").strip()
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise UsageError(
            f"FIRSTLIGHT_JOBS is {text!r}, allowed is a whole number from 1 up"
        )
    return int(text)


def _insecure(environ: Mapping[str, str]) -> tuple[str, ...]:
    name = "FIRSTLIGHT_REGISTRY_INSECURE"
    places = environ.get(name, "").replace(",", " ").split()
    for place in places:
        if not re.fullmatch(_PLACE, place):
            raise UsageError(f"{name} names {place!r}, allowed is {_PLACES}")
    return tuple(places)


def _offline(environ: Mapping[str, str]) -> bool | None:
    text = environ.get("FIRSTLIGHT_OFFLINE", "").strip().lower()
    if text not in _SWITCH:
        raise UsageError(f"FIRSTLIGHT_OFFLINE is {text!r}, allowed is 1 or 0")
    return _SWITCH[text]


def _absolute(text: str, home: Path) -> Path | None:
    if not text:
        return None
    if text == "~" or text.startswith("~/"):
        return home / text[2:]
    return Path(text).absolute()


def _merged(
    given: Mapping[str, tuple[str, ...]], machine: Mirrors
) -> dict[str, tuple[str, ...]]:
    found = {name: tuple(urls) for name, urls in machine.archives.items()}
    return found | {name: given[name] for name in ARCHIVES if name in given}


def _certificate(environ: Mapping[str, str], pip: PipSettings) -> str:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE"):
        if environ.get(name):
            return environ[name]
    return pip.cert
