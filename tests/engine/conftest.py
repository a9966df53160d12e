"""A box to run programs in: a real image, for the sandbox of this machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.boxes import ENVIRONMENT, MACHINE, Box, host_layer
from engine.small_images import image, layer
from firstlight.engine.unpack import unpack
from firstlight.store import Store


@pytest.fixture(scope="module")
def bwrap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bubblewrap of this machine, or of its archive."""
    if MACHINE is None or sys.platform != "linux":
        pytest.skip("the sandbox runs on Linux, on x86-64 and arm64")
    found = shutil.which("bwrap")
    if found:
        return Path(found)
    folder = tmp_path_factory.mktemp("bubblewrap")
    folder.chmod(0o777)
    if not shutil.which("apt-get"):
        pytest.skip("bubblewrap is not here, and no archive to get it from")
    fetched = subprocess.run(
        ["apt-get", "download", "bubblewrap"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert fetched.returncode == 0, fetched.stderr
    package = next(folder.glob("bubblewrap_*.deb"))
    subprocess.run(["dpkg", "-x", package, folder], check=True)
    return folder / "usr/bin/bwrap"


@pytest.fixture(scope="module")
def top() -> Iterator[Path]:
    """A folder every user can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="firstlight-sandbox-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def box(bwrap: Path, top: Path) -> Box:
    store = Store.open(top / "store")
    made = image(
        store,
        [layer(store, host_layer(bwrap))],
        platform=str(MACHINE),
        environment=ENVIRONMENT,
        command=("id", "-u"),
    )
    unpack(made, store)
    project = top / "project"
    project.mkdir()
    return Box(made, store, project, top / "state")
