from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from firstlight.config import Settings
from firstlight.digest import of_bytes
from firstlight.errors import ArtefactError
from firstlight.lock.lockfile import Stack, Wheel
from firstlight.lock.stack import check, read_stack, runs_on
from firstlight.net import Fetcher
from firstlight.store import Store
from lock.specs import make_spec

VERSION = "__version__ = '2.7.1+cu126'\ncuda: Optional[str] = '12.6'\n"
FLAGS = b"\x7fELF\0sm_75\0sm_50 sm_80 sm_90 compute_90\0more\0"


def torch_wheel(folder: Path, version: str = VERSION) -> Wheel:
    path = folder / "torch-2.7.1-cp311-cp311-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("torch/version.py", version)
        archive.writestr("torch/lib/libtorch_python.so", FLAGS)
    return wheel("torch", "2.7.1", path.name, path)


def wheel(
    name: str, version: str, filename: str = "", path: Path | None = None
) -> Wheel:
    data = path.read_bytes() if path else name.encode()
    return Wheel(
        name=name,
        version=version,
        filename=filename or f"{name.replace('-', '_')}-{version}-py3-none-any.whl",
        digest=of_bytes(data),
        url=path.as_uri() if path else "",
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


@pytest.fixture
def fetcher(tmp_path: Path, store: Store) -> Fetcher:
    return Fetcher(Settings(store=tmp_path / "store"), store)


def test_reads_the_stack_from_the_wheels(
    tmp_path: Path, fetcher: Fetcher, store: Store
) -> None:
    wheels = [
        torch_wheel(tmp_path),
        wheel("nvidia-cudnn-cu12", "9.5.1.17"),
        wheel("nvidia-nccl-cu12", "2.26.2"),
    ]
    assert read_stack(wheels, fetcher, store) == Stack(
        torch="2.7.1+cu126",
        cuda="12.6",
        cudnn="9.5.1.17",
        nccl="2.26.2",
        architectures=("sm_50", "sm_80", "sm_90"),
        ptx=("compute_90",),
        driver="525.60.13",
        glibc="2.28",
    )


def test_reads_a_wheel_once(tmp_path: Path, fetcher: Fetcher, store: Store) -> None:
    torch = torch_wheel(tmp_path)
    first = read_stack([torch], fetcher, store)
    (tmp_path / torch.filename).unlink()
    assert read_stack([torch], fetcher, store) == first


@pytest.mark.parametrize("version", ["", "__version__ = 3"])
def test_names_a_wheel_that_says_nothing(
    tmp_path: Path, fetcher: Fetcher, store: Store, version: str
) -> None:
    with pytest.raises(ArtefactError, match=r"torch-2\.7\.1-cp311"):
        read_stack([torch_wheel(tmp_path, version)], fetcher, store)


def test_names_a_wheel_that_is_no_archive(
    tmp_path: Path, fetcher: Fetcher, store: Store
) -> None:
    torch = torch_wheel(tmp_path)
    (tmp_path / torch.filename).write_bytes(b"not a zip")
    with pytest.raises(ArtefactError, match="cannot be read"):
        read_stack([torch], fetcher, store)


@pytest.mark.parametrize(
    ("gpu", "runs"),
    [("sm_80", True), ("sm_86", True), ("sm_75", False), ("sm_70", False)],
)
def test_code_runs_on_its_own_major_only(gpu: str, runs: bool) -> None:
    assert runs_on(Stack(architectures=("sm_80", "sm_90")), gpu) is runs


def test_ptx_runs_on_what_is_newer() -> None:
    stack = Stack(architectures=("sm_80",), ptx=("compute_90",))
    assert runs_on(stack, "sm_120")


def test_finds_parts_of_two_cudas() -> None:
    stack = Stack(torch="2.15.0+cu132", cuda="13.2")
    wheels = [
        wheel("nvidia-cuda-runtime", "13.2.86"),
        wheel("nvidia-nvjitlink", "13.5.37"),
    ]
    (found,) = check(make_spec(torch="2.15.0"), stack, wheels)
    assert found.code == "cuda.mixed"
    assert "nvidia-nvjitlink 13.5.37" in found.message
    assert "runtime" not in found.message


def test_finds_a_driver_and_a_gpu_that_are_too_old() -> None:
    stack = Stack(
        torch="2.15.0+cu132", cuda="13.2", architectures=("sm_75",), driver="580"
    )
    spec = make_spec(torch="2.15.0", gpus=["GTX 1080", "T4"], driver="550.54")
    codes = [each.code for each in check(spec, stack, [])]
    assert codes == ["target.gpu", "target.driver"]
