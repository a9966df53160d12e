"""The tree keeps its shape: who imports whom, how large things are, what is not here.

The tables below are the design; a change that breaks one of them changes the design,
and belongs into ``docs/design`` first.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "firstlight"
INSIDE = SOURCE / "pack" / "files"
"""Programs that run inside images: data to us, which import nothing of ours."""
MODULES = sorted(p for p in SOURCE.rglob("*.py") if not p.is_relative_to(INSIDE))

MAY_IMPORT = {
    "foundation": {"foundation"},
    "oci": {"oci", "foundation"},
    "lock": {"lock", "oci", "foundation"},
    "engine": {"engine", "oci", "foundation"},
    "pack": {"pack", "lock", "oci", "foundation"},
    "encoding": {"encoding", "pack", "oci", "foundation"},
    "share": {"share", "lock", "oci", "foundation"},
    "attest": {"attest", "pack", "lock", "oci", "foundation"},
    "vendor": {"vendor", "share", "pack", "lock", "oci", "foundation"},
    "inspect": {
        *("inspect", "attest", "encoding", "share", "pack", "lock", "oci"),
        "foundation",
    },
    "workspace": {"workspace", "engine", "oci", "foundation"},
    "lexicon": {"lexicon", "foundation"},
    "markdown": {"markdown", "lexicon", "foundation"},
    "mark": {"mark", "markdown", "lexicon", "foundation"},
    "lint": {"lint", "mark", "markdown", "lexicon", "foundation"},
    "convert": {"convert", "markdown", "lexicon", "foundation"},
    "score": {"score", "lint", "mark", "markdown", "lexicon", "foundation"},
    "editor": {"editor", "lint", "mark", "markdown", "lexicon", "foundation"},
    "cli": {
        *("editor", "score", "convert", "lint", "mark", "markdown", "lexicon"),
        *("cli", "inspect", "vendor", "attest", "share", "encoding", "workspace"),
        *("pack", "lock", "engine", "oci", "foundation"),
    },
}
"""Which part may import which: an import never points up or sideways."""

VALUES_OF_LOCK = {
    "firstlight.lock.lockfile",
    "firstlight.lock.apt",
    "firstlight.lock.python",
    "firstlight.lock.system",
}
"""What ``pack`` may take from ``lock``: values and questions about them."""

ONLY_HERE = {
    # To ask whether a port is free and whether our own servers answer.
    "socket": {"workspace/ports.py", "workspace/session.py"},
    "urllib3": {"web.py", "failures.py"},
    "http.client": {"workspace/jupyter.py"},
    "http.server": {"oci/serve.py"},
    "urllib.request": {"access.py"},  # Only for turning file: URLs into paths.
    "requests": set(),
    "subprocess": {"proc.py"},
    "multiprocessing": {"lint/crew.py"},
    "concurrent.futures.process": {"lint/crew.py"},
    "resolvelib": {"lock/solve.py", "lock/unsolved.py"},
    "tomlkit": {"lock/spec_edit.py"},
    "pysequoia": {"lock/keys.py", "lock/archive.py"},
    "deflate": {"pack/members.py"},
    "yaml": {"engine/cdi.py"},
    "pyromark": {"markdown/parse.py", "markdown/render.py"},
    "ahocorasick_rs": {"lexicon/cues.py", "markdown/search.py"},
    "pygls": {"editor/server.py"},
    "lsprotocol": {"editor/answers.py", "editor/messages.py", "editor/server.py"},
}
"""Modules that open sockets, start processes, or own a third-party library."""

PROGRAMS = {"engine/enter.py", "engine/overlay.py"}
"""Started as processes of their own, which say on stderr why they ended."""

MODULE_LINES = 400
FUNCTION_LINES = 40
FOLDER_LEVELS = 2
FIRST_LINE = 88


@cache
def tree_of(path: Path) -> ast.Module:
    """Parse a module once."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def short(path: Path) -> str:
    """The path below ``src/firstlight``."""
    return path.relative_to(SOURCE).as_posix()


def part_of(module: str) -> str:
    """``firstlight.pack.zip`` is of ``pack``; root modules are the foundation."""
    names = module.split(".")
    has_part = len(names) > 1 and (SOURCE / names[1]).is_dir()
    return names[1] if has_part else "foundation"


def imports_of(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions."""
    for node in ast.walk(tree_of(path)):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module)):
                for alias in node.names:
                    deeper = SOURCE.parent / f"{module}.{alias.name}".replace(".", "/")
                    is_module = deeper.with_suffix(".py").exists()
                    yield f"{module}.{alias.name}" if is_module else module


def own_part(path: Path) -> str:
    """The part that a file belongs to; the entry point belongs to ``cli``."""
    if path.name == "__main__.py":
        return "cli"
    return part_of("firstlight." + short(path).removesuffix(".py").replace("/", "."))


def public(path: Path) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Public functions and classes of a file, methods of public classes included."""
    for node in tree_of(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            if node.name.startswith("_"):
                continue
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (
                    each
                    for each in node.body
                    if isinstance(each, ast.FunctionDef)
                    and not each.name.startswith("_")
                )


@pytest.fixture(params=MODULES, ids=short)
def module(request: pytest.FixtureRequest) -> Path:
    """Each module in turn."""
    path: Path = request.param
    return path


def test_imports_point_down(module: Path) -> None:
    own = own_part(module)
    used = {name for name in imports_of(module) if name.startswith("firstlight")}
    wrong = {name for name in used if part_of(name) not in MAY_IMPORT[own]}
    assert not wrong, f"{own} must not import {sorted(wrong)}"


def test_pack_takes_only_values_from_the_lock(module: Path) -> None:
    if own_part(module) == "pack":
        used = {n for n in imports_of(module) if n.startswith("firstlight.lock")}
        assert used <= VALUES_OF_LOCK, sorted(used - VALUES_OF_LOCK)


def test_sockets_processes_and_libraries_have_one_owner(module: Path) -> None:
    for name in imports_of(module):
        for owned, owners in ONLY_HERE.items():
            if name == owned or name.startswith(owned + "."):
                assert short(module) in owners, f"{name} belongs to {sorted(owners)}"


def test_module_fits_its_budget(module: Path) -> None:
    lines = len(module.read_text(encoding="utf-8").splitlines())
    assert lines <= MODULE_LINES, f"{lines} lines"
    assert len(module.relative_to(SOURCE).parent.parts) <= FOLDER_LEVELS


def test_functions_fit_their_budget(module: Path) -> None:
    lengths = {
        node.name: (node.end_lineno or 0) - node.lineno + 1
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not {name: n for name, n in lengths.items() if n > FUNCTION_LINES}


def test_everything_public_promises_something(module: Path) -> None:
    first = (ast.get_docstring(tree_of(module)) or "").partition("\n")[0]
    assert first
    assert len(first) <= FIRST_LINE
    for node in public(module):
        line = (ast.get_docstring(node) or "").partition("\n")[0]
        assert line, f"{node.name} has no docstring"
        assert len(line) <= FIRST_LINE, f"{node.name}: first line is too long"


def test_only_the_command_line_prints(module: Path) -> None:
    if own_part(module) == "cli":
        return
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"line {node.lineno}"
    if short(module) in PROGRAMS:
        return
    # `report` asks what a stream can show; it writes nothing.
    text = module.read_text(encoding="utf-8")
    assert not re.search(r"sys\.std(out|err)\.write", text)


def test_nothing_is_left_for_later(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    later = "|".join(
        ("TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error")
    )
    assert not re.search(rf"\b({later})\b", text)


def test_no_cover_is_ever_excused(module: Path) -> None:
    assert "pragma: no " + "cover" not in module.read_text(encoding="utf-8")


def test_every_part_has_a_row_in_the_table() -> None:
    folders = {
        path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()
    }
    assert folders | {"foundation"} == set(MAY_IMPORT)


@cache
def tracked() -> tuple[Path, ...]:
    """Every text file of the repository (of the folder, where there is no git)."""
    found = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "-co", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    names = found.stdout.decode().split("\0") if not found.returncode else []
    paths = [ROOT / name for name in names if name] or [
        path for path in (ROOT / "src").rglob("*") if path.is_file()
    ]
    return tuple(path for path in paths if path.is_file())


def test_no_host_of_a_registry_is_written_here() -> None:
    # Built from parts, so that this file does not name them either.
    hosts = [
        "py" + "pi.org",
        "python" + "hosted.org",
        "deb." + "debian.org",
        "snapshot." + "debian.org",
        "security." + "debian.org",
        "archive." + "ubuntu.com",
        "npm" + "js.org",
        "download." + "pytorch.org",
        "registry-1." + "docker.io",
        "index." + "docker.io",
        "gh" + "cr.io",
        "qu" + "ay.io",
        "nv" + "cr.io",
    ]
    for path in tracked():
        text = path.read_bytes()
        for host in hosts:
            assert host.encode() not in text, f"{path.relative_to(ROOT)} names {host}"


def test_no_path_of_one_machine_is_written_here() -> None:
    places = ["/wo" + "rk/", "/ro" + "ot/.", "/ho" + "me/runner"]
    for path in tracked():
        text = path.read_bytes()
        for place in places:
            assert place.encode() not in text, f"{path.relative_to(ROOT)}: {place}"
