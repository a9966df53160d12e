"""The peer: BuildKit's `docker build` of the same wheels, and a push to loopback.

It is treated well. The wheels come as a bind mount of the build context (a `COPY` would
add a layer of the same size), pip does not search an index, resolve or keep a cache,
and the base image is there before the clock starts.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measure import Measure, say, timed
from project import Project, link_wheels

__all__ = ["PODMAN", "Docker", "docker", "prepare", "registry"]

DOCKERFILE = """\
FROM benchmark-base
ENV PATH=/usr/local/bin:/usr/bin:/usr/sbin LC_ALL=C.UTF-8 PYTHONWARNINGS=ignore
RUN --mount=type=bind,target=/context \\
    PYTHONPATH=$(echo /context/pip/*.whl) python3.11 -m pip install {options} \\
    --no-index --no-cache-dir --no-deps \\
    --break-system-packages --root-user-action ignore \\
    --find-links /context/wheels -r /context/requirements.txt
"""
PODMAN = ("podman", "--runtime", "runc")
"""Its usual runtime refuses a machine whose cgroups are of both versions."""
SLASH = ("bin", "sbin", "lib", "lib64")


@dataclass(frozen=True, slots=True, kw_only=True)
class Docker:
    """A daemon of this benchmark's own."""

    words: tuple[str, ...]
    folder: Path

    def run(self, *words: object) -> Measure:
        """Run a docker command."""
        return timed([*self.words, *words], environ={"DOCKER_BUILDKIT": "1"})

    def build(self, context: Path) -> Measure:
        """Build the context anew."""
        self.run("builder", "prune", "-af")
        return self.run(
            *("build", "--no-cache", "--network", "none", "--progress", "plain"),
            *("-t", "benchmark", context),
        )

    def push(self) -> Measure:
        """Push what was built to an empty registry on loopback."""
        with registry(self.folder / "registry") as address:
            name = f"{address}/benchmark:{time.time_ns()}"
            self.run("tag", "benchmark", name)
            measure = self.run("push", name)
            self.run("rmi", name)
        shutil.rmtree(self.folder / "registry")
        return measure


def prepare(docker: Docker, project: Project, context: Path, options: str) -> None:
    """Import a base image from the locked `.deb`s and lay out the build context."""
    pins = link_wheels(project, context / "wheels")
    (context / "requirements.txt").write_text("\n".join(pins) + "\n")
    (context / "Dockerfile").write_text(DOCKERFILE.format(options=options))
    _pip(context)
    if not docker.run("images", "-q", "benchmark-base").stdout.strip():
        say("docker: importing a base image from the locked .debs")
        root, archive = docker.folder / "base", docker.folder / "base.tar"
        _unpack(project, root)
        timed(["tar", "-C", root, "-cf", archive, "."])
        docker.run("import", archive, "benchmark-base")
        shutil.rmtree(root)
        archive.unlink()


def _pip(context: Path) -> None:
    (context / "pip").mkdir(exist_ok=True)
    for wheel in (context / "wheels").glob("pip-*.whl"):
        (context / "pip" / wheel.name).hardlink_to(wheel)
        return
    timed(
        [
            "python3",
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "-d",
            context / "pip",
            "pip",
        ]
    )


def _unpack(project: Project, root: Path) -> None:
    for name in SLASH:
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    for name, digest in project.inputs().items():
        if name.endswith(".deb"):
            # Not dpkg -x: it would turn the links into folders.
            with subprocess.Popen(
                ["dpkg-deb", "--fsys-tarfile", project.blob(digest)],
                stdout=subprocess.PIPE,
            ) as source:
                command = ["tar", "-C", str(root), "-x", "--keep-directory-symlink"]
                subprocess.run(command, stdin=source.stdout, check=True)
    (root / "tmp").mkdir(mode=0o1777, exist_ok=True)


@contextmanager
def docker(folder: Path) -> Iterator[Docker]:
    """Start a daemon without a bridge in a folder of its own; stop it by its id."""
    folder.mkdir(parents=True)
    client = "/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker"
    tool = Docker(words=(client, "-H", f"unix://{folder}/sock"), folder=folder)
    command = [
        *("dockerd", "--data-root", folder / "data", "--exec-root", folder / "exec"),
        *("-H", f"unix://{folder}/sock", "--pidfile", folder / "pid"),
        *("--bridge=none", "--iptables=false", "--ip-forward=false"),
    ]

    def ready() -> bool:
        done = subprocess.run([*tool.words, "info"], capture_output=True, check=False)
        return done.returncode == 0

    with _daemon(command, folder / "log", ready):
        yield tool


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """Start a registry on loopback whose data are in this folder; say its address."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    config = folder / "config.yml"
    config.write_text(
        "version: 0.1\nlog: {level: warn, accesslog: {disabled: false}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder / 'data'}}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )

    def ready() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=2):
                return True
        except urllib.error.URLError:
            return False

    with _daemon(["docker-registry", "serve", config], folder / "log", ready):
        yield f"127.0.0.1:{port}"


@contextmanager
def _daemon(
    command: Sequence[object], log: Path, ready: Callable[[], bool]
) -> Iterator[None]:
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
                raise SystemExit(f"{words[0]}:\n{log.read_text()[-4000:]}")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
