"""A small project whose OS packages come out of signed archives, ready to vendor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from debian_archive import make_archive, make_deb, make_key
from firstlight.config import Settings
from firstlight.digest import Digest, of_bytes
from firstlight.lock.archive import Trust
from firstlight.lock.lockfile import (
    Archive,
    Deb,
    Lock,
    PlatformLock,
    Stack,
    packages_digest,
)
from firstlight.lock.spec import read_spec
from firstlight.nearby import Layout
from firstlight.oci.model import Image
from firstlight.pack.known import record
from firstlight.store import Store
from firstlight.vendor.artefact import Artefact
from firstlight.vendor.keep import vendor
from firstlight.vendor.layout import write_folder
from firstlight.vendor.project import Project, spec_files
from pack.hand_locks import AMD64, Bench, Ear, hex_of
from share.registries import MASTERS

__all__ = ["AMD64", "ARM64", "KEYRING", "Shop"]

ARM64 = "linux/arm64"
KEYRING = "debian-archive-keyring"
SPEC = 'name = "demo"\npython = "3.11"\npackages = "needs.txt"\n'


@dataclass
class Shop:
    """The project of a folder, its archive, and what is vendored of it."""

    folder: Path
    bench: Bench
    key: object = field(default_factory=make_key)
    heard: Ear = field(default_factory=Ear)
    offered: dict[str, Path] = field(default_factory=dict)
    snapshots: tuple[str, ...] = ()

    @classmethod
    def open(cls, folder: Path, *, keyring: bool = True) -> Shop:
        """Make the files; the archive carries the key it is signed with."""
        folder.mkdir(parents=True)
        shop = cls(folder, Bench(folder, Store.open(folder / "store")))
        shop.bench.wheel("alpha", {"alpha/__init__.py": "a = 1\n" * 2000})
        shop.bench.wheel("beta", {"beta/__init__.py": "b = 1\n" * 2000})
        (folder / "firstlight.toml").write_text(SPEC)
        (folder / "needs.txt").write_text("alpha\nbeta\n")
        shop.offer("base-passwd", MASTERS)
        shop.offer("tool", {"usr/bin/tool": b"#!/bin/sh\n"})
        if keyring:
            path = "usr/share/keyrings/debian-archive-keyring.gpg"
            shop.offer(KEYRING, {path: bytes(shop.certificate)})
        shop.publish()
        return shop

    @property
    def certificate(self) -> object:
        """The public part of the key that the archive is signed with."""
        return self.key.extract_certificate()  # type: ignore[attr-defined]

    @property
    def trust(self) -> Trust:
        """The key counts; no certificate of it lies on this machine."""
        name = self.certificate.fingerprint  # type: ignore[attr-defined]
        return Trust(fingerprints=frozenset({name}), folders=())

    @property
    def archive(self) -> Path:
        """The mirror."""
        return self.folder / "archive"

    @property
    def release(self) -> Path:
        """The signed file of the suite."""
        return self.archive / "dists/bookworm/InRelease"

    @property
    def settings(self) -> Settings:
        """The mirror is known; nothing else is."""
        store = self.bench.store.root
        mirror = self.archive.as_uri()
        return Settings(
            store=store,
            jobs=2,
            mirrors={"debian": (mirror,)},
            snapshots=self.snapshots,
        )

    def offer(self, name: str, files: dict[str, bytes]) -> None:
        """Put a package into the archive, to be published."""
        self.offered[name] = make_deb(self.folder / "in", name, files=files)

    def publish(
        self, architectures: Sequence[str] = ("amd64",), *, by_hash: bool = False
    ) -> None:
        """Sign what is offered."""
        for architecture in architectures:
            make_archive(
                self.archive,
                "bookworm",
                list(self.offered.values()),
                self.key,  # type: ignore[arg-type]
                architecture=architecture,
                by_hash=by_hash,
            )

    def lock(self, platforms: Sequence[str] = (AMD64,), *, without: str = "") -> Lock:
        """The lock of everything that is offered, or without one of the packages."""
        names = sorted(set(self.offered) - {without})
        bench = self.bench
        parts = tuple(
            PlatformLock(
                platform=platform,
                packages=packages_digest(bench.selected()),
                stack=Stack(),
                debs=tuple(self._deb(name) for name in names),
            )
            for platform in platforms
        )
        archive = Archive(
            name="debian",
            suite="bookworm",
            snapshot="20260801T220000Z",
            release=of_bytes(self.release.read_bytes()),
        )
        return Lock(
            name="demo",
            spec=read_spec(self.folder).digest,
            pylock=of_bytes(bench.pylock().encode()),
            python="3.11",
            suite="bookworm",
            profile="workspace",
            environment=(),
            archives=(archive,),
            platforms=parts,
        )

    def _deb(self, name: str) -> Deb:
        path = self.offered[name]
        return Deb(
            name=name,
            version="1.0-1",
            architecture="amd64",
            filename=f"pool/main/{name[0]}/{name}/{path.name}",
            size=path.stat().st_size,
            digest=Digest(f"sha256:{hex_of(path)}"),
            archive="debian",
            suite="bookworm",
        )

    def project(self, lock: Lock | None = None) -> Project:
        """What is vendored."""
        return Project(
            lock=lock or self.lock(),
            pylock=self.bench.pylock(),
            folder=self.folder,
            spec=spec_files(self.folder)[0],
        )

    def build(
        self, lock: Lock | None = None, platform: str = AMD64
    ) -> tuple[Image, Lock]:
        """The image, and the lock with it written in."""
        lock = lock or self.lock()
        bench = replace(self.bench, mirror=self.archive.as_uri())
        image = bench.build(lock, platform=platform)
        return image, record(lock, image)

    def vendor(
        self, lock: Lock | None = None, platforms: Sequence[str] = (AMD64,)
    ) -> Artefact:
        """The artefact, its files in the store."""
        return vendor(
            self.project(lock),
            platforms=platforms,
            store=self.bench.store,
            settings=self.settings,
            progress=self.heard,
        )

    def written(self, lock: Lock | None = None) -> Layout:
        """The artefact in a folder of its own."""
        folder = self.folder / "vendor"
        self.write(self.vendor(lock), folder)
        return Layout.open(folder)

    def write(self, artefact: Artefact, folder: Path) -> None:
        """Write an artefact into a folder."""
        write_folder(artefact, "demo-vendor", self.bench.store, folder, self.heard)

    def elsewhere(self) -> Store:
        """The empty store of somebody else."""
        return Store.open(self.folder / "other" / "store")
