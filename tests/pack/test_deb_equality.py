"""Real packages: what we put in an image is what dpkg puts on a disk."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from firstlight.pack.deb import deb_entries, in_usr, read_control
from firstlight.pack.entry import Kind, Stream
from firstlight.pack.scripts import effects

PACKAGES = [
    "adduser",
    "apt",
    "base-files",
    "base-passwd",
    "bash",
    "bubblewrap",
    "ca-certificates",
    "coreutils",
    "dash",
    "debconf",
    "debianutils",
    "diffutils",
    "dpkg",
    "findutils",
    "g++",
    "gcc",
    "git",
    "gpgv",
    "grep",
    "gzip",
    "hostname",
    "init-system-helpers",
    "less",
    "libc-bin",
    "libc6",
    "libc6-dev",
    "libgl1",
    "libpam-modules",
    "libpam-runtime",
    "libpam0g",
    "libssl3",
    "libstdc++6",
    "libsystemd0",
    "login",
    "mawk",
    "mount",
    "ncurses-base",
    "ncurses-bin",
    "openssh-client",
    "openssh-server",
    "openssl",
    "passwd",
    "perl-base",
    "procps",
    "python3.11",
    "python3.11-minimal",
    "sed",
    "sysvinit-utils",
    "tar",
    "tzdata",
    "util-linux",
    "zlib1g",
]

Seen = dict[str, tuple[object, ...]]


@pytest.fixture(scope="module")
def debs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        pytest.skip("needs apt-get and dpkg-deb")
    folder = tmp_path_factory.mktemp("debs")
    command = ["apt-get", "download", "-q", *_known(PACKAGES)]
    # apt gives up its rights for a user that cannot write into our folder.
    command[1:1] = ["-o", "APT::Sandbox::User=root"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    found = sorted(folder.glob("*.deb"))
    if done.returncode or len(found) < 40:
        pytest.skip(f"no packages to be had: {done.stderr[-300:]}")
    return found


def _known(names: list[str]) -> list[str]:
    done = subprocess.run(
        ["apt-cache", "pkgnames"], capture_output=True, text=True, check=True
    )
    here = set(done.stdout.split())
    return [name for name in names if name in here]


@pytest.mark.slow
def test_installs_what_dpkg_installs(debs: list[Path], tmp_path: Path) -> None:
    for deb in debs:
        root = tmp_path / deb.stem
        subprocess.run(["dpkg-deb", "-x", deb, root], check=True)
        assert dict(_ours(deb)) == dict(_dpkgs(root)), deb.name
        shutil.rmtree(root)


@pytest.mark.slow
def test_knows_the_scripts_of_all_of_them(debs: list[Path]) -> None:
    for deb in debs:
        effects(read_control(deb, filename=deb.name))


def _ours(deb: Path) -> Iterator[tuple[str, tuple[object, ...]]]:
    first: dict[str, tuple[object, ...]] = {}
    for entry in deb_entries(deb, filename=deb.name):
        match entry.kind:
            case Kind.DIRECTORY:
                yield entry.path, ("folder", entry.mode)
            case Kind.SYMLINK:
                yield entry.path, ("link", entry.link)
            case Kind.HARDLINK:
                yield entry.path, first[entry.link]
            case Kind.FILE:
                assert isinstance(entry.content, Stream)
                digest = hashlib.file_digest(entry.content.open(), "sha256")
                seen = ("file", entry.mode, entry.size, digest.hexdigest())
                first[entry.path] = seen
                yield entry.path, seen


def _dpkgs(root: Path) -> Iterator[tuple[str, tuple[object, ...]]]:
    for folder, folders, files in os.walk(root):
        for name in [*folders, *files]:
            path = Path(folder, name)
            where = in_usr(path.relative_to(root).as_posix())
            mode = path.lstat().st_mode & 0o7777
            if path.is_symlink():
                target = path.readlink().as_posix()
                if in_usr(target.lstrip("/")) != where:
                    yield where, ("link", target)
            elif path.is_dir():
                yield where, ("folder", mode)
            else:
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                yield where, ("file", mode, path.stat().st_size, digest)
