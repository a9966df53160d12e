"""The environment that pages are compared with is that of the spec and its lock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from firstlight.cli.docs_environment import environment_of
from firstlight.digest import of_bytes
from firstlight.finding import Finding
from firstlight.lock.lockfile import Lock, PlatformLock, Stack
from firstlight.lock.spec import read_spec
from firstlight.lock.text import dump_lock

SPEC = """\
name = "demo"
python = "3.11"
torch = "2.7.1"
packages = ["einops"]

[workspace.ports]
jupyter = 8890
ssh = 0

[share]
image = "registry.example.org/team/demo"
"""
PYLOCK = """\
lock-version = "1.0"

[[packages]]
name = "einops"
version = "0.8.1"

[[packages]]
name = "torch"
version = "2.7.1+cu126"
"""


def lock_of(folder: Path) -> Lock:
    """A lock that belongs to the spec in a folder."""
    return Lock(
        name="demo",
        spec=read_spec(folder).digest,
        pylock=of_bytes(PYLOCK.encode()),
        python="3.11",
        suite="bookworm",
        profile="train",
        direct=("einops", "torch"),
        environment=(),
        archives=(),
        platforms=(
            PlatformLock(
                platform="linux/amd64",
                packages=of_bytes(b"wheels"),
                stack=Stack(torch="2.7.1+cu126", cuda="12.6", cudnn="9.5.1.17"),
                debs=(),
                image_id=of_bytes(b"image"),
                manifest=of_bytes(b"manifest"),
            ),
        ),
    )


def write(folder: Path, lock: Lock) -> None:
    (folder / "pylock.toml").write_text(PYLOCK, encoding="utf-8")
    (folder / "firstlight.lock").write_text(dump_lock(lock), encoding="utf-8")


def test_a_folder_without_a_spec_has_no_environment(tmp_path: Path) -> None:
    assert environment_of(tmp_path) is None
    (tmp_path / "firstlight.toml").write_text("[docs]\n", encoding="utf-8")
    assert environment_of(tmp_path) is None


def test_a_spec_alone_says_what_it_asks_for(tmp_path: Path) -> None:
    (tmp_path / "firstlight.toml").write_text(SPEC, encoding="utf-8")
    found = environment_of(tmp_path)
    assert found is not None
    assert found.name == "demo"
    assert found.image == "registry.example.org/team/demo"
    assert found.ports == (("jupyter", 8890),)
    assert found.versions == (("python", "3.11"), ("torch", "2.7.1"))
    assert (found.workspace, found.home, found.user) == (
        "/workspace",
        "/home/user",
        "user",
    )
    assert found.tags == found.digests == ()


def test_a_range_is_no_version(tmp_path: Path) -> None:
    text = SPEC.replace('"2.7.1"', '">=2.6,<3"')
    (tmp_path / "firstlight.toml").write_text(text, encoding="utf-8")
    found = environment_of(tmp_path)
    assert found is not None
    assert found.versions == (("python", "3.11"),)


def test_the_lock_says_what_is_inside(tmp_path: Path) -> None:
    (tmp_path / "firstlight.toml").write_text(SPEC, encoding="utf-8")
    write(tmp_path, lock_of(tmp_path))
    found = environment_of(tmp_path)
    assert found is not None
    assert found.versions == (
        ("python", "3.11"),
        ("torch", "2.7.1+cu126"),
        ("cuda", "12.6"),
        ("cudnn", "9.5.1.17"),
        ("einops", "0.8.1"),
    )
    assert found.digests == (str(of_bytes(b"image")), str(of_bytes(b"manifest")))
    (tag,) = found.tags
    assert tag.startswith("torch2.7.1-cu126-cudnn9.5-py3.11-bookworm-")


def test_a_stale_lock_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "firstlight.toml").write_text(SPEC, encoding="utf-8")
    write(tmp_path, replace(lock_of(tmp_path), spec=of_bytes(b"another")))
    found = environment_of(tmp_path)
    assert found is not None
    assert found.versions == (("python", "3.11"), ("torch", "2.7.1"))


def test_what_is_wrong_is_told_and_stops_nothing(tmp_path: Path) -> None:
    told: list[Finding] = []
    path = tmp_path / "firstlight.toml"
    path.write_text('python = "2.7"\n', encoding="utf-8")
    assert environment_of(tmp_path, told.append) is None
    path.write_text(SPEC, encoding="utf-8")
    (tmp_path / "firstlight.lock").write_text("lock-version = 99\n", encoding="utf-8")
    assert environment_of(tmp_path, told.append) is not None
    assert [finding.code for finding in told] == ["docs.environment"] * 2
    assert all("not compared" in finding.message for finding in told)
