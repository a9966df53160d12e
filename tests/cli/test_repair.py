"""``firstlight cache check --repair``: what was damaged or lost comes back."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli.started import SPEC, Ended, Firstlight
from firstlight.digest import Digest, of_bytes
from firstlight.lock.lockfile import Lock
from firstlight.lock.spec import read_spec
from firstlight.lock.text import dump_lock, parse_lock
from firstlight.store import Store
from pack.hand_locks import AMD64, Bench
from registry_server import Registry, serving_registry

MASTERS = {
    "usr/share/base-passwd/passwd.master": b"root:*:0:0:root:/root:/bin/bash\n",
    "usr/share/base-passwd/group.master": b"root:*:0:\nshadow:*:42:\n",
}


@pytest.fixture
def bench(tmp_path: Path, project: Path) -> Bench:
    """A locked project, not built, whose packages lie in a folder of it."""
    bench = Bench(project, Store.open(tmp_path / "store"))
    bench.deb("base-passwd", MASTERS)
    bench.wheel("alpha", {"alpha/__init__.py": "a = 1\n" * 500})
    (project / "firstlight.toml").write_text(SPEC)
    write_lock(bench)
    return bench


def write_lock(bench: Bench) -> None:
    """Lock the packages as they are, for the spec as it is."""
    pylock = bench.pylock()
    spec = read_spec(bench.folder).digest
    lock = replace(bench.lock(), spec=spec, pylock=of_bytes(pylock.encode()))
    (bench.folder / "firstlight.lock").write_text(dump_lock(lock))
    (bench.folder / "pylock.toml").write_text(pylock)


@pytest.fixture
def here(firstlight: Firstlight, bench: Bench) -> Firstlight:
    """firstlight, which knows where packages are."""
    mirror = (bench.folder / "archive").as_uri()

    def run(*words: str) -> Ended:
        return firstlight(*words, FIRSTLIGHT_MIRROR_DEBIAN=mirror, FIRSTLIGHT_JOBS="2")

    return run


def told(here: Firstlight, *words: str) -> dict[str, Any]:
    """What a command says for machines."""
    done = here("--json", *words)
    assert done.code == 0, done.out + done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def locked(bench: Bench) -> Lock:
    """The lock as the build completed it."""
    return parse_lock((bench.folder / "firstlight.lock").read_text(), "it")


def damage(bench: Bench, digest: str) -> None:
    """Alter a byte as a disk would, so that nothing but hashing can tell."""
    path = bench.store.path(Digest(digest))
    found = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.chmod(0o644)
    path.write_bytes(data)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def kinds(found: dict[str, Any]) -> dict[str, str]:
    """What was repaired by what it is, and from where it came."""
    return {item["kind"]: item["source"] for item in found["repaired"]}


def test_nothing_is_wrong_and_nothing_is_done(here: Firstlight, bench: Bench) -> None:
    told(here, "build")
    found = told(here, "cache", "check", "--repair")
    assert (found["damaged"], found["lost"], found["repaired"]) == ([], [], [])


def test_everything_that_was_damaged_comes_back(here: Firstlight, bench: Bench) -> None:
    built = told(here, "build")
    blobs = {path.name for path in (bench.store.root / "blobs/sha256").iterdir()}
    for name in blobs:
        damage(bench, f"sha256:{name}")
    found = told(here, "cache", "check", "--repair")
    assert set(found["damaged"]) == blobs
    assert {item["digest"][7:] for item in found["repaired"]} >= {
        layer["digest"][7:] for layer in built["layers"]
    } | {built["image_id"][7:], built["manifest"][7:]}
    assert kinds(found) == {
        "layer": "made anew",
        "document": "made anew",
        "wheel": "this machine",
        "package": "this machine",
    }
    after = told(here, "cache", "check", "--repair")
    assert (after["damaged"], after["lost"], after["repaired"]) == ([], [], [])
    again = told(here, "build", "--output", f"oci:{bench.folder}/layout")
    assert again["manifest"] == built["manifest"]


def test_a_lost_wheel_is_fetched_although_the_image_is_whole(
    here: Firstlight, bench: Bench
) -> None:
    told(here, "build")
    (wheel,) = bench.selected()
    bench.store.path(wheel.digest).unlink()
    found = told(here, "cache", "check", "--repair")
    assert found["lost"] == [wheel.digest[7:]]
    assert found["repaired"] == [
        {
            "kind": "wheel",
            "name": wheel.filename,
            "digest": wheel.digest,
            "source": "this machine",
        }
    ]
    assert bench.store.has(wheel.digest)


def test_documents_need_no_package(here: Firstlight, bench: Bench) -> None:
    built = told(here, "build")
    shutil.rmtree(bench.folder / "archive")
    shutil.rmtree(bench.folder / "wheels")
    for digest in (built["image_id"], built["manifest"]):
        damage(bench, digest)
    found = told(here, "cache", "check", "--repair")
    assert kinds(found) == {"document": "written anew"}
    assert told(here, "build")["manifest"] == built["manifest"]


def test_a_file_that_cannot_be_had_is_told(here: Firstlight, bench: Bench) -> None:
    told(here, "build")
    (wheel,) = bench.selected()
    damage(bench, wheel.digest)
    shutil.rmtree(bench.folder / "wheels")
    done = here("cache", "check", "--repair")
    assert done.code == 6, done.out + done.err
    assert wheel.filename in done.err
    assert "Traceback" not in done.err


def test_a_project_without_a_lock_is_told_before_anything_is_hashed(
    firstlight: Firstlight, project: Path
) -> None:
    done = firstlight("cache", "check", "--repair")
    assert (done.code, done.out) == (4, "")
    assert "hint: run `firstlight lock`" in done.err


def test_an_image_that_was_never_here_is_not_made(
    here: Firstlight, bench: Bench
) -> None:
    found = told(here, "cache", "check", "--repair")
    assert found["repaired"] == []
    assert not any((bench.store.root / "blobs/sha256").iterdir())


# From a registry


@pytest.fixture
def registry() -> Iterator[Registry]:
    """An empty registry."""
    with serving_registry() as found:
        yield found


@pytest.fixture
def pushed(here: Firstlight, bench: Bench, registry: Registry) -> dict[str, Any]:
    """The project's image, built and sent; its packages can be had no more."""
    image = f"{registry.host}/team/demo"
    spec = f'{SPEC}[target]\nplatforms = ["{AMD64}"]\n[share]\nimage = "{image}"\n'
    (bench.folder / "firstlight.toml").write_text(spec)
    write_lock(bench)
    built = told(here, "build")
    told(here, "push")
    (wheel,) = bench.selected()
    bench.store.path(wheel.digest).unlink()
    (bench.store.root / "facts/stamp" / f"{wheel.digest[7:]}.json").unlink()
    shutil.rmtree(bench.folder / "wheels")
    return built


def test_a_layer_comes_from_the_registry_and_only_that(
    here: Firstlight, bench: Bench, registry: Registry, pushed: dict[str, Any]
) -> None:
    layer = max(pushed["layers"], key=lambda layer: int(layer["size"]))
    damage(bench, layer["digest"])
    before = len(registry.requests)
    found = told(here, "cache", "check", "--repair")
    assert found["repaired"] == [
        {
            "kind": "layer",
            "name": layer["title"],
            "digest": layer["digest"],
            "source": f"{registry.host}/team/demo",
        }
    ]
    got = [a for a in registry.requests[before:] if a.method == "GET" and a.sent]
    assert [a.path for a in got if "/blobs/" in a.path] == [
        f"/v2/team/demo/blobs/{layer['digest']}"
    ]
    assert all(part.image_id == pushed["image_id"] for part in locked(bench).platforms)
    assert told(here, "build")["manifest"] == pushed["manifest"]


def test_without_the_registry_the_layer_is_made_anew(
    here: Firstlight, bench: Bench, registry: Registry, pushed: dict[str, Any]
) -> None:
    bench.wheel("alpha", {"alpha/__init__.py": "a = 1\n" * 500})
    registry.holds.clear()
    layer = max(pushed["layers"], key=lambda layer: int(layer["size"]))
    damage(bench, layer["digest"])
    found = told(here, "cache", "check", "--repair")
    assert kinds(found) == {"layer": "made anew"}
    assert told(here, "build")["manifest"] == pushed["manifest"]
