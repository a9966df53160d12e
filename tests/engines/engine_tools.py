"""What the engine tests talk to: commands, a project to build, a written layout."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import firstlight

__all__ = [
    "Tool",
    "Project",
    "Built",
    "LEAN",
    "read_layout",
    "tables",
    "seeding",
    "no_network",
    "unlinked",
    "daemon",
]

SPEC = """\
name = "accept"
python = "3.11"
packages = ["einops=={einops}", "numpy==2.2.6", "requests==2.32.3"]
"""
LEAN = """\
name = "lean"
python = "3.11"
packages = ["einops=={einops}", "numpy==2.2.6"]
profile = "serve"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A command with its fixed arguments; `run` gives stdout or fails with both."""

    words: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: object, timeout: float = 600) -> str:
        """Run to a good end and return stdout; the failure shows all that was said."""
        done = self.attempt(*arguments, timeout=timeout)
        assert done.returncode == 0, (
            f"{' '.join(done.args)}\nexit {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done.stdout

    def attempt(
        self, *arguments: object, timeout: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """Run to any end."""
        return subprocess.run(
            [*self.words, *map(str, arguments)],
            env={**os.environ, **self.environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder with a spec and a store; runs firstlight there as its own process."""

    folder: Path
    store: Path
    python: Path = Path(sys.executable)

    @classmethod
    def make(
        cls, folder: Path, *, store: Path | None = None, einops: str, spec: str = SPEC
    ) -> Project:
        """Write the spec of the small image into a new folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "firstlight.toml").write_text(spec.format(einops=einops))
        return cls(folder=folder, store=store or folder.parent / f"{folder.name}-store")

    @property
    def command(self) -> tuple[str, ...]:
        """How firstlight is started under this project's Python."""
        return (
            str(self.python),
            "-c",
            "import sys; from firstlight.cli import main; sys.exit(main())",
        )

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a run: this store, no colours, one locale."""
        return {
            **os.environ,
            "FIRSTLIGHT_STORE": str(self.store),
            "NO_COLOR": "1",
            "PYTHONPATH": str(Path(firstlight.__file__).parents[1]),
        }

    def attempt(
        self,
        *arguments: object,
        environ: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> subprocess.CompletedProcess[str]:
        """Run firstlight to any end."""
        return subprocess.run(
            [*prefix, *self.command, *map(str, arguments)],
            cwd=self.folder,
            env={**self.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )

    def run(
        self,
        *arguments: object,
        environ: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> str:
        """Run firstlight to a good end and return stdout."""
        done = self.attempt(*arguments, environ=environ, prefix=prefix)
        assert done.returncode == 0, (
            f"firstlight {' '.join(map(str, arguments))}\nexit {done.returncode}\n"
            f"{done.stdout}{done.stderr}"
        )
        return done.stdout

    def build(
        self,
        layout: Path,
        *,
        environ: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> Built:
        """Build into an OCI layout and read it back, every blob checked."""
        self.run("build", "-o", f"oci:{layout}", environ=environ, prefix=prefix)
        return read_layout(layout)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start firstlight in its own process group and do not wait."""
        return subprocess.Popen(
            [*self.command, *arguments],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def copy(self, folder: Path, store: Path) -> Project:
        """The same spec and lock in another folder, with another store."""
        shutil.copytree(self.folder, folder)
        return Project(folder=folder, store=store, python=self.python)

    def inputs(self) -> dict[str, tuple[str, int | None]]:
        """File name -> digest and size of every wheel and `.deb` the lock names."""
        wanted: dict[str, tuple[str, int | None]] = {}
        lock = tomllib.loads((self.folder / "firstlight.lock").read_text())
        for deb in tables(lock, "digest", "filename"):
            wanted[Path(str(deb["filename"])).name] = (
                _hex(str(deb["digest"])),
                int(str(deb["size"])),
            )
        pylock = tomllib.loads((self.folder / "pylock.toml").read_text())
        for package in pylock["packages"]:
            for wheel in package.get("wheels", ()):
                name = wheel.get("name") or str(wheel.get("url", wheel.get("path")))
                wanted[name.rsplit("/", 1)[-1]] = (
                    wheel["hashes"]["sha256"],
                    wheel.get("size"),
                )
        return wanted

    def seed(self, target: Path, *, facts: Sequence[str] = ()) -> Path:
        """A new store with the inputs, by hard links, and nothing else.

        Args:
            target: Its folder, which is returned.
            facts: Kinds of facts that it knows from this store.
        """
        digests = [digest for digest, _ in self.inputs().values()]
        paths = [Path("blobs/sha256") / digest for digest in digests]
        for kind in facts:
            paths += [Path("facts") / kind / f"{digest}.json" for digest in digests]
        for path in paths:
            if (self.store / path).exists():
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                os.link(self.store / path, target / path)
        return target


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An image as its OCI layout tells it."""

    layout: Path
    archive: Path
    tag: str

    @property
    def manifest_digest(self) -> str:
        """The digest that the layout's index names."""
        index = json.loads((self.layout / "index.json").read_bytes())
        return str(index["manifests"][0]["digest"])

    @property
    def manifest(self) -> dict[str, object]:
        """The manifest itself."""
        found: dict[str, object] = json.loads(self.blob(self.manifest_digest))
        return found

    @property
    def image_id(self) -> str:
        """The digest of the config."""
        config = self.manifest["config"]
        assert isinstance(config, dict)
        return str(config["digest"])

    def blob(self, digest: str) -> bytes:
        """The bytes of a blob of the layout."""
        name = digest.removeprefix("sha256:")
        return (self.layout / "blobs" / "sha256" / name).read_bytes()


def read_layout(layout: Path) -> Built:
    """Read what a build wrote; every blob must be what its name says."""
    for blob in (layout / "blobs" / "sha256").glob("[!.]*"):
        with blob.open("rb") as stream:
            assert hashlib.file_digest(stream, "sha256").hexdigest() == blob.name
    index = json.loads((layout / "index.json").read_bytes())
    tag = index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"]
    built = Built(layout=layout, archive=Path(), tag=tag)
    for layer in json.loads(built.blob(built.manifest_digest))["layers"]:
        name = layer["digest"].removeprefix("sha256:")
        assert (layout / "blobs/sha256" / name).stat().st_size == layer["size"]
    return built


def tables(value: object, *keys: str) -> Iterator[dict[str, object]]:
    """Every table, however deep, that has all of the keys."""
    if isinstance(value, dict):
        if all(key in value for key in keys):
            yield value
        for inner in value.values():
            yield from tables(inner, *keys)
    elif isinstance(value, list):
        for inner in value:
            yield from tables(inner, *keys)


def unlinked(path: Path) -> Path:
    """Give a hard-linked file a body of its own that may be written; return it."""
    own = path.with_name(f"{path.name}.own")
    shutil.copy2(path, own)
    own.chmod(0o644)
    own.replace(path)
    return path


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")


@contextmanager
def seeding(project: Project, workspace: Path) -> Iterator[Callable[[], Project]]:
    """Make projects with a store of their own, which holds the inputs and no layer."""
    folders: list[Path] = []

    def make() -> Project:
        folder = Path(tempfile.mkdtemp(prefix="seeded-", dir=workspace))
        folder.chmod(0o755)
        folders.append(folder)
        for old in folders[:-4]:
            shutil.rmtree(old, ignore_errors=True)
        return project.copy(folder / "project", store=project.seed(folder / "store"))

    yield make
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def no_network() -> tuple[str, ...]:
    """Return options of a Docker daemon that leaves this machine's network alone.

    Without a bridge it removes the one of a daemon that is at work here already.
    """
    has_one = Path("/sys/class/net/docker0").exists()
    bridge = "docker0" if has_one else "none"
    return (f"--bridge={bridge}", "--iptables=false", "--ip-forward=false")


@contextmanager
def daemon(
    command: Sequence[object], log: Path, ready: Callable[[], bool]
) -> Iterator[None]:
    """Run a process of its own group until the block ends; stop it by its id."""
    words = [str(word) for word in command]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 60
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{words[0]}:\n{log.read_text()[-4000:]}")
            time.sleep(0.1)
        yield
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
