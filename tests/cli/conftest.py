"""The program as people start it: a process, apart from this machine's settings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.started import Ended, Firstlight
from pack.hand_locks import Bench
from registry_server import Registry, serving_registry


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty folder; what is written there cannot touch anything else."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def firstlight(tmp_path: Path, project: Path) -> Firstlight:
    """Run ``firstlight`` in the project; paths of the test become ``~``."""

    def run(*arguments: str, **variables: str) -> Ended:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TMPDIR": str(tmp_path),
            "FIRSTLIGHT_STORE": str(tmp_path / "store"),
            "COLUMNS": "80",
            "PYTHONUTF8": "1",
            "PIP_NO_INDEX": "1",
            **variables,
        }
        done = subprocess.run(
            [sys.executable, "-m", "firstlight", *arguments],
            cwd=project,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        home = str(tmp_path)
        return Ended(
            done.returncode,
            done.stdout.replace(home, "~"),
            done.stderr.replace(home, "~"),
        )

    return run


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A registry of the test's own."""
    with serving_registry() as found:
        yield found


@pytest.fixture
def run(firstlight: Firstlight, bench: Bench) -> Firstlight:
    """Run ``firstlight`` in the project of the module's bench, with its packages."""

    def run(*arguments: str, **variables: str) -> Ended:
        mirror = (bench.folder / "archive").as_uri()
        return firstlight(*arguments, FIRSTLIGHT_MIRROR_DEBIAN=mirror, **variables)

    return run
