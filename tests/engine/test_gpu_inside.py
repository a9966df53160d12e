"""A real sandbox on a machine whose CDI specification names devices that are there.

Under the names of GPUs it gets `/dev/null` and `/dev/zero`, which everybody may open.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import firstlight
from engine.gpu_machines import VERSION, hook, mounted, on_machine, specify, write
from engine.small_images import image
from firstlight.engine.bubblewrap import LOADERS
from firstlight.engine.gpu import FOLDER
from firstlight.engine.unpack import root_path
from firstlight.oci.model import Image
from firstlight.store import Store

MACHINE = "linux/arm64" if platform.machine() in ("aarch64", "arm64") else "linux/amd64"
PROGRAMS = ("bwrap", "env", "bash", "cat", "stat", "head")
FOLDERS = ("proc", "sys", "dev", "tmp", "run", "workspace", "usr/local/nvidia", "etc")
START = """\
import json, sys
from pathlib import Path
from firstlight.engine.base import ContainerPlan
from firstlight.engine.sandbox import SANDBOX
from firstlight.oci.model import Image
from firstlight.store import Store

store, image, gpus, *command = sys.argv[1:]
plan = ContainerPlan(
    image=Image(**json.loads(image)), command=tuple(command), environment={}, gpus=gpus
)
sys.exit(SANDBOX.execute(plan, Store.open(Path(store))))
"""

pytestmark = [
    pytest.mark.skipif(
        not shutil.which("bwrap") or not shutil.which("unshare"),
        reason="needs Linux with bubblewrap and util-linux",
    ),
    pytest.mark.skipif(
        Path("/dev/nvidiactl").exists() or Path("/etc/cdi").exists(),
        reason="this machine has GPUs, or specifications, of its own",
    ),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of its own."""
    return Store.open(tmp_path_factory.mktemp("gpus") / "store")


@pytest.fixture(scope="module")
def box(store: Store) -> Image:
    """An image as if it were unpacked: a few of this machine's own programs."""
    made = image(store, [], platform=MACHINE, environment=[("PATH", "/usr/bin")])
    root = root_path(made, store)
    loader, triplet = LOADERS[MACHINE]
    files = {f"usr/{loader}": Path("/") / loader}
    for name in PROGRAMS:
        path = shutil.which(name)
        assert path, f"{name} is not here"
        files[f"usr/bin/{name}"] = Path(path)
        listed = subprocess.run(
            ["ldd", path], capture_output=True, text=True, check=True
        )
        for library in re.findall(r"=> (/\S+)", listed.stdout):
            files[f"usr/lib/{triplet}/{Path(library).name}"] = Path(library)
    for folder in (*FOLDERS, "usr/lib", "usr/lib64"):
        (root / folder).mkdir(parents=True)
    for name, path in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path.resolve(), root / name)
    for name in ("bin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    for name in ("etc/hosts", "etc/resolv.conf"):
        (root / name).touch()
    return made


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A GPU and two parts of another; a library, a program, a folder for sockets."""
    library = write(tmp_path / f"libcuda.so.{VERSION}", "driver")
    write(tmp_path / "bin/nvidia-smi", "#!/usr/bin/bash\necho told\n").chmod(0o755)
    (tmp_path / "mps").mkdir()

    def device(name: str, *nodes: tuple[str, str]) -> dict[str, Any]:
        made = [{"path": path, "hostPath": f"/dev/{real}"} for path, real in nodes]
        return {"name": name, "containerEdits": {"deviceNodes": made}}

    writable = {"hostPath": f"{tmp_path}/mps", "containerPath": "/tmp/nvidia-mps"}
    return specify(
        tmp_path,
        "nvidia.yaml",
        devices=[
            device("0", ("/dev/nvidia0", "zero")),
            device("1:0", ("/dev/nvidia1", "null"), ("/dev/nvidia-caps/cap3", "null")),
            device("1:1", ("/dev/nvidia1", "null"), ("/dev/nvidia-caps/cap4", "zero")),
        ],
        containerEdits={
            "deviceNodes": [{"path": "/dev/nvidiactl", "hostPath": "/dev/null"}],
            "env": ["NVIDIA_VISIBLE_DEVICES=void", "CUDA_VISIBLE_DEVICES=0"],
            "mounts": [
                {**mounted(str(library)), "containerPath": f"/usr/lib/{library.name}"},
                {**mounted(f"{tmp_path}/bin/nvidia-smi"), "containerPath": "/bin/smi"},
                writable,
            ],
            "hooks": [
                hook("create-symlinks", "--link", "libcuda.so.1::/usr/lib/libcuda.so")
            ],
        },
    )


def start(
    spec: Path, box: Image, store: Store, gpus: str, script: str
) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in the sandbox."""
    described = {
        name: getattr(box, name) for name in ("name", "platform", "id", "manifest")
    }
    words = [sys.executable, "-P", "-c", START, str(store.root)]
    words += [json.dumps(described | {"layers": []}), gpus, "bash", "-c", script]
    return subprocess.run(
        [*on_machine(spec), *words],
        env={**os.environ, "PYTHONPATH": str(Path(firstlight.__file__).parents[1])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_chosen_devices_work_inside_and_no_others_are_there(
    spec: Path, box: Image, store: Store
) -> None:
    listing = "cd /dev; echo nvidia* nvidia-caps/*; stat -c %t:%T nvidia?; "
    opens = "head -c 3 nvidia? > null && echo opens"
    done = start(spec, box, store, "0", listing + opens)
    assert done.stdout.splitlines() == [
        "nvidia0 nvidiactl nvidia-caps/*",
        "1:5",
        "opens",
    ], done.stderr
    done = start(spec, box, store, "mig1:1", listing + opens)
    assert done.stdout.splitlines() == [
        "nvidia-caps nvidia1 nvidiactl nvidia-caps/cap4",
        "1:3",
        "opens",
    ], done.stderr


def test_driver_files_appear_under_each_name_and_cannot_be_changed(
    spec: Path, box: Image, store: Store
) -> None:
    done = start(
        spec,
        box,
        store,
        "all",
        f"cd {FOLDER}; cat lib64/libcuda.so lib64/libcuda.so.1; echo; bin/smi;"
        "echo x > lib64/libcuda.so.1; echo open > /tmp/nvidia-mps/made;"
        'echo "$LD_LIBRARY_PATH $PATH";'
        'echo "$NVIDIA_VISIBLE_DEVICES ${CUDA_VISIBLE_DEVICES-unset}"',
    )
    assert done.stdout.splitlines() == [
        "driverdriver",
        "told",
        f"{FOLDER}/lib64 /usr/bin:{FOLDER}/bin",
        "void unset",
    ], done.stderr
    assert "Read-only file system" in done.stderr
    assert (spec.parent / "mps/made").read_text() == "open\n"


def test_a_gpu_that_is_not_there_is_told_with_those_that_are(
    spec: Path, box: Image, store: Store
) -> None:
    done = start(spec, box, store, "1", "true")
    assert done.returncode != 0
    assert "no NVIDIA GPU matches gpus='1': there are 0, 1:0, 1:1" in done.stderr
