"""Mounts at places an image does not have, in the real bubblewrap and a small root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from firstlight.digest import Digest
from firstlight.engine import bubblewrap
from firstlight.engine.base import ContainerPlan, Mount
from firstlight.engine.mountpoints import follow, lay_out
from firstlight.errors import EngineError
from firstlight.oci.model import Image

PROGRAMS = ("bash", "env", "ls", "cat", "touch", "bwrap")
NOTHING = Digest("sha256:" + "0" * 64)
IMAGE = Image(
    name="small", platform="linux/amd64", id=NOTHING, manifest=NOTHING, layers=()
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A merged-/usr root with programs of this machine, and links as images have."""
    if sys.platform != "linux" or not all(map(shutil.which, PROGRAMS)):
        pytest.skip("the sandbox runs on Linux, with bubblewrap")
    folder = tmp_path_factory.mktemp("root")
    loader, triplet = bubblewrap.LOADERS[
        "linux/arm64" if os.uname().machine == "aarch64" else "linux/amd64"
    ]
    files = {f"usr/{loader}": f"/{loader}"}
    for name in PROGRAMS:
        files[f"usr/bin/{name}"] = str(shutil.which(name))
        listed = subprocess.run(
            ["ldd", str(shutil.which(name))],
            capture_output=True,
            text=True,
            check=True,
        )
        for library in re.findall(r"=> (/\S+)", listed.stdout):
            files[f"usr/lib/{triplet}/{Path(library).name}"] = library
    for inside, source in files.items():
        (folder / inside).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, folder / inside)
    for name in ("proc", "sys", "dev", "tmp", "run", "var", "workspace", "usr/lib64"):
        (folder / name).mkdir(exist_ok=True)
    for name in ("bin", "lib", "lib64"):
        (folder / name).symlink_to(f"usr/{name}")
    (folder / "var/run").symlink_to("/run")
    (folder / "opt/venv").mkdir(parents=True)
    (folder / "opt/venv/there").write_text("of the image\n")
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of the host."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "file").write_text("of the host\n")
    return folder


def shell(
    root: Path, script: str, mounts: Sequence[Mount], top: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in a sandbox."""
    plan = ContainerPlan(
        image=IMAGE,
        command=("bash", "-c", script),
        environment={},
        mounts=tuple(mounts),
        folder="/",
    )
    return subprocess.run(
        bubblewrap.words(plan, root, (), top=top),
        env={"PATH": "/usr/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "target",
    [
        *("/data", "/a/b/c", "/opt/models", "/opt/venv/deep/er", "/usr/share/models"),
        *("/lib/models", "/var/run/models", "/tmp/models", "/workspace"),
    ],
)
def test_a_folder_appears_anywhere(root: Path, data: Path, target: str) -> None:
    done = shell(
        root,
        f"cat {target}/file /opt/venv/there && touch {target}/made",
        [Mount(source=data, target=target, writable=True)],
    )
    assert (done.stdout, done.stderr) == ("of the host\nof the image\n", "")
    assert (data / "made").exists()


def test_a_file_appears_too(root: Path, data: Path) -> None:
    mounts = [Mount(source=data / "file", target="/opt/conf/my.toml")]
    done = shell(root, "cat /opt/conf/my.toml; ls /opt", mounts)
    assert done.stdout == "of the host\nconf\nvenv\n"


def test_what_is_read_only_stays_so(root: Path, data: Path) -> None:
    mounts = [
        Mount(source=data, target="/data"),
        Mount(source=data, target="/opt/x", writable=True),
    ]
    places = ["/new", "/data/new", "/opt/new", "/opt/venv/new", "/usr/new"]
    done = shell(root, f"for p in {' '.join(places)}; do touch $p; done", mounts)
    assert done.stderr.count("Read-only file system") == len(places), done.stderr
    assert [path.name for path in data.iterdir()] == ["file"]


def test_the_root_on_disk_is_left_alone(root: Path, data: Path) -> None:
    before = sorted(root.rglob("*"))
    shell(root, "true", [Mount(source=data, target="/new/place", writable=True)])
    assert sorted(root.rglob("*")) == before


def test_nothing_that_the_root_has_is_lost(root: Path, data: Path) -> None:
    mounts = [Mount(source=data, target=f"{p}/zz") for p in ("", "/usr", "/opt/venv")]
    listed = "ls -1 / /usr /usr/bin /opt /opt/venv /lib/"
    plain = set(shell(root, listed, ()).stdout.split("\n"))
    assert set(shell(root, listed, mounts).stdout.split("\n")) == plain | {"zz"}
    links = shell(root, "ls -l /bin /var/run /lib", mounts).stdout
    assert re.findall(r"(\S+ -> \S+)", links) == [
        *("/bin -> usr/bin", "/lib -> usr/lib", "/var/run -> /run")
    ]


def test_an_inner_mount_is_made_in_the_outer_one(root: Path, data: Path) -> None:
    other = data.parent / "other"
    other.mkdir()
    (other / "inner").touch()
    mounts = [
        Mount(source=data, target="/data", writable=True),
        Mount(source=other, target="/data/other"),
    ]
    assert shell(root, "ls /data /data/other", mounts).stdout == (
        "/data:\nfile\nother\n\n/data/other:\ninner\n"
    )


def test_a_root_that_may_be_written_stays_so(
    root: Path, data: Path, tmp_path: Path
) -> None:
    top = tmp_path / "top"
    shutil.copytree(root, top, symlinks=True)
    mounts = [Mount(source=data, target="/data")]
    script = "cat /data/file && touch /usr/new /opt/venv/new /new"
    done = shell(root, script, mounts, top)
    assert (done.stdout, done.stderr) == ("of the host\n", "")
    assert (top / "usr/new").exists()
    assert (top / "opt/venv/new").exists()
    assert not (root / "usr/new").exists()


def test_a_root_with_every_place_is_mounted_as_it_is(root: Path, data: Path) -> None:
    laid = lay_out(root, [Mount(source=data, target="/opt/venv")])
    assert laid.before == ("--ro-bind", str(root), "/")
    assert laid.after == ()


def test_links_are_followed_inside_the_root(tmp_path: Path) -> None:
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "lib").symlink_to("/usr/lib")
    (tmp_path / "up").symlink_to("../../../usr")
    assert follow(tmp_path, "/lib/x/y") == tmp_path / "usr/lib/x/y"
    assert follow(tmp_path, "up/lib") == tmp_path / "usr/lib"
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(EngineError, match="circle"):
        follow(tmp_path, "/circle/x")
