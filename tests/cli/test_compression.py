"""``build --compression``: a layout whose layers are encoded, as processes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cli.started import SPEC, Ended, Firstlight
from encoding.esgz import check, embedded_toc, sha
from firstlight.digest import of_bytes
from firstlight.lock.spec import read_spec
from firstlight.lock.text import dump_lock
from firstlight.store import Store
from pack.hand_locks import Bench
from share.registries import MASTERS


@pytest.fixture
def build(firstlight: Firstlight, project: Path, tmp_path: Path) -> Firstlight:
    """Build a project of one wheel."""
    bench = Bench(project, Store.open(tmp_path / "store"))
    bench.deb("base-passwd", MASTERS)
    bench.wheel("alpha", {"alpha/__init__.py": "a = 1\n" * 500})
    (project / "firstlight.toml").write_text(SPEC)
    pylock = bench.pylock()
    lock = replace(
        bench.lock(), spec=read_spec(project).digest, pylock=of_bytes(pylock.encode())
    )
    (project / "firstlight.lock").write_text(dump_lock(lock))
    (project / "pylock.toml").write_text(pylock)

    def run(*arguments: str, **variables: str) -> Ended:
        return firstlight(
            *("--json", "build", "--platform", "linux/amd64", *arguments),
            FIRSTLIGHT_MIRROR_DEBIAN=(project / "archive").as_uri(),
            **variables,
        )

    return run


def told(done: Ended) -> dict[str, str]:
    """What it said of the image."""
    assert done.code == 0, done.out + done.err
    found: dict[str, str] = json.loads(done.out)
    return found


def index(folder: Path) -> dict[str, dict]:
    """The manifests of a layout by their tags."""
    found = json.loads((folder / "index.json").read_bytes())["manifests"]
    return {
        each["annotations"]["org.opencontainers.image.ref.name"]: json.loads(
            blob(folder, each["digest"])
        )
        for each in found
    }


def blob(folder: Path, digest: str) -> bytes:
    """A blob of a layout, which must be what it is called."""
    data = (folder / "blobs/sha256" / digest[7:]).read_bytes()
    assert sha(data) == digest
    return data


def test_zstd_gives_the_same_image(build: Firstlight, tmp_path: Path) -> None:
    plain = told(build())
    found = told(build("-o", "oci:layout", "--compression", "zstd"))
    assert (found["image_id"], found["name"]) == (plain["image_id"], plain["name"])
    assert found["manifest"] != plain["manifest"]
    (manifest,) = index(tmp_path / "project/layout").values()
    assert manifest["config"]["digest"] == plain["image_id"]
    for layer in manifest["layers"]:
        assert layer["mediaType"].endswith("+zstd")
        assert (
            blob(tmp_path / "project/layout", layer["digest"])[:4]
            == b"\x28\xb5\x2f\xfd"
        )


def test_the_tables_of_estargz_stand_beside_it(
    build: Firstlight, tmp_path: Path
) -> None:
    folder = tmp_path / "project/layout"
    name = told(build("-o", "oci:layout", "--compression", "estargz"))["name"]
    found = index(folder)
    assert set(found) == {name, f"{name}-esgztoc"}
    tables = found[f"{name}-esgztoc"]["layers"]
    assert [
        each["annotations"]["containerd.io/snapshot/stargz/layer.digest"]
        for each in tables
    ] == [each["digest"] for each in found[name]["layers"]]
    for each in tables:
        blob(folder, each["digest"])


def test_a_table_inside_gives_an_image_of_another_name(
    build: Firstlight, tmp_path: Path
) -> None:
    folder = tmp_path / "project/layout"
    plain = told(build())
    found = told(build("-o", "oci:layout", "--compression", "estargz-embedded"))
    assert found["name"] == f"{plain['name']}-estargz"
    assert found["image_id"] != plain["image_id"]
    for layer in index(folder)[found["name"]]["layers"]:
        data = blob(folder, layer["digest"])
        check(data, embedded_toc(data), 4 << 20)
    # What was built, and what the lock says, stays what it was.
    assert told(build())["image_id"] == plain["image_id"]


@pytest.mark.parametrize("output", [(), ("-o", "docker"), ("-o", "oci-archive:a.tar")])
def test_there_must_be_a_layout_for_it(
    build: Firstlight, output: tuple[str, ...]
) -> None:
    done = build("--compression", "zstd", *output)
    assert done.code == 2
    assert "has no place to write layers to" in done.out + done.err
    assert "push --compression" in done.out + done.err
