"""Real wheels: the tree we make is the tree that pip makes, file by file."""

from __future__ import annotations

import base64
import csv
import fcntl
import hashlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from venv import EnvBuilder

import pip
import pytest

from entry_tree import write_tree
from firstlight.pack.wheel import wheel_entries

pytestmark = pytest.mark.slow

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
WHEELS = (Path(__file__).parent / "wheels.txt").read_text().split()
ONLY_PIP = {"REQUESTED", "direct_url.json"}
"""Written by pip for a wheel that was named by its path."""


@dataclass(frozen=True)
class Tree:
    """Everything below a folder, by path: content and whether it can be executed."""

    root: Path
    files: dict[str, tuple[bytes, bool]]

    @classmethod
    def read(cls, root: Path) -> Tree:
        found = {}
        for folder, _, names in os.walk(root):
            for name in names:
                path = Path(folder, name)
                is_executable = bool(path.stat().st_mode & 0o111)
                at = path.relative_to(root).as_posix()
                found[at] = (path.read_bytes(), is_executable)
        return cls(root, found)

    def without(self, paths: set[str]) -> Tree:
        return Tree(
            self.root, {at: it for at, it in self.files.items() if at not in paths}
        )

    def rows(self) -> dict[str, tuple[str, str]]:
        """RECORD, by path from the root of the tree."""
        (record,) = (at for at in self.files if is_info(at, "RECORD"))
        site = self.root / record.rpartition("/")[0] / ".."
        rows = csv.reader(self.files[record][0].decode().splitlines())
        return {
            os.path.relpath(os.path.normpath(site / row[0]), self.root): (
                row[1],
                row[2],
            )
            for row in rows
        }


@pytest.fixture(scope="session")
def folder(request: pytest.FixtureRequest) -> Path:
    """All wheels, downloaded once and kept in pytest's cache."""
    assert request.config.cache is not None
    target = request.config.cache.mkdir(f"wheels-{VERSION}")
    done = target / "done"
    # Another worker may be downloading them into the same folder.
    with (target / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text().split() != WHEELS:
            words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            words += ["--only-binary=:all:", "-d", str(target)]
            subprocess.run([*words, *WHEELS], check=True)
            done.write_text("\n".join(WHEELS))
    return target


@pytest.fixture(scope="session")
def only_pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pip and nothing else, for the path of any Python.

    `pip --python` starts pip twice, which takes longer than most installations.
    """
    folder = tmp_path_factory.mktemp("only-pip")
    (folder / "pip").symlink_to(Path(pip.__file__).parent)
    return folder


def find(folder: Path, requirement: str) -> Path:
    name, _, version = requirement.partition("==")
    pattern = re.compile(
        re.sub(r"[-_.]+", "[-_.]+", name) + f"-{re.escape(version)}-.*whl", re.I
    )
    (path,) = (path for path in folder.iterdir() if pattern.fullmatch(path.name))
    return path


def install(wheel: Path, venv: Path, only_pip: Path) -> Tree:
    """What pip adds to a fresh venv."""
    EnvBuilder(symlinks=True).create(venv)
    before = set(Tree.read(venv).files)
    words = [venv / "bin/python", "-m", "pip", "install", "--disable-pip-version-check"]
    options = ["--quiet", "--no-deps", "--no-compile", "--no-index", "--no-cache-dir"]
    environ = {**os.environ, "PYTHONPATH": str(only_pip)}
    subprocess.run([*words, *options, wheel], check=True, env=environ)
    return Tree.read(venv).without(before)


def launches(script: bytes) -> tuple[str, ...]:
    """The shebang, import and call of a launcher."""
    text = script.decode()
    found = re.search(r"from (\S+) import (\S+)\n.*sys\.exit\((.*)\(\)\)", text, re.S)
    assert found, text
    return text.partition("\n")[0], *found.groups()


@pytest.mark.parametrize("requirement", WHEELS)
def test_gives_the_tree_of_pip(
    requirement: str, folder: Path, only_pip: Path, tmp_path: Path
) -> None:
    wheel = find(folder, requirement)
    theirs = install(wheel, tmp_path / "venv", only_pip)
    prefix = str(tmp_path / "venv").lstrip("/")
    entries = wheel_entries(wheel, filename=wheel.name, python=VERSION, prefix=prefix)
    write_tree(entries, tmp_path / "ours")
    ours = Tree.read(tmp_path / "ours" / prefix)

    extra = {at for at in theirs.files if is_info(at, *ONLY_PIP)}
    assert set(theirs.files) - extra == set(ours.files)
    for at, (content, is_executable) in ours.files.items():
        same_bytes(at, content, theirs.files[at][0])
        # Scripts can always be run here; pip believes a ZIP made on Windows.
        assert is_executable == theirs.files[at][1] or at.startswith("bin/"), at
    same_record(ours, theirs)


def same_bytes(at: str, ours: bytes, theirs: bytes) -> None:
    if ours == theirs or is_info(at, "RECORD"):
        return
    if is_info(at, "INSTALLER"):
        assert (ours, theirs) == (b"firstlight\n", b"pip\n")
    else:
        assert at.startswith("bin/"), at
        assert launches(ours) == launches(theirs)


def same_record(ours: Tree, theirs: Tree) -> None:
    """Ours lists every file with its true hash; theirs is the same where it is true."""
    mine, pips = ours.rows(), theirs.rows()
    assert set(mine) == set(ours.files)
    for at, (digest, size) in mine.items():
        content = ours.files[at][0]
        if is_info(at, "RECORD", "RECORD.jws", "RECORD.p7s"):
            assert (digest, size) == ("", "")
            continue
        algorithm, _, value = digest.partition("=")
        raw = hashlib.new(algorithm, content).digest()
        assert value == base64.urlsafe_b64encode(raw).decode().rstrip("=")
        assert int(size) == len(content)
        if content == theirs.files[at][0] and pips.get(at, ("", ""))[0]:
            assert pips[at] == (digest, size)


def is_info(at: str, *names: str) -> bool:
    """Whether a path is one of these files of the wheel's own ``.dist-info``."""
    lib, _, site, folder, *rest = [*at.split("/"), "", "", "", ""]
    is_own = (lib, site) == ("lib", "site-packages") and folder.endswith(".dist-info")
    return is_own and rest[0] in names and not any(rest[1:])
