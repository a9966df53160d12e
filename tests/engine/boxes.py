"""A small image of this machine's own programs, and what runs in it in the sandbox."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from engine.small_images import member, symlink, tar
from firstlight.engine import bubblewrap
from firstlight.engine.base import HOME, WORKSPACE, ContainerPlan, HostCommand, Mount
from firstlight.engine.sandbox import SANDBOX
from firstlight.oci.model import Image
from firstlight.store import Store

PROGRAMS = ("bash", "ls", "cat", "id", "env", "sleep", "touch", "stty", "ps", "rm")
MACHINE = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}.get(platform.machine())
ENVIRONMENT = (("PATH", "/usr/bin"), ("LANG", "C.UTF-8"), ("FROM_IMAGE", "yes"))


@dataclass(frozen=True)
class Box:
    """An image that can run, with a project to run it on."""

    image: Image
    store: Store
    project: Path
    state: Path

    def plan(self, *command: str, **more) -> ContainerPlan:
        """What would run."""
        home = self.state / "home"
        home.mkdir(parents=True, exist_ok=True)
        more.setdefault("environment", {})
        return ContainerPlan(
            image=self.image,
            command=command,
            mounts=(
                Mount(source=self.project, target=WORKSPACE, writable=True),
                Mount(source=home, target=HOME, writable=True),
            ),
            **more,
        )

    def host_command(self, *command: str, **more) -> HostCommand:
        """The words that run it."""
        return SANDBOX.host_command(self.plan(*command, **more), self.store)

    def start(self, *command: str, **more) -> subprocess.CompletedProcess[str]:
        """Run it and take what it prints."""
        made = self.host_command(*command, **more)
        return subprocess.run(
            made.command,
            env=dict(made.environment),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )

    def shell(self, script: str, **more) -> subprocess.CompletedProcess[str]:
        """Run a line of shell."""
        return self.start("bash", "-c", script, **more)


def host_layer(bwrap: Path) -> bytes:
    """A merged-/usr root with a few programs of this machine and their libraries."""
    programs = {name: Path(shutil.which(name) or "") for name in PROGRAMS}
    programs["bwrap"] = bwrap
    loader, triplet = bubblewrap.LOADERS[str(MACHINE)]
    files = {f"usr/{loader}": Path("/") / loader}
    for name, path in programs.items():
        files[f"usr/bin/{name}"] = path
        listed = subprocess.run(["ldd", path], capture_output=True, text=True)
        for library in re.findall(r"=> (/\S+)", listed.stdout):
            files[f"usr/lib/{triplet}/{Path(library).name}"] = Path(library)
    return tar(
        *(symlink(name, f"usr/{name}") for name in ("bin", "lib", "lib64")),
        *(
            member(name, path.resolve().read_bytes(), mode=0o755)
            for name, path in sorted(files.items())
        ),
        member("etc/passwd", b"user:x:1000:1000::/home/user:/bin/bash\n"),
        member("etc/group", b"user:x:1000:\n"),
        member("usr/lib/keep", b""),
        member("usr/lib64/keep", b""),
    )
