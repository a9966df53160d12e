"""What the user asks for: `firstlight.toml`, or `[tool.firstlight]`, as a value."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from firstlight.digest import Digest, of_bytes
from firstlight.errors import SpecError, UsageError
from firstlight.fields import Fields, read_toml, shown
from firstlight.finding import Finding
from firstlight.lock.requirements import Gathered, Wanted, gather, url_problem
from firstlight.lock.share_table import Share, read_share
from firstlight.lock.workspace_table import Workspace, read_workspace

__all__ = [
    "FILE",
    "PLATFORMS",
    "PROFILES",
    "PYTHONS",
    "SUITES",
    "Index",
    "Spec",
    "Target",
    "find_spec",
    "read_spec",
]

FILE = "firstlight.toml"
PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
PLATFORMS = ("linux/amd64", "linux/arm64")
PROFILES = ("workspace", "train", "serve", "ci")
SUITES = ("bullseye", "bookworm", "trixie", "jammy", "noble")


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
    """A further package index or folder of wheels, as uv takes it.

    A `default` index takes the place of the one uv has by itself.
    """

    url: str
    name: str = ""
    find_links: bool = False
    default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What the user asks for, read and checked.

    `requirements` are PEP 508 strings from whichever source `packages` named, without
    torch, which `torch` gives as a version or range (``2.7``, ``>=2.7,<3``; empty: no
    torch). `constraints` bound what others require without requiring it. `cuda` is
    ``auto`` (the index's default build), ``cpu`` or a CUDA minor (``12.6``). `suite` is
    the OS release, empty for the one that carries the Python; `source` the project's
    address, for a label of the image; `workspace` how the image is run, `share` where
    it is shared. `digest` covers every other field and the text of included files.
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
    constraints: tuple[str, ...] = ()
    source: str = ""
    workspace: Workspace = field(default_factory=Workspace)
    share: Share = field(default_factory=Share)


def find_spec(folder: Path) -> tuple[Path, dict[str, Any], str]:
    """Return the file that holds the spec, its table, and the table's path in it.

    Raises:
        SpecError: when there is none, or there are two.
    """
    own, project = folder / FILE, folder / "pyproject.toml"
    try:
        tables = read_toml(project) if project.is_file() else {}
        tools = tables.get("tool")
        inside = tools.get("firstlight") if isinstance(tools, dict) else None
        if own.is_file() and inside is not None and set(inside) != {"docs"}:
            raise SpecError(
                f"{own} and [tool.firstlight] in {project} both hold a spec",
                hint="keep one of them",
            )
        if own.is_file():
            return own, read_toml(own), ""
    except UsageError as error:
        raise SpecError(error.message, hint=error.hint) from error
    if isinstance(inside, dict):
        return project, inside, "tool.firstlight"
    raise SpecError(
        f"there is no {FILE} in {folder.absolute()}",
        hint="write one with `firstlight init`, or change to your project's folder",
    )


def read_spec(folder: Path) -> Spec:
    """Read and check the spec of the project in a folder.

    Raises:
        SpecError: when there is none, or it has errors: all of them are in `findings`,
            each with the file and the path of the field.
    """
    path, table, inside = find_spec(folder)
    findings: list[Finding] = []
    fields = Fields(table, file=path.name, findings=findings, path=inside)
    spec = _read(fields, folder)
    fields.has("docs")  # What is wanted of pages is read by those who check them.
    fields.end()
    if findings:
        count = "an error" if len(findings) == 1 else f"{len(findings)} errors"
        raise SpecError(f"{path.name} has {count}", findings=findings)
    return spec


def _read(fields: Fields, folder: Path) -> Spec:
    gathered = gather(fields, folder)
    torch, cuda = _torch(fields, _cuda(fields))
    torch, cuda, requirements = _move_torch(gathered, torch, cuda)
    spec = Spec(
        name=_name(fields, folder),
        python=_python(fields),
        torch=torch,
        cuda=cuda,
        requirements=requirements,
        constraints=tuple(_lines(gathered.constraints)),
        system=_system(fields),
        compile=fields.flag("compile"),
        profile=fields.choice("profile", PROFILES, "workspace"),
        suite=fields.choice("os", SUITES),
        target=_target(fields.inner("target")),
        indexes=_indexes(fields, gathered),
        environment=_environment(fields.inner("env")),
        source=fields.text("source"),
        workspace=read_workspace(fields.inner("workspace")),
        share=read_share(fields.inner("share")),
        digest=of_bytes(b""),
    )
    content = {**asdict(spec), "digest": "", "files": gathered.texts}
    # How the image is run and shared is no part of it: no lock becomes stale by that.
    del content["workspace"], content["share"]
    text = json.dumps(content, sort_keys=True, ensure_ascii=True)
    return replace(spec, digest=of_bytes(text.encode()))


def _name(fields: Fields, folder: Path) -> str:
    word = r"[a-z0-9]+(?:[._-][a-z0-9]+)*"
    own = re.sub(r"[^a-z0-9]+", "-", folder.absolute().name.lower()).strip("-")
    return fields.text(
        "name",
        own or "project",
        pattern=rf"(?=.{{1,64}}\Z){word}",
        allowed="lower-case letters, digits, and single . _ - between them",
    )


def _python(fields: Fields) -> str:
    if not fields.has("python"):
        fields.problem("python", "missing", 'write python = "3.11"', "missing-key")
        return ""
    found = fields.value("python", str)
    if found is None or found in PYTHONS:
        return found or ""
    hint = ""
    if re.fullmatch(r"3\.\d+\.\d+", found):
        hint = "the patch release comes from the OS release; name the minor only"
    allowed = f"allowed is one of {', '.join(PYTHONS)}"
    fields.problem("python", f"found {shown(found)}, {allowed}", hint)
    return ""


def _cuda(fields: Fields) -> str:
    found = fields.text(
        "cuda",
        "auto",
        pattern=r"auto|cpu|\d{1,2}\.\d|cu\d{3}",
        allowed='"auto", "cpu", or a version such as "12.6"',
    )
    return _dotted(found)


def _dotted(cuda: str) -> str:
    """Return ``12.6`` for ``cu126``."""
    return f"{cuda[2:4]}.{cuda[4:]}" if cuda.startswith("cu") else cuda


def _torch(fields: Fields, cuda: str) -> tuple[str, str]:
    """Return the version or range of torch, and CUDA, which a local version names."""
    text = fields.text("torch").strip()
    if not text:
        return "", cuda
    try:
        return _split_local(str(Version(text)), cuda)
    except InvalidVersion:
        pass
    except ValueError as error:
        fields.problem("torch", str(error))
        return "", cuda
    try:
        return str(SpecifierSet(text)), cuda
    except InvalidSpecifier:
        fields.problem(
            "torch",
            f"found {shown(text)}, allowed is a version such as 2.7.1 or a range "
            "such as >=2.6,<2.8",
        )
        return "", cuda


def _split_local(version: str, cuda: str) -> tuple[str, str]:
    """Return ``2.7.1`` and ``12.6`` for ``2.7.1+cu126``; `cuda` must agree."""
    public, _, local = version.partition("+")
    if not local:
        return public, cuda
    if not re.fullmatch(r"cpu|cu\d{3}", local):
        raise ValueError(f'the build "+{local}" of torch is neither +cpu nor +cuNNN')
    named = _dotted(local)
    if cuda not in ("auto", named):
        raise ValueError(
            f'torch = "{version}" is for {named}, but cuda = "{cuda}": remove one'
        )
    return public, named


def _move_torch(
    gathered: Gathered, torch: str, cuda: str
) -> tuple[str, str, tuple[str, ...]]:
    """Take torch out of the packages: it is the one that decides about the others."""
    others = []
    for wanted in gathered.wanted:
        if canonicalize_name(wanted.requirement.name) != "torch":
            others.append(wanted)
            continue
        try:
            torch, cuda = _joined(wanted, torch, cuda)
        except ValueError as error:
            gathered.problem(wanted.where, str(error))
    return torch, cuda, tuple(_lines(others))


def _joined(wanted: Wanted, torch: str, cuda: str) -> tuple[str, str]:
    requirement = wanted.requirement
    if requirement.url or requirement.marker:
        raise ValueError(
            f'found "{requirement}": write torch as its own field, torch = "2.7.1"'
        )
    asked = requirement.specifier
    pins = [one.version for one in asked if one.operator in ("==", "===")]
    if len(asked) == 1 and pins and not pins[0].endswith(".*"):
        pinned, cuda = _split_local(pins[0], cuda)
        asked = SpecifierSet(f"=={pinned}")
        if not torch:
            return pinned, cuda
    if not torch:
        return str(asked) or ">=0", cuda
    given = _as_range(torch)
    both = SpecifierSet(f"{given},{asked}".strip(","))
    if both.is_unsatisfiable():
        raise ValueError(f'found "{requirement}", but torch = "{torch}": remove one')
    # A version given outright stays as it was written.
    return (torch if not torch.startswith(tuple("=<>!~")) else str(both)), cuda


def _as_range(torch: str) -> SpecifierSet:
    if torch.startswith(tuple("=<>!~")):
        return SpecifierSet(torch)
    return SpecifierSet(f"=={torch}.*" if torch.count(".") < 2 else f"=={torch}")


def _lines(wanted: list[Wanted]) -> list[str]:
    return list(dict.fromkeys(str(one.requirement) for one in wanted))


def _system(fields: Fields) -> tuple[str, ...]:
    return fields.texts(
        "system",
        pattern=r"[a-z0-9][a-z0-9+.-]+",
        allowed="the name of a Debian or Ubuntu package, such as git",
    )


def _target(fields: Fields) -> Target:
    driver = fields.value("driver", str, int)
    if driver is not None and not re.fullmatch(r"\d{3,4}(\.\d+){0,2}", str(driver)):
        fields.problem(
            "driver",
            f"found {shown(driver)}, allowed is a driver's version such as 550.54",
        )
    target = Target(
        gpus=fields.texts("gpus"),
        driver="" if driver is None else str(driver),
        platforms=fields.texts(
            "platforms",
            Target().platforms,
            pattern="|".join(PLATFORMS),
            allowed=" or ".join(PLATFORMS),
        ),
    )
    if fields.table.get("platforms") == []:
        fields.problem("platforms", f"empty, allowed is {' or '.join(PLATFORMS)}")
    fields.end()
    return target


def _indexes(fields: Fields, gathered: Gathered) -> tuple[Index, ...]:
    indexes = []
    for table in fields.inners("index"):
        index = Index(
            url=table.text("url"),
            name=table.text(
                "name", pattern=r"[A-Za-z0-9][\w.-]*", allowed="letters, digits, . _ -"
            ),
            find_links=table.flag("find-links"),
            default=table.flag("default"),
        )
        problem, hint = url_problem(index.url)
        if problem:
            table.problem("url", problem, hint)
        table.end()
        indexes.append(index)
    for link in gathered.links:
        indexes.append(
            Index(url=link.url, find_links=link.find_links, default=link.default)
        )
    return tuple(indexes)


def _environment(fields: Fields) -> tuple[tuple[str, str], ...]:
    pairs = []
    for key in fields.table:
        value = fields.value(key, str)
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
            fields.problem(key, "allowed are letters, digits and _ in a name")
        elif value is not None and "\0" in value:
            fields.problem(key, "a value cannot hold a NUL character")
        elif value is not None:
            pairs.append((key, str(value)))
    return tuple(sorted(pairs))
