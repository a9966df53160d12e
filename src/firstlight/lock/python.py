"""Which Python packages go in: uv resolves, `packaging` selects for each platform.

The result of resolving is a ``pylock.toml`` (PEP 751) that uv and pip can use as it is.
It is universal: made on any host, for every platform and the Python of the spec.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlparse

from packaging import tags
from packaging.markers import Environment
from packaging.pylock import (
    Package,
    PackageWheel,
    Pylock,
    PylockSelectError,
    PylockValidationError,
)
from packaging.utils import parse_wheel_filename

from firstlight import proc
from firstlight.access import redact
from firstlight.config import Settings
from firstlight.digest import parse_digest
from firstlight.errors import ConflictError, FirstlightError, LockError, NetworkError
from firstlight.lock import facts
from firstlight.lock.lockfile import Wheel
from firstlight.lock.spec import Spec
from firstlight.lock.system import System, system_of
from firstlight.progress import Progress

__all__ = ["marker_environment", "resolve", "select", "torch_requirement"]

MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
"""What Python calls the machine of an OCI platform."""

_ALWAYS = {"workspace": ("pip",), "train": ("pip",), "ci": ("pip",), "serve": ()}


def torch_requirement(version: str) -> str:
    """Return the requirement for a torch version or range: ``2.7`` is ``==2.7.*``."""
    if re.fullmatch(r"\d+(\.\d+)?", version):
        return f"torch=={version}.*"
    if re.match(r"\d", version):
        return f"torch=={version}"
    return f"torch{version}"


def resolve(
    spec: Spec,
    settings: Settings,
    *,
    folder: Path,
    progress: Progress | None = None,
    upgrade: bool = False,
    previous: Path | None = None,
    more_constraints: Sequence[str] = (),
) -> str:
    """Return the text of the ``pylock.toml`` that satisfies the spec.

    Args:
        folder: The project; relative paths of indexes start there.
        previous: A ``pylock.toml`` whose choices are kept where they still fit.
        upgrade: Take the newest of everything instead.
        more_constraints: Bounds found necessary after reading the wheels.

    Raises:
        ConflictError: when nothing satisfies it; the message is uv's own explanation.
        NetworkError: when an index cannot be reached.
    """
    ways = list(_ways(spec))
    for number, way in enumerate(ways):
        with (progress or Progress()).task("resolve", "Python packages"):
            result, text = _run(
                spec,
                settings,
                way,
                folder=folder,
                previous=None if upgrade else previous,
                more_constraints=more_constraints,
            )
        if result.code == 0:
            return text
        if number == len(ways) - 1:
            raise _failure(spec, result.stderr)
    raise AssertionError("there is always one way")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """One way to get the torch build that the spec asks for."""

    torch: str
    backend: str = ""


def _ways(spec: Spec) -> Iterator[_Way]:
    """The index's own build when it is the one asked for, else PyTorch's index."""
    torch = torch_requirement(spec.torch) if spec.torch else ""
    if not torch or spec.cuda == "auto":
        yield _Way(torch=torch)
        return
    if spec.cuda == "cpu":
        # An index or folder of the machine may offer the CPU build itself.
        if torch.startswith("torch==") and not torch.endswith("*"):
            yield _Way(torch=f"{torch}+cpu")
        yield _Way(torch=torch, backend="cpu")
        return
    if facts.default_cuda(spec.torch) == spec.cuda:
        yield _Way(torch=torch)
        return
    backend = "cu" + spec.cuda.replace(".", "")
    if torch.startswith("torch==") and not torch.endswith("*"):
        yield _Way(torch=f"{torch}+{backend}")
    yield _Way(torch=torch, backend=backend)


def _run(
    spec: Spec,
    settings: Settings,
    way: _Way,
    *,
    folder: Path,
    previous: Path | None,
    more_constraints: Sequence[str],
) -> tuple[proc.Result, str]:
    with tempfile.TemporaryDirectory(prefix="firstlight-") as name:
        scratch = Path(name)
        output = scratch / "pylock.toml"
        if previous is not None and previous.exists():
            shutil.copyfile(previous, output)
        wanted = [*spec.requirements, *_ALWAYS[spec.profile]]
        if way.torch:
            wanted.append(way.torch)
        (scratch / "wanted.in").write_text("\n".join(wanted) + "\n")
        bounds = [*spec.constraints, *more_constraints]
        (scratch / "bounds.in").write_text("\n".join(bounds) + "\n")
        result = proc.capture(
            [*_command(spec, scratch), *_index_arguments(spec, settings, way, folder)],
            env=_environment(settings),
            cwd=folder,
        )
        text = output.read_text() if result.code == 0 else ""
    # The header names a command and a folder that exist only here.
    return result, _portable(re.sub(r"\A(#[^\n]*\n)+", "", text), folder)


def _portable(pylock: str, folder: Path) -> str:
    """Say where wheels in the project lie in a way that holds for every checkout."""
    start = re.escape(folder.resolve().as_uri() + "/")

    def path(found: re.Match[str]) -> str:
        return f"path = {json.dumps(unquote(found[1]), ensure_ascii=False)}"

    return re.sub(rf'\burl = "{start}([^"]*)"', path, pylock)


def _command(spec: Spec, scratch: Path) -> list[str]:
    from uv import find_uv_bin

    return [
        find_uv_bin(),
        "pip",
        "compile",
        str(scratch / "wanted.in"),
        *("--constraints", str(scratch / "bounds.in")),
        "--universal",
        # Whole, or uv takes the patch level of the Python that happens to run it.
        *("--python-version", system_of(spec).python_full_version),
        *("--python", sys.executable),
        *("--format", "pylock.toml"),
        *("--output-file", str(scratch / "pylock.toml")),
        # Building a source package would run its code, on this host, for another one.
        *("--only-binary", ":all:"),
        "--no-python-downloads",
        "--no-header",
        "--quiet",
    ]


def _index_arguments(
    spec: Spec, settings: Settings, way: _Way, folder: Path
) -> list[str]:
    # uv has no variable for this one.
    arguments = ["--no-index"] if settings.pip.no_index else []
    for index in spec.indexes:
        url = _absolute(index.url, folder)
        named = f"{index.name}={url}" if index.name else url
        if index.find_links:
            arguments += ["--find-links", url]
        else:
            arguments += ["--default-index" if index.default else "--index", named]
    if way.backend and settings.pytorch:
        base = settings.pytorch.rstrip("/")
        arguments += ["--index", f"{base}/{way.backend}"]
    elif way.backend:
        arguments += ["--torch-backend", way.backend]
    return arguments


def _absolute(url: str, folder: Path) -> str:
    return url if "://" in url else str((folder / url).resolve())


def _environment(settings: Settings) -> dict[str, str]:
    """The user's own, and what pip's configuration says where uv's says nothing."""
    given = dict(settings.environ) or dict(os.environ)
    # Certificates come from where our own downloads take them.
    told = {"UV_SYSTEM_CERTS": "true", **settings.pip.uv_environment()}
    if settings.pip.extra_index_urls:
        # pip takes its indexes for equals, and these were written for pip.
        told["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if settings.offline:
        given["UV_OFFLINE"] = "1"
    return {**told, **given}


def _failure(spec: Spec, stderr: str) -> FirstlightError:
    text = re.sub(r"\w+://[^\s`]+", lambda url: redact(url[0]), _plain(stderr))
    if re.search(r"\b(401 Unauthorized|403 Forbidden|authentication)\b", text):
        return NetworkError(
            f"a package index refused us: {text}",
            hint="put the credentials into netrc, or UV_INDEX_<NAME>_USERNAME and "
            "_PASSWORD",
        )
    if re.search(r"error sending request|[Ff]ailed to fetch|timed out|dns", text):
        return NetworkError(
            f"a package index cannot be reached: {text}",
            hint="check the network, and the index and proxy settings of uv or pip",
        )
    if "building from source is disabled" in text:
        return ConflictError(
            f"a package exists only as source: {text}",
            hint="build a wheel of it once (`pip wheel NAME`) and name the folder as "
            "an [[index]] with find-links = true",
        )
    wanted = f"Python {spec.python}, torch {spec.torch or 'none'}, CUDA {spec.cuda}"
    return ConflictError(
        f"no set of packages fits the spec ({wanted}): {text}",
        hint="change the version named last, or leave it open",
    )


def _plain(stderr: str) -> str:
    """uv's explanation without colours, frames and the lines about interpreters."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", stderr)
    lines = [line.strip(" ╰─▶│├×\t") for line in text.splitlines()]
    kept = [line for line in lines if line and not line.startswith("warning:")]
    return " ".join(kept).removeprefix("error: ")


# Selecting


def select(
    pylock: str,
    *,
    platform: str,
    system: System,
    folder: Path = Path(),
) -> tuple[Wheel, ...]:
    """Return the wheels that go in for one platform, sorted by name.

    Args:
        pylock: The text of a ``pylock.toml``.
        platform: ``linux/amd64`` or ``linux/arm64``.
        system: The OS whose Python runs them; wheels for a newer glibc are passed over.
        folder: Relative paths in the lock start there.

    Raises:
        LockError: when the text is no lock, or not one for this Python.
        ConflictError: when a package has no wheel for the platform.
    """
    try:
        lock = Pylock.from_dict(tomllib.loads(pylock))
        environment = marker_environment(platform, system)
        tags = _wheel_tags(platform, system)
        chosen = list(lock.select(environment=environment, tags=tags))
    except (tomllib.TOMLDecodeError, PylockValidationError) as error:
        raise LockError(
            f"pylock.toml cannot be read: {error}", hint="run `firstlight lock`"
        ) from error
    except PylockSelectError as error:
        raise ConflictError(
            f"pylock.toml does not fit {platform} with Python "
            f"{system.python_full_version} and glibc {system.glibc}: {error}",
            hint="pin a version that has a wheel for it, or drop the platform",
        ) from error
    wheels = [_wheel(package, file, folder, platform) for package, file in chosen]
    return tuple(sorted(wheels, key=lambda wheel: wheel.name))


def marker_environment(platform: str, system: System) -> Environment:
    """Return what markers see on a platform with the Python of an OS release."""
    return {
        "implementation_name": "cpython",
        "implementation_version": system.python_full_version,
        "os_name": "posix",
        "platform_machine": MACHINES[platform],
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": system.python_full_version,
        "python_version": system.python,
        "sys_platform": "linux",
    }


def _wheel_tags(platform: str, system: System) -> list[tags.Tag]:
    machine = MACHINES[platform]
    minor = tuple(int(part) for part in system.python.split("."))
    names = list(_platform_tags(machine, int(system.glibc.split(".")[1])))
    return [
        *tags.cpython_tags(minor, [f"cp{minor[0]}{minor[1]}"], names),
        *tags.compatible_tags(minor, f"cp{minor[0]}{minor[1]}", names),
    ]


def _platform_tags(machine: str, glibc: int) -> Iterator[str]:
    """All manylinux tags an OS with this glibc (2.x) can run, the newest first."""
    old = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
    lowest = 5 if machine == "x86_64" else 17
    for minor in range(glibc, lowest - 1, -1):
        yield f"manylinux_2_{minor}_{machine}"
        if minor in old:
            yield f"{old[minor]}_{machine}"
    yield f"linux_{machine}"


def _wheel(package: Package, file: object, folder: Path, platform: str) -> Wheel:
    if not isinstance(file, PackageWheel):
        raise ConflictError(
            f"{package.name} {package.version} has no wheel for {platform}, only "
            f"{type(file).__name__.removeprefix('Package').lower()}",
            hint="build a wheel of it and name its folder as an [[index]] with "
            "find-links = true",
        )
    digest = file.hashes.get("sha256", "")
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise LockError(
            f"pylock.toml has no SHA-256 digest for {package.name}",
            hint="lock from an index that gives hashes, or from a folder of wheels",
        )
    url = file.url or _file_url(file.path or "", folder)
    filename = file.name or unquote(urlparse(url).path.rpartition("/")[2])
    _, version, _, _ = parse_wheel_filename(filename)
    return Wheel(
        name=package.name,
        version=str(package.version or version),
        filename=filename,
        digest=parse_digest(digest),
        url=url,
        size=file.size,
    )


def _file_url(path: str, folder: Path) -> str:
    return urljoin("file:", quote(str((folder / path).resolve())))
