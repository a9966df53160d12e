"""A project that is measured: its spec, its lock, its store and what may be dropped."""

from __future__ import annotations

import json
import shutil
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import Measure, timed

__all__ = ["FIRSTLIGHT", "Project", "link_wheels", "strip"]

FIRSTLIGHT = (
    *(sys.executable, "-c"),
    "import sys; from firstlight.cli import main; sys.exit(main())",
)
"""The command of the tree that this benchmark belongs to."""

LOCK = "firstlight.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder with a spec and a lock, and the store it builds in."""

    folder: Path
    store: Path

    @classmethod
    def lock(
        cls, folder: Path, store: Path, packages: Sequence[str], *, torch: str = ""
    ) -> Project:
        """Write a spec and lock it; the lock is kept aside as it was before a build."""
        folder.mkdir(parents=True)
        lines = ['name = "benchmark"', 'python = "3.11"']
        lines += [f'torch = "{torch}"', 'cuda = "12.6"'] if torch else []
        lines.append(f"packages = {json.dumps(list(packages))}")
        (folder / "firstlight.toml").write_text("\n".join(lines) + "\n")
        project = cls(folder=folder, store=store)
        project.command("lock")
        shutil.copy2(folder / LOCK, folder / "pristine.lock")
        return project

    def command(self, *words: object) -> Measure:
        """Run firstlight in this project."""
        return timed(
            [*FIRSTLIGHT, *words],
            cwd=self.folder,
            environ={"FIRSTLIGHT_STORE": str(self.store), "NO_COLOR": "1"},
        )

    def build(self, *, facts: bool = False) -> Measure:
        """Build; without `facts` the lock is put back as nobody had built it yet."""
        if not facts:
            shutil.copy2(self.folder / "pristine.lock", self.folder / LOCK)
        return self.command("build")

    @property
    def image_id(self) -> str:
        """The image ID that the last build wrote into the lock."""
        lock = _read(self.folder / LOCK)
        found = [str(table["image-id"]) for table in _tables(lock, "image-id")]
        return found[0] if found else ""

    def layers(self) -> dict[str, int]:
        """Digest -> size of the layers of the last build."""
        facts = _tables(_read(self.folder / LOCK), "diff-id", "digest", "size")
        return {_hex(fact["digest"]): fact["size"] for fact in facts}

    def system(self) -> set[str]:
        """Digests and recipe keys of the layers below the Python packages."""
        facts = _tables(_read(self.folder / LOCK), "key", "diff-id", "title")
        return {
            _hex(fact[name])
            for fact in facts
            if fact["title"].startswith(("os: ", "system files"))
            for name in ("key", "digest")
        }

    def inputs(self) -> dict[str, str]:
        """File name -> digest of every wheel and `.deb` of the lock in the store."""
        found = {}
        for deb in _tables(_read(self.folder / LOCK), "filename", "digest"):
            found[deb["filename"].rpartition("/")[2]] = _hex(deb["digest"])
        pylock = tomllib.loads((self.folder / "pylock.toml").read_text())
        for package in pylock["packages"]:
            for wheel in package.get("wheels", ()):
                name = wheel.get("name") or wheel.get("url") or wheel["path"]
                found[name.rpartition("/")[2]] = wheel["hashes"]["sha256"]
        return {name: found[name] for name in found if self.blob(found[name]).exists()}

    def blob(self, digest: str) -> Path:
        """Where a blob lies in the store."""
        return self.store / "blobs" / "sha256" / digest


def strip(store: Path, keep: set[str]) -> None:
    """Leave a store with these blobs, layer facts, and what is known of them."""
    for blob in (store / "blobs" / "sha256").iterdir():
        if blob.name not in keep:
            blob.unlink()
    for kind in (store / "facts").iterdir():
        for fact in kind.iterdir():
            if kind.name not in ("stamp", "layer") or fact.stem not in keep:
                fact.unlink()
    (store / "index.json").unlink(missing_ok=True)


def link_wheels(project: Project, folder: Path) -> list[str]:
    """Put the wheels of a project into a folder by name; return ``name==version``."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pins = []
    for name, digest in project.inputs().items():
        if name.endswith(".whl"):
            (folder / name).hardlink_to(project.blob(digest))
            pins.append("==".join(name.split("-")[:2]))
    return sorted(pins)


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())


def _tables(value: object, *keys: str) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if all(key in value for key in keys):
            yield value
        for inner in value.values():
            yield from _tables(inner, *keys)
    elif isinstance(value, list):
        for inner in value:
            yield from _tables(inner, *keys)


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
