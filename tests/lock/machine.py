"""A machine with its own archive of OS packages and its own folder of wheels."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pysequoia import SignatureMode, sign

from artefacts import make_wheel
from debian_archive import make_archive, make_deb, make_key
from firstlight.config import Settings
from firstlight.finding import Finding
from firstlight.lock import apt
from firstlight.lock.archive import Trust
from firstlight.lock.lockfile import Deb, Lock
from firstlight.lock.make import PYLOCK, make_lock
from firstlight.lock.spec import Spec, read_spec
from firstlight.lock.system import SUITES, System
from firstlight.net import Fetcher
from firstlight.pipconfig import PipSettings
from firstlight.progress import Progress
from firstlight.store import Store

__all__ = ["Heard", "Machine"]


class Heard(Progress):
    """Keeps what a job says, and what it warns of."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: str) -> None:
        """One line worth keeping."""
        self.lines.append(message)

    def warn(self, finding: Finding) -> None:
        """Something to know in any case."""
        assert finding.hint
        self.lines.append(f"{finding.message}; {finding.hint}")


class Machine:
    """Everything that a lock is made with, in one folder."""

    def __init__(self, folder: Path, suite: str = "bookworm") -> None:
        self.folder, self.key = folder, make_key()
        self.system: System = SUITES[suite]
        self.project, self.wheels = folder / "project", folder / "project/wheels"
        self.wheels.mkdir(parents=True)
        self.heard = Heard()
        keys = folder / "keys"
        keys.mkdir()
        certificate = self.key.extract_certificate()
        (keys / "own.pgp").write_bytes(bytes(certificate))
        self.trust = Trust(
            fingerprints=frozenset({certificate.fingerprint}), folders=(keys,)
        )
        names = ("debian", "debian-security", "ubuntu", "ubuntu-ports")
        self.settings = Settings(
            store=folder / "store",
            mirrors={name: ((folder / name).as_uri(),) for name in names},
            pip=PipSettings(no_index=True),
            environ={"UV_CACHE_DIR": str(folder / "uv")},
            home=folder,
        )
        self.renew()

    def renew(self) -> None:
        """Fetch as the settings say now, into an empty store."""
        self.store = Store.open(Path(tempfile.mkdtemp(dir=self.folder)))
        self.fetcher = Fetcher(self.settings, self.store, retries=0)

    def signed(self, body: bytes) -> bytes:
        """Return a text signed as an InRelease is."""
        return bytes(sign(self.key.signer(), body, mode=SignatureMode.CLEAR))

    def offer(
        self,
        packages: Mapping[str, Mapping[str, str]],
        *,
        architecture: str = "amd64",
        place: int = 0,
        release: Mapping[str, str] | None = None,
        by_hash: bool = False,
        signed: bool = True,
        text: bytes | None = None,
    ) -> Path:
        """Publish packages in a suite of the OS release and return its InRelease.

        Args:
            packages: Fields of each by ``name`` or ``name=version``.
            architecture: Of the packages.
            place: Which of the release's suites: the main one, updates, security.
            release: Fields of the InRelease.
            by_hash: Put the index where its hash names it.
            signed: Whether anybody signs.
            text: Of the index, instead of what the packages say.
        """
        archive, suite = self.system.suites(architecture)[place]
        debs = [
            make_deb(
                self.folder / "in",
                name.partition("=")[0],
                name.partition("=")[2] or "1",
                control=fields,
                architecture=architecture,
                compression="zst" if self.system.distribution == "ubuntu" else "xz",
            )
            for name, fields in packages.items()
        ]
        return make_archive(
            self.folder / archive,
            suite,
            debs,
            self.key,
            architecture=architecture,
            release=release,
            by_hash=by_hash,
            signed=signed,
            packages=text,
        )

    def index(self, name: str = "Packages.xz") -> Path:
        """Where the index of the main suite lies."""
        archive, suite = self.system.suites("amd64")[0]
        return self.folder / archive / f"dists/{suite}/main/binary-amd64/{name}"

    def choose(
        self,
        *names: str,
        architecture: str = "amd64",
        previous: Sequence[Deb] = (),
        trust: Trust | None = None,
    ) -> tuple[Deb, ...]:
        """Return the OS packages that these names come to."""
        self.project.joinpath("firstlight.toml").write_text(
            f'python = "{self.system.python}"\n'
        )
        return apt.resolve(
            read_spec(self.project),
            self.settings,
            self.fetcher,
            self.store,
            platform=f"linux/{architecture}",
            packages=names,
            previous=previous,
            progress=self.heard,
            trust=trust or self.trust,
        )[1]

    def wheel(self, name: str, version: str, **more: Any) -> Path:
        """Put a wheel into the project's folder of wheels."""
        return make_wheel(self.wheels, name, version, **more)

    def spec(self, text: str) -> Spec:
        """Write the spec of the project, with its folder of wheels, and read it."""
        index = '\n[[index]]\nurl = "wheels"\nfind-links = true\n'
        self.project.joinpath("firstlight.toml").write_text(text + index)
        return read_spec(self.project)

    def lock(
        self, text: str, *, previous: Lock | None = None, upgrade: bool = False
    ) -> tuple[Lock, str, list[Finding]]:
        """Lock the project, and keep its ``pylock.toml`` as the command would."""
        made = make_lock(
            self.spec(text),
            self.settings,
            self.fetcher,
            self.store,
            folder=self.project,
            resolve_system=partial(apt.resolve, trust=self.trust),
            previous=previous,
            upgrade=upgrade,
            progress=self.heard,
        )
        (self.project / PYLOCK).write_text(made[1])
        return made
