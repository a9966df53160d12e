"""Machines with NVIDIA GPUs, made up of files: devices, libraries, specifications."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

LIBRARIES = "usr/lib/x86_64-linux-gnu"
VERSION = "550.54.14"
UUIDS = (
    "GPU-8d1ab9b4-c6a5-4c9c-9d4c-0d4d4f1b2a10",
    "GPU-f2b5c1d0-3e7a-4b8e-8a54-6f0c9b7e5d21",
)
PARTS = (
    "MIG-1c1f9c2e-5a5e-5d0b-9a8e-2f6f3b1d7c01",
    "MIG-7be0c0aa-94f1-5f9d-8d2c-3c9be1f2a902",
)


def write(path: Path, text: str = "") -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def program(path: Path, output: str) -> Path:
    """Write a program that prints something for each of its first options."""
    write(path, f"#!/bin/sh\n{output}\n").chmod(0o755)
    return path


def two_gpus(host: Path) -> Path:
    """A machine with two GPUs and the driver where its installer puts it."""
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null"):
        write(host / "dev" / name)
    write(host / "dev/nvidia-caps/nvidia-cap1")
    for stem, soname in [
        ("libcuda", "1"),
        ("libnvidia-ml", "1"),
        ("libnvidia-nvvm", "4"),
        ("libnvidia-eglcore", VERSION),
        ("libnvidia-gpucomp", VERSION),
    ]:
        file = write(host / LIBRARIES / f"{stem}.so.{VERSION}")
        link = file.with_name(f"{stem}.so.{soname}")
        if link != file:
            link.symlink_to(file.name)
    write(host / LIBRARIES / "libc.so.6")
    write(host / "usr/bin/nvidia-smi")
    return host


def tell(host: Path, minors: Sequence[int] = (0, 1)) -> None:
    """Let the kernel module tell of GPUs, in the order of the bus, by file number."""
    for place, (minor, uuid) in enumerate(zip(minors, UUIDS, strict=False)):
        write(
            host / f"proc/driver/nvidia/gpus/0000:{place + 1:02x}:00.0/information",
            "Model: \t\t NVIDIA A100-SXM4-40GB\n"
            f"IRQ:   \t\t 9{place}\n"
            f"GPU UUID: \t {uuid}\n"
            f"Bus Location: \t 0000:{place + 1:02x}:00.0\n"
            f"Device Minor: \t {minor}\n",
        )


def split(host: Path) -> None:
    """Split the first GPU, device file 1, into two parts (MIG)."""
    for instance, files in ((1, (12, 13)), (5, (48, 49))):
        folder = host / f"proc/driver/nvidia/capabilities/gpu1/mig/gi{instance}"
        for file, place in zip(files, ("access", "ci0/access"), strict=True):
            text = (
                f"DeviceFileMinor: {file}\nDeviceFileMode: 444\nDeviceFileModify: 1\n"
            )
            write(folder / place, text)
            write(host / f"dev/nvidia-caps/nvidia-cap{file}")
    parts = "".join(
        f"<mig_device><index>{index}</index><gpu_instance_id>{instance}"
        "</gpu_instance_id><compute_instance_id>0</compute_instance_id></mig_device>"
        for index, instance in enumerate((1, 5))
    )
    report = (
        '<?xml version="1.0" ?>'
        '<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd"><nvidia_smi_log>'
        f"<gpu><minor_number>1</minor_number><mig_devices>{parts}</mig_devices></gpu>"
        "<gpu><minor_number>0</minor_number><mig_devices>None</mig_devices></gpu>"
        "</nvidia_smi_log>"
    )
    listed = (
        f"GPU 0: NVIDIA A100-SXM4-40GB (UUID: {UUIDS[0]})\\n"
        f"  MIG 3g.20gb     Device  0: (UUID: {PARTS[0]})\\n"
        f"  MIG 2g.10gb     Device  1: (UUID: {PARTS[1]})\\n"
        f"GPU 1: NVIDIA A100-SXM4-40GB (UUID: {UUIDS[1]})\\n"
    )
    program(
        host / "usr/bin/nvidia-smi",
        f"case $1 in -L) printf '{listed}';; -q) printf '%s' '{report}';; esac",
    )


def mounted(path: str) -> dict[str, Any]:
    """A mount as `nvidia-ctk` writes it."""
    options = ["ro", "nosuid", "nodev", "rbind", "rprivate"]
    return {"hostPath": path, "containerPath": path, "options": options}


def hook(*words: str) -> dict[str, Any]:
    """A hook as `nvidia-ctk` writes it."""
    return {
        "hookName": "createContainer",
        "path": "/usr/bin/nvidia-cdi-hook",
        "args": ["nvidia-cdi-hook", *words],
        "env": ["NVIDIA_CTK_DEBUG=false"],
    }


def device(name: str, *paths: str) -> dict[str, Any]:
    """A device with its device files."""
    nodes = [{"path": path} for path in paths]
    return {"name": name, "containerEdits": {"deviceNodes": nodes}}


def specification(**changes: Any) -> dict[str, Any]:
    """Two whole GPUs, by index and UUID, and all of them, as `nvidia-ctk` writes it."""
    library = f"/{LIBRARIES}/libcuda.so.{VERSION}"
    spec = {
        "cdiVersion": "0.5.0",
        "kind": "nvidia.com/gpu",
        "devices": [
            device("0", "/dev/nvidia0"),
            device("1", "/dev/nvidia1"),
            device(UUIDS[0], "/dev/nvidia0"),
            device(UUIDS[1], "/dev/nvidia1"),
            device("all", "/dev/nvidia0", "/dev/nvidia1"),
        ],
        "containerEdits": {
            "env": ["NVIDIA_VISIBLE_DEVICES=void"],
            "deviceNodes": [{"path": "/dev/nvidiactl"}, {"path": "/dev/absent"}],
            "mounts": [mounted(library)],
            "hooks": [
                hook(
                    "create-symlinks",
                    "--link",
                    f"libcuda.so.1::/{LIBRARIES}/libcuda.so",
                ),
                hook("update-ldcache", "--folder", f"/{LIBRARIES}"),
            ],
        },
    }
    return {**spec, **changes}


def specify(host: Path, file: str = "etc/cdi/nvidia.yaml", **changes: Any) -> Path:
    """Write a specification in the language that the file's name says."""
    spec = specification(**changes)
    as_json = file.endswith(".json")
    text = json.dumps(spec) if as_json else f"---\n{yaml.safe_dump(spec)}"
    return write(host / file, text)


def on_machine(specification: Path) -> tuple[str, ...]:
    """Words before a command: for it, the machine has this CDI specification.

    Mounts of its own need no right but that to user namespaces, as the sandbox does.
    """
    script = (
        'mount -t tmpfs none /run && mkdir /run/cdi && cp "$0" /run/cdi && exec "$@"'
    )
    unshare = ("unshare", "--user", "--map-root-user", "--mount")
    return (*unshare, "bash", "-c", script, str(specification))
