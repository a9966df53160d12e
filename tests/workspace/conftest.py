"""Projects, places and images that every test of the workspace starts from."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from firstlight.engine.bubblewrap import LOADERS
from firstlight.oci.model import Image, Settings, config_json
from firstlight.store import Store
from firstlight.workspace.place import Place, place_of

MACHINE = "linux/arm64" if platform.machine() in ("aarch64", "arm64") else "linux/amd64"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """The place of an empty project whose path is not an easy one."""
    project = tmp_path / 'ein Projekt, mit: "Zeichen" 项目'
    project.mkdir()
    made = place_of(project, state=tmp_path / "state")
    made.make()
    return made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store.open(tmp_path / "store")


@pytest.fixture
def image(store: Store) -> Image:
    """An image of nothing, "unpacked": a command that is only shown needs no more."""
    settings = Settings(environment=(("PATH", "/opt/bin"),), labels={})
    made = Image(
        name="tiny",
        platform=MACHINE,
        id=store.put(config_json(MACHINE, (), settings)),
        manifest=store.put(b"{}"),
        layers=(),
    )
    root = store.root / "roots" / made.id.removeprefix("sha256:")
    for name in (LOADERS[MACHINE][0], "usr/bin/env", "usr/bin/bwrap"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch(mode=0o755)
    return made
