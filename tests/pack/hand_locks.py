"""Locks made by hand of small wheels and packages, and what builds them."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from artefacts import make_wheel
from debian_archive import make_deb
from firstlight.config import Settings
from firstlight.digest import Digest
from firstlight.finding import Finding
from firstlight.lock.lockfile import (
    Deb,
    Lock,
    PlatformLock,
    Stack,
    Wheel,
    packages_digest,
)
from firstlight.lock.python import select
from firstlight.lock.system import SUITES
from firstlight.oci.model import Image
from firstlight.pack.build import build_project, verify
from firstlight.progress import Progress, Task
from firstlight.store import Store

__all__ = ["Bench", "Ear", "NOTHING", "hex_of"]

AMD64 = "linux/amd64"
NOTHING = Digest("sha256:" + "0" * 64)


class Ear(Progress):
    """Hears what is done and what is said."""

    def __init__(self) -> None:
        self.tasks: list[str] = []
        self.said: list[str] = []

    def task(
        self, phase: str, name: str, total: int | None = None
    ) -> AbstractContextManager[Task]:
        """Remember the task."""
        self.tasks.append(f"{phase} {name}")
        return super().task(phase, name, total)

    def warn(self, finding: Finding) -> None:
        """Remember the message."""
        self.said.append(finding.message)

    def made(self) -> list[str]:
        """The layers that were written."""
        return [
            task.removeprefix("layer ")
            for task in self.tasks
            if task.startswith("layer ")
        ]


@dataclass
class Bench:
    """A folder with wheels and packages, a store, and locks made of them by hand."""

    folder: Path
    store: Store
    wheels: dict[str, Path] = field(default_factory=dict)
    debs: dict[str, Path] = field(default_factory=dict)
    frozen: str = ""
    mirror: str = ""

    def wheel(self, name: str, files: Mapping[str, bytes | str] | None = None) -> Path:
        """Make a wheel, or make it anew."""
        (self.folder / "wheels").mkdir(exist_ok=True)
        self.wheels[name] = make_wheel(self.folder / "wheels", name, files=files)
        return self.wheels[name]

    def deb(self, name: str, files: Mapping[str, bytes]) -> Path:
        """Make a package."""
        self.debs[name] = make_deb(self.folder / "archive/pool", name, files=files)
        return self.debs[name]

    def pylock(self) -> str:
        """The text of a ``pylock.toml`` of the wheels as they are now, or were."""
        return self.frozen or 'lock-version = "1.0"\ncreated-by = "tests"\n' + "".join(
            f'[[packages]]\nname = "{name}"\nversion = "1.0"\n'
            f'wheels = [{{ path = "wheels/{path.name}", '
            f'hashes = {{ sha256 = "{hex_of(path)}" }} }}]\n'
            for name, path in self.wheels.items()
        )

    def selected(self) -> tuple[Wheel, ...]:
        """What the ``pylock.toml`` selects."""
        return select(
            self.pylock(),
            platform=AMD64,
            system=SUITES["bookworm"],
            folder=self.folder,
        )

    def lock(self) -> Lock:
        """The lock of the wheels and packages as they are now."""
        part = PlatformLock(
            platform=AMD64,
            packages=packages_digest(self.selected()),
            stack=Stack(),
            debs=tuple(_deb(name, path) for name, path in sorted(self.debs.items())),
        )
        return Lock(
            name="demo",
            spec=NOTHING,
            pylock=NOTHING,
            python="3.11",
            suite="bookworm",
            profile="workspace",
            environment=(),
            archives=(),
            platforms=(part,),
        )

    def settings(self) -> Settings:
        """The packages come from the folder; nothing comes from a network."""
        mirror = self.mirror or (self.folder / "archive").as_uri()
        return Settings(store=self.store.root, jobs=2, mirrors={"debian": (mirror,)})

    def build(
        self, lock: Lock, *, platform: str = AMD64, ear: Ear | None = None
    ) -> Image:
        """Build the lock."""
        return build_project(
            lock,
            self.pylock(),
            platform=platform,
            folder=self.folder,
            store=self.store,
            settings=self.settings(),
            progress=ear or Ear(),
        )

    def verify(self, lock: Lock) -> tuple[Digest, list[Finding]]:
        """Verify the lock."""
        return verify(
            lock,
            self.pylock(),
            platform=AMD64,
            folder=self.folder,
            store=self.store,
            settings=self.settings(),
            progress=Ear(),
        )

    def elsewhere(self) -> Bench:
        """The same files beside an empty store."""
        return replace(self, store=Store.open(self.folder / "other-store"))

    def files(self, image: Image) -> dict[str, list[bytes]]:
        """What each path is in the layers that have it, the lowest first."""
        found: dict[str, list[bytes]] = {}
        for layer in image.layers:
            data = gzip.decompress(self.store.path(layer.digest).read_bytes())
            assert hashlib.sha256(data).hexdigest() == layer.diff_id[7:]
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                for member in tar:
                    stream = tar.extractfile(member) if member.isreg() else None
                    found.setdefault(member.name, []).append(
                        stream.read() if stream else b""
                    )
        return found

    def times(self, image: Image) -> dict[str, int]:
        """When each path was last changed, in seconds since 1970."""
        found: dict[str, int] = {}
        for layer in image.layers:
            data = gzip.decompress(self.store.path(layer.digest).read_bytes())
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                found.update((each.name, int(each.mtime)) for each in tar)
        return found


def hex_of(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _deb(name: str, path: Path) -> Deb:
    return Deb(
        name=name,
        version="1.0-1",
        architecture="amd64",
        filename=f"pool/{path.name}",
        size=path.stat().st_size,
        digest=Digest(f"sha256:{hex_of(path)}"),
        archive="debian",
        suite="bookworm",
    )
